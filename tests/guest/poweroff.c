/* SPDX-License-Identifier: BSD-2-Clause */
/* Powers off as ACPI says. */
#include "guest.h"

int guest(void)
{
	say("powering off\n");
	power_off();
}
