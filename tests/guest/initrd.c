/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says the initrd's POSIX checksum and length, as cksum does: a CRC of 32
 * bits over the contents and then the length, lowest byte first.
 */
#include "guest.h"

static uint32_t table[256];

static void make_table(void)
{
	uint32_t i, j, c;

	for (i = 0; i < 256; i++) {
		for (c = i << 24, j = 0; j < 8; j++)
			c = c << 1 ^ (c >> 31 ? 0x04c11db7 : 0);
		table[i] = c;
	}
}

int guest(void)
{
	const uint8_t *p = (const uint8_t *)boot.initrd;
	uint64_t i;
	uint32_t c = 0;

	make_table();
	for (i = 0; i < boot.initrd_size; i++)
		c = c << 8 ^ table[c >> 24 ^ p[i]];
	for (i = boot.initrd_size; i; i >>= 8)
		c = c << 8 ^ table[c >> 24 ^ (i & 255)];
	say("%u %lu\n", ~c, boot.initrd_size);
	return 0;
}
