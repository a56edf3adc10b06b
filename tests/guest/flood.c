/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says a lot as fast as it can, lines=N lines: whenever the transmitter is
 * empty, it takes a burst.
 */
#include "guest.h"

static void put(const char *text, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++) {
		if (i % UART_BURST == 0)
			while (!uart_writable())
				;
		uart_put(text[i]);
	}
}

int guest(void)
{
	static char line[] = "line 00000 of a flood that a slow reader must not lose\n";
	unsigned int i, n = option("lines", 1000), digit, rest;

	for (i = 0; i < n; i++) {
		for (digit = 9, rest = i; digit >= 5; digit--, rest /= 10)
			line[digit] = '0' + rest % 10;
		put(line, sizeof(line) - 1);
	}
	return 0;
}
