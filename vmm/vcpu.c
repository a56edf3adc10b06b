/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vCPU threads; see vcpu.h. A thread is made to leave KVM_RUN by setting
 * immediate_exit, for the case that it is about to enter, and by a signal,
 * for the case that it is inside. Linux: Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/arch.h"
#include "vmm/events.h"
#include "vmm/log.h"
#include "vmm/sandbox.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

static void run_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	struct bus *bus = &vcpu->vm->pio;
	unsigned int size = run->io.size, i;
	uint64_t val;

	for (i = 0; i < run->io.count; i++, data += size) {
		val = 0;
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&val, data, size);
			bus_write(bus, run->io.port, val, size);
		} else {
			val = bus_read(bus, run->io.port, size);
			memcpy(data, &val, size);
		}
	}
}

static void mmio_access(struct vcpu *vcpu, uint64_t addr, uint8_t *data,
			unsigned int len, bool write)
{
	struct bus *bus = &vcpu->vm->mmio;
	uint64_t val = 0;

	if (write) {
		memcpy(&val, data, len);
		bus_write(bus, addr, val, len);
	} else {
		val = bus_read(bus, addr, len);
		memcpy(data, &val, len);
	}
}

/* KVM cuts accesses at pages, which leaves odd lengths: byte by byte then. */
static void run_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	unsigned int len = run->mmio.len, i;

	if (len && !(len & (len - 1))) {
		mmio_access(vcpu, run->mmio.phys_addr, run->mmio.data, len,
			    run->mmio.is_write);
		return;
	}
	for (i = 0; i < len; i++)
		mmio_access(vcpu, run->mmio.phys_addr + i, run->mmio.data + i,
			    1, run->mmio.is_write);
}

static void crashed(struct vcpu *vcpu, const char *why)
{
	log_err("vcpu %u: %s (exit reason %u)", vcpu->id, why,
		vcpu->run->exit_reason);
	arch_vcpu_dump(vcpu);
	events_crash(vcpu, why);
	vm_stop(vcpu->vm, STATUS_CRASH);
}

static void system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_stop(vcpu->vm, STATUS_OK);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_reset(vcpu->vm);
		break;
	default:
		events_plain(vcpu->vm, "panic");
		crashed(vcpu, "the guest reports a crash");
	}
}

/* Only its own thread counts, so nothing needs to be locked. */
static void count_exit(struct vcpu *vcpu)
{
	unsigned int reason = vcpu->run->exit_reason;
	enum exit_kind kind = reason == KVM_EXIT_IO ? EXIT_IO :
		reason == KVM_EXIT_MMIO ? EXIT_MMIO : EXIT_OTHER;

	atomic_store_explicit(&vcpu->exits[kind], vcpu->exits[kind] + 1,
			      memory_order_relaxed);
}

static void handle_exit(struct vcpu *vcpu)
{
	if (IS_ENABLED(CONFIG_CONTROL))
		count_exit(vcpu);
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO:
		run_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		run_mmio(vcpu);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		system_event(vcpu);
		break;
	case KVM_EXIT_SHUTDOWN:
		crashed(vcpu, "triple fault");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		crashed(vcpu, "the processor refuses the guest's state");
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		crashed(vcpu, "KVM cannot emulate the guest's instruction");
		break;
	default:
		if (!arch_vcpu_exit(vcpu))
			crashed(vcpu, "unhandled exit");
	}
}

static void run_failed(struct vcpu *vcpu, int err)
{
	if (err == -EFAULT) {	/* a page behind guest memory is gone */
		crashed(vcpu, "access to memory that the host took away");
		return;
	}
	log_err("vcpu %u: KVM_RUN: %s", vcpu->id, err_text(err));
	vm_stop(vcpu->vm, STATUS_KERNEL);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	int err;

	snprintf(vcpu->name, sizeof(vcpu->name), "vcpu%u", vcpu->id);
	sys_thread_name(vcpu->name);
	sandbox_thread(vcpu->vm->cfg, SANDBOX_VCPU);
	trace(TRACE_VCPU, "vcpu %u starts", vcpu->id);
	while (vcpu->vm->state == VM_RUNNING && !vm_paused(vcpu->vm)) {
		err = sys_run(vcpu->fd);
		if (!err) {
			events_returned(vcpu);
			handle_exit(vcpu);
		} else if (err != -EINTR && err != -EAGAIN) {
			run_failed(vcpu, err);
		}
	}
	trace(TRACE_VCPU, "vcpu %u leaves", vcpu->id);
	return NULL;
}

