/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least: a line by single writes, a line by a string instruction, and an
 * exit status (exit=N on the command line, any width: bits=8, 16 or 32).
 */
#include "guest.h"

int guest(void)
{
	static const char line[] = "and this by rep outsb\n";
	const char *p = line;
	uint64_t n = sizeof(line) - 1, status = option("exit", 0);

	say("hello from a %s\n", boot.bzimage ? "bzImage" : "PVH guest");
	__asm__ volatile("cld; rep outsb" : "+S"(p), "+c"(n)
			 : "d"(COM1) : "memory");
	if (option("bits", 8) == 16)
		outw(EXIT_PORT, status);
	if (option("bits", 8) == 32)
		outl(EXIT_PORT, status);
	return status;
}
