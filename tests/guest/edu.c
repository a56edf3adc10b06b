/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The assigned edu device at work. It copies a page of RAM and interrupts;
 * then, with
 *
 *	outside=ADDR	DMA at ADDR (and some others), which is not our RAM:
 *			nothing may be read, and the host looks that nothing is
 *			written
 *	endless		copies on until it is killed
 *	msix		other devices' first MSI-X vector is unmasked too
 */
#include "bus.h"

#define SECRET 0x5ec2e75ec2e75ec2ULL	/* what the host has at ADDR */

static uint64_t regs;
static uint64_t from[EDU_SIZE / 8] __attribute__((aligned(4096)));
static uint64_t to[EDU_SIZE / 8] __attribute__((aligned(4096)));

static void fill(uint64_t seed)
{
	unsigned int i;

	for (i = 0; i < EDU_SIZE / 8; i++) {
		from[i] = seed + i * 0x9e3779b97f4a7c15ULL;
		to[i] = 0;
	}
}

static void copy(uint64_t seed)
{
	fill(seed);
	edu_read(regs, (uint64_t)from, EDU_SIZE);
	edu_write(regs, (uint64_t)to, EDU_SIZE);
	if (memcmp(from, to, EDU_SIZE))
		fail("DMA of our own RAM differs");
}

/*
 * The device reads at @addr. What it got it shows us: zeroes, ones, or what it
 * had before, and never what is there.
 */
static void read_outside(uint64_t addr)
{
	unsigned int i, same = 0;

	copy(addr);
	edu_read(regs, addr, EDU_SIZE);
	memset(to, 0x55, EDU_SIZE);
	edu_write(regs, (uint64_t)to, EDU_SIZE);
	for (i = 0; i < EDU_SIZE / 8; i++) {
		if (to[i] == SECRET)
			fail("0x%lx: the device has read the secret", addr);
		if (to[i] && to[i] != ~0ULL && to[i] != from[i])
			fail("0x%lx: the device has read 0x%lx", addr, to[i]);
		same += to[i] == from[i];
	}
	say("read at 0x%lx: got %s\n", addr,
	    same == EDU_SIZE / 8 ? "nothing" : "zeroes or ones");
}

static void write_outside(uint64_t addr)
{
	copy(~addr);
	edu_write(regs, addr, EDU_SIZE);
	say("write at 0x%lx: done\n", addr);
}

static void outside(uint64_t addr)
{
	const uint64_t others[] = { RAM_BASE + 0x40000000, 0xc0000000,
				    0x123456000, 0xfffffff000ULL };
	unsigned int i;

	read_outside(addr);
	write_outside(addr);
	for (i = 0; i < 4; i++) {
		read_outside(others[i]);
		write_outside(others[i]);
	}
}

static void nothing(void)
{
}

static void touch_msix(unsigned int devfn)
{
	unsigned int cap = find_cap(devfn, PCI_CAP_MSIX);
	uint32_t where, data;
	uint64_t entry, addr;

	if (!cap)
		return;
	where = read32(config(devfn, cap + 4));
	write16(config(devfn, PCI_COMMAND), 6);
	entry = bar(devfn, where & 7) + (where & ~7U);
	write16(config(devfn, cap + 2), 0x8000);
	data = msi_target(devfn, 1, nothing, &addr);
	write64(entry, addr);
	write32(entry + 8, data);
	write32(entry + 12, 0);
	say("%u.%u: a vector is unmasked\n", devfn / 8, devfn % 8);
}

int guest(void)
{
	int devfn = find_device(EDU_ID);
	uint64_t addr = option("outside", 0), n;
	unsigned int other;

	check(devfn >= 0);
	regs = edu_on(devfn);
	copy(1);
	say("edu: copied a page of RAM\n");
	if (!edu_interrupts(devfn, regs, 3))
		fail("interrupts are missing");
	say("edu: 3 interrupts\n");
	if (flag("msix"))
		for (other = 8; other < 256; other += 8)
			if (read32(config(other, 0)) != 0xffffffff)
				touch_msix(other);
	if (addr)
		outside(addr);
	copy(2);
	say("edu: well\n");
	for (n = 0; flag("endless"); n++)
		copy(n);
	return 0;
}
