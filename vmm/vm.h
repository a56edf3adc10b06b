/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine: everything a device may reach, and its life cycle.
 *
 * Lock order: pci (rw) -> device mutex -> irqs -> mem. To stop: vm_stop()
 * from any thread; the main thread then kicks and joins the vCPUs. Nothing
 * else is asynchronous.
 */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <stdatomic.h>

#include "vmm/bus.h"
#include "vmm/config.h"
#include "vmm/device.h"
#include "vmm/irq.h"
#include "vmm/kvm.h"
#include "vmm/loop.h"
#include "vmm/mem.h"
#include "vmm/status.h"
#include "vmm/vcpu.h"

struct board;
struct control;
struct events;
struct hotplug;
struct iommu;

enum vm_state {
	VM_RUNNING,
	VM_RESETTING,	/* the guest asked for a reset */
	VM_STOPPING,
};

struct vm {
	const struct config *cfg;
	struct kvm kvm;
	struct mem mem;
	struct bus mmio;
	struct bus pio;
	struct irqs irqs;
	struct loop loop;
	struct device *devices;		/* newest first */
	struct vcpu *vcpus;
	unsigned int nr_vcpus;
	struct iommu *iommu;		/* of assigned devices, or NULL */
	struct board *board;		/* arch/<a>/board.c's own */
	_Atomic int state;		/* enum vm_state */
	int status;			/* exit status, once VM_STOPPING */
	struct events *events;		/* --events, or NULL */
	struct control *control;	/* --control, or NULL */
	struct hotplug *hotplug;	/* --hotplug, or NULL */
	_Atomic bool paused;		/* vCPUs stay out; main thread's */
	uint64_t started;		/* time_now(), for who asks control.c */
	unsigned int resets;
};

/*
 * vm_create - build the machine that @cfg describes, ready to run. Prints its
 * errors; on failure nothing is left behind.
 */
int vm_create(struct vm *vm, const struct config *cfg);
void vm_destroy(struct vm *vm);

/*
 * vm_run - run until the guest, the user or a failure ends it; guest resets
 * are served within unless cfg->once. Returns the exit status.
 */
int vm_run(struct vm *vm);

/*
 * vm_stop - end the run with exit status @status; the first call decides.
 * vm_reset - the guest asked for a reset. Any thread.
 */
void vm_stop(struct vm *vm, int status);
void vm_reset(struct vm *vm);

/*
 * vm_pause - all vCPUs out of the guest, and no further than that: the clock
 * and assigned devices go on. vm_resume - back in; where that cannot be done
 * the machine stops. Main thread, while vm_run() is on; twice is as once.
 */
void vm_pause(struct vm *vm);
int vm_resume(struct vm *vm);

/* vm_paused - whether no vCPU is to run for now. */
static inline bool vm_paused(const struct vm *vm)
{
	return IS_ENABLED(CONFIG_CONTROL) && vm->paused;
}

#endif
