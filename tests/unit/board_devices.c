/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small devices of the x86 board: ACPI's fixed registers, the clock, the
 * keyboard controller's reset line, the exit device.
 */
#include <string.h>
#include <time.h>

#include "arch/x86/layout.h"
#include "arch/x86/pm.h"
#include "devices/debugexit.h"
#include "devices/i8042.h"
#include "devices/rtc.h"
#include "vmm/vm.h"
#include "test.h"

static struct vm vm;
static int stopped = -1, resets, sci;

void vm_stop(struct vm *v, int status)
{
	stopped = status;
}

void vm_reset(struct vm *v)
{
	resets++;
}

void irq_line_set(struct irqs *irqs, unsigned int gsi, int level)
{
	CHECK_EQ(gsi, X86_SCI_IRQ);
	sci = level;
}

static void out(uint16_t port, uint64_t val, unsigned int len)
{
	bus_write(&vm.pio, port, val, len);
}

static uint64_t in(uint16_t port, unsigned int len)
{
	return bus_read(&vm.pio, port, len);
}

static void reset_all(void)
{
	struct device *dev;

	for (dev = vm.devices; dev; dev = dev->next)
		if (dev->ops->reset)
			dev->ops->reset(dev);
}

/* ---- the exit device ---------------------------------------------------- */

TEST(exit_status_is_at_most_63)
{
	CHECK_EQ(debugexit_create(&vm, DESC_PIO, 0xf4), 0);
	out(0xf4, 0, 1);
	CHECK_EQ(stopped, 0);
	out(0xf4, 63, 2);
	CHECK_EQ(stopped, 63);
	out(0xf4, 64, 1);
	CHECK_EQ(stopped, 63);
	out(0xf4, 0xffffffff, 4);
	CHECK_EQ(stopped, 63);
	CHECK_EQ(in(0xf4, 1), 0);
	devices_destroy(&vm);
}

/* ---- the keyboard controller -------------------------------------------- */

TEST(only_fe_resets)
{
	unsigned int c;

	CHECK_EQ(i8042_create(&vm), 0);
	CHECK_EQ(in(0x64, 1), 0);
	CHECK_EQ(in(0x60, 1), 0);
	for (c = 0; c < 256; c++)
		if (c != 0xfe)
			out(0x64, c, 1);
	out(0x60, 0xfe, 1);
	CHECK_EQ(resets, 0);
	out(0x64, 0xfe, 1);
	CHECK_EQ(resets, 1);
	devices_destroy(&vm);
}

/* ---- ACPI --------------------------------------------------------------- */

#define STS (X86_PM_PORT + PM1_STS)
#define EN (X86_PM_PORT + PM1_EN)
#define CNT (X86_PM_PORT + PM1_CNT)

static struct pm *pm;

static void begin_pm(void)
{
	CHECK_EQ(pm_create(&vm, &pm), 0);
}

TEST(button_raises_sci_once_enabled)
{
	begin_pm();
	pm_power_button(pm);
	CHECK_EQ(sci, 0);
	CHECK_EQ(in(STS, 2), 0x100);
	out(EN, 0x100, 2);
	CHECK_EQ(sci, 1);
	out(STS, 0xfeff, 2);		/* ones elsewhere clear nothing */
	CHECK_EQ(sci, 1);
	out(STS, 0x100, 2);
	CHECK_EQ(sci, 0);
	CHECK_EQ(in(STS, 2), 0);
	pm_power_button(pm);
	CHECK_EQ(sci, 1);
	devices_destroy(&vm);
}

TEST(registers_can_be_taken_in_any_width)
{
	begin_pm();
	pm_power_button(pm);
	CHECK_EQ(in(STS, 4), 0x100);
	out(STS, 0x01000100, 4);	/* clears and enables */
	CHECK_EQ(in(STS, 4), 0x01000000);
	out(EN + 1, 0, 1);
	CHECK_EQ(in(EN, 2), 0);
	pm_power_button(pm);
	out(STS + 1, 1, 1);
	CHECK_EQ(in(STS, 2), 0);
	devices_destroy(&vm);
}

TEST(only_s5_with_slp_en_powers_off)
{
	unsigned int type;

	begin_pm();
	CHECK_EQ(in(CNT, 2), 1);	/* SCI_EN */
	for (type = 0; type < 8; type++) {
		out(CNT, type << 10, 2);
		CHECK_EQ(in(CNT, 2), 1 | type << 10);
		if (type != PM_SLP_TYP_S5)
			out(CNT, type << 10 | 1 << 13, 2);
	}
	CHECK_EQ(stopped, -1);
	out(CNT + 1, (PM_SLP_TYP_S5 << 10 | 1 << 13) >> 8, 1);
	CHECK_EQ(stopped, 0);
	CHECK_EQ(in(CNT, 2) & 1 << 13, 0); /* write-only */
	devices_destroy(&vm);
}

TEST(timer_counts_up_at_its_rate)
{
	struct timespec nap = { .tv_nsec = 100000000 };
	uint32_t from, ticks;

	begin_pm();
	from = in(X86_PM_PORT + PM_TMR, 4);
	nanosleep(&nap, NULL);
	ticks = (uint32_t)in(X86_PM_PORT + PM_TMR, 4) - from;
	CHECK(ticks > 357900);		/* a busy host may sleep longer */
	CHECK(ticks < 3579545);
	devices_destroy(&vm);
}

TEST(reset_register_wants_its_value)
{
	begin_pm();
	out(X86_PM_PORT + PM_RESET, 0x02, 1);
	CHECK_EQ(resets, 0);
	out(X86_PM_PORT + PM_RESET, PM_RESET_VALUE, 1);
	CHECK_EQ(resets, 1);
	devices_destroy(&vm);
}

