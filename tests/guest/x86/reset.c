/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resets the machine, once by each way there is, counting in CMOS, which a
 * battery keeps; each time the kernel must be as fresh as at the first, and
 * so must the devices. Then powers off.
 */
#include "guest.h"

#define COUNT 0x50		/* in CMOS */

static uint32_t data = 0x600d600d;
static uint32_t bss;

static void check_fresh(void)
{
	check(data == 0x600d600d);
	check(bss == 0);
	data = 0xdead;
	bss = 0xdead;
	/* COM1's scratch register and PM1's enable register. */
	check(inb(COM1 + 7) == 0);
	check(inw(fadt(FADT_PM1_EVT, 4) + 2) == 0);
	outb(COM1 + 7, 0x5a);
	outw(fadt(FADT_PM1_EVT, 4) + 2, 0x100);
}

int guest(void)
{
	uint8_t count = cmos_read(COUNT);

	say("start %u\n", count);
	check_fresh();
	cmos_write(COUNT, count + 1);
	if (count == 0)
		outb(fadt(FADT_RESET_PORT, 8), fadt(FADT_RESET_VALUE, 1));
	else if (count == 1)
		outb(0x64, 0xfe);
	else
		power_off();
	for (;;)
		__asm__ volatile("cli; hlt");
}
