/* SPDX-License-Identifier: BSD-2-Clause */
/* Never ends, and never leaves to the VMM. */
#include "guest.h"

int guest(void)
{
	say("spinning\n");
	for (;;)
		relax();
}
