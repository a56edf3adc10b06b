/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM on arm64 without a CPU: what vCPUs are made of, some of their registers
 * and their performance monitor. Linux: Documentation/virt/kvm/api.rst,
 * Documentation/virt/kvm/devices/vcpu.rst, arch/arm64/kvm/{arm,guest,reset}.c.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/kvm_arm64.h"

#define CORE(member) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 KVM_REG_ARM_CORE_REG(member))
#define CCSIDR(sel) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX | \
	 KVM_REG_ARM_DEMUX_ID_CCSIDR | (sel))
#define MPIDR_EL1	ARM64_SYS_REG(3, 0, 0, 0, 5)
#define CLIDR_EL1	ARM64_SYS_REG(3, 1, 0, 0, 1)
#define CORE_REGS	(sizeof(struct kvm_regs) / 8)

/* struct fake_vcpu's arch. */
struct vcpu_arch {
	struct kvm_vcpu_init init;
	unsigned int inits;
	bool sve_final;
	bool pmu_irq, pmu_ready;
	uint64_t core[CORE_REGS];
};

int kvm_arch_extension(const struct fake_kvm *kvm, unsigned long cap)
{
	const struct fake_host *host = &world->host;
	const struct kvm_arch *arch = kvm ? kvm->arch : NULL;

	switch (cap) {
	case KVM_CAP_MSI_DEVID:
		return arch && arch->its;
	case KVM_CAP_ARM_VM_IPA_SIZE:
		return FAKE_PHYS_BITS;
	case KVM_CAP_ARM_SVE:
		return host->sve;
	case KVM_CAP_ARM_PTRAUTH_ADDRESS:
	case KVM_CAP_ARM_PTRAUTH_GENERIC:
		return host->pauth;
	case KVM_CAP_ARM_PMU_V3:
		return host->pmu;
	case KVM_CAP_MAX_VCPUS:
		return arch && arch->version == 2 ? 8 : 64;
	}
	return -1;
}

int kvm_arch_vm_create(struct fake_kvm *kvm, unsigned long type)
{
	/* Without, 40 bits. */
	if (type & ~KVM_VM_TYPE_ARM_IPA_SIZE_MASK || type > FAKE_PHYS_BITS ||
	    (type && type < 32))
		return -EINVAL;
	kvm->arch = zalloc(sizeof(struct kvm_arch));
	return 0;
}

void kvm_arch_vm_release(struct fake_kvm *kvm)
{
	struct kvm_arch *arch = kvm->arch;

	free(arch->regs);
	free(arch);
}

/* ---- the VM ------------------------------------------------------------- */

static int irq_line(const struct fake_kvm *kvm, const struct kvm_irq_level *arg)
{
	const struct kvm_arch *arch = kvm->arch;
	uint32_t id = arg->irq & KVM_ARM_IRQ_NUM_MASK;

	if (!kvm->irqchip)
		return -ENXIO;
	/* A GICv2 starts by itself then, and no vCPU can be created any more. */
	if (!arch->ready)
		violation("a line is driven before the GIC is started");
	if (arg->irq >> KVM_ARM_IRQ_TYPE_SHIFT != KVM_ARM_IRQ_TYPE_SPI ||
	    id < 32 || id >= arch->interrupts)
		return -EINVAL;
	return 0;
}

int kvm_arch_vm_ioctl(struct fake_kvm *kvm, unsigned long request, void *arg)
{
	struct kvm_vcpu_init *init = arg;

	if (!kvm)
		return -ENOTTY;
	switch (request) {
	case KVM_IRQ_LINE:
		return irq_line(kvm, arg);
	case KVM_ENABLE_CAP:
		return ((struct kvm_enable_cap *)arg)->cap ==
			KVM_CAP_ARM_NISV_TO_USER ? 0 : -EINVAL;
	case KVM_ARM_PREFERRED_TARGET:
		memset(init, 0, sizeof(*init));
		init->target = KVM_ARM_TARGET_GENERIC_V8;
		return 0;
	}
	return -ENOTTY;
}

/* ---- vCPUs -------------------------------------------------------------- */

int kvm_arch_vcpu_create(struct fake_vcpu *vcpu)
{
	struct kvm_arch *arch = vcpu->kvm->arch;

	if (arch->ready)
		return -EBUSY;	/* the GIC knows how many there are */
	if (vcpu->id >= ARRAY_SIZE(arch->vcpus) || arch->vcpus[vcpu->id])
		return -EINVAL;
	arch->vcpus[vcpu->id] = vcpu;
	vcpu->arch = zalloc(sizeof(struct vcpu_arch));
	return 0;
}

void kvm_arch_vcpu_release(struct fake_vcpu *vcpu)
{
	free(vcpu->arch);
}

static uint32_t features_there(void)
{
	const struct fake_host *host = &world->host;

	return BIT(KVM_ARM_VCPU_POWER_OFF) | BIT(KVM_ARM_VCPU_PSCI_0_2) |
		(host->pmu ? BIT(KVM_ARM_VCPU_PMU_V3) : 0) |
		(host->sve ? BIT(KVM_ARM_VCPU_SVE) : 0) |
		(host->pauth ? BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) |
			       BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC) : 0);
}

