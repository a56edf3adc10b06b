/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which parts of a BAR may be mapped: all of it, minus the pages that hold
 * the MSI-X table or its pending bits, of any page size.
 */
#include <stdlib.h>

#include "devices/vfio/vfio_priv.h"
#include "test.h"
#include "vmm/util.h"

#define K 1024ULL

static struct vfio_span out[VFIO_PIECES];

static unsigned int cut(uint64_t size, uint64_t hole1, uint64_t size1,
			uint64_t hole2, uint64_t size2, uint64_t page)
{
	struct vfio_span area = { 0, size };
	struct vfio_span holes[] = { { hole1, size1 }, { hole2, size2 } };

	return span_cut(out, VFIO_PIECES, &area, 1, holes,
			!!size1 + !!size2, page);
}

static void is(unsigned int i, uint64_t off, uint64_t size)
{
	CHECK_EQ(out[i].off, off);
	CHECK_EQ(out[i].size, size);
}

TEST(without_holes_all_of_it)
{
	CHECK_EQ(cut(16 * K, 0, 0, 0, 0, 4 * K), 1);
	is(0, 0, 16 * K);
}

TEST(smaller_than_a_page_nothing)
{
	CHECK_EQ(cut(2 * K, 0, 0, 0, 0, 4 * K), 0);
	CHECK_EQ(cut(16 * K, 0, 0, 0, 0, 64 * K), 0);
}

/* The page of a smaller BAR, with the table of its few vectors. */
TEST(table_anywhere_in_the_only_page)
{
	CHECK_EQ(cut(4 * K, 0, 16, 0, 0, 4 * K), 0);
	CHECK_EQ(cut(4 * K, 0x80, 32, 0xf0, 8, 4 * K), 0);
	CHECK_EQ(cut(64 * K, 0x800, 16, 0, 0, 64 * K), 0);
}

TEST(table_in_the_middle)
{
	CHECK_EQ(cut(64 * K, 8 * K, 16, 12 * K, 8, 4 * K), 2);
	is(0, 0, 8 * K);
	is(1, 16 * K, 48 * K);
}

TEST(table_and_pending_bits_apart_leave_three)
{
	CHECK_EQ(cut(64 * K, 40 * K, 16, 8 * K, 8, 4 * K), 3);
	is(0, 0, 8 * K);
	is(1, 12 * K, 28 * K);
	is(2, 44 * K, 20 * K);
}

TEST(table_at_either_end)
{
	CHECK_EQ(cut(16 * K, 0, 16, 0, 0, 4 * K), 1);
	is(0, 4 * K, 12 * K);
	CHECK_EQ(cut(16 * K, 16 * K - 16, 16, 0, 0, 4 * K), 1);
	is(0, 0, 12 * K);
}

TEST(table_across_a_page_boundary)
{
	CHECK_EQ(cut(16 * K, 4 * K - 8, 16, 0, 0, 4 * K), 1);
	is(0, 8 * K, 8 * K);
}

TEST(both_in_one_page_or_overlapping)
{
	CHECK_EQ(cut(16 * K, 4 * K, 2 * K, 6 * K, 8, 4 * K), 2);
	is(0, 0, 4 * K);
	is(1, 8 * K, 8 * K);
	CHECK_EQ(cut(16 * K, 4 * K, 8 * K, 5 * K, 16, 4 * K), 2);
	is(1, 12 * K, 4 * K);
	CHECK_EQ(cut(16 * K, 4 * K, 16, 4 * K, 8 * K, 4 * K), 2);
	is(1, 12 * K, 4 * K);
}

TEST(table_that_fills_it)
{
	CHECK_EQ(cut(32 * K, 0, 32 * K, 0, 0, 4 * K), 0);
}

TEST(large_pages)
{
	CHECK_EQ(cut(256 * K, 0x2000, 16, 0x3000, 8, 64 * K), 1);
	is(0, 64 * K, 192 * K);
}

TEST(areas_of_the_kernel)
{
	struct vfio_span areas[] = { { 100, 20 * K }, { 32 * K, 8 * K } };
	struct vfio_span hole = { 9 * K, 16 };

	CHECK_EQ(span_cut(out, VFIO_PIECES, areas, 2, &hole, 1, 4 * K), 3);
	is(0, 4 * K, 4 * K);
	is(1, 12 * K, 8 * K);
	is(2, 32 * K, 8 * K);
	CHECK_EQ(span_cut(out, 2, areas, 2, &hole, 1, 4 * K), 2);
}

static bool in(const struct vfio_span *s, uint64_t at)
{
	return range_contains(s->off, s->size, at, 1);
}

/* Against the rule, page by page. */
TEST(random_layouts)
{
	unsigned int round, i;

	srandom(3);
	for (round = 0; round < 2000; round++) {
		uint64_t page = 4 * K << random() % 3 * 2, at;
		uint64_t h1 = random() % (1 << 20), h2 = random() % (1 << 20);
		uint64_t s1 = 1 + random() % 0x8000, s2 = 1 + random() % 0x100;
		unsigned int nr = cut(1 << 20, h1, s1, h2, s2, page);

		test_note("round %u", round);
		for (at = 0; at < 1 << 20; at += page) {
			bool hole = ranges_overlap(at, page, h1, s1) ||
				    ranges_overlap(at, page, h2, s2);
			bool mapped = false;

			for (i = 0; i < nr; i++)
				mapped |= in(&out[i], at);
			CHECK_EQ(mapped, !hole);
		}
	}
}
