/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for /dev/kvm's requests, those of every architecture. Linux:
 * Documentation/virt/kvm/api.rst.
 */
#include <linux/kvm.h>

#include "vmm/sysname.h"

#define NAME(word) { .request = word, .name = #word }

const struct sys_word sys_words_kvm[] = {
	NAME(KVM_GET_API_VERSION),
	NAME(KVM_CREATE_VM),
	NAME(KVM_CHECK_EXTENSION),
	NAME(KVM_GET_VCPU_MMAP_SIZE),
	NAME(KVM_CREATE_VCPU),
	{
		.request = KVM_SET_USER_MEMORY_REGION,
		.name = "KVM_SET_USER_MEMORY_REGION",
		.fields = {
			SYS_FIELD(kvm_userspace_memory_region, slot),
			SYS_FIELD(kvm_userspace_memory_region,
				  guest_phys_addr),
			SYS_FIELD(kvm_userspace_memory_region, memory_size),
			SYS_FIELD(kvm_userspace_memory_region, flags),
		},
	},
	NAME(KVM_CREATE_IRQCHIP),
	{
		.request = KVM_IRQ_LINE,
		.name = "KVM_IRQ_LINE",
		.fields = {
			SYS_FIELD(kvm_irq_level, irq),
			SYS_FIELD(kvm_irq_level, level),
		},
	},
	{
		.request = KVM_SET_GSI_ROUTING,
		.name = "KVM_SET_GSI_ROUTING",
		.fields = { SYS_FIELD(kvm_irq_routing, nr) },
	},
	{
		.request = KVM_IRQFD,
		.name = "KVM_IRQFD",
		.fields = {
			SYS_FIELD(kvm_irqfd, fd),
			SYS_FIELD(kvm_irqfd, gsi),
			SYS_FIELD(kvm_irqfd, flags),
		},
	},
	{
		.request = KVM_IOEVENTFD,
		.name = "KVM_IOEVENTFD",
		.fields = {
			SYS_FIELD(kvm_ioeventfd, addr),
			SYS_FIELD(kvm_ioeventfd, len),
			SYS_FIELD(kvm_ioeventfd, fd),
			SYS_FIELD(kvm_ioeventfd, flags),
		},
	},
	{
		.request = KVM_SIGNAL_MSI,
		.name = "KVM_SIGNAL_MSI",
		.fields = {
			SYS_FIELD(kvm_msi, address_lo),
			SYS_FIELD(kvm_msi, data),
		},
	},
	{
		.request = KVM_CREATE_DEVICE,
		.name = "KVM_CREATE_DEVICE",
		.fields = { SYS_FIELD(kvm_create_device, type) },
	},
	{
		.request = KVM_SET_DEVICE_ATTR,
		.name = "KVM_SET_DEVICE_ATTR",
		.fields = {
			SYS_FIELD(kvm_device_attr, group),
			SYS_FIELD(kvm_device_attr, attr),
		},
	},
	{
		.request = KVM_ENABLE_CAP,
		.name = "KVM_ENABLE_CAP",
		.fields = { SYS_FIELD(kvm_enable_cap, cap) },
	},
	NAME(KVM_GET_MP_STATE),
	NAME(KVM_SET_MP_STATE),
	NAME(KVM_GET_VCPU_EVENTS),
	NAME(KVM_SET_VCPU_EVENTS),
	{
		.request = KVM_SET_ONE_REG,
		.name = "KVM_SET_ONE_REG",
		.fields = { SYS_FIELD(kvm_one_reg, id) },
	},
	{
		.request = KVM_GET_ONE_REG,
		.name = "KVM_GET_ONE_REG",
		.fields = { SYS_FIELD(kvm_one_reg, id) },
	},
	{ .name = NULL },
};
