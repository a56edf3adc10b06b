/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neutral descriptions into AML; see dsdt.h. A device becomes
 *
 *	Device (COM1) {
 *		Name (_HID, EisaId ("PNP0501"))
 *		Name (_UID, 0)
 *		Name (_CRS, ResourceTemplate () { IO (...) IRQNoFlags () {4} })
 *	}
 *
 * and the PCI host has besides its bus range, _OSC, _PRT, and a companion that
 * reserves its configuration space, without which Linux won't use it.
 */
#include <string.h>

#include "arch/x86/dsdt.h"
#include "arch/x86/pm.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define PCI_HOST "PNP0A08"
#define RESERVED "PNP0C02"
#define PCI_SLOTS 32
#define PCI_PINS 4

/* Operators of section 20.2.5 that _OSC is written with. */
enum {
	OP_LOCAL0 = 0x60, OP_LOCAL1 = 0x61, OP_ARG0 = 0x68, OP_ARG3 = 0x6b,
	OP_STORE = 0x70, OP_AND = 0x7b, OP_OR = 0x7d,
	OP_CREATE_DWORD = 0x8a, OP_LNOT = 0x92, OP_LEQUAL = 0x93,
	OP_RETURN = 0xa4, OP_BUFFER = 0x11,
};

/* What the OS may take over of PCI Express: the capability structure. */
#define OSC_CONTROL 0x10
#define OSC_HOTPLUG 0x01	/* and slots, where there are any */
#define OSC_MASKED 0x10		/* in the answer: not all was granted */
#define OSC_BAD_UUID 0x04

static bool describe(const struct device *dev, struct desc *desc)
{
	*desc = (struct desc){ .irq = -1 };
	if (dev->ops->describe)
		dev->ops->describe(dev, desc);
	return desc->acpi_hid;
}

static bool is_pci_host(const struct desc *desc)
{
	return !strcmp(desc->acpi_hid, PCI_HOST);
}

/* Devices of one kind are numbered in the order they were added in. */
static unsigned int uid_of(const struct device *dev, const struct desc *desc)
{
	unsigned int uid = 0;
	struct desc other;

	for (dev = dev->next; dev; dev = dev->next)
		if (describe(dev, &other) &&
		    !strcmp(other.acpi_hid, desc->acpi_hid))
			uid++;
	return uid;
}

static void put_range(struct aml *aml, const struct desc_range *range)
{
	switch (range->kind) {
	case DESC_MMIO:
		aml_memory(aml, range->base, range->size);
		break;
	case DESC_PIO:
		aml_io(aml, range->base, range->size);
		break;
	case DESC_MMIO_WINDOW:
		aml_memory_window(aml, range->base, range->size,
				  range->prefetch);
		break;
	case DESC_PIO_WINDOW:
		aml_io_window(aml, range->base, range->size);
		break;
	}
}

static void put_crs(struct aml *aml, const struct desc *desc)
{
	unsigned int i;

	aml_crs(aml);
	for (i = 0; i < desc->nr_ranges; i++)
		put_range(aml, &desc->ranges[i]);
	if (desc->irq >= 0)
		aml_irq(aml, desc->irq, desc->irq_level);
	aml_crs_end(aml);
}

/* CreateDWordField (Arg3, @at, @name) */
static void put_field(struct aml *aml, uint8_t at, const char *name)
{
	aml_byte(aml, OP_CREATE_DWORD);
	aml_byte(aml, OP_ARG3);
	aml_int(aml, at);
	aml_path(aml, name);
}

/* @name |= @bits */
static void put_or(struct aml *aml, const char *name, uint64_t bits)
{
	aml_byte(aml, OP_OR);
	aml_path(aml, name);
	aml_int(aml, bits);
	aml_path(aml, name);
}

/* If (Arg0 == the UUID of a PCI host bridge) */
static void put_if_pci_uuid(struct aml *aml)
{
	/* 33DB4D5B-1FF7-401C-9657-7441C03DD766 */
	static const uint8_t uuid[16] = {
		0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
		0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66,
	};

	aml_if(aml);
	aml_byte(aml, OP_LEQUAL);
	aml_byte(aml, OP_ARG0);
	/* A buffer's length, in one byte, counts itself and the two of 16. */
	aml_byte(aml, OP_BUFFER);
	aml_byte(aml, sizeof(uuid) + 3);
	aml_int(aml, sizeof(uuid));
	aml_bytes(aml, uuid, sizeof(uuid));
}

/*
 * Method (_OSC, 4) grants the bits of @control, and says so where the OS
 * asked for more: Arg3 is { status, supported, control }.
 */
