/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus 0 through ECAM (where MCFG says) and through 0xcf8: the same devices
 * with the same registers; the host bridge is there; what is not, reads ones.
 */
#include "bus.h"

static uint32_t by_port(unsigned int devfn, unsigned int reg)
{
	outl(0xcf8, 1U << 31 | devfn << 8 | reg);
	return inl(0xcfc);
}

/* Bytes and halves of a register are parts of the whole. */
static void check_narrow(uint64_t addr, unsigned int devfn)
{
	uint32_t whole = read32(addr);

	check(read16(addr) == (whole & 0xffff));
	check(read16(addr + 2) == whole >> 16);
	check(read8(addr + 3) == whole >> 24);
	outl(0xcf8, 1U << 31 | devfn << 8);
	check(inw(0xcfe) == whole >> 16);
	check(inb(0xcfd) == (whole >> 8 & 0xff));
}

static void check_device(uint64_t base, unsigned int devfn)
{
	uint64_t addr = base + devfn * 4096;
	unsigned int reg;

	say("%u.%u %x\n", devfn / 8, devfn % 8, read32(addr));
	check_narrow(addr, devfn);
	for (reg = 0; reg < 256; reg += 4)
		if (by_port(devfn, reg) != read32(addr + reg))
			fail("devfn %u: 0x%x differs", devfn, reg);
}

int guest(void)
{
	uint64_t base = ecam();
	unsigned int devfn, found = 0;

	for (devfn = 0; devfn < 256; devfn++) {
		if (read32(base + devfn * 4096) == 0xffffffff) {
			check(by_port(devfn, 0) == 0xffffffff);
			continue;
		}
		check_device(base, devfn);
		found++;
	}
	check(found >= 1);
	check(read32(base) != 0xffffffff);
	/* Class: host bridge. */
	check(read32(base + 8) >> 16 == 0x0600);
	/* The port's address register reads back; with the top bit off, no. */
	outl(0xcf8, 0);
	check(inl(0xcfc) == 0xffffffff);
	return 0;
}
