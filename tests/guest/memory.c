/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory map: no overlaps, as much RAM as asked for (memory=BYTES, less a
 * MiB at most), and each region's first and last words are memory of their
 * own. Looks no further than the 8 GiB that are mapped.
 */
#include "guest.h"

#define REACH (8ULL << 30)

static uint64_t old[256], n;
static volatile uint64_t *words[256];

static void add_word(uint64_t addr)
{
	if (addr && addr + 8 <= REACH)
		words[n++] = (volatile uint64_t *)addr;
}

static uint64_t overlap(const struct range *a, const struct range *b)
{
	return a->addr < b->addr + b->size && b->addr < a->addr + a->size;
}

static void touch(void)
{
	uint64_t i, bad = 0;

	for (i = 0; i < n; i++)
		old[i] = *words[i];
	for (i = 0; i < n; i++)
		*words[i] = 0xfeed0000 + i;
	for (i = 0; i < n; i++)
		bad += *words[i] != 0xfeed0000 + i;
	for (i = 0; i < n; i++)
		*words[i] = old[i];
	if (bad)
		fail("%lu of %lu words don't keep what is written", bad, n);
}

int guest(void)
{
	uint64_t ram = 0, want = option("memory", 0);
	unsigned int i, j;

	for (i = 0; i < boot.nr; i++) {
		struct range *r = &boot.map[i];

		say("0x%lx 0x%lx %u\n", r->addr, r->size, r->type);
		check(r->size && r->addr + r->size > r->addr);
		for (j = 0; j < i; j++)
			check(!overlap(r, &boot.map[j]));
		if (r->type != RAM_TYPE)
			continue;
		ram += r->size;
		add_word(r->addr);
		add_word(r->addr + r->size - 8);
	}
	check(ram <= want);
	check(ram + (1 << 20) > want);
	touch();
	return 0;
}
