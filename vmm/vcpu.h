/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual processors: one thread each, which runs KVM_RUN and hands what
 * leaves the guest to the buses.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vm;
struct kvm_run;

/* What exits there are, for who counts them. */
enum exit_kind {
	EXIT_IO,
	EXIT_MMIO,
	EXIT_OTHER,
	EXIT_KINDS
};

struct vcpu {
	struct vm *vm;
	unsigned int id;
	char name[8];		/* of its thread */
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool started;
	void *arch;		/* arch/<a>/vcpu.c's own */
	_Atomic uint64_t exits[EXIT_KINDS]; /* with CONFIG_CONTROL */
};

/*
 * vcpus_create - create @vm's vCPUs in their power-on state, remembered for
 * vcpus_reset(). Prints its errors.
 */
int vcpus_create(struct vm *vm);
void vcpus_destroy(struct vm *vm);

/* vcpus_start - start the threads. vcpus_stop - make them leave, and join. */
int vcpus_start(struct vm *vm);
void vcpus_stop(struct vm *vm);

/* vcpus_reset - back to the power-on state; threads are stopped. */
int vcpus_reset(struct vm *vm);

#endif
