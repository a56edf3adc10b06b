/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CRC-32 as gzip has it, without the inversion before and after.
 */
#ifndef ARCH_ARM64_CHECKSUM_H
#define ARCH_ARM64_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* crc32_plain - go on from @crc with @len bytes at @at. */
uint32_t crc32_plain(uint32_t crc, const uint8_t *at, size_t len);

/*
 * crc32_by_instruction - the same, on processors with CRC32X (Arm ARM section
 * C6.2, FEAT_CRC32); in unit tests, the same altogether.
 */
#ifdef __aarch64__
__attribute__((target("+crc")))
static inline uint32_t crc32_by_instruction(uint32_t crc, const uint8_t *at,
					    size_t len)
{
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		crc = __builtin_aarch64_crc32x(crc, word);
	}
	for (; len; len--)
		crc = __builtin_aarch64_crc32b(crc, *at++);
	return crc;
}
#else
#define crc32_by_instruction crc32_plain
#endif

#endif
