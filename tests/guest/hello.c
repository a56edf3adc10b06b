/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least: a line by single writes, a line in one go, and an exit status
 * (exit=N on the command line, any width: bits=8, 16 or 32).
 */
#include "guest.h"

int guest(void)
{
	static const char line[] = "and this in one go\n";
	uint64_t status = option("exit", 0);

	say("hello from %s\n", boot.how);
	uart_string(line, sizeof(line) - 1);
	exit_write(status, option("bits", 8));
	return status;
}
