/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two assigned rtl8139, whose registers are a memory BAR of 256 bytes each: at
 * work where they were put, within a page, back, and both in one page. Every
 * second step ends a series of accesses=N, which the host counts the exits of.
 * The eight bytes of the multicast filter are as good as memory (Realtek
 * RTL8139 datasheet, register MAR).
 */
#include "bus.h"

#define RTL_ID		0x813910ec
#define RTL_MAR		0x08
#define RTL_BAR		1

static uint64_t seed = 1;

static uint64_t any(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed;
}

static void move(unsigned int devfn, uint64_t to)
{
	write32(config(devfn, PCI_BAR0 + 4 * RTL_BAR), to);
	check(bar(devfn, RTL_BAR) == to);
}

/* One store and one load of 1, 2, 4 and 8 bytes; they see the same memory. */
static void work(uint64_t mar)
{
	uint64_t v = any(), w;

	write64(mar, v);
	w = read64(mar);
	if (v != w)
		fail("8 bytes: 0x%lx, not 0x%lx", w, v);
	write32(mar + 4, v = any());
	memcpy((char *)&w + 4, &v, 4);
	if (read32(mar + 4) != (uint32_t)v)
		fail("4 bytes");
	write16(mar + 2, v = any());
	memcpy((char *)&w + 2, &v, 2);
	if (read16(mar + 2) != (uint16_t)v)
		fail("2 bytes");
	write8(mar + 1, v = any());
	memcpy((char *)&w + 1, &v, 1);
	if (read8(mar + 1) != (uint8_t)v)
		fail("1 byte");
	v = read32(mar) | (uint64_t)read32(mar + 4) << 32;
	if (v != w)
		fail("all together 0x%lx, not 0x%lx", v, w);
}

/* Ten accesses a time. */
static void series(char n, uint64_t at, uint64_t too)
{
	uint64_t i;

	step(n);
	for (i = option("accesses", 100) / 10; i; i--) {
		work(at + RTL_MAR);
		if (too)
			work(too + RTL_MAR);
	}
	step(n + 1);
}

int guest(void)
{
	int a = find_device(RTL_ID), b = a + 8;
	uint64_t home, other;

	check(a >= 0 && read32(config(b, 0)) == RTL_ID);
	home = bar(a, RTL_BAR);
	other = bar(b, RTL_BAR);
	say("at 0x%lx and 0x%lx\n", home, other);
	write16(config(a, PCI_COMMAND), 2);
	write16(config(b, PCI_COMMAND), 2);
	meet();
	series('0', home, 0);
	move(a, home + 0x100);
	series('2', home + 0x100, 0);
	move(a, home);
	series('4', home, 0);
	move(b, home + 0x100);
	series('6', home, home + 0x100);
	move(b, other);
	series('8', home, other);
	return 0;
}
