/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time of day from the PL031, as `date -u +%Y%m%d%H%M%S` would say it; and
 * the architecture's counter must tick as often a second as it says it does,
 * give or take a quarter (an emulated host stutters).
 */
#include "guest.h"

static uint32_t next_second(void)
{
	uint32_t now = read32(RTC);

	while (read32(RTC) == now)
		;
	return read32(RTC);
}

static bool leap(unsigned int year)
{
	return year % 4 == 0 && (year % 100 || year % 400 == 0);
}

static void say_two(unsigned int n)
{
	say("%u%u", n / 10, n % 10);
}

static void say_date(unsigned int days)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30,
					   31, 31, 30, 31, 30, 31 };
	unsigned int year = 1970, month = 0, len;

	for (; days >= 365U + leap(year); year++)
		days -= 365 + leap(year);
	for (;; month++) {
		len = lengths[month] + (month == 1 && leap(year));
		if (days < len)
			break;
		days -= len;
	}
	say("%u", year);
	say_two(month + 1);
	say_two(days + 1);
}

int guest(void)
{
	uint64_t from, ticks, each = read_sysreg("cntfrq_el0");
	uint32_t now;

	now = next_second();
	from = read_sysreg("cntvct_el0");
	say_date(now / 86400);
	say_two(now / 3600 % 24);
	say_two(now / 60 % 60);
	say_two(now % 60);
	say("\n");
	next_second();
	ticks = read_sysreg("cntvct_el0") - from;
	if (ticks < each / 4 * 3 || ticks > each / 4 * 5)
		fail("%lu ticks in a second, not %lu", ticks, each);
	return 0;
}
