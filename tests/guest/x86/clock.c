/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time of day from CMOS, as `date -u +%Y%m%d%H%M%S` would say it; and the
 * ACPI timer must tick 3.58 million times a second by that clock, give or
 * take a quarter (an emulated host stutters).
 */
#include "guest.h"

static unsigned int two(uint8_t reg)
{
	uint8_t b = cmos_read(reg);

	return cmos_read(0x0b) & 4 ? b : (b >> 4) * 10 + (b & 15);
}

static unsigned int next_second(void)
{
	unsigned int now = two(0);

	while (two(0) == now)
		;
	return two(0);
}

static void say_two(unsigned int n)
{
	say("%u%u", n / 10, n % 10);
}

int guest(void)
{
	static const uint8_t regs[] = { 0x32, 9, 8, 7, 4, 2, 0 };
	uint32_t port = fadt(FADT_PM_TMR, 4), from, ticks;
	unsigned int i;

	check(cmos_read(0x0d) & 0x80);
	next_second();
	from = inl(port);
	for (i = 0; i < sizeof(regs); i++)
		say_two(two(regs[i]));
	say("\n");
	next_second();
	ticks = inl(port) - from;
	if (ticks < 2700000 || ticks > 4500000)
		fail("%u ticks in a second", ticks);
	return 0;
}
