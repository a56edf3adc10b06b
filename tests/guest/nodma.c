/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The assigned edu device, which must not do DMA: its registers work, its
 * interrupt pin does, and however it is told to write to memory, at outside=
 * (where the host looks) and at addresses of ours, nothing comes of it.
 */
#include "bus.h"

#define COMMAND_MASTER 4
#define PATTERN 0x0123456789abcdefULL

static uint64_t ours[EDU_SIZE / 8] __attribute__((aligned(4096)));

static void check_ours(void)
{
	unsigned int i;

	for (i = 0; i < EDU_SIZE / 8; i++)
		if (ours[i] != PATTERN)
			fail("our memory has changed");
}

int guest(void)
{
	int devfn = find_device(EDU_ID);
	uint64_t addr = option("outside", 0), regs;
	unsigned int i;

	check(devfn >= 0 && addr);
	regs = edu_on(devfn);
	check(!(read16(config(devfn, PCI_COMMAND)) & COMMAND_MASTER));
	say("nodma: it does not master the bus\n");
	check(!find_cap(devfn, PCI_CAP_MSI));
	if (!edu_pins(regs, 3))
		fail("interrupts are missing");
	say("nodma: 3 interrupts by pin\n");
	for (i = 0; i < EDU_SIZE / 8; i++)
		ours[i] = PATTERN;
	edu_write(regs, addr, EDU_SIZE);
	edu_write(regs, (uint64_t)ours, EDU_SIZE);
	check_ours();
	say("nodma: well\n");
	return 0;
}
