/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host bridge seen from the guest: config space by ECAM and by port in
 * every width and alignment, BARs sized, moved, laid over one another, and
 * who answers in the windows.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/pci.h"
#include "test.h"
#include "vmm/util.h"

#define ECAM 0xe0000000ULL
#define MEM32 0xc0000000ULL
#define MEM32_SIZE 0x10000000ULL
#define MEM64 0x100000000ULL
#define MEM64_MAX 0x10000000000ULL
#define IO 0x1000
#define IO_SIZE 0xf000

static const struct pci_layout layout = {
	.ecam = ECAM, .cf8 = true, .io_base = IO, .io_size = IO_SIZE,
	.mem32_base = MEM32, .mem32_size = MEM32_SIZE,
	.mem64_min = MEM64, .mem64_max = MEM64_MAX,
};

/* A device that notes what happens to it. */
struct probe {
	struct pci_dev pci;
	uint64_t mapped[PCI_BARS];	/* 0: not */
	unsigned int maps, unmaps;
	unsigned int bar, len;		/* of the last access */
	uint64_t off, val;
	char order[64];			/* m, u: bar_map; c: command */
};

static struct probe *probe_of(struct pci_dev *pci)
{
	return container_of(pci, struct probe, pci);
}

static void note(struct probe *p, char what)
{
	size_t n = strlen(p->order);

	if (n + 1 < sizeof(p->order))
		p->order[n] = what;
}

static void probe_cfg_write(struct pci_dev *pci, unsigned int off,
			    uint32_t val, unsigned int len)
{
	CHECK(len == 1 || len == 2 || len == 4);
	CHECK_EQ(off % len, 0);
	if (off == PCI_COMMAND)
		note(probe_of(pci), 'c');
	pci_cfg_put(pci, off, val, len);
}

static uint64_t probe_bar_read(struct pci_dev *pci, unsigned int bar,
			       uint64_t off, unsigned int len)
{
	struct probe *p = probe_of(pci);

	p->bar = bar;
	p->off = off;
	p->len = len;
	return 0x1122334455667788ULL;
}

static void probe_bar_write(struct pci_dev *pci, unsigned int bar,
			    uint64_t off, uint64_t val, unsigned int len)
{
	struct probe *p = probe_of(pci);

	p->bar = bar;
	p->off = off;
	p->len = len;
	p->val = val;
}

static void probe_bar_map(struct pci_dev *pci, unsigned int bar,
			  uint64_t addr, bool on)
{
	struct probe *p = probe_of(pci);

	if (on)
		CHECK_EQ(p->mapped[bar], 0);
	else
		CHECK_EQ(p->mapped[bar], addr);
	p->mapped[bar] = on ? addr : 0;
	p->maps += on;
	p->unmaps += !on;
	note(p, on ? 'm' : 'u');
}

static const struct pci_dev_ops probe_ops = {
	.cfg_write = probe_cfg_write,
	.bar_read = probe_bar_read,
	.bar_write = probe_bar_write,
	.bar_map = probe_bar_map,
};

static const struct config cfg;
static struct vm vm = { .cfg = &cfg, .loop.wake_fd = -1 };
static struct pci_host *host;
static struct probe a, b;

static void probe_init(struct probe *p, uint16_t id)
{
	p->pci.name = "probe";
	p->pci.ops = &probe_ops;
	pci_put(p->pci.cfg, PCI_VENDOR_ID, 0x1234, 2);
	pci_put(p->pci.cfg, PCI_DEVICE_ID, id, 2);
}

static void mem_bar(struct probe *p, unsigned int i, uint64_t size, bool mem64,
		    bool prefetch)
{
	p->pci.bars[i].size = size;
	p->pci.bars[i].mem64 = mem64;
	p->pci.bars[i].prefetch = prefetch;
}

static void io_bar(struct probe *p, unsigned int i, uint64_t size)
{
	p->pci.bars[i].size = size;
	p->pci.bars[i].io = true;
}

static void begin(void)
{
	bus_create(&vm.mmio, "mmio");
	bus_create(&vm.pio, "pio");
	CHECK_EQ(pci_host_create(&vm, &layout, &host), 0);
	probe_init(&a, 0xaaaa);
	probe_init(&b, 0xbbbb);
}

