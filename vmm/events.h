/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to the machine, told to a program: one JSON object a line, to
 * the file that --events names. Nothing waits for whoever reads: what a pipe
 * or socket has no room for is dropped, and the next event that finds room
 * says how many were, as "lost".
 *
 * Each has "event", its kind, and "us", CLOCK_MONOTONIC in microseconds:
 *
 *	device	an assigned device was attached: name, id, guest (where it is)
 *	removed	a device that had a slot (--hotplug) was given back: name
 *	started	the virtual processors are about to run: pid, version, cpus,
 *		memory, kernel, create_us (the time it took to get there)
 *	running	the guest has come back for the first time, so its first
 *		instructions are done: since_start_us
 *	reset	the guest was reset
 *	paused, resumed
 *	panic	the guest says that it has crashed
 *	crash	a virtual processor has: vcpu, why, exit_reason, registers
 *	stop	the end: reason, status (as the exit status), signal
 */
#ifndef VMM_EVENTS_H
#define VMM_EVENTS_H

#include "vmm/util.h"

struct vm;
struct vcpu;

#if IS_ENABLED(CONFIG_EVENTS)
/*
 * events_create - open what vm->cfg->events names, if it does; first of all,
 * the clock of create_us starts here. Prints its errors.
 */
int events_create(struct vm *vm);
void events_destroy(struct vm *vm);

/*
 * Any thread; nothing happens without --events.
 * events_device - @id is "1234:11e8", @guest "00:01.0" or an address; NULL
 * where there is no such thing.
 */
void events_device(struct vm *vm, const char *name, const char *id,
		   const char *guest);
void events_removed(struct vm *vm, const char *name);
void events_started(struct vm *vm);
void events_returned(struct vcpu *vcpu);	/* from each KVM_RUN */
void events_plain(struct vm *vm, const char *kind);
void events_crash(struct vcpu *vcpu, const char *why);
void events_stop(struct vm *vm, int status);
#else
static inline int events_create(struct vm *vm)
{
	return 0;
}

static inline void events_destroy(struct vm *vm)
{
}

static inline void events_device(struct vm *vm, const char *name,
				 const char *id, const char *guest)
{
}

static inline void events_removed(struct vm *vm, const char *name)
{
}

static inline void events_started(struct vm *vm)
{
}

static inline void events_returned(struct vcpu *vcpu)
{
}

static inline void events_plain(struct vm *vm, const char *kind)
{
}

static inline void events_crash(struct vcpu *vcpu, const char *why)
{
}

static inline void events_stop(struct vm *vm, int status)
{
}
#endif

#endif
