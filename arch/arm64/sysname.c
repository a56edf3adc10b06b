/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the requests that only arm64's KVM has. Linux:
 * Documentation/virt/kvm/api.rst.
 */
#include <linux/kvm.h>

#include "vmm/sysname.h"

const struct sys_word sys_words_arch[] = {
	{ .request = KVM_ARM_PREFERRED_TARGET,
	  .name = "KVM_ARM_PREFERRED_TARGET" },
	{
		.request = KVM_ARM_VCPU_INIT,
		.name = "KVM_ARM_VCPU_INIT",
		.fields = {
			SYS_FIELD(kvm_vcpu_init, target),
			{ "features", offsetof(struct kvm_vcpu_init, features),
			  sizeof(uint32_t) },
		},
	},
	{
		.request = KVM_ARM_VCPU_FINALIZE,
		.name = "KVM_ARM_VCPU_FINALIZE",
		.fields = { { "feature", 0, sizeof(uint32_t) } },
	},
	{
		.request = KVM_GET_DEVICE_ATTR,
		.name = "KVM_GET_DEVICE_ATTR",
		.fields = {
			SYS_FIELD(kvm_device_attr, group),
			SYS_FIELD(kvm_device_attr, attr),
		},
	},
	{ .name = NULL },
};