static void plug(void)
{
	CHECK_EQ(pci_dev_add(host, &a.pci, -1), 0);
	CHECK_EQ(pci_dev_add(host, &b.pci, -1), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	bus_freeze(&vm.mmio);
	bus_freeze(&vm.pio);
}

static void end(void)
{
	devices_destroy(&vm);
}

static uint64_t ecam(unsigned int devfn, unsigned int off)
{
	return ECAM + devfn * 4096 + off;
}

static uint32_t get(unsigned int devfn, unsigned int off, unsigned int len)
{
	return bus_read(&vm.mmio, ecam(devfn, off), len);
}

static void put(unsigned int devfn, unsigned int off, uint32_t val,
		unsigned int len)
{
	bus_write(&vm.mmio, ecam(devfn, off), val, len);
}

#define A (1 << 3)
#define B (2 << 3)
#define BAR(n) (PCI_BASE_ADDRESS_0 + 4 * (n))

TEST(bridge_is_at_0_and_slots_follow)
{
	begin();
	plug();
	CHECK_EQ(get(0, PCI_CLASS_DEVICE, 2), 0x0600);
	CHECK_EQ(get(A, PCI_DEVICE_ID, 2), 0xaaaa);
	CHECK_EQ(get(B, 0, 4), 0xbbbb1234);
	CHECK_EQ(get(3 << 3, 0, 4), UINT32_MAX);
	CHECK_EQ(get(A + 1, 0, 4), UINT32_MAX);
	end();
}

TEST(slots_taken_and_running_out)
{
	static struct probe many[PCI_SLOTS];
	unsigned int i;

	begin();
	CHECK_EQ(pci_dev_add(host, &a.pci, 0), -EEXIST);
	CHECK_EQ(pci_dev_add(host, &a.pci, PCI_FUNCTIONS), -EEXIST);
	for (i = 1; i < PCI_SLOTS; i++) {
		probe_init(&many[i], i);
		CHECK_EQ(pci_dev_add(host, &many[i].pci, -1), 0);
		CHECK_EQ(many[i].pci.devfn, i << 3);
	}
	CHECK_EQ(pci_dev_add(host, &a.pci, -1), -ENOSPC);
	pci_dev_del(&many[7].pci);
	CHECK_EQ(pci_dev_add(host, &a.pci, -1), 0);
	CHECK_EQ(a.pci.devfn, 7 << 3);
	end();
}

/* Any width at any offset gives the same bytes. */
TEST(ecam_reads_of_any_width_agree)
{
	unsigned int off, len, i;

	begin();
	for (i = 0x40; i < PCI_CFG_SIZE; i++)
		a.pci.cfg[i] = i * 7 + i / 256;
	plug();
	for (off = 0x40; off < 0x60; off++)
		for (len = 1; len <= 8; len++) {
			uint64_t val = bus_read(&vm.mmio, ecam(A, off), len);

			test_note("offset %u length %u", off, len);
			for (i = 0; i < len; i++)
				CHECK_EQ(val >> i * 8 & 0xff,
					 a.pci.cfg[off + i]);
		}
	end();
}

TEST(ecam_access_crosses_functions)
{
	begin();
	plug();
	pci_put(a.pci.cfg, 4092, 0x55aa55aa, 4);
	/* The next function is not there, and reads ones. */
	CHECK_EQ(bus_read(&vm.mmio, ecam(A, 4092), 8), 0xffffffff55aa55aaLL);
	CHECK_EQ(bus_read(&vm.mmio, ecam(A, 4095), 2), 0xff55);
	bus_write(&vm.mmio, ecam(A, 4093), UINT64_MAX, 8);
	CHECK_EQ(pci_get(a.pci.cfg, 4092, 4), 0x55aa55aa);
	/* The very last bytes; one beyond is nobody's. */
	CHECK_EQ(bus_read(&vm.mmio, ECAM + 0xfffff, 1), 0xff);
	CHECK_EQ(bus_read(&vm.mmio, ECAM + 0xfffff, 2), 0xffff);
	end();
}

TEST(writes_obey_the_mask_in_any_width)
{
	begin();
	pci_put(a.pci.cfg, 0x40, 0x12345678, 4);
	pci_put(a.pci.wmask, 0x40, 0x00ff0f00, 4);
	plug();
	bus_write(&vm.mmio, ecam(A, 0x3d), UINT64_MAX, 8);
	CHECK_EQ(get(A, 0x40, 4), 0x12ff5f78);
	put(A, 0x42, 0, 1);
	CHECK_EQ(get(A, 0x40, 4), 0x12005f78);
	CHECK_EQ(get(A, 0, 4), 0xaaaa1234);
	put(A, 0, 0, 4);
	CHECK_EQ(get(A, 0, 4), 0xaaaa1234);
	end();
}

static void cf8(uint32_t val)
{
	bus_write(&vm.pio, 0xcf8, val, 4);
}

TEST(cf8_finds_what_ecam_finds)
{
	unsigned int n;

	begin();
	plug();
	pci_put(a.pci.cfg, 0x40, 0x44332211, 4);
	cf8(0x80000000 | A << 8 | 0x40);
	CHECK_EQ(bus_read(&vm.pio, 0xcf8, 4), 0x80000000 | A << 8 | 0x40);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 4), 0x44332211);
	for (n = 0; n < 4; n++)
		CHECK_EQ(bus_read(&vm.pio, 0xcfc + n, 1), 0x11 * (n + 1));
	CHECK_EQ(bus_read(&vm.pio, 0xcfe, 2), 0x4433);
	CHECK_EQ(bus_read(&vm.pio, 0xcfd, 2), 0x3322);
	/* The two lowest bits of the address have no meaning. */
	cf8(0x80000000 | A << 8 | 0x43);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 4), 0x44332211);
	cf8(0x80000000 | B << 8);
	CHECK_EQ(bus_read(&vm.pio, 0xcfe, 2), 0xbbbb);
	end();
}

