/* SPDX-License-Identifier: BSD-2-Clause */
/* Says a lot as fast as it can: lines=N numbered lines. */
#include "guest.h"

int guest(void)
{
	unsigned int i, n = option("lines", 1000);

	for (i = 0; i < n; i++)
		say("line %u of a flood that a slow reader must not lose\n", i);
	return 0;
}
