/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus 0 through ECAM, and by whatever other way there is: the same devices with
 * the same registers; the host bridge is there; what is not, reads ones.
 */
#include "bus.h"

/* Bytes and halves of a register are parts of the whole. */
static void check_narrow(uint64_t addr)
{
	uint32_t whole = read32(addr);

	check(read16(addr) == (whole & 0xffff));
	check(read16(addr + 2) == whole >> 16);
	check(read8(addr + 3) == whole >> 24);
}

int guest(void)
{
	uint64_t base = ecam();
	unsigned int devfn, found = 0;

	for (devfn = 0; devfn < 256; devfn++) {
		uint64_t addr = base + devfn * 4096;

		if (read32(addr) != 0xffffffff) {
			say("%u.%u %x\n", devfn / 8, devfn % 8, read32(addr));
			check_narrow(addr);
			found++;
		}
	}
	check(found >= 1);
	check(read32(base) != 0xffffffff);
	/* Class: host bridge. */
	check(read32(base + 8) >> 16 == 0x0600);
	check_config_ports();
	return 0;
}