/* All vCPUs are alike, but for being on; pointer authentication is one. */
static int vcpu_init(struct fake_vcpu *vcpu, const struct kvm_vcpu_init *arg)
{
	struct vcpu_arch *arch = vcpu->arch;
	struct kvm_arch *all = vcpu->kvm->arch;
	uint32_t features = arg->features[0] & ~BIT(KVM_ARM_VCPU_POWER_OFF);
	uint32_t pauth = features & (BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) |
				     BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC));

	if (arg->target != KVM_ARM_TARGET_GENERIC_V8 ||
	    features & ~features_there() ||
	    (pauth && !(pauth & (pauth - 1))) ||
	    (all->features_set && all->features != features))
		return -EINVAL;
	all->features_set = true;
	all->features = features;
	arch->init = *arg;
	arch->inits++;
	memset(arch->core, 0, sizeof(arch->core));
	return 0;
}

static int finalize(struct vcpu_arch *arch, int32_t feature)
{
	if (feature != KVM_ARM_VCPU_SVE || !arch->inits ||
	    !(arch->init.features[0] & BIT(KVM_ARM_VCPU_SVE)))
		return -EINVAL;
	if (arch->sve_final)
		return -EPERM;
	arch->sve_final = true;
	return 0;
}

static uint64_t mpidr(const struct fake_vcpu *vcpu)
{
	return BIT(31) | (vcpu->id & 0xf) | (uint64_t)(vcpu->id >> 4) << 8;
}

/* L1 of 32 KiB each, 4 and 2 ways; L2 of 1 MiB, 16 ways; lines of 64 bytes. */
static uint32_t ccsidr(unsigned int sel)
{
	static const uint32_t there[] = {
		2 | 3 << 3 | 127 << 13, 2 | 1 << 3 | 255 << 13,
		2 | 15 << 3 | 1023 << 13,
	};

	return world->host.cache_sizes ? there[sel] : 2;
}

static int one_reg(struct fake_vcpu *vcpu, const struct kvm_one_reg *reg,
		   bool set)
{
	struct vcpu_arch *arch = vcpu->arch;
	uint64_t *value = (uint64_t *)(uintptr_t)reg->addr;
	uint64_t core = reg->id - CORE(regs.regs[0]);

	if (!arch->inits)
		return -ENOEXEC;
	if (core / 2 < CORE_REGS && core % 2 == 0) {
		if (set)
			arch->core[core / 2] = *value;
		else
			*value = arch->core[core / 2];
		return 0;
	}
	if (set)
		return -EINVAL;
	if (reg->id >= CCSIDR(0) && reg->id < CCSIDR(3)) {
		*(uint32_t *)value = ccsidr(reg->id - CCSIDR(0));
		return 0;
	}
	if (reg->id == MPIDR_EL1)
		*value = mpidr(vcpu);
	else if (reg->id == CLIDR_EL1)
		*value = 3 | 4 << 3;
	else if (reg->id == ARM64_SYS_REG(3, 0, 5, 2, 0) ||
		 reg->id == ARM64_SYS_REG(3, 0, 6, 0, 0))
		*value = 0;
	else
		return -ENOENT;
	return 0;
}

static int vcpu_attr(struct fake_vcpu *vcpu, const struct kvm_device_attr *arg)
{
	struct vcpu_arch *arch = vcpu->arch;

	if (arg->group != KVM_ARM_VCPU_PMU_V3_CTRL)
		return -ENXIO;
	if (!(arch->init.features[0] & BIT(KVM_ARM_VCPU_PMU_V3)))
		return -ENODEV;
	if (arch->pmu_ready)
		return -EBUSY;
	if (arg->attr == KVM_ARM_VCPU_PMU_V3_IRQ) {
		int32_t irq = *(int32_t *)(uintptr_t)arg->addr;

		if (irq < 16 || irq > 31)
			return -EINVAL;
		arch->pmu_irq = true;
		return 0;
	}
	if (arg->attr != KVM_ARM_VCPU_PMU_V3_INIT || !arch->pmu_irq)
		return -ENXIO;
	if (!((struct kvm_arch *)vcpu->kvm->arch)->ready)
		return -ENODEV;
	arch->pmu_ready = true;
	return 0;
}

int kvm_arch_vcpu_ioctl(struct fake_vcpu *vcpu, unsigned long request,
			void *arg)
{
	switch (request) {
	case KVM_ARM_VCPU_INIT:
		return vcpu_init(vcpu, arg);
	case KVM_ARM_VCPU_FINALIZE:
		return finalize(vcpu->arch, *(int32_t *)arg);
	case KVM_GET_ONE_REG:
		return one_reg(vcpu, arg, false);
	case KVM_SET_ONE_REG:
		return one_reg(vcpu, arg, true);
	case KVM_SET_DEVICE_ATTR:
		return vcpu_attr(vcpu, arg);
	}
	return -ENOTTY;
}

static struct fake_vcpu *nth_vcpu(unsigned int nth)
{
	struct kvm_arch *arch = world->kvms ? world->kvms->arch : NULL;

	return arch && nth < ARRAY_SIZE(arch->vcpus) ? arch->vcpus[nth] : NULL;
}

uint64_t fake_vcpu_reg(unsigned int nth, uint64_t id)
{
	uint64_t value = ~0ULL;
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	one_reg(nth_vcpu(nth), &reg, false);
	return value;
}

unsigned int fake_vcpu_inits(unsigned int nth)
{
	return ((struct vcpu_arch *)nth_vcpu(nth)->arch)->inits;
}

uint32_t fake_vcpu_features(unsigned int nth)
{
	return ((struct vcpu_arch *)nth_vcpu(nth)->arch)->init.features[0];
}
