/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's registers by name, for programs; arch_vcpu_dump() has them for
 * people.
 */
#include <stdio.h>

#include "arch/arm64/vcpu.h"
#include "vmm/arch.h"
#include "vmm/util.h"

#define GENERAL 31	/* x0 to x30 */

static const struct {
	const char *name;
	uint64_t id;
} regs[] = {
	{ "pc", REG_PC }, { "sp", REG_SP }, { "pstate", REG_PSTATE },
	{ "sp_el1", REG_SP_EL1 }, { "elr_el1", REG_ELR_EL1 },
	{ "esr_el1", REG_ESR_EL1 }, { "far_el1", REG_FAR_EL1 },
};

static void tell(const struct vcpu *vcpu, const char *name, uint64_t id,
		 arch_register_fn *each, void *arg)
{
	uint64_t value;

	if (!vcpu_get_reg(vcpu, id, &value))
		each(arg, name, value);
}

void arch_vcpu_registers(struct vcpu *vcpu, arch_register_fn *each, void *arg)
{
	unsigned int i;
	char name[8];

	for (i = 0; i < ARRAY_SIZE(regs); i++)
		tell(vcpu, regs[i].name, regs[i].id, each, arg);
	for (i = 0; i < GENERAL; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		tell(vcpu, name, REG_X(i), each, arg);
	}
}
