/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory regions and their listeners: all are told or none is, and no guest
 * address leads outside of RAM.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/log.h"
#include "vmm/mem.h"
#include "vmm/util.h"

#define PAGE 4096ULL

static struct mem mem;
static char backing[16 * PAGE];

/* A listener that writes down what it is told and may refuse a region. */
struct ear {
	struct mem_listener listener;
	const char *refuses;	/* name of a region */
};

static char story[1024];

static void tell(const char *who, const char *what, const char *name)
{
	size_t len = strlen(story);

	snprintf(story + len, sizeof(story) - len, "%s%s%s ", who, what, name);
}

static int ear_add(struct mem_listener *l, struct mem_region *region)
{
	struct ear *ear = container_of(l, struct ear, listener);

	if (ear->refuses && !strcmp(ear->refuses, region->name)) {
		tell(l->name, "!", region->name);
		return -EPERM;
	}
	tell(l->name, "+", region->name);
	return 0;
}

static void ear_del(struct mem_listener *l, struct mem_region *region)
{
	tell(l->name, "-", region->name);
}

static struct ear ear(const char *name)
{
	return (struct ear){ { name, ear_add, ear_del, NULL }, NULL };
}

static struct mem_region region(const char *name, uint64_t gpa, uint64_t size,
				unsigned int flags)
{
	return (struct mem_region){ .name = name, .gpa = gpa, .size = size,
				    .hva = backing, .fd = -1, .flags = flags };
}

static void start(void)
{
	fake_begin();
	mem_create(&mem);
	story[0] = '\0';
}

static void stop(void)
{
	mem_destroy(&mem);
	fake_end();
}

TEST(refuses_what_is_no_region)
{
	static const uint64_t bad[][2] = {
		{ 0, 0 }, { 0, 1 }, { 0, PAGE - 1 }, { 1, PAGE },
		{ PAGE / 2, PAGE }, { -PAGE, 2 * PAGE }, { PAGE, -PAGE + 1 },
		{ 2 * PAGE, -PAGE },
	};
	struct mem_region r;
	size_t i;

	start();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		test_note("0x%llx, 0x%llx", (unsigned long long)bad[i][0],
			  (unsigned long long)bad[i][1]);
		r = region("r", bad[i][0], bad[i][1], MEM_RAM);
		CHECK_EQ(mem_add(&mem, &r), -EINVAL);
	}
	/* the last page of all is one */
	r = region("r", -PAGE, PAGE, MEM_RAM);
	CHECK_EQ(mem_add(&mem, &r), 0);
	mem_del(&mem, &r);
	stop();
}

TEST(refuses_overlap_of_any_kind)
{
	struct mem_region r = region("ram", 4 * PAGE, 4 * PAGE, MEM_RAM), s;
	uint64_t at;

	start();
	CHECK_EQ(mem_add(&mem, &r), 0);
	for (at = PAGE; at < 8 * PAGE; at += PAGE) {
		test_note("at 0x%llx", (unsigned long long)at);
		s = region("bar", at, 4 * PAGE, MEM_DEVICE);
		CHECK_EQ(mem_add(&mem, &s), -EEXIST);
		CHECK(mem_overlaps(&mem, at, 4 * PAGE) == &r);
	}
	s = region("bar", 0, 4 * PAGE, MEM_DEVICE);
	CHECK(!mem_overlaps(&mem, s.gpa, s.size));
	CHECK_EQ(mem_add(&mem, &s), 0);
	mem_del(&mem, &s);
	s = region("bar", 8 * PAGE, PAGE, MEM_DEVICE);
	CHECK_EQ(mem_add(&mem, &s), 0);
	mem_del(&mem, &s);
	mem_del(&mem, &r);
	stop();
}

TEST(listeners_are_told_in_order)
{
	struct mem_region r = region("r", 0, PAGE, MEM_RAM);
	struct ear a = ear("a"), b = ear("b");

	start();
	CHECK_EQ(mem_listen(&mem, &a.listener), 0);
	CHECK_EQ(mem_listen(&mem, &b.listener), 0);
	CHECK_EQ(mem_add(&mem, &r), 0);
	CHECK_STR(story, "a+r b+r ");
	story[0] = '\0';
	mem_del(&mem, &r);
	CHECK(!strcmp(story, "a-r b-r ") || !strcmp(story, "b-r a-r "));
	mem_unlisten(&mem, &a.listener);
	mem_unlisten(&mem, &b.listener);
	stop();
}

