/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio balloon: what the guest gives back is gone from the host, unless a
 * device can reach it; what it says of itself is told; and page numbers that are
 * none.
 */
#include <linux/virtio_balloon.h>
#include <string.h>

#include "capture.h"
#include "driver.h"
#include "vmm/balloon.h"

#define INFLATE (&dev.rings[0])
#define DEFLATE (&dev.rings[1])
#define STATS (&dev.rings[2])
#define STATS_BIT BIT(VIRTIO_BALLOON_F_STATS_VQ)
#define REPORT_BIT BIT(VIRTIO_BALLOON_F_REPORTING)
#define ALL UINT64_MAX
#define BALLOON (guest_vm.balloon)
#define SOME (8 * MiB)		/* RAM that the driver has nothing in */

static void begin(uint64_t features)
{
	guest_begin();
	guest_add("balloon", NULL);
	guest_boot();
	use_msix();
	ready(features);
	run(1);
	memset(at(SOME), 0x55, MiB);
	fake_as(FAKE_MAIN);
}

static void end(void)
{
	fake_as(FAKE_NOBODY);
	CHECK(!(status() & VIRTIO_CONFIG_S_NEEDS_RESET));
	guest_end();
}

static bool there(uint64_t gpa)
{
	return *(uint8_t *)at(gpa) == 0x55;
}

static void send(struct ring *r, const struct buffer *b, unsigned int nr)
{
	unsigned int len;

	offer(r, b, nr);
	kick(r);
	wait_used(r, &len);
	CHECK_EQ(len, 0);
}

static void pages(struct ring *r, const uint32_t *pfn, unsigned int nr)
{
	struct buffer b = { ram(nr * 4), nr * 4, false };

	memcpy(at(b.gpa), pfn, nr * 4);
	send(r, &b, 1);
}

#define PAGES(r, ...) \
	do { \
		static const uint32_t pfn_[] = { __VA_ARGS__ }; \
		pages(r, pfn_, ARRAY_SIZE(pfn_)); \
	} while (0)
#define PFN(n) (SOME / 4096 + (n))

TEST(pages_go_back_to_the_host)
{
	begin(ALL);
	PAGES(INFLATE, PFN(1), PFN(2), PFN(3), PFN(10), PFN(9), PFN(8), PFN(20));
	CHECK_EQ(fake_count("madvise len=0x3000 advice=9 -> 0"), 2);
	CHECK_EQ(fake_count("madvise len=0x1000 advice=9 -> 0"), 1);
	CHECK_EQ(BALLOON->discarded, 7 * 4096);
	CHECK(there(SOME) && !there(SOME + 4096) && !there(SOME + 3 * 4096));
	CHECK(there(SOME + 4 * 4096) && there(SOME + 7 * 4096));
	CHECK(!there(SOME + 8 * 4096) && !there(SOME + 10 * 4096));
	/* The guest may have them again as it likes. */
	PAGES(DEFLATE, PFN(1), PFN(2));
	memset(at(SOME + 4096), 0x55, 4096);
	CHECK(there(SOME + 4096));
	CHECK_EQ(BALLOON->discarded, 7 * 4096);
	end();
}

TEST(pages_that_are_none)
{
	static uint32_t many[3000];
	struct buffer b = { GUEST_RAM - 4096, 3, false };
	unsigned int i;

	begin(ALL);
	PAGES(INFLATE, UINT32_MAX, UINT32_MAX - 1, GUEST_RAM / 4096);
	/* The last, and beyond it. */
	PAGES(INFLATE, GUEST_RAM / 4096 - 1, GUEST_RAM / 4096);
	CHECK_EQ(fake_count("advice=9"), 0);
	send(INFLATE, &b, 1);
	CHECK_EQ(fake_count("advice=9"), 0);
	/* The same one again and again, and more than are looked at. */
	for (i = 0; i < 3000; i++)
		many[i] = PFN(i < 1024 ? 0 : 1);
	pages(INFLATE, many, 3000);
	CHECK_EQ(fake_count("advice=9"), 1024);
	CHECK(!there(SOME) && there(SOME + 4096));
	end();
}

TEST(what_the_kernel_refuses_stays)
{
	begin(ALL);
	fake_fail_call("advice=9", 0);
	PAGES(INFLATE, PFN(1));
	CHECK(there(SOME + 4096));
	CHECK_EQ(BALLOON->discarded, 0);
	end();
}

static void check_report(uint64_t features, unsigned int queue)
{
	const struct buffer b[] = {
		{ SOME + 4096, 2 * 4096, true },
		{ SOME + 5 * 4096 + 1, 3 * 4096 - 2, true },
		{ SOME + 10 * 4096 + 8, 4096, true },
	};

	test_note("queue %u", queue);
	begin(features);
	send(&dev.rings[queue], b, 3);
	CHECK(there(SOME) && !there(SOME + 4096) && !there(SOME + 2 * 4096));
	CHECK(there(SOME + 5 * 4096) && !there(SOME + 6 * 4096));
	CHECK(there(SOME + 7 * 4096));
	CHECK(there(SOME + 10 * 4096) && there(SOME + 11 * 4096));
	end();
}

TEST(reports_come_in_whatever_queue_the_driver_has_for_them)
{
	check_report(ALL, 3);
	check_report(ALL, 4);
	check_report(REPORT_BIT, 2);
}

