/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resets the machine, once by each way there is, counting in the clock, which a
 * battery keeps; each time the kernel must be as fresh as at the first, and so
 * must the devices. Then powers off.
 */
#include "guest.h"

static uint32_t data = 0x600d600d;
static uint32_t bss;

static void check_fresh(void)
{
	check(data == 0x600d600d);
	check(bss == 0);
	data = 0xdead;
	bss = 0xdead;
	/* The serial port's mask, and a line's of the distributor. */
	check(read32(UART_IMSC) == 0);
	check(!(read32(GIC_DIST + 0x104) & 1 << UART_LINE));
	uart_interrupts(true);
	gic_enable(32 + UART_LINE, true);
}

int guest(void)
{
	uint8_t count = kept();

	say("start %u\n", count);
	check_fresh();
	keep(count + 1);
	if (count == 0)
		psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	else if (count == 1)
		psci(PSCI_SYSTEM_RESET2, 0, 0, 0);
	else
		power_off();
	halt();
}