/* Offered to every listener or to none. */
TEST(one_refusal_undoes_those_before)
{
	struct mem_region r = region("r", 0, PAGE, MEM_RAM);
	struct ear a = ear("a"), b = ear("b"), c = ear("c"), d = ear("d");

	start();
	c.refuses = "r";
	mem_listen(&mem, &a.listener);
	mem_listen(&mem, &b.listener);
	mem_listen(&mem, &c.listener);
	mem_listen(&mem, &d.listener);
	CHECK_EQ(mem_add(&mem, &r), -EPERM);
	CHECK(!strcmp(story, "a+r b+r c!r a-r b-r ") ||
	      !strcmp(story, "a+r b+r c!r b-r a-r "));
	CHECK(!mem_at(&mem, 0, 1));
	CHECK(!mem_overlaps(&mem, 0, PAGE));
	/* a region that was never there is nobody's to delete */
	story[0] = '\0';
	mem_del(&mem, &r);
	CHECK_STR(story, "");
	c.refuses = NULL;
	CHECK_EQ(mem_add(&mem, &r), 0);
	mem_del(&mem, &r);
	stop();
}

TEST(late_listener_gets_a_replay)
{
	struct mem_region r[3] = {
		region("x", 8 * PAGE, PAGE, MEM_RAM),
		region("y", 0, PAGE, MEM_RAM),
		region("z", 4 * PAGE, PAGE, MEM_DEVICE),
	};
	struct ear a = ear("a");
	int i;

	start();
	for (i = 0; i < 3; i++)
		CHECK_EQ(mem_add(&mem, &r[i]), 0);
	CHECK_EQ(mem_listen(&mem, &a.listener), 0);
	CHECK_STR(story, "a+y a+z a+x ");
	story[0] = '\0';
	mem_unlisten(&mem, &a.listener);
	CHECK_STR(story, "a-x a-z a-y ");
	story[0] = '\0';
	for (i = 0; i < 3; i++)
		mem_del(&mem, &r[i]);
	CHECK_STR(story, "");
	stop();
}

TEST(refused_replay_is_taken_back)
{
	struct mem_region r[3] = {
		region("x", 0, PAGE, MEM_RAM),
		region("y", PAGE, PAGE, MEM_RAM),
		region("z", 2 * PAGE, PAGE, MEM_RAM),
	};
	struct ear a = ear("a");
	int i;

	start();
	for (i = 0; i < 3; i++)
		mem_add(&mem, &r[i]);
	a.refuses = "z";
	CHECK_EQ(mem_listen(&mem, &a.listener), -EPERM);
	CHECK_STR(story, "a+x a+y a!z a-y a-x ");
	/* and is not told of anything any more */
	story[0] = '\0';
	for (i = 0; i < 3; i++)
		mem_del(&mem, &r[i]);
	mem_unlisten(&mem, &a.listener);
	CHECK_STR(story, "");
	stop();
}

TEST(mem_at_stays_inside_one_ram_region)
{
	struct mem_region r = region("r", 4 * PAGE, 4 * PAGE, MEM_RAM);
	struct mem_region s = region("s", 8 * PAGE, PAGE, MEM_RAM);
	struct mem_region d = region("d", 16 * PAGE, PAGE, MEM_DEVICE);
	struct mem_region top = region("top", -PAGE, PAGE, MEM_RAM);

	start();
	s.hva = backing + 8 * PAGE;
	mem_add(&mem, &s);
	mem_add(&mem, &r);
	mem_add(&mem, &d);
	mem_add(&mem, &top);
	CHECK(mem_at(&mem, 4 * PAGE, 1) == backing);
	CHECK(mem_at(&mem, 8 * PAGE - 1, 1) == backing + 4 * PAGE - 1);
	CHECK(mem_at(&mem, 4 * PAGE, 4 * PAGE) == backing);
	CHECK(mem_at(&mem, 8 * PAGE, PAGE) == backing + 8 * PAGE);
	CHECK(!mem_at(&mem, 4 * PAGE - 1, 1));
	CHECK(!mem_at(&mem, 4 * PAGE - 1, 2));
	CHECK(!mem_at(&mem, 4 * PAGE, 4 * PAGE + 1));
	CHECK(!mem_at(&mem, 8 * PAGE - 1, 2));
	CHECK(!mem_at(&mem, 9 * PAGE, 1));
	CHECK(!mem_at(&mem, 4 * PAGE, 0));
	CHECK(!mem_at(&mem, 4 * PAGE, SIZE_MAX));
	CHECK(!mem_at(&mem, 5 * PAGE, -PAGE));
	CHECK(!mem_at(&mem, 16 * PAGE, 1));
	CHECK(mem_at(&mem, UINT64_MAX, 1) == backing + PAGE - 1);
	CHECK(!mem_at(&mem, UINT64_MAX, 2));
	mem_del(&mem, &top);
	CHECK(!mem_at(&mem, UINT64_MAX, 1));
	mem_del(&mem, &d);
	mem_del(&mem, &r);
	CHECK(!mem_at(&mem, 4 * PAGE, 1));
	mem_del(&mem, &s);
	stop();
}

