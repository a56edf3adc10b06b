/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What CPUID tells a vCPU: all that the host's KVM supports, with topology
 * and APIC id made to fit the machine. Intel SDM volume 2A, CPUID; AMD APM
 * volume 3, appendix E.
 */
#ifndef ARCH_X86_CPUID_H
#define ARCH_X86_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>

struct vcpu;
struct vm;

/*
 * cpuid_create - read what KVM supports, once for all that follows. Prints
 * its errors.
 */
int cpuid_create(struct vm *vm);
void cpuid_destroy(struct vm *vm);

/*
 * cpuid_setup - give @vcpu its CPUID: one package of vm->cfg->cpus cores
 * with a thread each, APIC ids counting from 0 as in the MADT. Nested
 * virtualization is hidden. Prints its errors.
 */
int cpuid_setup(struct vcpu *vcpu);

/*
 * cpuid_phys_bits - width of a guest-physical address on this host, 36 where
 * KVM does not say.
 */
unsigned int cpuid_phys_bits(const struct vm *vm);

/* cpuid_fit - the pure part: change @table for processor @id of @cpus. */
void cpuid_fit(struct kvm_cpuid2 *table, unsigned int id, unsigned int cpus,
	       bool tsc_deadline);

#endif
