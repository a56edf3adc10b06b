/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what a guest can do to an assigned device: the first part of the
 * input is the device, whose config space may say anything; the rest is what
 * the guest does to it and what happens meanwhile: config accesses by ECAM and
 * ports, BAR moves, accesses to BARs, MSI and MSI-X, resets, interrupts, and
 * kernel calls that fail. After each step guest memory must be in order.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "devices/pci/pci.h"
#include "devices/vfio/vfio.h"
#include "tests/fake/fake.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/util.h"

#define ECAM 0xe0000000ULL
#define ADDR "0000:01:00.0"
#define OTHER "0000:02:00.0"
#define RAM (16 * KiB)
#define STEPS 400

static const struct pci_layout layout = {
	.ecam = ECAM, .cf8 = true, .io_base = 0x1000, .io_size = 0xf000,
	.mem32_base = 0xc0000000, .mem32_size = 0x10000000,
	.mem64_min = 0x100000000, .mem64_max = 0x10000000000,
	.intx_first = 16, .intx_nr = 8,
};

struct world {
	struct config cfg;
	struct vm vm;
	struct pci_host *host;
	struct fake_pci *hw;
	bool other;		/* a second, well-behaved device */
	unsigned int devfn;	/* of the device under attack */
	bool stuck;		/* its interrupts could not be switched off */
};

/* ---- the device --------------------------------------------------------- */

static void make_bars(struct input *in, struct fake_pci *hw)
{
	unsigned int i;

	for (i = 0; i < 6; i++) {
		uint8_t what = take(in, 1), kind = what & 7, log = what >> 3;
		uint64_t size = BIT(4 + log % 15);

		if (kind < 2)
			continue;
		if (kind == 2)
			fake_bar(hw, i, BIT(2 + log % 7), true, false, false);
		else if (kind == 3)	/* not a power of two */
			hw->bars[i].size = 1 + take(in, 2);
		else
			fake_bar(hw, i, size, false, kind > 4, kind > 5);
		if (kind > 4)
			i++;
	}
}

static void make_cap(struct input *in, struct fake_pci *hw, uint8_t id)
{
	unsigned int at;

	switch (id) {
	case PCI_CAP_ID_MSI:
		fake_cap_msi(hw, 1U << take(in, 1) % 6, take(in, 1) & 1,
			     take(in, 1) & 1);
		break;
	case PCI_CAP_ID_MSIX:
		fake_cap_msix(hw, 1 + take(in, 2) % 2048, take(in, 1) % 6,
			      take(in, 2) & ~7U, take(in, 1) % 6,
			      take(in, 2) & ~7U);
		break;
	case PCI_CAP_ID_EXP:
		fake_cap_pcie(hw);
		break;
	case PCI_CAP_ID_VNDR:
		at = fake_cap(hw, id, 4);
		hw->cfg[at + 2] = take(in, 1);
		break;
	default:
		fake_cap(hw, id, 8);
		break;
	}
}

