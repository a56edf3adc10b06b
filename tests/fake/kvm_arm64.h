/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What arm64's vCPUs and its GIC share, in the fake kernel.
 */
#ifndef TESTS_FAKE_KVM_ARM64_H
#define TESTS_FAKE_KVM_ARM64_H

#include "tests/fake/fake_priv.h"

struct gic_reg {
	uint32_t group;
	uint64_t attr;
	uint64_t value;
};

/* struct fake_kvm's arch. */
struct kvm_arch {
	struct fake_vcpu *vcpus[64];
	bool features_set;
	uint32_t features;	/* of all vCPUs */
	unsigned int version;	/* of the GIC; 0: none yet */
	bool its;
	bool ready, its_ready;	/* initialized */
	uint32_t interrupts;	/* private ones included */
	bool interrupts_set;
	uint64_t placed[8];	/* by address type, 0: not yet */
	struct gic_reg *regs;	/* as written */
	unsigned int nr_regs, max_regs;
};

#endif
