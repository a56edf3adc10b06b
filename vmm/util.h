/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small helpers that every part uses: sizes, alignment, bits, and the test
 * of a Kconfig symbol in an expression (so that .c files need no #ifdef).
 */
#ifndef VMM_UTIL_H
#define VMM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KiB (1ULL << 10)
#define MiB (1ULL << 20)
#define GiB (1ULL << 30)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n) (1ULL << (n))
#define ALIGN_DOWN(x, a) ((x) & ~((uint64_t)(a) - 1))
#define ALIGN_UP(x, a) ALIGN_DOWN((uint64_t)(x) + (a) - 1, a)
#define IS_ALIGNED(x, a) (((uint64_t)(x) & ((uint64_t)(a) - 1)) == 0)
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/*
 * IS_ENABLED(CONFIG_X) is 1 where Kconfig set X and 0 otherwise, as in the
 * kernel: a symbol that is set is defined as 1 in autoconf.h.
 */
#define ENABLED_PAD_1 0,
#define ENABLED_SECOND(ignored, value, ...) value
#define ENABLED_PICK(pad_or_junk) ENABLED_SECOND(pad_or_junk 1, 0, 0)
#define ENABLED_PASTE(value) ENABLED_PICK(ENABLED_PAD_##value)
#define IS_ENABLED(symbol) ENABLED_PASTE(symbol)

/*
 * ROW_IF(CONFIG_X, { row }) is the row of a table, with the comma behind it,
 * where Kconfig set X, and nothing otherwise.
 */
#define ROW_IF(symbol, ...) ROW_PASTE(IS_ENABLED(symbol), __VA_ARGS__)
#define ROW_PASTE(value, ...) ROW_PICK(value, __VA_ARGS__)
#define ROW_PICK(value, ...) ROW_##value(__VA_ARGS__)
#define ROW_0(...)
#define ROW_1(...) __VA_ARGS__,

/*
 * range_ok - whether [base, base + size) is not empty and does not wrap.
 */
static inline bool range_ok(uint64_t base, uint64_t size)
{
	return size && base + (size - 1) >= base;
}

/*
 * ranges_overlap - whether two ranges, each range_ok(), share an address.
 */
static inline bool ranges_overlap(uint64_t a, uint64_t asize, uint64_t b,
				  uint64_t bsize)
{
	return a <= b + (bsize - 1) && b <= a + (asize - 1);
}

/*
 * range_contains - whether [addr, addr + len) lies inside [base, base + size).
 * A length of zero is never inside.
 */
static inline bool range_contains(uint64_t base, uint64_t size, uint64_t addr,
				  uint64_t len)
{
	return len && addr >= base && len <= size && addr - base <= size - len;
}

#endif
