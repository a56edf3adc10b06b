/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vCPUs can do that KVM leaves to choose; private to arch/arm64. Linux:
 * Documentation/virt/kvm/api.rst, KVM_ARM_VCPU_INIT.
 */
#ifndef ARCH_ARM64_FEATURES_H
#define ARCH_ARM64_FEATURES_H

#include <stdint.h>

struct vm;

/*
 * features_bits - of KVM_ARM_VCPU_INIT: what the host has, as --cpu-features
 * says. -EDOM for words it does not know, -EOPNOTSUPP for what is asked for
 * and not there. Valid after kvm_open(). Prints its errors.
 */
int features_bits(const struct vm *vm, uint32_t *bits);

#endif