TEST(cf8_without_enable_or_on_another_bus)
{
	begin();
	plug();
	cf8(A << 8);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 4), UINT32_MAX);
	cf8(0x80010000 | A << 8);
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 4), UINT32_MAX);
	bus_write(&vm.pio, 0xcfc, 0, 4);
	cf8(0x80000000 | A << 8 | PCI_INTERRUPT_LINE);
	bus_write(&vm.pio, 0xcfc, 0xff, 1);	/* not writable: vanishes */
	CHECK_EQ(bus_read(&vm.pio, 0xcfc, 1), 0);
	end();
}

/* Only whole dwords reach the address; the rest are other ports. */
TEST(cf8_takes_dwords_only)
{
	begin();
	plug();
	cf8(0x80000000 | A << 8);
	bus_write(&vm.pio, 0xcf8, 0, 1);
	bus_write(&vm.pio, 0xcf8, 0, 2);
	bus_write(&vm.pio, 0xcfa, 0, 2);
	CHECK_EQ(bus_read(&vm.pio, 0xcf8, 4), 0x80000000 | A << 8);
	CHECK_EQ(bus_read(&vm.pio, 0xcf8, 1), 0xff);
	CHECK_EQ(bus_read(&vm.pio, 0xcfb, 2), 0xffff);
	CHECK_EQ(bus_read(&vm.pio, 0xcfe, 4), UINT32_MAX);
	end();
}

TEST(reset_control_at_cf9)
{
	begin();
	plug();
	bus_write(&vm.pio, 0xcf9, 0x02, 1);	/* which kind, not yet */
	bus_write(&vm.pio, 0xcf8, 0x0600, 2);
	CHECK_EQ(vm.state, VM_RUNNING);
	bus_write(&vm.pio, 0xcf9, 0x06, 1);
	CHECK_EQ(vm.state, VM_RESETTING);
	end();
}

TEST(bars_of_every_kind_are_sized)
{
	begin();
	mem_bar(&a, 0, 0x4000, false, false);
	mem_bar(&a, 1, 0x200000000ULL, true, true);
	io_bar(&a, 3, 0x20);
	mem_bar(&a, 4, 0x10, true, false);
	plug();
	for (unsigned int i = 0; i < PCI_BARS; i++)
		put(A, BAR(i), UINT32_MAX, 4);
	CHECK_EQ(get(A, BAR(0), 4), 0xffffc000);
	CHECK_EQ(get(A, BAR(1), 4), 0x0000000c);
	CHECK_EQ(get(A, BAR(2), 4), 0xfffffffe);
	CHECK_EQ(get(A, BAR(3), 4), 0xffffffe1);
	CHECK_EQ(get(A, BAR(4), 4), 0xfffffff4);
	CHECK_EQ(get(A, BAR(5), 4), 0xffffffff);
	CHECK_EQ(get(B, BAR(0), 4), 0);
	put(B, BAR(5), UINT32_MAX, 4);
	CHECK_EQ(get(B, BAR(5), 4), 0);
	end();
}

