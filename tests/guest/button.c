/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waits for the power button and then powers off. With `deaf` on the command
 * line it doesn't want to know.
 */
#include "guest.h"

static volatile bool pressed;

static void on_button(void)
{
	pressed = true;
}

int guest(void)
{
	if (!flag("deaf"))
		power_button_on(on_button);
	say("ready\n");
	while (!pressed)
		idle();
	say("button\n");
	power_off();
}
