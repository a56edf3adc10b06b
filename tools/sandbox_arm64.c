/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules that arm64 alone has: a processor's registers and the interrupt
 * controller's, set again when the guest is reset and shown when it has
 * crashed.
 */
#include <linux/kvm.h>

#include "tools/sandbox.h"

const struct rule sandbox_arch_rules[] = {
	IOCTL(KVM_ARM_VCPU_INIT, MAIN, "reset on arm64"),
	IOCTL(KVM_GET_ONE_REG, MAIN | VCPU, "crash on arm64"),
	IOCTL(KVM_SET_ONE_REG, MAIN, "reset on arm64"),
	IOCTL(KVM_SET_MP_STATE, MAIN, "reset on arm64"),
	IOCTL(KVM_SET_VCPU_EVENTS, MAIN, "reset on arm64"),
	IOCTL(KVM_GET_DEVICE_ATTR, MAIN, "reset on arm64"),
	IOCTL(KVM_SET_DEVICE_ATTR, MAIN, "reset on arm64"),
	IOCTL(KVM_SIGNAL_MSI, MAIN | VCPU, "MSI on arm64"),
	{ .call = NULL },
};