/* As a device that is assigned does it, at any time. */
static int dma_add(struct mem_listener *listener, struct mem_region *region)
{
	region->dma |= 1;
	return 0;
}

static void dma_del(struct mem_listener *listener, struct mem_region *region)
{
	region->dma &= ~1U;
}

TEST(what_a_device_can_reach_stays)
{
	struct mem_listener device = { .add = dma_add, .del = dma_del };
	struct buffer b = { SOME + 4 * 4096, 4096, true };

	begin(ALL);
	PAGES(INFLATE, PFN(1));
	CHECK_EQ(mem_listen(&guest_vm.mem, &device), 0);
	capture_begin(2);
	PAGES(INFLATE, PFN(2), PFN(3));
	send(&dev.rings[3], &b, 1);
	capture_end();
	CHECK(said("memory: what the guest gives back stays with it: "
		   "a device can reach it by DMA"));
	CHECK_EQ(said_lines(), 1);
	CHECK(there(SOME + 2 * 4096) && there(SOME + 4 * 4096));
	CHECK_EQ(BALLOON->discarded, 4096);
	mem_unlisten(&guest_vm.mem, &device);
	send(&dev.rings[3], &b, 1);
	CHECK(!there(SOME + 4 * 4096));
	end();
}

TEST(huge_pages_stay)
{
	begin(ALL);
	guest_vm.mem.ram->flags |= MEM_HUGETLB;
	capture_begin(2);
	PAGES(INFLATE, PFN(2));
	capture_end();
	CHECK(said("it is in huge pages"));
	CHECK(there(SOME + 2 * 4096));
	guest_vm.mem.ram->flags &= ~MEM_HUGETLB;
	end();
}

TEST(its_size_is_asked_for_and_told)
{
	struct fake_msg msg;

	begin(ALL);
	while (fake_interrupt(&msg))
		;
	BALLOON->resize(BALLOON, 3 * MiB + 5000);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 4), 769);
	CHECK(fake_interrupt(&msg));
	CHECK_EQ(msg.data, 0x40 + dev.nr);
	bus_write(&guest_vm.mmio, dev.config + 4, 500, 4);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 4, 4), 500);
	CHECK_EQ(BALLOON->size, 500 * 4096);
	/* What is not the driver's to write. */
	bus_write(&guest_vm.mmio, dev.config, 1, 4);
	bus_write(&guest_vm.mmio, dev.config + 4, 1, 1);
	bus_write(&guest_vm.mmio, dev.config + 8, 1, 4);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 8), 500ULL << 32 | 769);
	/* After a reset it is empty, and what is asked for stays. */
	unready();
	CHECK_EQ(BALLOON->size, 0);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 8), 769);
	end();
}

static void figures(const struct virtio_balloon_stat *s, unsigned int nr)
{
	struct buffer b = { ram(nr * sizeof(*s)), nr * sizeof(*s), false };

	memcpy(at(b.gpa), s, nr * sizeof(*s));
	offer(STATS, &b, 1);
	kick(STATS);
	run(5);
}

TEST(figures_are_told_when_asked_for)
{
	static const struct virtio_balloon_stat first[] = {
		{ VIRTIO_BALLOON_S_MEMFREE, 1234 },
		{ VIRTIO_BALLOON_S_MAJFLT, 5 },
		{ 10, 6 }, { UINT16_MAX, 7 },
	}, second[] = { { VIRTIO_BALLOON_S_MEMFREE, 99 } };
	static struct virtio_balloon_stat many[200];
	unsigned int head, len;

	begin(ALL);
	CHECK_EQ(BALLOON->figures[VIRTIO_BALLOON_S_MEMFREE], UINT64_MAX);
	BALLOON->ask(BALLOON);
	unready();
	ready(ALL);
	/* It had been asked for; it was the reset that was to come first. */
	figures(first, 4);
	CHECK_EQ(BALLOON->figures[VIRTIO_BALLOON_S_MEMFREE], 1234);
	CHECK_EQ(BALLOON->figures[VIRTIO_BALLOON_S_MAJFLT], 5);
	CHECK(!collect(STATS, &head, &len));
	BALLOON->ask(BALLOON);
	CHECK(collect(STATS, &head, &len));
	CHECK(!collect(STATS, &head, &len));
	figures(second, 1);
	CHECK_EQ(BALLOON->figures[VIRTIO_BALLOON_S_MEMFREE], 99);
	/* A driver that does not wait to be asked. */
	figures(many, 200);
	CHECK(collect(STATS, &head, &len));
	CHECK(!collect(STATS, &head, &len));
	BALLOON->ask(BALLOON);
	CHECK(collect(STATS, &head, &len));
	unready();
	CHECK_EQ(BALLOON->figures[VIRTIO_BALLOON_S_MEMFREE], UINT64_MAX);
	BALLOON->ask(BALLOON);
	end();
}

TEST(two_of_them_are_one)
{
	guest_begin();
	guest_add("balloon", NULL);
	guest_add("balloon", NULL);
	guest_add("rng", NULL);
	guest_boot();
	CHECK_EQ(cfg_get(SLOT(2), 0, 4), 0x10441af4);
	guest_end();
	CHECK(!guest_vm.balloon);
}
