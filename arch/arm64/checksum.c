/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checksums that zlib's inflate() asks for, in place of zlib's own: gzip's
 * is an instruction of nearly every arm64 processor, which is quicker than the
 * 12 KiB of tables. RFC 1952 section 8.
 */
#include <sys/auxv.h>
#include <zlib.h>

#include "arch/arm64/checksum.h"
#include "vmm/util.h"

#define FEAT_CRC32 BIT(7)	/* Linux: asm/hwcap.h, HWCAP_CRC32 */

uint32_t crc32_plain(uint32_t crc, const uint8_t *at, size_t len)
{
	/* Of four bits, each polynomial 0xedb88320 shifted through. */
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	for (; len; len--) {
		crc ^= *at++;
		crc = table[crc & 15] ^ crc >> 4;
		crc = table[crc & 15] ^ crc >> 4;
	}
	return crc;
}

uLong crc32(uLong crc, const Bytef *at, uInt len)
{
	if (!at)
		return 0;
	return (uint32_t)~(getauxval(AT_HWCAP) & FEAT_CRC32 ?
			   crc32_by_instruction(~crc, at, len) :
			   crc32_plain(~crc, at, len));
}

/* That of zlib's own format, which is never asked for. */
uLong adler32(uLong adler, const Bytef *at, uInt len)
{
	__builtin_trap();
}
