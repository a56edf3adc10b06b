/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules that x86 alone has: a processor's registers, set again when the
 * guest is reset and shown when it has crashed.
 */
#include <linux/kvm.h>

#include "tools/sandbox.h"

const struct rule sandbox_arch_rules[] = {
	IOCTL(KVM_GET_REGS, MAIN | VCPU, "tool"),
	IOCTL(KVM_GET_SREGS, MAIN | VCPU, "tool"),
	IOCTL(KVM_SET_REGS, MAIN, "tool"),
	IOCTL(KVM_SET_SREGS, MAIN, "tool"),
	IOCTL(KVM_SET_XCRS, MAIN, "tool"),
	IOCTL(KVM_SET_XSAVE, MAIN, "tool"),
	IOCTL(KVM_SET_DEBUGREGS, MAIN, "tool"),
	IOCTL(KVM_SET_LAPIC, MAIN, "tool"),
	IOCTL(KVM_SET_MP_STATE, MAIN, "tool"),
	IOCTL(KVM_SET_VCPU_EVENTS, MAIN, "tool"),
	IOCTL(KVM_SET_MSRS, MAIN, "tool"),
	IOCTL(KVM_SET_IRQCHIP, MAIN, "tool"),
	IOCTL(KVM_SET_PIT2, MAIN, "tool"),
	{ .call = NULL },
};
