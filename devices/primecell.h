/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Arm's PrimeCell peripherals have in common: a page of 32-bit registers
 * with an identity in its last 32 bytes, by which a driver is found.
 */
#ifndef DEVICES_PRIMECELL_H
#define DEVICES_PRIMECELL_H

#include <stdint.h>

#include "vmm/util.h"

#define PRIMECELL_SIZE 0x1000ULL
#define PRIMECELL_CLOCK_HZ 24000000U

/*
 * PeriphID3 to PeriphID0. The revision of PL011 is one whose FIFOs have 16
 * entries: drivers go by it.
 */
#define PRIMECELL_PL011 0x00141011U
#define PRIMECELL_PL031 0x00041031U
#define PRIMECELL_PL061 0x00041061U

/*
 * primecell_id - what the register at @reg reads as in a part @id: a byte of
 * its identity, or 0 where there is none.
 */
static inline uint32_t primecell_id(uint32_t id, unsigned int reg)
{
	if (reg >= 0xff0)
		return 0xb105f00dU >> (reg - 0xff0) * 2 & 0xff;
	return reg >= 0xfe0 ? id >> (reg - 0xfe0) * 2 & 0xff : 0;
}

/* primecell_read - the bytes at @offset of a register that holds @val. */
static inline uint64_t primecell_read(uint32_t val, uint64_t offset,
				      unsigned int len)
{
	return val >> offset % 4 * 8;
}

#endif
