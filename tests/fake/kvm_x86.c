/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM on x86: CPUID and the interrupt controllers; of the rest only that it
 * is there. Linux: Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_priv.h"

#define KVM_MAX_CPUID_ENTRIES 256	/* Linux: asm/kvm_host.h */

/* struct fake_kvm's arch. */
struct arch {
	unsigned int apic_ids[64];	/* by order of KVM_SET_CPUID2 */
	unsigned int nr_apic_ids;
};

int kvm_arch_extension(const struct fake_kvm *kvm, unsigned long cap)
{
	(void)kvm;
	return cap == KVM_CAP_MSI_DEVID ? 0 : -1;
}

int kvm_arch_vm_create(struct fake_kvm *kvm, unsigned long type)
{
	if (type)
		return -EINVAL;
	kvm->arch = zalloc(sizeof(struct arch));
	return 0;
}

void kvm_arch_vm_release(struct fake_kvm *kvm)
{
	free(kvm->arch);
}

static int supported_cpuid(struct kvm_cpuid2 *table)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .eax = 0xb },
		{ .function = 1, .ebx = 0xff000000 },
		{ .function = 0xb, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX },
		{ .function = 0x80000008, .eax = FAKE_PHYS_BITS },
	};

	if (table->nent < ARRAY_SIZE(entries))
		return -E2BIG;
	memcpy(table->entries, entries, sizeof(entries));
	table->nent = ARRAY_SIZE(entries);
	return 0;
}

static int set_cpuid(struct arch *arch, const struct kvm_cpuid2 *table)
{
	unsigned int i;

	if (table->nent > KVM_MAX_CPUID_ENTRIES)
		return -E2BIG;
	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == 1 &&
		    arch->nr_apic_ids < ARRAY_SIZE(arch->apic_ids))
			arch->apic_ids[arch->nr_apic_ids++] =
				table->entries[i].ebx >> 24;
	return 0;
}

int fake_apic_id(unsigned int nth)
{
	const struct arch *arch = world->kvms ? world->kvms->arch : NULL;

	return arch && nth < arch->nr_apic_ids ? (int)arch->apic_ids[nth] : -1;
}

/* What is asked of /dev/kvm has no @kvm. */
int kvm_arch_vm_ioctl(struct fake_kvm *kvm, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_GET_SUPPORTED_CPUID:
		return supported_cpuid(arg);
	case KVM_CREATE_IRQCHIP:
		if (!world->host.kvm_irqchip)
			return -EINVAL;
		kvm->irqchip = true;
		return 0;
	case KVM_IRQ_LINE:
		return kvm->irqchip ? 0 : -ENXIO;
	}
	return 0;
}

int kvm_arch_vcpu_create(struct fake_vcpu *vcpu)
{
	(void)vcpu;
	return 0;
}

void kvm_arch_vcpu_release(struct fake_vcpu *vcpu)
{
	(void)vcpu;
}

int kvm_arch_vcpu_ioctl(struct fake_vcpu *vcpu, unsigned long request,
			void *arg)
{
	return request == KVM_SET_CPUID2 ? set_cpuid(vcpu->kvm->arch, arg) : 0;
}

int kvm_arch_device_create(struct fake_kvm *kvm, struct kvm_create_device *arg)
{
	(void)kvm;
	(void)arg;
	return -ENODEV;
}

int kvm_arch_device_ioctl(struct file *file, unsigned long request, void *arg)
{
	(void)file;
	(void)request;
	(void)arg;
	return -ENOTTY;
}

void kvm_arch_device_release(struct file *file)
{
	(void)file;
}

int kvm_arch_check_route(const struct fake_kvm *kvm,
			 const struct kvm_irq_routing_entry *e)
{
	(void)kvm;
	(void)e;
	return 0;
}

bool kvm_arch_irqs_ready(const struct fake_kvm *kvm)
{
	(void)kvm;
	return true;
}
