/* SPDX-License-Identifier: BSD-2-Clause */
/* Crashes its processor: no interrupt table, and a breakpoint. */
#include "guest.h"

int guest(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	say("going down\n");
	__asm__ volatile("lidt %0; int3" : : "m"(none));
	return 1;
}