TEST(pm_reset_drops_what_was_pending)
{
	begin_pm();
	pm_power_button(pm);
	out(EN, 0x100, 2);
	CHECK_EQ(sci, 1);
	reset_all();
	CHECK_EQ(sci, 0);
	CHECK_EQ(in(STS, 4), 0);
	CHECK_EQ(in(CNT, 2), 1);
	devices_destroy(&vm);
}

/* ---- the clock ---------------------------------------------------------- */

static uint8_t cmos(uint8_t reg)
{
	out(0x70, reg, 1);
	return in(0x71, 1);
}

static void set_cmos(uint8_t reg, uint8_t val)
{
	out(0x70, reg, 1);
	out(0x71, val, 1);
}

static unsigned int bcd(uint8_t reg)
{
	uint8_t b = cmos(reg);

	return (b >> 4) * 10 + (b & 15);
}

/* The clock's time; read again if a second has passed meanwhile. */
static time_t clock_time(unsigned int (*get)(uint8_t reg))
{
	struct tm tm = { 0 };

	do {
		tm.tm_sec = get(0);
		tm.tm_min = get(2);
		tm.tm_hour = get(4);
		tm.tm_mday = get(7);
		tm.tm_mon = get(8) - 1;
		tm.tm_year = get(9) + 100 * get(0x32) - 1900;
	} while (tm.tm_sec != (int)get(0));
	return timegm(&tm);
}

static unsigned int binary(uint8_t reg)
{
	return cmos(reg);
}

static void begin_rtc(void)
{
	CHECK_EQ(rtc_create(&vm, 0x70), 0);
}

TEST(clock_shows_the_hosts_time)
{
	time_t before = time(NULL), now;

	begin_rtc();
	now = clock_time(bcd);
	CHECK(now >= before && now <= time(NULL));
	CHECK_EQ(cmos(0x0d), 0x80);
	CHECK_EQ(cmos(0x0b), 0x02);
	CHECK_EQ(cmos(0x0c), 0);
	set_cmos(0x0b, 0x06);		/* binary */
	now = clock_time(binary);
	CHECK(now >= before && now <= time(NULL));
	devices_destroy(&vm);
}

static void set_time(const struct tm *tm)
{
	set_cmos(0, tm->tm_sec);
	set_cmos(2, tm->tm_min);
	set_cmos(4, tm->tm_hour);
	set_cmos(7, tm->tm_mday);
	set_cmos(8, tm->tm_mon + 1);
	set_cmos(9, tm->tm_year % 100);
	set_cmos(0x32, 19 + tm->tm_year / 100);
}

/* As Linux sets it: SET, all fields, SET off; it stays over a reset. */
TEST(clock_can_be_set)
{
	time_t want = 951782399, now; /* 2000-02-28 23:59:59 */
	struct tm tm;

	begin_rtc();
	gmtime_r(&want, &tm);
	set_cmos(0x0b, 0x86);
	set_time(&tm);
	CHECK_EQ(cmos(0), 59);		/* stands while set */
	set_cmos(0x0b, 0x06);
	reset_all();
	now = clock_time(binary);
	CHECK(now >= want && now < want + 10);
	devices_destroy(&vm);
}

/* A field at a time without SET: the others go on from where they are. */
TEST(clock_takes_single_fields)
{
	time_t was, now;

	begin_rtc();
	was = clock_time(bcd);
	set_cmos(9, 0x31);
	now = clock_time(bcd);
	CHECK_EQ(bcd(9), 31);
	CHECK(now - was > 3L * 365 * 86400);
	devices_destroy(&vm);
}

TEST(clock_in_twelve_hours)
{
	static const struct {
		int hour;
		uint8_t shown;
	} hours[] = {
		{ 0, 0x12 }, { 1, 0x01 }, { 11, 0x11 }, { 12, 0x92 },
		{ 13, 0x81 }, { 23, 0x91 },
	};
	unsigned int i;

	begin_rtc();
	set_cmos(2, 0x30);		/* away from the hour's end */
	for (i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
		test_note("hour %d", hours[i].hour);
		set_cmos(0x0b, 0x06);
		set_cmos(4, hours[i].hour);
		set_cmos(0x0b, 0x00);
		CHECK_EQ(cmos(4), hours[i].shown);
		set_cmos(4, hours[i].shown); /* and the way back */
		set_cmos(0x0b, 0x06);
		CHECK_EQ(cmos(4), hours[i].hour);
	}
	devices_destroy(&vm);
}

/* Whatever the guest writes into the fields, the host survives. */
TEST(clock_survives_nonsense)
{
	unsigned int reg, val;

	begin_rtc();
	for (val = 0; val < 256; val++)
		for (reg = 0; reg < 128; reg++) {
			set_cmos(reg, val);
			cmos(reg);
		}
	CHECK_EQ(in(0x70, 1), 0xff);
	CHECK_EQ(in(0x70, 2), 0xffff);
	devices_destroy(&vm);
}

TEST(cmos_ram_outlives_a_reset)
{
	begin_rtc();
	CHECK_EQ(cmos(0x40), 0);
	set_cmos(0x40, 0xa5);
	set_cmos(0x40 | 0x80, 0x5a);	/* bit 7 of the index masks NMI */
	reset_all();
	CHECK_EQ(cmos(0x40), 0x5a);
	out(0x70, 0x1241, 2);		/* index and data at once */
	CHECK_EQ(cmos(0x41), 0x12);
	devices_destroy(&vm);
}
