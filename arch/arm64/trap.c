/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a system call that was trapped has its arguments. Linux:
 * arch/arm64/include/uapi/asm/ucontext.h, which a C library has its own of.
 */
#include <asm/sigcontext.h>
#include <stddef.h>

#include "vmm/arch.h"

struct context {
	unsigned long flags;
	void *link;
	struct {
		void *sp;
		int flags;
		size_t size;
	} stack;
	uint8_t mask[128];
	struct sigcontext regs;
};

unsigned long arch_trap_arg(const void *context, unsigned int n)
{
	return ((const struct context *)context)->regs.regs[n];
}
