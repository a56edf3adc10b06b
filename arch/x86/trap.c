/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a system call that was trapped has its arguments.
 */
#include <ucontext.h>

#include "vmm/arch.h"

unsigned long arch_trap_arg(const void *context, unsigned int n)
{
	static const unsigned char regs[] = {
		REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9,
	};

	return ((const ucontext_t *)context)->uc_mcontext.gregs[regs[n]];
}
