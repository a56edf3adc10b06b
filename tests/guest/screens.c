/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's other sample mediated devices, assigned: two displays. What is
 * written to a screen's memory, in each of its pages, is to be read again, and
 * not on the other screen.
 */
#include "bus.h"

#define MDPY_ID		0x000f1b36
#define MBOCHS_ID	0x11111234
#define PAGE		4096
#define PAGES		64

static uint64_t screen_on(uint32_t id)
{
	int devfn = find_device(id);
	uint64_t at;

	check(devfn >= 0);
	write16(config(devfn, PCI_COMMAND), 2);
	at = bar(devfn, 0);
	check(at);
	return at;
}

static void paint(uint64_t at, uint64_t seed)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		write64(at + i * PAGE + 8 * i, seed + i);
}

static void look(uint64_t at, uint64_t seed)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (read64(at + i * PAGE + 8 * i) != seed + i)
			fail("page %u of the screen at 0x%lx has 0x%lx", i, at,
			     read64(at + i * PAGE + 8 * i));
}

int guest(void)
{
	uint64_t one = screen_on(MDPY_ID), other = screen_on(MBOCHS_ID);

	paint(one, 0x1111111100000000);
	paint(other, 0x2222222200000000);
	look(one, 0x1111111100000000);
	look(other, 0x2222222200000000);
	say("screens: %u pages of each\n", PAGES);
	return 0;
}
