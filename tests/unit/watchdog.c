/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watchdog and pvpanic: what a guest that hangs, or says that it has
 * crashed, comes to; and registers written in the wrong way.
 */
#include "capture.h"
#include "devices/i6300esb.h"
#include "devices/pvpanic.h"
#include "driver.h"

#define CONFIG 0x60
#define FINE 0x07		/* no interrupt; ticks of about 1 us */
#define LOCK 0x68
#define SOON 20000		/* ticks: 19 ms */

static void begin(bool once, unsigned int action)
{
	guest_begin();
	guest_cfg.once = once;
	guest_cfg.watchdog = action;
	CHECK_EQ(i6300esb_create(&guest_vm, guest_host), 0);
	guest_boot();
	CHECK_EQ(cfg_get(SLOT(1), 0, 4), 0x25ab8086);
	guest_vm.state = VM_RUNNING;
}

static uint32_t get(unsigned int off)
{
	return bus_read(&guest_vm.mmio, dev.bar + off, 4);
}

static void put(unsigned int off, uint32_t val, unsigned int len)
{
	bus_write(&guest_vm.mmio, dev.bar + off, val, len);
}

static void unlocked(unsigned int off, uint32_t val)
{
	put(12, 0x80, 2);
	put(12, 0x86, 2);
	put(off, val, off == 12 ? 2 : 4);
}

static void pat(void)
{
	unlocked(12, 0x100);
}

/* As Linux's driver does it. */
static void start(uint8_t lock)
{
	cfg_put(SLOT(1), CONFIG, FINE, 2);
	cfg_put(SLOT(1), LOCK, 0, 1);
	unlocked(12, 0x300);
	unlocked(0, SOON);
	unlocked(4, SOON);
	pat();
	cfg_put(SLOT(1), LOCK, lock, 1);
}

static void barks(int state, int status)
{
	capture_begin(2);
	run(2000);
	capture_end();
	CHECK(said("watchdog: the guest has stopped patting it"));
	CHECK_EQ(guest_vm.state, state);
	CHECK_EQ(guest_vm.status, status);
	CHECK_EQ(get(12), 0x200);
}

TEST(a_guest_that_hangs_is_reset)
{
	begin(false, WATCHDOG_ON);
	CHECK_EQ(get(12), 0);
	start(2);
	barks(VM_RESETTING, 0);
	/* What it was is known to the next start, until that says so. */
	devices_reset(&guest_vm);
	guest_vm.state = VM_RUNNING;
	CHECK_EQ(cfg_get(SLOT(1), LOCK, 1), 0);
	drive(1);
	CHECK_EQ(get(0), 0xfffff);
	CHECK_EQ(get(12), 0x200);
	unlocked(12, 0x200);
	CHECK_EQ(get(12), 0);
	run(60);
	CHECK_EQ(guest_vm.state, VM_RUNNING);
	guest_end();
}

TEST(or_stopped)
{
	begin(false, WATCHDOG_STOP);
	start(2);
	barks(VM_STOPPING, STATUS_WATCHDOG);
	guest_end();
	begin(true, WATCHDOG_RESET);
	start(2);
	barks(VM_STOPPING, STATUS_WATCHDOG);
	guest_end();
}

TEST(patting_helps)
{
	unsigned int i;

	begin(false, WATCHDOG_ON);
	start(2);
	for (i = 0; i < 10; i++) {
		run(10);
		AS_VOID(FAKE_VCPU, pat());
	}
	CHECK_EQ(guest_vm.state, VM_RUNNING);
	cfg_put(SLOT(1), LOCK, 0, 1);
	run(60);
	CHECK_EQ(guest_vm.state, VM_RUNNING);
	guest_end();
}

TEST(only_if_it_is_done_right)
{
	begin(false, WATCHDOG_ON);
	start(2);
	put(0, 1000000, 4);
	CHECK_EQ(get(0), SOON);
	put(12, 0x86, 2);
	put(0, 1000000, 4);
	put(12, 0x80, 2);
	put(0, 1000000, 4);
	put(12, 0x86, 2);
	put(0, 1000000, 4);
	CHECK_EQ(get(0), SOON);
	/* One write, no more. */
	unlocked(8, 5);
	put(0, 1000000, 4);
	put(3, 1000000, 4);
	CHECK_EQ(get(0), SOON);
	put(12, 0x100, 2);
	barks(VM_RESETTING, 0);
	guest_end();
}

TEST(locked_it_stays_on)
{
	begin(false, WATCHDOG_ON);
	start(3);
	cfg_put(SLOT(1), LOCK, 0, 1);
	CHECK_EQ(cfg_get(SLOT(1), LOCK, 1), 3);
	cfg_put(SLOT(1), LOCK & ~3, 0, 4);
	CHECK_EQ(cfg_get(SLOT(1), LOCK, 1), 3);
	barks(VM_RESETTING, 0);
	guest_end();
}

TEST(without_an_output_nothing_happens)
{
	begin(false, WATCHDOG_ON);
	start(0);
	cfg_put(SLOT(1), CONFIG, FINE | 0x20, 2);
	cfg_put(SLOT(1), LOCK, 6, 1);
	run(100);
	CHECK_EQ(guest_vm.state, VM_RUNNING);
	cfg_put(SLOT(1), CONFIG, FINE, 2);
	barks(VM_RESETTING, 0);
	guest_end();
}

TEST(a_paused_guest_is_waited_for)
{
	begin(false, WATCHDOG_ON);
	start(2);
	guest_vm.paused = true;
	run(100);
	CHECK_EQ(guest_vm.state, VM_RUNNING);
	guest_vm.paused = false;
	barks(VM_RESETTING, 0);
	guest_end();
}

TEST(no_time_at_all)
{
	begin(false, WATCHDOG_ON);
	start(0);
	unlocked(0, 0);
	unlocked(4, 0);
	cfg_put(SLOT(1), LOCK, 2, 1);
	barks(VM_RESETTING, 0);
	guest_end();
}

/* ---- pvpanic --------------------------------------------------------------- */

static void begin_panic(void)
{
	guest_begin();
	CHECK_EQ(pvpanic_create(&guest_vm, guest_host), 0);
	guest_boot();
	guest_vm.state = VM_RUNNING;
	CHECK_EQ(cfg_get(SLOT(1), 0, 4), 0x00111b36);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.bar, 1), 7);
}

TEST(a_panic_is_the_end)
{
	begin_panic();
	capture_begin(2);
	put(0, 8, 1);
	put(1, 1, 1);
	CHECK_EQ(guest_vm.state, VM_RUNNING);
	put(0, 1, 1);
	put(0, 1, 1);
	capture_end();
	CHECK_EQ(said_lines(), 1);
	CHECK(said("the guest says: panic"));
	CHECK_EQ(guest_vm.state, VM_STOPPING);
	CHECK_EQ(guest_vm.status, STATUS_PANIC);
	guest_end();
}

TEST(a_crash_that_the_guest_sees_to)
{
	begin_panic();
	capture_begin(2);
	put(0, 2, 1);
	put(0, 2, 1);
	devices_reset(&guest_vm);
	drive(1);
	put(0, 2, 1);
	capture_end();
	CHECK_EQ(said_lines(), 2);
	CHECK_EQ(guest_vm.state, VM_RUNNING);
	guest_end();
}

TEST(a_shutdown_is_none_to_speak_of)
{
	begin_panic();
	put(0, 4, 1);
	CHECK_EQ(guest_vm.state, VM_STOPPING);
	CHECK_EQ(guest_vm.status, STATUS_OK);
	guest_end();
}
