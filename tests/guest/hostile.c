/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nonsense everywhere a guest can reach an assigned device: config space by
 * both ways, BARs and what is behind them, the MSI-X table. With seed=N the
 * same nonsense each time, for seconds=N. Then it ends like any other guest,
 * which the VMM must have lived to see.
 *
 * It spares itself: interrupts that it makes up are of the plain kind, so that
 * no INIT or SMI hits its own processor, and nothing at edu's registers starts
 * DMA, since a range out of edu's own makes the emulator of the host abort.
 */
#include "bus.h"

#define DEVICES_MAX 32

static uint64_t state;
static unsigned int devfns[DEVICES_MAX], nr;
static bool edu;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static unsigned int below(unsigned int n)
{
	return (any() >> 16) % n;
}

/* Numbers that mean something, more often than not. */
static uint64_t value(void)
{
	static const uint64_t known[] = {
		0, ~0ULL, 1, 0x80000000, 0x1000, 0x100000, 0x100000004,
		0xffffffff00000000, HOSTILE_VALUES,
	};

	return below(2) ? any() :
	       known[below(sizeof(known) / sizeof(known[0]))];
}

static void put(uint64_t addr, uint64_t val)
{
	switch (below(4)) {
	case 0:
		write8(addr, val);
		break;
	case 1:
		write16(addr, val);
		break;
	case 2:
		write32(addr, val);
		break;
	case 3:
		write64(addr, val);
		break;
	}
}

static unsigned int victim(void)
{
	return below(16) ? devfns[below(nr)] : below(256);
}

/* No delivery mode but the plain one, wherever MSI's data may be. */
static uint64_t plain(uint64_t val)
{
	return val & ~0x0707070707070707ULL;
}

static void config_by_ecam(void)
{
	uint64_t addr = config(victim(), below(4) ? below(256) : below(4096));

	if (below(4))
		put(addr, plain(value()));
	else
		read32(addr & ~3ULL);
}

static void config_by_ports(void)
{
	uint32_t where = below(8) ? 0x80000000 | victim() << 8 | below(256) :
				    (uint32_t)any();
	unsigned int kind = below(4);

	config_port_access(where, kind, below(4), plain(value()));
}

static void move_bar(void)
{
	unsigned int devfn = victim();

	write32(config(devfn, PCI_BAR0 + 4 * below(6)), value());
	if (below(2))
		write16(config(devfn, PCI_COMMAND), 2 | below(8));
}

/*
 * Out of our RAM, but where a BAR may be; and not where edu's registers are,
 * whoever's BAR it is, as BARs may lie on each other.
 */
static bool may_poke(uint64_t addr)
{
	if (edu && (addr & 0xfffff) < 0x100)
		return false;
	return (addr >= MEM32_BASE && addr < MEM32_END) ||
	       (addr >= 0x100000000 && addr < 0x1f0000000);
}

static void bar_contents(void)
{
	unsigned int devfn = devfns[below(nr)];
	uint64_t addr = bar(devfn, below(6)) + (any() & 0x3ffc);

	if (!may_poke(addr))
		return;
	if (below(4) == 0)
		read32(addr);
	else	/* an address in it is none of our RAM */
		write32(addr, value() | 0x80000000);
}

static void msi(void)
{
	unsigned int devfn = devfns[below(nr)];
	unsigned int cap = find_cap(devfn, PCI_CAP_MSI);

	if (cap)
		write16(config(devfn, cap + 2), below(2) | below(8) << 4);
}

static void msix_table(void)
{
	unsigned int devfn = devfns[below(nr)];
	unsigned int cap = find_cap(devfn, PCI_CAP_MSIX);
	uint32_t where;
	uint64_t addr;

	if (!cap)
		return;
	where = read32(config(devfn, cap + 4));
	addr = bar(devfn, where & 7) + (where & ~7U);
	addr += 16 * below(below(4) ? 65 : 2048);
	if (!may_poke(addr))
		return;
	write16(config(devfn, cap + 2), below(4) << 14);
	put(addr + below(16), plain(value()));
	write32(addr + 12, below(2));
}

/* Back to a state in which the rest of this makes sense. */
static void wake(void)
{
	unsigned int devfn = devfns[below(nr)], cap = find_cap(devfn, 1);

	if (cap)
		write16(config(devfn, cap + 4), 0);
	write32(config(devfn, PCI_BAR0), MEM32_BASE + (below(64) << 20));
	write32(config(devfn, PCI_BAR0 + 4), 0);
	write16(config(devfn, PCI_COMMAND), 7);
}

static void nonsense(void)
{
	static void (*const kinds[])(void) = {
		config_by_ecam, config_by_ports, move_bar, bar_contents,
		bar_contents, msix_table, msix_table, msi, wake,
	};

	kinds[below(9)]();
}

static void find_victims(void)
{
	unsigned int devfn;

	for (devfn = 0; devfn < 256 && nr < DEVICES_MAX; devfn++)
		if (read32(config(devfn, 0)) != 0xffffffff)
			devfns[nr++] = devfn;
	edu = find_device(EDU_ID) >= 0;
}

int guest(void)
{
	unsigned int seconds = option("seconds", 5), start = second();
	uint64_t rounds = 0;

	state = option("seed", 1) * 0x9e3779b97f4a7c15ULL + 1;
	find_victims();
	say("%u devices\n", nr);
	while ((second() + 3600 - start) % 3600 < seconds) {
		unsigned int i;

		for (i = 0; i < 100; i++)
			nonsense();
		rounds += 100;
	}
	say("%lu pieces of nonsense, last random number 0x%lx\n", rounds,
	    any());
	return 0;
}
