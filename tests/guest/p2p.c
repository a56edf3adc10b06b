/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The edu device writes into the memory of another assigned device and reads
 * from it, both of which this processor checks through its own mapping: at
 * first, after the other one has ceased to decode and begun again, somewhere
 * else, after a function level reset if it has that, and after a sleep if it
 * has power management. Then the machine is reset, and all of it done again.
 *
 *	target=ID	the other device, as its config space begins
 *	page=N		from this page of its BAR on
 *	off		nothing may get through, either way
 *
 * Each round takes two pages: one that edu writes, full of lines that begin
 * with a letter, A in the first round; and one that we write for edu to read,
 * with the same letter in lower case. The second boot is 16 pages and 8
 * letters further on.
 */
#include "bus.h"

#define PAGE		4096
#define BAR		2	/* of 64 bits */

#define PCI_CAP_PM	0x01
#define PCI_CAP_EXP	0x10
#define EXP_FLR_CAP	0x10000000U
#define EXP_FLR		0x8000
#define COMMAND_ON	6

static uint64_t regs;
static unsigned int target, page;
static char letter;
static char ours[PAGE] __attribute__((aligned(PAGE)));
static char back[PAGE] __attribute__((aligned(PAGE)));

/* Lines like "A 00042", whose number is that of the line in the page. */
static void fill(char *to, char c)
{
	unsigned int i, n, d;

	for (i = 0; i < PAGE / 8; i++, to += 8) {
		memcpy(to, "# 00000\n", 8);
		to[0] = c;
		for (n = i, d = 6; n; n /= 10)
			to[d--] = '0' + n % 10;
	}
}

static bool holds(uint64_t addr, const char *text)
{
	unsigned int i;
	uint64_t word;

	for (i = 0; i < PAGE; i += 8) {
		memcpy(&word, text + i, 8);
		if (read64(addr + i) != word)
			return false;
	}
	return true;
}

static void store(uint64_t addr, const char *text)
{
	unsigned int i;
	uint64_t word;

	for (i = 0; i < PAGE; i += 8) {
		memcpy(&word, text + i, 8);
		write64(addr + i, word);
	}
}

/* A page from our RAM to edu, and from there to @addr; or the way back. */
static void write_there(uint64_t addr, char c)
{
	fill(ours, c);
	edu_read(regs, (uint64_t)ours, PAGE);
	edu_write(regs, addr, PAGE);
}

static void read_there(uint64_t addr)
{
	memset(back, 0, PAGE);
	edu_read(regs, addr, PAGE);
	edu_write(regs, (uint64_t)back, PAGE);
}

static bool holds_lines(uint64_t addr, char c)
{
	fill(ours, c);
	return holds(addr, ours);
}

static void store_lines(uint64_t addr, char c)
{
	fill(ours, c);
	store(addr, ours);
}

static void round(const char *when)
{
	uint64_t addr = bar(target, BAR) + page * PAGE;
	char small = letter + 'a' - 'A';

	write_there(addr, letter);
	if (!holds_lines(addr, letter))
		fail("%s: not what edu wrote there", when);
	store_lines(addr + PAGE, small);
	read_there(addr + PAGE);
	if (memcmp(ours, back, PAGE))
		fail("%s: not what edu should have read", when);
	say("%s: written and read at 0x%lx\n", when, addr);
	page += 2;
	letter++;
}

static void command(unsigned int value)
{
	write16(config(target, PCI_COMMAND), value);
}

static void move_to(uint64_t addr)
{
	write32(config(target, PCI_BAR0 + 4 * BAR), addr);
	write32(config(target, PCI_BAR0 + 4 * BAR + 4), addr >> 32);
}

/* What is written while it does not decode is not kept for later either. */
static void toggled(void)
{
	uint64_t addr = bar(target, BAR) + page * PAGE;

	store_lines(addr, '-');
	command(0);
	write_there(addr, '!');
	command(COMMAND_ON);
	if (!holds_lines(addr, '-'))
		fail("edu wrote into what does not decode");
	round("decodes again");
}

/* Once while it decodes, once while it doesn't. */
static void moved(void)
{
	uint64_t first = bar(target, BAR);

	store_lines(first + page * PAGE, '-');
	move_to(ELSEWHERE);
	check(bar(target, BAR) == ELSEWHERE);
	write_there(first + page * PAGE, '!');
	if (!holds_lines(ELSEWHERE + page * PAGE, '-'))
		fail("edu wrote by where it was before");
	round("elsewhere");
	command(0);
	move_to(first);
	command(COMMAND_ON);
	round("back again");
}

static void pause(void)
{
	uint64_t n;

	for (n = 0; n < 1000; n++)
		read8(config(target, 0));
}

static void function_reset(void)
{
	unsigned int cap = find_cap(target, PCI_CAP_EXP);
	uint64_t first = bar(target, BAR);

	if (!cap || !(read32(config(target, cap + 4)) & EXP_FLR_CAP))
		return;
	write16(config(target, cap + 8), EXP_FLR);
	pause();
	check(!(read16(config(target, PCI_COMMAND)) & COMMAND_ON));
	move_to(first);
	command(COMMAND_ON);
	round("after its reset");
}

static void slept(void)
{
	unsigned int cap = find_cap(target, PCI_CAP_PM);

	if (!cap)
		return;
	write16(config(target, cap + 4), 3);
	pause();
	check((read16(config(target, cap + 4)) & 3) == 3);
	write16(config(target, cap + 4), 0);
	pause();
	check((read16(config(target, cap + 4)) & 3) == 0);
	round("after its sleep");
}

static void nothing_passes(void)
{
	uint64_t addr = bar(target, BAR) + page * PAGE;

	store_lines(addr, '-');
	write_there(addr, '!');
	if (!holds_lines(addr, '-'))
		fail("edu wrote into the other device");
	store_lines(addr + PAGE, '+');
	read_there(addr + PAGE);
	if (!memcmp(ours, back, PAGE))
		fail("edu read from the other device");
	say("nothing passes\n");
}

static void own_memory(void)
{
	write_there((uint64_t)back, '=');
	check(!memcmp(ours, back, PAGE));
}

int guest(void)
{
	uint8_t boots = kept();
	int edu = find_device(EDU_ID), other = find_device(option("target", 0));

	check(edu >= 0 && other >= 0);
	target = other;
	page = option("page", 0) + 16 * boots;
	letter = 'A' + 8 * boots;
	regs = edu_on(edu);
	command(COMMAND_ON);
	own_memory();
	if (flag("off")) {
		nothing_passes();
		own_memory();
		return 0;
	}
	round("at first");
	toggled();
	moved();
	function_reset();
	slept();
	own_memory();
	say("boot %u: all is through\n", boots);
	if (boots)
		return 0;
	keep(boots + 1);
	reset_machine();
}