/* Capabilities as they ought to be, as long as there is room. */
static void make_caps(struct input *in, struct fake_pci *hw)
{
	static const uint8_t ids[] = {
		PCI_CAP_ID_MSIX, PCI_CAP_ID_MSI, PCI_CAP_ID_EXP,
		PCI_CAP_ID_PM, PCI_CAP_ID_VNDR, PCI_CAP_ID_AF,
		PCI_CAP_ID_VPD, PCI_CAP_ID_HT,
	};
	uint8_t which = take(in, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		if (which >> i & 1)
			make_cap(in, hw, ids[i]);
	for (i = take(in, 1) % 4; i; i--)
		fake_ecap(hw, take(in, 2), 1, 4 + take(in, 1));
}

/* And then what no device ought to have. */
static void spoil(struct input *in, struct fake_pci *hw)
{
	unsigned int n = take(in, 1) % 32, i;
	uint8_t what = take(in, 1);

	if (what & 1)
		for (i = 0x40; i < 256; i++)
			hw->cfg[i] = take(in, 1);
	for (; n; n--)
		fake_cfg32(hw, take(in, 2) % (4096 - 3), take(in, 4));
	if (what & 2)
		hw->msi = take(in, 1) % 33;
	if (what & 4)
		hw->msix = take(in, 2) % 2049;
}

static void make_device(struct input *in, struct world *w)
{
	uint16_t what = take(in, 2);
	struct fake_pci *hw = fake_pci(ADDR, 0x1234, 0x11e8, 0xff0000, 1,
				       "vfio-pci");

	w->hw = hw;
	make_bars(in, hw);
	make_caps(in, hw);
	if (!(what & 1))
		spoil(in, hw);
	hw->noresize = what & 2;
	hw->no_mmap = what & 4;
	hw->small_mmap = what & 0x4000;
	hw->can_reset = what & 8;
	hw->intx = what & 0x10;
	hw->msix_limit = what & 0x20 ? 1 + take(in, 1) : 0;
	hw->rom_size = what & 0x1000 ? BIT(11 + take(in, 1) % 8) : 0;
	if (what & 0x2000)
		hw->cfg[PCI_INTERRUPT_PIN] = 1;
	hw->cfg_size = what & 0x40 ? 256 : 4096;
	w->other = what & 0x80;
	w->cfg.iommu = what & 0x100 ? IOMMU_LEGACY : IOMMU_IOMMUFD;
	w->cfg.once = what & 0x200;
	fake_host()->slots_max = what & 0x400 ? 3 : 509;
	fake_host()->gsi_max = what & 0x800 ? 32 : 4096;
}

/* ---- what must hold ----------------------------------------------------- */

static bool in_window(const struct mem_region *r)
{
	return range_contains(layout.mem32_base, layout.mem32_size, r->gpa,
			      r->size) ||
	       range_contains(layout.mem64_min,
			      layout.mem64_max - layout.mem64_min, r->gpa,
			      r->size);
}

/* Regions lie where BARs may, apart from each other, as KVM has them. */
static void check_memory(const struct world *w)
{
	const struct mem *mem = &w->vm.mem;
	const struct mem_region *r;
	uint64_t end = 0;
	unsigned int nr = 0;

	for (r = mem->regions; r; r = r->next, nr++) {
		MUST(r->gpa >= end);
		MUST(r->size && r->gpa + r->size > r->gpa);
		end = r->gpa + r->size;
		if (r->flags & MEM_RAM)
			MUST(r->gpa == 0 && r->size == RAM);
		else
			MUST(in_window(r));
		MUST(fake_slot_at(r->gpa) == r->hva);
	}
	MUST(nr == fake_slots());
	MUST(!fake_violations());
}

static void check_at(const struct world *w, uint64_t gpa, uint64_t len)
{
	char *at = mem_at(&w->vm.mem, gpa, len);

	MUST(!at || (range_contains(0, RAM, gpa, len) &&
		     at == (char *)w->vm.mem.ram_hva + gpa));
}

/* A message that reaches the guest is one that the guest had asked for. */
static void fire(struct input *in, struct world *w)
{
	unsigned int index = take(in, 1) % 3, vector = take(in, 2) % 2048;
	struct fake_msg msg;

	if (fake_irq_fire(w->hw, index,
			  index == VFIO_PCI_INTX_IRQ_INDEX ? 0 : vector,
			  &msg) == 1)
		MUST(msg.pin == (index == VFIO_PCI_INTX_IRQ_INDEX));
	if (vector & 1)
		fake_intx_ack(w->hw, layout.intx_first + take(in, 1) % 9);
}

/* ---- what the guest does ------------------------------------------------ */

static void config_write(struct world *w, unsigned int off, uint64_t val,
			 unsigned int len)
{
	bus_write(&w->vm.mmio, ECAM + w->devfn * 4096 + off, val, len);
}

static uint64_t config_read(struct world *w, unsigned int off,
			    unsigned int len)
{
	return bus_read(&w->vm.mmio, ECAM + w->devfn * 4096 + off, len);
}

static unsigned int find_cap(struct world *w, uint8_t id)
{
	unsigned int at = config_read(w, PCI_CAPABILITY_LIST, 1), n;

	for (n = 0; at && n < 64; n++) {
		if (config_read(w, at, 1) == id)
			return at;
		at = config_read(w, at + 1, 1);
	}
	return 0;
}

/* Where BAR @n is, as the guest sees it, and whether it is one of ports. */
static uint64_t bar_at(struct world *w, unsigned int n, bool *io)
{
	uint64_t at = config_read(w, PCI_BASE_ADDRESS_0 + 4 * n, 4);

	*io = at & 1;
	if (*io)
		return at & ~3ULL;
	if (at & PCI_BASE_ADDRESS_MEM_TYPE_64 && n < 5)
		at |= config_read(w, PCI_BASE_ADDRESS_0 + 4 * n + 4, 4) << 32;
	return at & ~15ULL;
}

static void access_bus(const struct bus *bus, struct input *in, uint64_t addr)
{
	uint8_t how = take(in, 1);
	unsigned int len = 1U << (how & 3);
	uint64_t val;

	if (how & 4) {
		val = bus_read(bus, addr, len);
		MUST(len == 8 || !(val >> len * 8));
	} else {
		bus_write(bus, addr, how & 8 ? UINT64_MAX : take(in, len),
			  len);
	}
}

static void access_ports(struct input *in, struct world *w)
{
	uint32_t address = take(in, 4);

	if (!(address & 0x7f))
		address |= 0x80000000 | w->devfn << 8;
	bus_write(&w->vm.pio, 0xcf8, address, 4);
	access_bus(&w->vm.pio, in, 0xcfc + take(in, 1) % 4);
}

static void access_bar(struct input *in, struct world *w)
{
	bool io;
	uint64_t at = bar_at(w, take(in, 1) % 6, &io) + take(in, 2);

	access_bus(io ? &w->vm.pio : &w->vm.mmio, in, at);
}

static void move_bar(struct input *in, struct world *w)
{
	static const uint64_t bases[] = {
		0, 0xc0000000, 0xc8000000, 0xcffff000, ECAM, 0xfee00000,
		0x100000000, 0xfffffff000,
	};
	unsigned int n = take(in, 1) % 6;
	uint64_t at = bases[take(in, 1) % ARRAY_SIZE(bases)] + take(in, 2);

	config_write(w, PCI_BASE_ADDRESS_0 + 4 * n, at, 4);
	if (n < 5)
		config_write(w, PCI_BASE_ADDRESS_0 + 4 * n + 4, at >> 32, 4);
}

/* One vector's entry, or all of it masked or unmasked. */
static void write_table(struct input *in, struct world *w)
{
	unsigned int cap = find_cap(w, PCI_CAP_ID_MSIX);
	uint32_t where = config_read(w, cap + PCI_MSIX_TABLE, 4);
	uint64_t entry = take(in, 2) % 2048;
	bool io;

	if (!cap)
		return;
	entry = bar_at(w, where & 7, &io) + (where & ~7U) + 16 * entry;
	bus_write(&w->vm.mmio, entry, 0xfee00000 + (take(in, 1) << 12), 8);
	bus_write(&w->vm.mmio, entry + 8, take(in, 1), 4);
	bus_write(&w->vm.mmio, entry + 12, take(in, 1) & 1, 4);
}

/* Around both ends of the table or the pending bits. */
static void access_edge(struct input *in, struct world *w)
{
	unsigned int cap = find_cap(w, PCI_CAP_ID_MSIX);
	uint32_t nr = 1 + (config_read(w, cap + PCI_MSIX_FLAGS, 2) &
			   PCI_MSIX_FLAGS_QSIZE);
	uint8_t what = take(in, 1);
	bool table = what & 1, io;
	uint32_t where = config_read(w, cap + (table ? PCI_MSIX_TABLE :
					       PCI_MSIX_PBA), 4);
	uint64_t at = bar_at(w, where & 7, &io) + (where & ~7U);

	if (!cap)
		return;
	if (what & 2)
		at += table ? 16 * nr : (nr + 63) / 64 * 8;
	access_bus(&w->vm.mmio, in, at + (what >> 2) % 16 - 8);
}

static void write_flags(struct input *in, struct world *w, uint8_t id)
{
	unsigned int cap = find_cap(w, id);

	if (!cap)
		return;
	if (id == PCI_CAP_ID_PM)
		config_write(w, cap + PCI_PM_CTRL, take(in, 1), 2);
	else
		config_write(w, cap + 2, take(in, 2), 2);
}

/* No kernel fails at that, so nobody tries again. */
static void note_failure(struct world *w)
{
	const char *failed = fake_failed();

	if (failed && strstr(failed, "SET_IRQS"))
		w->stuck = true;
}

static void reset(struct world *w)
{
	devices_reset(&w->vm);
	note_failure(w);
	w->vm.state = VM_RUNNING;
	MUST(fake_slots() == 1);
	if (w->stuck)
		return;
	MUST(!fake_irq_enabled(w->hw, VFIO_PCI_MSI_IRQ_INDEX));
	MUST(!fake_irq_enabled(w->hw, VFIO_PCI_MSIX_IRQ_INDEX));
}

static void step(struct input *in, struct world *w)
{
	uint8_t what = take(in, 1);

	switch (what % 16) {
	case 0:
	case 1:
		access_bus(&w->vm.mmio, in, ECAM + w->devfn * 4096 +
			   take(in, 2) % 4096);
		break;
	case 2:
		access_ports(in, w);
		break;
	case 3:
		config_write(w, PCI_COMMAND, take(in, 1), 2);
		break;
	case 4:
	case 5:
		access_bar(in, w);
		break;
	case 6:
		move_bar(in, w);
		break;
	case 7:
		write_table(in, w);
		break;
	case 8:
		access_edge(in, w);
		break;
	case 9:
		write_flags(in, w, PCI_CAP_ID_MSIX);
		break;
	case 10:
		write_flags(in, w, PCI_CAP_ID_MSI);
		break;
	case 11:
		write_flags(in, w, PCI_CAP_ID_PM);
		break;
	case 12:
		fire(in, w);
		break;
	case 13:
		check_at(w, take(in, 5), take(in, 4));
		break;
	case 14:
		access_bus(what & 16 ? &w->vm.pio : &w->vm.mmio, in,
			   what & 16 ? take(in, 2) : take(in, 5));
		break;
	case 15:
		if (what & 0x80)
			reset(w);
		else
			fake_fail_nth(1 + what / 16, 0);
		return;
	}
	if (w->vm.state != VM_RUNNING)
		reset(w);
	note_failure(w);
	fake_fail_nth(0, 0);
}

/* ---- one life ----------------------------------------------------------- */

static bool machine(struct world *w)
{
	if (fake_vm_create(&w->vm, &w->cfg, RAM) < 0)
		return false;
	w->vm.loop.wake_fd = -1;
	MUST(pci_host_create(&w->vm, &layout, &w->host) == 0);
	return true;
}

static bool plug(struct world *w)
{
	if (w->other && vfio_pci_create(&w->vm, w->host, OTHER) < 0)
		return false;
	w->devfn = (w->other ? 2 : 1) << 3;
	if (vfio_pci_create(&w->vm, w->host, ADDR) < 0)
		return false;
	return pci_host_assign(w->host) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world w = { .cfg = { .quiet = true } };
	unsigned int n;

	fake_begin();
	make_device(&in, &w);
	if (w.other)
		fake_pci_nvme(OTHER, 2);
	if (machine(&w)) {
		if (plug(&w))
			for (n = 0; n < STEPS && in.len; n++) {
				step(&in, &w);
				check_memory(&w);
			}
		fake_fail_nth(0, 0);
		devices_destroy(&w.vm);
		fake_vm_destroy(&w.vm);
	}
	fake_end();
	return 0;
}
