/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buses: which range answers, and where nobody does, at the edges.
 */
#include <errno.h>
#include <string.h>

#include "test.h"
#include "vmm/bus.h"
#include "vmm/util.h"

/* A device that remembers the last access and answers with its number. */
struct probe {
	uint64_t offset;
	uint64_t value;
	unsigned int len;
	unsigned int reads, writes;
	uint64_t answer;
};

static struct bus bus;

static uint64_t probe_read(void *owner, uint64_t offset, unsigned int len)
{
	struct probe *p = owner;

	p->offset = offset;
	p->len = len;
	p->reads++;
	return p->answer;
}

static void probe_write(void *owner, uint64_t offset, uint64_t value,
			unsigned int len)
{
	struct probe *p = owner;

	p->offset = offset;
	p->value = value;
	p->len = len;
	p->writes++;
}

static const struct bus_ops ops = { probe_read, probe_write };

static int add(uint64_t base, uint64_t size, struct probe *p)
{
	return bus_add(&bus, "probe", base, size, &ops, p);
}

TEST(refuses_what_is_no_range)
{
	struct probe p = { 0 };

	bus_create(&bus, "mmio");
	CHECK_EQ(add(0x1000, 0, &p), -EINVAL);
	CHECK_EQ(add(UINT64_MAX, 2, &p), -EINVAL);
	CHECK_EQ(add(1, UINT64_MAX, &p), 0);
	bus_create(&bus, "mmio");
	CHECK_EQ(add(2, UINT64_MAX, &p), -EINVAL);
	CHECK_EQ(add(UINT64_MAX, 1, &p), 0);
}

TEST(refuses_overlap_on_either_side)
{
	struct probe p = { 0 };

	bus_create(&bus, "mmio");
	CHECK_EQ(add(0x1000, 0x1000, &p), 0);
	CHECK_EQ(add(0x1000, 0x1000, &p), -EEXIST);
	CHECK_EQ(add(0x0, 0x1001, &p), -EEXIST);
	CHECK_EQ(add(0x1fff, 1, &p), -EEXIST);
	CHECK_EQ(add(0x1800, 8, &p), -EEXIST);
	CHECK_EQ(add(0, 0x10000, &p), -EEXIST);
	CHECK_EQ(add(0, 0x1000, &p), 0);
	CHECK_EQ(add(0x2000, 0x1000, &p), 0);
	CHECK_EQ(bus.nr, 3);
}

TEST(frozen_or_full_takes_no_more)
{
	struct probe p = { 0 };
	uint64_t i;

	bus_create(&bus, "pio");
	for (i = 0; i < BUS_RANGES; i++)
		CHECK_EQ(add(i * 16, 8, &p), 0);
	CHECK_EQ(add(i * 16, 8, &p), -ENOSPC);
	bus_create(&bus, "pio");
	bus_freeze(&bus);
	CHECK_EQ(add(0, 8, &p), -EBUSY);
}

/* Added in no order, each range answers for itself alone. */
TEST(each_range_answers_in_its_own)
{
	static const uint64_t bases[] = { 0x5000, 0x1000, 0x9000, 0x3000,
		0x7000, 0xfffffffffffff000ULL, 0 };
	struct probe p[ARRAY_SIZE(bases)] = { 0 };
	unsigned int i;

	bus_create(&bus, "mmio");
	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		p[i].answer = 0x11 * (i + 1);
		CHECK_EQ(add(bases[i], 0x1000, &p[i]), 0);
	}
	bus_freeze(&bus);
	for (i = 0; i < ARRAY_SIZE(bases); i++) {
		test_note("base 0x%llx", (unsigned long long)bases[i]);
		CHECK_EQ(bus_read(&bus, bases[i], 1), p[i].answer);
		CHECK_EQ(p[i].offset, 0);
		CHECK_EQ(bus_read(&bus, bases[i] + 0xfff, 1), p[i].answer);
		CHECK_EQ(p[i].offset, 0xfff);
		CHECK_EQ(bus_read(&bus, bases[i] + 0xff8, 8), p[i].answer);
		CHECK_EQ(p[i].len, 8);
		CHECK_EQ(p[i].reads, 3);
	}
}

static const unsigned int lens[] = { 1, 2, 4, 8 };

TEST(nobody_reads_as_ones)
{
	static const uint64_t ones[] = { 0xff, 0xffff, 0xffffffff, UINT64_MAX };
	struct probe p = { 0 };
	unsigned int i;

	bus_create(&bus, "mmio");
	for (i = 0; i < 4; i++)
		CHECK_EQ(bus_read(&bus, 0x1000, lens[i]), ones[i]);
	CHECK_EQ(add(0x1000, 0x10, &p), 0);
	for (i = 0; i < 4; i++) {
		test_note("len %u", lens[i]);
		CHECK_EQ(bus_read(&bus, 0x1010, lens[i]), ones[i]);
		CHECK_EQ(bus_read(&bus, 0xfff - 8, lens[i]), ones[i]);
		bus_write(&bus, 0x1010, 1, lens[i]);
	}
	CHECK_EQ(p.reads + p.writes, 0);
}

TEST(straddling_access_reaches_nobody)
{
	struct probe a = { 0 }, b = { 0 };

	bus_create(&bus, "mmio");
	CHECK_EQ(add(0x1000, 0x10, &a), 0);
	CHECK_EQ(add(0x1010, 0x10, &b), 0);
	CHECK_EQ(bus_read(&bus, 0x100e, 4), 0xffffffff);
	CHECK_EQ(bus_read(&bus, 0x0fff, 2), 0xffff);
	CHECK_EQ(bus_read(&bus, 0x101f, 2), 0xffff);
	CHECK_EQ(bus_read(&bus, UINT64_MAX, 8), -1);
	bus_write(&bus, 0x100f, 1, 2);
	CHECK_EQ(a.reads + a.writes + b.reads + b.writes, 0);
}

/* What a device leaves above the access's width is not for the guest. */
TEST(values_are_cut_to_the_access)
{
	struct probe p = { .answer = 0x1122334455667788ULL };

	bus_create(&bus, "mmio");
	CHECK_EQ(add(0, 0x10, &p), 0);
	CHECK_EQ(bus_read(&bus, 0, 1), 0x88);
	CHECK_EQ(bus_read(&bus, 0, 2), 0x7788);
	CHECK_EQ(bus_read(&bus, 0, 4), 0x55667788);
	CHECK_EQ(bus_read(&bus, 0, 8), 0x1122334455667788LL);
	bus_write(&bus, 4, 0x1122334455667788ULL, 2);
	CHECK_EQ(p.value, 0x7788);
	CHECK_EQ(p.offset, 4);
	CHECK_EQ(p.len, 2);
}