TEST(bar_written_by_bytes)
{
	begin();
	mem_bar(&a, 0, 0x1000, true, false);
	plug();
	put(A, BAR(0), 0, 4);
	put(A, BAR(0) + 3, 0xc1, 1);
	put(A, BAR(0) + 2, 0x23, 1);
	put(A, BAR(0), 0x4567, 2);
	CHECK_EQ(get(A, BAR(0), 4), 0xc1234004);
	CHECK_EQ(get(A, BAR(0) + 2, 2), 0xc123);
	CHECK_EQ(get(A, BAR(0) + 3, 1), 0xc1);
	bus_write(&vm.mmio, ecam(A, BAR(0)), 0x89abcdef01234567, 8);
	CHECK_EQ(a.pci.bars[0].addr, 0x89abcdef01234000);
	end();
}

TEST(nothing_decodes_until_told)
{
	begin();
	mem_bar(&a, 0, 0x1000, false, false);
	plug();
	CHECK(a.pci.bars[0].addr != 0);
	CHECK_EQ(get(A, PCI_COMMAND, 2), 0);
	CHECK_EQ(a.maps, 0);
	CHECK_EQ(bus_read(&vm.mmio, a.pci.bars[0].addr, 4), UINT32_MAX);
	end();
}

/* What goes off vanishes before the device hears, what goes on comes after. */
TEST(decode_order_around_the_command)
{
	begin();
	mem_bar(&a, 0, 0x1000, false, false);
	plug();
	put(A, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK_STR(a.order, "cm");
	put(A, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK_STR(a.order, "cmc");
	put(A, PCI_COMMAND, 0, 2);
	CHECK_STR(a.order, "cmcuc");
	end();
}

TEST(accesses_reach_the_bar)
{
	uint64_t addr;

	begin();
	mem_bar(&a, 0, 0x2000, false, false);
	io_bar(&b, 2, 0x10);
	plug();
	put(A, PCI_COMMAND, 3, 2);
	put(B, PCI_COMMAND, 3, 2);
	addr = a.pci.bars[0].addr;
	CHECK_EQ(bus_read(&vm.mmio, addr + 0x123, 8), 0x1122334455667788);
	CHECK_EQ(a.off, 0x123);
	CHECK_EQ(a.len, 8);
	bus_write(&vm.pio, b.pci.bars[2].addr + 3, 0x99, 1);
	CHECK_EQ(b.bar, 2);
	CHECK_EQ(b.off, 3);
	CHECK_EQ(b.val, 0x99);
	/* Over its end: nobody's. */
	CHECK_EQ(bus_read(&vm.mmio, addr + 0x1ffd, 4), UINT32_MAX);
	/* A has no ports, so its I/O bit is stuck at zero. */
	CHECK_EQ(get(A, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	end();
}

TEST(bar_moves_while_decoding)
{
	begin();
	mem_bar(&a, 0, 0x1000, false, false);
	plug();
	put(A, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	put(A, BAR(0), 0xc8000000, 4);
	CHECK_EQ(a.mapped[0], 0xc8000000);
	CHECK_EQ(a.unmaps, 1);
	bus_read(&vm.mmio, 0xc8000010, 4);
	CHECK_EQ(a.off, 0x10);
	/* Sized with decoding on: gone for the moment. */
	put(A, BAR(0), UINT32_MAX, 4);
	CHECK_EQ(a.mapped[0], 0);
	CHECK_EQ(get(A, BAR(0), 4), 0xfffff000);
	put(A, BAR(0), 0xc8000000, 4);
	CHECK_EQ(a.mapped[0], 0xc8000000);
	/* Written with what it holds: nothing happens. */
	a.order[0] = 0;
	put(A, BAR(0), 0xc8000000, 4);
	CHECK_STR(a.order, "");
	end();
}

TEST(bar_outside_of_the_windows_decodes_nothing)
{
	static const uint32_t outside[] = {
		0, 0x1000, ECAM, MEM32 - 0x1000, MEM32 + MEM32_SIZE, ~0xfffU,
	};

	begin();
	mem_bar(&a, 0, 0x1000, false, false);
	plug();
	put(A, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(outside); i++) {
		put(A, BAR(0), outside[i], 4);
		CHECK_EQ(a.mapped[0], 0);
	}
	put(A, BAR(0), MEM32 + MEM32_SIZE - 0x1000, 4);
	CHECK_EQ(a.mapped[0], MEM32 + MEM32_SIZE - 0x1000);
	end();
}

/* The lower function wins, whoever came first; the other gets it back. */
TEST(overlapping_bars)
{
	begin();
	mem_bar(&a, 0, 0x1000, false, false);
	mem_bar(&b, 0, 0x4000, false, false);
	plug();
	put(A, BAR(0), 0xc8001000, 4);
	put(B, BAR(0), 0xc8000000, 4);
	put(B, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK_EQ(b.mapped[0], 0xc8000000);
	put(A, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK_EQ(a.mapped[0], 0xc8001000);
	CHECK_EQ(b.mapped[0], 0);
	CHECK_EQ(bus_read(&vm.mmio, 0xc8000000, 4), UINT32_MAX);
	put(A, BAR(0), 0xc8004000, 4);
	CHECK_EQ(b.mapped[0], 0xc8000000);
	CHECK_EQ(a.mapped[0], 0xc8004000);
	/* Two BARs that change places never meet. */
	put(A, BAR(0), 0xc8000000, 4);
	CHECK_EQ(b.mapped[0], 0);
	put(B, BAR(0), 0xc8004000, 4);
	CHECK_EQ(b.mapped[0], 0xc8004000);
	end();
}

TEST(sleeping_device_decodes_nothing)
{
	begin();
	mem_bar(&a, 0, 0x1000, false, false);
	plug();
	put(A, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	pci_dev_sleep(&a.pci, true);
	CHECK_EQ(a.mapped[0], 0);
	put(A, BAR(0), 0xc8000000, 4);
	CHECK_EQ(a.mapped[0], 0);
	pci_dev_sleep(&a.pci, false);
	CHECK_EQ(a.mapped[0], 0xc8000000);
	end();
}

TEST(reset_brings_the_first_addresses_back)
{
	uint64_t home;

	begin();
	mem_bar(&a, 0, 0x1000, true, true);
	plug();
	home = a.pci.bars[0].addr;
	put(A, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	put(A, BAR(0), 0xc8000000, 4);
	put(A, BAR(1), 0, 4);
	cf8(0x80000000);
	devices_reset(&vm);
	CHECK_EQ(a.mapped[0], 0);
	CHECK_EQ(a.pci.bars[0].addr, home);
	CHECK_EQ(get(A, PCI_COMMAND, 2), 0);
	CHECK_EQ(bus_read(&vm.pio, 0xcf8, 4), 0);
	end();
}

TEST(unplugged_device_is_unmapped)
{
	begin();
	mem_bar(&a, 0, 0x1000, false, false);
	plug();
	put(A, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	pci_dev_del(&a.pci);
	CHECK_EQ(a.mapped[0], 0);
	CHECK_EQ(get(A, 0, 4), UINT32_MAX);
	CHECK_EQ(get(B, 0, 2), 0x1234);
	end();
}

TEST(described_as_ecam_and_windows)
{
	struct desc desc = { .irq = -1 };

	begin();
	mem_bar(&a, 0, 0x100000, true, true);
	plug();
	vm.devices->ops->describe(vm.devices, &desc);
	CHECK_STR(desc.acpi_hid, "PNP0A08");
	CHECK_EQ(desc.nr_ranges, 5);
	CHECK_EQ(desc.ranges[0].kind, DESC_MMIO);
	CHECK_EQ(desc.ranges[0].base, ECAM);
	CHECK_EQ(desc.ranges[0].size, 1 << 20);
	CHECK_EQ(desc.ranges[1].kind, DESC_PIO);
	CHECK_EQ(desc.ranges[2].kind, DESC_PIO_WINDOW);
	CHECK_EQ(desc.ranges[3].base, MEM32);
	CHECK_EQ(desc.ranges[4].base, MEM64);
	CHECK_EQ(desc.ranges[4].size, 0x100000);
	end();
}

/* Nothing that a guest does to config space may break the bridge. */
TEST(random_writes_everywhere)
{
	unsigned int i;

	begin();
	mem_bar(&a, 0, 0x1000, false, false);
	mem_bar(&a, 2, 0x100000000ULL, true, true);
	mem_bar(&b, 0, 0x10000, true, false);
	io_bar(&b, 5, 4);
	plug();
	srandom(7);
	for (i = 0; i < 20000; i++) {
		uint64_t addr = ECAM + random() % 0x18100;
		unsigned int len = 1U << random() % 4;

		bus_write(&vm.mmio, addr, random() << 16 ^ random(), len);
		bus_read(&vm.mmio, addr, len);
		bus_write(&vm.pio, 0xcf8 + random() % 8, random(),
			  1U << random() % 3);
		put(A, PCI_COMMAND, random(), 2);
		put(B, BAR(random() % 6), MEM32 + random() % 0x100000, 4);
		bus_write(&vm.mmio, MEM32 + random() % 0x100000, 0, 4);
	}
	end();
}
