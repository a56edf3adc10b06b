/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the board wants to know of vCPUs, for the device tree; private to
 * arch/arm64. Linux: Documentation/virt/kvm/api.rst, KVM_ARM_VCPU_INIT and
 * KVM_GET_ONE_REG; Arm: DDI 0487, CLIDR_EL1 and CCSIDR_EL1.
 */
#ifndef ARCH_ARM64_VCPU_H
#define ARCH_ARM64_VCPU_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

struct vcpu;
struct vm;

/* Registers, as vcpu_get_reg() names them. */
#define CORE_REG(member) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 KVM_REG_ARM_CORE_REG(member))
#define REG_X(n)	(CORE_REG(regs.regs[0]) + 2 * (n))
#define REG_SP		CORE_REG(regs.sp)
#define REG_PC		CORE_REG(regs.pc)
#define REG_PSTATE	CORE_REG(regs.pstate)
#define REG_SP_EL1	CORE_REG(sp_el1)
#define REG_ELR_EL1	CORE_REG(elr_el1)
#define REG_MPIDR_EL1	ARM64_SYS_REG(3, 0, 0, 0, 5)
#define REG_ESR_EL1	ARM64_SYS_REG(3, 0, 5, 2, 0)
#define REG_FAR_EL1	ARM64_SYS_REG(3, 0, 6, 0, 0)

/*
 * vcpu_mpidr - the affinity fields of MPIDR_EL1, Aff3 in bits 39 to 32: the
 * reg of the processor's node. Valid once vcpus_create() is done.
 */
uint64_t vcpu_mpidr(const struct vcpu *vcpu);

/*
 * vcpu_get_reg - register @id (KVM_REG_...) of @vcpu into @value, as many bytes
 * as the id says. -errno.
 */
int vcpu_get_reg(const struct vcpu *vcpu, uint64_t id, void *value);

enum vcpu_cache_type {
	VCPU_CACHE_INSTRUCTION = 1,
	VCPU_CACHE_DATA = 2,
	VCPU_CACHE_UNIFIED = 4,
};

struct vcpu_cache {
	unsigned int level;	/* from 1 */
	enum vcpu_cache_type type;
	uint32_t size;		/* bytes; 0: KVM does not tell */
	uint32_t line;		/* bytes; likewise */
	uint32_t sets;		/* likewise */
};

#define VCPU_CACHES 14		/* 7 levels, each in two */

/*
 * vcpu_caches - fill @caches, VCPU_CACHES of them, with what @vcpu says of its
 * caches, by level, and return their number: 0 where KVM does not tell.
 */
unsigned int vcpu_caches(const struct vcpu *vcpu, struct vcpu_cache *caches);

/* vm_has_pmu - whether vCPUs have a performance monitor: --cpu-features. */
bool vm_has_pmu(const struct vm *vm);

/* vm_ipa_bits - how many bits a guest-physical address of @vm may have. */
unsigned int vm_ipa_bits(const struct vm *vm);

#endif
