/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All functions on the bus: where they are, and at work those that are known.
 * An edu copies a page of RAM and interrupts; an e1000e or igb keeps a mark
 * until it is reset. Then, with
 *
 *	sleep	each that can is put into D3 and woken again, twice
 *	doze	each that can is put into D3, and stays there
 *	wait	it goes on and says so, until it is stopped
 *	wait=N	or has said so N times
 *	reset	the machine is reset, once, and the marks are looked for
 */
#include "bus.h"

#define E1000E_ID	0x10d38086
#define IGB_ID		0x10c98086

/* A register of both that does nothing but to light lamps. */
#define LEDCTL		0xe00
#define MARK		0x05060708

#define PCI_HEADER_TYPE	0x0e
#define MULTI		0x80
#define PCI_CAP_PM	0x01
#define PM_CTRL		4	/* from the capability's place */
#define D3		3

#define SERR		0x100	/* tell of errors */

static bool keeps_marks(uint32_t id)
{
	return id == E1000E_ID || id == IGB_ID;
}

static void work(unsigned int devfn, uint32_t id)
{
	static uint8_t from[EDU_SIZE] __attribute__((aligned(4096)));
	static uint8_t to[EDU_SIZE] __attribute__((aligned(4096)));
	uint64_t regs;

	write16(config(devfn, PCI_COMMAND), SERR | 6);
	if (keeps_marks(id)) {
		regs = bar(devfn, 0);
		say(", %s", read32(regs + LEDCTL) == MARK ? "marked" : "new");
		write32(regs + LEDCTL, MARK);
		check(read32(regs + LEDCTL) == MARK);
	} else if (id == EDU_ID) {
		regs = edu_on(devfn);
		memset(from, devfn, EDU_SIZE);
		memset(to, 0, EDU_SIZE);
		edu_read(regs, (uint64_t)from, EDU_SIZE);
		edu_write(regs, (uint64_t)to, EDU_SIZE);
		check(!memcmp(from, to, EDU_SIZE));
		check(edu_interrupts(devfn, regs, 1));
		say(", works");
	}
}

static void show(unsigned int devfn, uint32_t id)
{
	bool multi = read8(config(devfn, PCI_HEADER_TYPE)) & MULTI;

	say("%u.%u is %x%s", devfn / 8, devfn % 8, id,
	    multi ? ", one of several" : "");
	work(devfn, id);
	put_char('\n');
}

/* Some time, in which the host may do what it likes. */
static void pass_time(unsigned int n)
{
	while (n--)
		trap();
}

/* enter - a power state; which one it is in then. */
static unsigned int enter(unsigned int devfn, unsigned int pm,
			  unsigned int state)
{
	uint64_t reg = config(devfn, pm + PM_CTRL);

	write16(reg, (read16(reg) & ~D3) | state);
	pass_time(1000);
	return read16(reg) & D3;
}

static void nap(unsigned int devfn, uint32_t id)
{
	unsigned int pm = find_cap(devfn, PCI_CAP_PM), state;
	uint64_t regs = bar(devfn, 0);

	if (!pm)
		return;
	state = enter(devfn, pm, D3);
	say("%u.%u asleep in D%u", devfn / 8, devfn % 8, state);
	if (keeps_marks(id))
		say(", %s", read32(regs + LEDCTL) == 0xffffffff ? "silent" :
		    "answers");
	pass_time(1000);
	state = enter(devfn, pm, 0);
	say(", awake in D%u", state);
	if (keeps_marks(id))
		say(", %s", read32(regs + LEDCTL) == MARK ? "marked" : "new");
	work(devfn, id);
	put_char('\n');
}

static void doze(unsigned int devfn, uint32_t id)
{
	unsigned int pm = find_cap(devfn, PCI_CAP_PM);

	if (pm)
		say("%u.%u dozes in D%u\n", devfn / 8, devfn % 8,
		    enter(devfn, pm, D3));
}

static void each(void (*visit)(unsigned int devfn, uint32_t id))
{
	unsigned int devfn;
	uint32_t id;

	for (devfn = 8; devfn < 256; devfn++) {
		id = read32(config(devfn, 0));
		if (id != 0xffffffff)
			visit(devfn, id);
	}
}

static void wait(uint64_t times)
{
	while (times--) {
		say("alive\n");
		pass_time(2000);
	}
}

int guest(void)
{
	uint8_t count = kept();

	say("start %u\n", count);
	each(show);
	if (flag("sleep")) {
		each(nap);
		each(nap);
	}
	if (flag("doze"))
		each(doze);
	wait(option("wait", flag("wait") ? ~0ULL : 0));
	if (flag("reset") && !count) {
		keep(1);
		reset_machine();
	}
	return 0;
}
