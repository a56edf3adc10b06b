/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PL031: time, and an alarm at a match, with a timer made up here.
 */
#include <errno.h>
#include <time.h>

#include "devices/pl031.h"
#include "vmm/vm.h"
#include "test.h"

#define BASE 0x9010000
#define TIMER 99

enum {
	DR = 0x00, MR = 0x04, LR = 0x08, CR = 0x0c, IMSC = 0x10, RIS = 0x14,
	MIS = 0x18, ICR = 0x1c,
};

static struct vm vm;
static int line, timers, no_timer;
static unsigned int wait_ms;
static loop_cb *fired;
static void *fired_arg;

int loop_timer(struct loop *loop, unsigned int ms, loop_cb *cb, void *arg)
{
	if (no_timer)
		return -EMFILE;
	CHECK_EQ(timers++, 0);
	wait_ms = ms;
	fired = cb;
	fired_arg = arg;
	return TIMER;
}

void loop_timer_del(struct loop *loop, int fd)
{
	CHECK_EQ(fd, TIMER);
	timers--;
}

void irq_line_set(struct irqs *irqs, unsigned int gsi, int level)
{
	CHECK_EQ(gsi, 2);
	CHECK(level != line);
	line = level;
}

static void out(unsigned int reg, uint32_t val)
{
	bus_write(&vm.mmio, BASE + reg, val, 4);
}

static uint32_t in(unsigned int reg)
{
	return bus_read(&vm.mmio, BASE + reg, 4);
}

static void begin(void)
{
	bus_create(&vm.mmio, "mmio");
	CHECK_EQ(pl031_create(&vm, BASE, 2), 0);
}

static void end(void)
{
	devices_destroy(&vm);
	CHECK_EQ(timers, 0);
}

TEST(shows_the_hosts_time)
{
	uint32_t before = time(NULL), now;

	begin();
	now = in(DR);
	CHECK(now >= before && now <= time(NULL));
	CHECK_EQ(in(CR), 1);
	CHECK_EQ(in(0xfe0), 0x31);
	CHECK_EQ(in(0xfe4), 0x10);
	CHECK_EQ(in(0xfe8), 0x04);
	CHECK_EQ(in(0xffc), 0xb1);
	end();
}

/* It stays over a reset, as with a battery. */
TEST(can_be_set)
{
	begin();
	out(LR, 951782399);
	CHECK_EQ(in(LR), 951782399);
	CHECK(in(DR) - 951782399 < 10);
	devices_reset(&vm);
	CHECK(in(DR) - 951782399 < 10);
	CHECK_EQ(in(LR), 0);
	end();
}

/* Give the clock a second that has just begun to do without luck. */
static uint32_t fresh_second(void)
{
	struct timespec now;

	do
		clock_gettime(CLOCK_REALTIME, &now);
	while (now.tv_nsec > 500000000);
	return in(DR);
}

TEST(a_match_that_is_to_come_sets_a_timer)
{
	uint32_t now;

	begin();
	now = fresh_second();
	out(IMSC, 1);
	out(MR, now + 3);
	CHECK_EQ(in(MR), now + 3);
	CHECK_EQ(line, 0);
	CHECK(wait_ms > 2400 && wait_ms <= 3001);
	fired(fired_arg);		/* too early: it waits on */
	CHECK_EQ(line, 0);
	CHECK_EQ(timers, 1);
	out(LR, now + 3);		/* the clock is set to the match */
	CHECK_EQ(timers, 0);
	CHECK_EQ(line, 1);
	CHECK_EQ(in(MIS), 1);
	out(ICR, 1);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(RIS), 0);
	end();
}

TEST(a_timer_that_fires_late_counts_all_the_same)
{
	begin();
	fresh_second();
	out(LR, 1000);
	out(IMSC, 1);
	out(MR, 1001);
	CHECK_EQ(timers, 1);
	while (in(DR) < 1001)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	CHECK_EQ(line, 0);
	fired(fired_arg);
	CHECK_EQ(line, 1);
	CHECK_EQ(timers, 0);
	end();
}

TEST(a_match_of_now_interrupts_at_once_and_one_of_before_never)
{
	begin();
	out(IMSC, 1);
	out(MR, fresh_second());
	CHECK_EQ(line, 1);
	out(ICR, 1);
	out(MR, in(DR) - 100);
	CHECK_EQ(line, 0);
	CHECK_EQ(timers, 0);
	end();
}

TEST(masked_interrupts_are_pending_only)
{
	begin();
	out(MR, fresh_second());
	CHECK_EQ(line, 0);
	CHECK_EQ(in(RIS), 1);
	CHECK_EQ(in(MIS), 0);
	out(IMSC, 0xff);
	CHECK_EQ(in(IMSC), 1);
	CHECK_EQ(line, 1);
	devices_reset(&vm);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(RIS), 0);
	end();
}

/* Far off, it is looked at again now and then; without a timer, never. */
TEST(a_match_years_ahead_and_a_host_without_timers)
{
	begin();
	out(IMSC, 1);
	out(MR, in(DR) + 0x7fff0000);
	CHECK_EQ(timers, 1);
	CHECK(wait_ms <= 1000001000);
	CHECK(wait_ms > 999000000);
	no_timer = 1;
	out(MR, in(DR) + 10);
	CHECK_EQ(timers, 0);
	CHECK_EQ(line, 0);
	end();
}

TEST(taken_addresses_are_an_error)
{
	begin();
	CHECK(pl031_create(&vm, BASE, 2) < 0);
	end();
}