static void put_osc(struct aml *aml, uint64_t control)
{
	aml_method(aml, "_OSC", 4);
	put_field(aml, 0, "CDW1");
	put_if_pci_uuid(aml);
	put_field(aml, 8, "CDW3");
	aml_byte(aml, OP_AND);		/* Local0 = CDW3 & @control */
	aml_path(aml, "CDW3");
	aml_int(aml, control);
	aml_byte(aml, OP_LOCAL0);
	aml_if(aml);			/* If (!(Local0 == CDW3)) */
	aml_byte(aml, OP_LNOT);
	aml_byte(aml, OP_LEQUAL);
	aml_byte(aml, OP_LOCAL0);
	aml_path(aml, "CDW3");
	put_or(aml, "CDW1", OSC_MASKED);
	aml_end(aml);
	aml_byte(aml, OP_STORE);	/* CDW3 = Local0 */
	aml_byte(aml, OP_LOCAL0);
	aml_path(aml, "CDW3");
	aml_end(aml);
	aml_else(aml);
	put_or(aml, "CDW1", OSC_BAD_UUID);
	aml_end(aml);
	aml_byte(aml, OP_RETURN);
	aml_byte(aml, OP_ARG3);
	aml_end(aml);
}

/* The host's own registers go to its companion: they are not its windows. */
static void put_pci_reserved(struct aml *aml, const struct desc *host)
{
	struct desc own = { .irq = -1 };
	unsigned int i;

	for (i = 0; i < host->nr_ranges; i++)
		if (host->ranges[i].kind == DESC_MMIO)
			own.ranges[own.nr_ranges++] = host->ranges[i];
	aml_device(aml, "ECAM");
	aml_name_id(aml, "_HID", RESERVED);
	aml_name_id(aml, "_UID", "ECAM");
	put_crs(aml, &own);
	aml_end(aml);
}

static void put_pci_crs(struct aml *aml, const struct desc *host)
{
	unsigned int i;

	aml_crs(aml);
	aml_bus_window(aml, 0, host->last_bus);
	for (i = 0; i < host->nr_ranges; i++)
		if (host->ranges[i].kind != DESC_MMIO)
			put_range(aml, &host->ranges[i]);
	aml_crs_end(aml);
}

/*
 * Where the interrupt pins of the slots lead: to GSIs, for an OS that uses
 * the IOAPIC. Without a word on it such a line is level and active low, which
 * is what KVM's, that has no polarity, passes for.
 */
static void put_prt(struct aml *aml, const struct desc *host)
{
	unsigned int slot, pin;

	aml_name_block(aml, "_PRT", (PCI_SLOTS - 1) * PCI_PINS);
	for (slot = 1; slot < PCI_SLOTS; slot++)
		for (pin = 0; pin < PCI_PINS; pin++) {
			aml_package(aml, 4);
			aml_int(aml, slot << 16 | 0xffff);
			aml_int(aml, pin);
			aml_int(aml, 0);
			aml_int(aml, host->intx_first +
				     (slot + pin) % host->intx_nr);
			aml_end(aml);
		}
	aml_end(aml);
}

static void put_device(struct aml *aml, const struct device *dev,
		       const struct desc *desc)
{
	bool pci = is_pci_host(desc);

	aml_device(aml, desc->name);
	aml_name_id(aml, "_HID", desc->acpi_hid);
	if (desc->acpi_cid)
		aml_name_id(aml, "_CID", desc->acpi_cid);
	aml_name_int(aml, "_UID", uid_of(dev, desc));
	if (pci) {
		aml_name_int(aml, "_BBN", 0);
		put_pci_crs(aml, desc);
		put_osc(aml, OSC_CONTROL | (desc->last_bus ? OSC_HOTPLUG : 0));
		if (desc->intx_nr)
			put_prt(aml, desc);
	} else {
		put_crs(aml, desc);
	}
	aml_end(aml);
	if (pci)
		put_pci_reserved(aml, desc);
}

void dsdt_build(struct vm *vm, struct aml *aml)
{
	/* The first value is PM1a's SLP_TYP, the second PM1b's. */
	static const uint8_t s5[4] = { PM_SLP_TYP_S5 };
	const struct device *dev;
	struct desc desc;

	aml_name_package(aml, "\\_S5", s5, sizeof(s5));
	aml_scope(aml, "\\_SB");
	for (dev = vm->devices; dev; dev = dev->next)
		if (describe(dev, &desc))
			put_device(aml, dev, &desc);
	aml_end(aml);
}

bool dsdt_pci_ecam(struct vm *vm, struct desc_range *ecam)
{
	const struct device *dev;
	struct desc desc;
	unsigned int i;

	for (dev = vm->devices; dev; dev = dev->next) {
		if (!describe(dev, &desc) || !is_pci_host(&desc))
			continue;
		for (i = 0; i < desc.nr_ranges; i++)
			if (desc.ranges[i].kind == DESC_MMIO) {
				*ecam = desc.ranges[i];
				return true;
			}
	}
	return false;
}
