/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for those of KVM's requests that only x86 has. Linux:
 * Documentation/virt/kvm/api.rst.
 */
#include <linux/kvm.h>

#include "vmm/sysname.h"

#define NAME(word) { .request = word, .name = #word }

const struct sys_word sys_words_arch[] = {
	NAME(KVM_GET_MSRS),
	NAME(KVM_SET_MSRS),
	NAME(KVM_GET_LAPIC),
	NAME(KVM_SET_LAPIC),
	NAME(KVM_SET_CPUID2),
	NAME(KVM_GET_SUPPORTED_CPUID),
	NAME(KVM_SET_TSS_ADDR),
	NAME(KVM_SET_IDENTITY_MAP_ADDR),
	NAME(KVM_CREATE_PIT2),
	NAME(KVM_GET_PIT2),
	NAME(KVM_SET_PIT2),
	NAME(KVM_GET_IRQCHIP),
	NAME(KVM_SET_IRQCHIP),
	NAME(KVM_GET_REGS),
	NAME(KVM_SET_REGS),
	NAME(KVM_GET_SREGS),
	NAME(KVM_SET_SREGS),
	NAME(KVM_GET_FPU),
	NAME(KVM_SET_FPU),
	NAME(KVM_GET_XCRS),
	NAME(KVM_SET_XCRS),
	NAME(KVM_GET_XSAVE),
	NAME(KVM_SET_XSAVE),
	NAME(KVM_GET_DEBUGREGS),
	NAME(KVM_SET_DEBUGREGS),
	NAME(KVM_GET_MSR_INDEX_LIST),
	NAME(KVM_GET_TSC_KHZ),
	NAME(KVM_SET_TSC_KHZ),
	NAME(KVM_SET_GUEST_DEBUG),
	{ .name = NULL },
};
