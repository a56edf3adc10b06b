/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Config space by the ports 0xcf8 and 0xcfc: what ECAM shows.
 */
#include "bus.h"

static uint32_t by_port(unsigned int devfn, unsigned int reg)
{
	return config_port_access(1U << 31 | devfn << 8 | reg, 3, 0, 0);
}

static void check_device(unsigned int devfn)
{
	uint32_t whole = read32(config(devfn, 0));
	unsigned int reg;

	outl(0xcf8, 1U << 31 | devfn << 8);
	check(inw(0xcfe) == whole >> 16);
	check(inb(0xcfd) == (whole >> 8 & 0xff));
	for (reg = 0; reg < 256; reg += 4)
		if (by_port(devfn, reg) != read32(config(devfn, reg)))
			fail("devfn %u: 0x%x differs", devfn, reg);
}

void check_config_ports(void)
{
	unsigned int devfn;

	for (devfn = 0; devfn < 256; devfn++)
		if (read32(config(devfn, 0)) == 0xffffffff)
			check(by_port(devfn, 0) == 0xffffffff);
		else
			check_device(devfn);
	/* The port's address register reads back; with the top bit off, no. */
	outl(0xcf8, 0);
	check(inl(0xcfc) == 0xffffffff);
}
