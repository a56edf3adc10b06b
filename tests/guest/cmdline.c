/* SPDX-License-Identifier: BSD-2-Clause */
/* Says its command line, every byte of it. */
#include "guest.h"

int guest(void)
{
	const char *p;

	for (p = boot.cmdline; *p; p++)
		put_char(*p);
	put_char('\n');
	return 0;
}
