/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules that arm64 alone has: a processor's registers and the interrupt
 * controller's, set again when the guest is reset and shown when it has
 * crashed; and the device tree's seeds, which are new each time.
 */
#include <linux/kvm.h>

#include "tools/sandbox.h"

const struct rule sandbox_arch_rules[] = {
	CALL(getrandom, MAIN, "unit"),
	IOCTL(KVM_ARM_VCPU_INIT, MAIN, "unit"),
	IOCTL(KVM_GET_ONE_REG, MAIN | VCPU, "unit"),
	IOCTL(KVM_SET_ONE_REG, MAIN, "unit"),
	IOCTL(KVM_GET_DEVICE_ATTR, MAIN, "unit"),
	IOCTL(KVM_SET_DEVICE_ATTR, MAIN, "unit"),
	{ .call = NULL },
};
