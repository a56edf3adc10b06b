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
	check(read32(addr + 1) == 0xffffffff);
}

static void port_at(uint16_t port)
{
	outl(port, 0);
	outw(port, 0);
	outb(port, 0);
	check(inb(port) == 0xff);
	check(inw(port) == 0xffff);
	check(inl(port) == 0xffffffff);
}

int guest(void)
{
	static const uint64_t memory[] = {
		0xd0000000, 0xe8000000, 0xf8000000, 0xfec80000, 0xffff0000,
	};
	unsigned int i;

	for (i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		memory_at(memory[i]);
	port_at(0x2f8);
	port_at(0x510);
	port_at(0x8000);
	port_at(0xfff0);
	/* Half in COM1, half behind it: nobody's. */
	check(inw(COM1 + 7) == 0xffff);
	/* Nonsense for those who do answer. */
	outl(COM1, 0x0a0d0a0d);
	outl(0x604, 0xffffdbff);	/* PM1 control, without SLP_EN */
	outw(0x70, 0xffff);
	outl(0xcf8, 0xffffffff);
	check(inl(0xcfc) == 0xffffffff);
	outl(0xcfc, 0);
	check(inb(0x64) == 0);
	say("still here\n");
	return 0;
}