static void kicked(int sig)
{
	(void)sig;	/* its arrival is all that counts */
}

static int kick_signal(void)
{
	return SIGRTMIN;
}

static int vcpu_open(struct vcpu *vcpu, struct vm *vm, unsigned int id)
{
	void *run;
	int err;

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->fd = sys_ioctl_num(vm->kvm.vm_fd, KVM_CREATE_VCPU, id);
	if (vcpu->fd < 0) {
		log_err("vcpu %u: cannot create: %s", id, err_text(vcpu->fd));
		return vcpu->fd;
	}
	err = sys_mmap(&run, NULL, vm->kvm.run_size, PROT_READ | PROT_WRITE,
		       MAP_SHARED, vcpu->fd, 0);
	if (err < 0)
		goto close_fd;
	vcpu->run = run;
	err = arch_vcpu_create(vcpu);
	if (err < 0)
		goto unmap_run;
	return 0;

unmap_run:
	sys_munmap(run, vm->kvm.run_size);
close_fd:
	sys_close(vcpu->fd);
	return err;
}

static void vcpu_close(struct vcpu *vcpu)
{
	arch_vcpu_destroy(vcpu);
	sys_munmap(vcpu->run, vcpu->vm->kvm.run_size);
	sys_close(vcpu->fd);
}

static int check_count(struct vm *vm)
{
	unsigned int max = kvm_cap(&vm->kvm, KVM_CAP_MAX_VCPUS);

	if (vm->cfg->cpus <= max)
		return 0;
	log_err("cpus: %u asked for, this host's KVM has at most %u",
		vm->cfg->cpus, max);
	return -ERANGE;
}

int vcpus_create(struct vm *vm)
{
	struct sigaction act = { .sa_handler = kicked };
	int err = check_count(vm);

	if (err < 0)
		return err;
	sigaction(kick_signal(), &act, NULL);
	vm->vcpus = calloc(vm->cfg->cpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return -ENOMEM;
	while (vm->nr_vcpus < vm->cfg->cpus) {
		err = vcpu_open(&vm->vcpus[vm->nr_vcpus], vm, vm->nr_vcpus);
		if (err < 0) {
			vcpus_destroy(vm);
			return err;
		}
		vm->nr_vcpus++;
	}
	return 0;
}

void vcpus_destroy(struct vm *vm)
{
	while (vm->nr_vcpus)
		vcpu_close(&vm->vcpus[--vm->nr_vcpus]);
	free(vm->vcpus);
	vm->vcpus = NULL;
}

int vcpus_start(struct vm *vm)
{
	struct vcpu *vcpu;
	int err;

	for (vcpu = vm->vcpus; vcpu < vm->vcpus + vm->nr_vcpus; vcpu++) {
		vcpu->run->immediate_exit = 0;
		err = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		if (err) {
			log_err("vcpu %u: cannot start a thread: %s", vcpu->id,
				err_text(err));
			vm_stop(vm, STATUS_KERNEL);
			vcpus_stop(vm);
			return -err;
		}
		vcpu->started = true;
	}
	return 0;
}

void vcpus_stop(struct vm *vm)
{
	struct vcpu *vcpu, *end = vm->vcpus + vm->nr_vcpus;

	for (vcpu = vm->vcpus; vcpu < end; vcpu++) {
		if (!vcpu->started)
			continue;
		vcpu->run->immediate_exit = 1;
		pthread_kill(vcpu->thread, kick_signal());
	}
	for (vcpu = vm->vcpus; vcpu < end; vcpu++) {
		if (vcpu->started)
			pthread_join(vcpu->thread, NULL);
		vcpu->started = false;
	}
}

int vcpus_reset(struct vm *vm)
{
	unsigned int i;
	int err;

	for (i = 0; i < vm->nr_vcpus; i++) {
		err = arch_vcpu_reset(&vm->vcpus[i]);
		if (err < 0) {
			log_err("vcpu %u: cannot set its state: %s", i,
				err_text(err));
			return err;
		}
	}
	return 0;
}
