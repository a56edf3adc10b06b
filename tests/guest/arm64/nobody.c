/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses where nobody answers, of every width: reads give ones, writes
 * vanish, and the machine goes on.
 */
#include "guest.h"

static void memory_at(uint64_t addr)
{
	write64(addr, 0);
	write32(addr, 0);
	write16(addr, 0);
	write8(addr, 0);
	check(read8(addr) == 0xff);
	check(read16(addr) == 0xffff);
	check(read32(addr) == 0xffffffff);
	check(read64(addr) == ~0ULL);
}

int guest(void)
{
	static const uint64_t memory[] = {
		0x0a000000, 0x0c000000, MEM32_BASE, MEM32_END - 8, 0x3eff0cf8,
		ECAM + 0x80000,
	};
	unsigned int i;

	for (i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		memory_at(memory[i]);
	say("still here\n");
	return 0;
}