/* ---- the memory behind it ----------------------------------------------- */

TEST(ram_is_one_file_aligned_for_huge_pages)
{
	start();
	CHECK_EQ(mem_ram_create(&mem, 4 * MiB, false), 0);
	CHECK(IS_ALIGNED((uintptr_t)mem.ram_hva, GiB));
	CHECK_EQ(fake_count("memfd "), 1);
	memset(mem.ram_hva, 1, 4 * MiB);
	mem_ram_destroy(&mem);
	/* once more does no harm */
	mem_ram_destroy(&mem);
	stop();
}

TEST(prefault_covers_every_page)
{
	struct mem_region r = { .name = "ram", .fd = -1, .flags = MEM_RAM };

	start();
	/* not a multiple of what one thread takes at once */
	CHECK_EQ(mem_ram_create(&mem, 70 * MiB, false), 0);
	r.size = 70 * MiB;
	r.hva = mem.ram_hva;
	CHECK_EQ(mem_prefault(&r), 0);
	CHECK_EQ(fake_count("len=0x2000000 advice=23"), 2);
	CHECK_EQ(fake_count("len=0x600000 advice=23"), 1);
	mem_ram_destroy(&mem);
	stop();
}

/* Without the advice (before 5.14) pages are touched, and keep their bytes. */
TEST(prefault_on_older_kernels_keeps_contents)
{
	struct mem_region r = { .name = "ram", .fd = -1, .flags = MEM_RAM };

	start();
	CHECK_EQ(mem_ram_create(&mem, MiB, false), 0);
	r.size = MiB;
	r.hva = mem.ram_hva;
	memset(r.hva, 0x5a, r.size);
	fake_fail_call("advice=23", EINVAL);
	CHECK_EQ(mem_prefault(&r), 0);
	CHECK(fake_failed());
	CHECK_EQ(((unsigned char *)r.hva)[0], 0x5a);
	CHECK_EQ(((unsigned char *)r.hva)[MiB - 1], 0x5a);
	mem_ram_destroy(&mem);
	stop();
}

TEST(prefault_without_memory_fails)
{
	struct mem_region r = { .name = "ram", .fd = -1, .flags = MEM_RAM };

	start();
	CHECK_EQ(mem_ram_create(&mem, MiB, false), 0);
	r.size = MiB;
	r.hva = mem.ram_hva;
	fake_fail_call("advice=23", ENOMEM);
	CHECK(mem_prefault(&r) < 0);
	mem_ram_destroy(&mem);
	stop();
}

static int ram_run(void)
{
	int err;

	mem_create(&mem);
	err = mem_ram_create(&mem, 2 * MiB, true);
	mem_ram_destroy(&mem);
	mem_destroy(&mem);
	return err;
}

static void nothing(void)
{
}

static void count_unmapped(void *arg, enum log_kind kind, const char *line)
{
	(void)kind;
	(void)line;
	*(unsigned int *)arg = fake_count("munmap");
}

/* Who listens may allocate, and be given the gap that the kernel has left. */
TEST(ram_that_can_not_be_mapped_leaves_no_gap_for_others)
{
	unsigned int unmapped = 0;

	start();
	log_divert(count_unmapped, &unmapped);
	fake_fail_call("mmap memfd:guest-ram", ENOMEM);
	CHECK(mem_ram_create(&mem, 2 * MiB, true) < 0);
	log_divert(NULL, NULL);
	CHECK_EQ(unmapped, 1);
	stop();
}

TEST(ram_survives_every_failing_call)
{
	CHECK_EQ(fake_sweep(nothing, ram_run, NULL), 5);
}
