/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PCI host bridge in the device tree. Linux:
 * Documentation/devicetree/bindings/pci/host-generic-pci.yaml and pci-msi.txt;
 * IEEE Std 1275-1994, PCI Bus Binding, for the cells of addresses.
 */
#include "arch/arm64/dt.h"

#define PCI_PINS 4
#define SPACE_IO	0x01000000U
#define SPACE_MEM32	0x02000000U
#define SPACE_MEM64	0x03000000U
#define SLOT_MASK(nr)	(((nr) - 1) << 11)
#define PIN_MASK	7

/*
 * Ports are memory of the bridge's, from port 0 on: so the window begins at a
 * page's beginning, however large pages are.
 */
static void put_window(struct dt_cells *ranges, const struct desc_range *r)
{
	bool io = r->kind == DESC_PIO_WINDOW;
	uint64_t bus = io ? 0 : r->base;

	dt_cell(ranges, io ? SPACE_IO :
			r->base >> 32 ? SPACE_MEM64 : SPACE_MEM32);
	dt_cell64(ranges, bus);
	dt_cell64(ranges, io ? ARM64_PCI_IO_BASE : r->base);
	dt_cell64(ranges, r->base + r->size - bus);
}

static void put_windows(struct dt *dt, const struct desc *desc)
{
	struct dt_cells ranges = { .nr = 0 };
	unsigned int i;

	for (i = 0; i < desc->nr_ranges; i++)
		if (desc->ranges[i].kind == DESC_PIO_WINDOW ||
		    desc->ranges[i].kind == DESC_MMIO_WINDOW)
			put_window(&ranges, &desc->ranges[i]);
	dt_cells(dt, "ranges", &ranges);
}

/* Lines repeat after as many slots as there are lines, a power of two. */
static void put_intx(struct dt *dt, const struct desc *desc)
{
	struct dt_cells map = { .nr = 0 }, mask = { .nr = 0 };
	unsigned int slot, pin;

	for (slot = 0; slot < desc->intx_nr; slot++)
		for (pin = 0; pin < PCI_PINS; pin++) {
			dt_cell(&map, slot << 11);
			dt_cell64(&map, 0);
			dt_cell(&map, pin + 1);
			dt_cell(&map, DT_GIC);
			dt_cell64(&map, 0);
			dt_irq(&map, DT_SPI, desc->intx_first +
			       (slot + pin) % desc->intx_nr, DT_LEVEL);
		}
	dt_cell(&mask, SLOT_MASK(desc->intx_nr));
	dt_cell64(&mask, 0);
	dt_cell(&mask, PIN_MASK);
	dt_u32(dt, "#interrupt-cells", 1);
	dt_cells(dt, "interrupt-map-mask", &mask);
	dt_cells(dt, "interrupt-map", &map);
}

/* Every requester id is the ITS's device id, or no matter to a v2m frame. */
static void put_msi(struct dt *dt)
{
	struct dt_cells map = { .nr = 0 };

	dt_cell(&map, 0);
	dt_cell(&map, DT_MSI);
	dt_cell(&map, 0);
	dt_cell(&map, 0x10000);
	dt_cells(dt, "msi-map", &map);
}

void dt_pci(struct dt *dt, const struct desc *desc)
{
	const struct desc_range *ecam = &desc->ranges[0];

	dt_begin(dt, "pcie@%llx", (unsigned long long)ecam->base);
	dt_label(dt, "pcie", 0);
	dt_string(dt, "compatible", desc->compatible);
	dt_string(dt, "device_type", "pci");
	dt_u32(dt, "#address-cells", 3);
	dt_u32(dt, "#size-cells", 2);
	dt_reg(dt, ecam->base, ecam->size);
	dt_u64(dt, "bus-range", desc->last_bus);
	dt_u32(dt, "linux,pci-domain", 0);
	dt_empty(dt, "dma-coherent");
	put_windows(dt, desc);
	put_msi(dt);
	if (desc->intx_nr)
		put_intx(dt, desc);
	dt_end(dt);
}
