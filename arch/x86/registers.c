/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's registers by name, for programs; arch_vcpu_dump() has them for
 * people.
 */
#include <linux/kvm.h>

#include "vmm/arch.h"
#include "vmm/sys.h"
#include "vmm/util.h"
#include "vmm/vcpu.h"

#define REG(r) { #r, offsetof(struct kvm_regs, r) }
#define SREG(r) { #r, offsetof(struct kvm_sregs, r) }

struct reg {
	const char *name;
	size_t offset;
};

static const struct reg regs[] = {
	REG(rip), REG(rflags), REG(rax), REG(rbx), REG(rcx), REG(rdx),
	REG(rsi), REG(rdi), REG(rbp), REG(rsp), REG(r8), REG(r9), REG(r10),
	REG(r11), REG(r12), REG(r13), REG(r14), REG(r15),
};

static const struct reg sregs[] = {
	SREG(cr0), SREG(cr2), SREG(cr3), SREG(cr4), SREG(efer),
};

static void each_of(const struct reg *list, unsigned int n, const void *state,
		    arch_register_fn *each, void *arg)
{
	for (; n--; list++)
		each(arg, list->name, *(const uint64_t *)
		     ((const char *)state + list->offset));
}

void arch_vcpu_registers(struct vcpu *vcpu, arch_register_fn *each, void *arg)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	if (sys_ioctl(vcpu->fd, KVM_GET_REGS, &r) < 0 ||
	    sys_ioctl(vcpu->fd, KVM_GET_SREGS, &s) < 0)
		return;
	each_of(regs, ARRAY_SIZE(regs), &r, each, arg);
	each_of(sregs, ARRAY_SIZE(sregs), &s, each, arg);
	each(arg, "cs", s.cs.selector);
}
