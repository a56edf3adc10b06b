/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waits for the power button and then powers off. With `deaf` on the command
 * line it doesn't want to know.
 */
#include "guest.h"

#define PWRBTN 0x100

static volatile bool pressed;
static unsigned int pm1;

static void sci(void)
{
	if (inw(pm1) & PWRBTN) {
		outw(pm1, PWRBTN);
		pressed = true;
	}
}

int guest(void)
{
	pm1 = fadt(FADT_PM1_EVT, 4);
	if (!flag("deaf")) {
		interrupts_on(fadt(FADT_SCI, 2), true, sci);
		outw(pm1 + 2, PWRBTN);
	}
	say("ready\n");
	while (!pressed)
		__asm__ volatile("sti; hlt; cli" : : : "memory");
	say("button\n");
	check(!(inw(pm1) & PWRBTN));
	power_off();
}
