/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine with one assigned device; see assigned.h.
 */
#include "assigned.h"

#define ECAM 0xe0000000ULL

const struct pci_layout layout = {
	.ecam = ECAM, .cf8 = true, .io_base = 0x1000, .io_size = 0xf000,
	.mem32_base = 0xc0000000, .mem32_size = 0x10000000,
	.mem64_min = 0x100000000, .mem64_max = 0x10000000000,
	.intx_first = 16, .intx_nr = 8,
};

struct config cfg;
struct vm vm;
struct pci_host *host;
struct fake_pci *hw;

void machine(void)
{
	CHECK_EQ(fake_vm_create(&vm, &cfg, 64 * MiB), 0);
	CHECK_EQ(pci_host_create(&vm, &layout, &host), 0);
}

void begin(void)
{
	fake_begin();
	hw = fake_pci_nvme(ADDR, 1);
	machine();
}

void plug(void)
{
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR), 0);
	CHECK_EQ(pci_host_assign(host), 0);
}

void end(void)
{
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	fake_end();
}

uint32_t get(unsigned int devfn, unsigned int off, unsigned int len)
{
	return bus_read(&vm.mmio, ECAM + devfn * 4096 + off, len);
}

void put(unsigned int devfn, unsigned int off, uint32_t val,
	 unsigned int len)
{
	bus_write(&vm.mmio, ECAM + devfn * 4096 + off, val, len);
}

unsigned int cap(unsigned int devfn, uint8_t id)
{
	unsigned int at = get(devfn, PCI_CAPABILITY_LIST, 1);

	while (at && get(devfn, at, 1) != id)
		at = get(devfn, at + 1, 1);
	return at;
}

uint64_t bar(unsigned int devfn, unsigned int n)
{
	uint64_t addr = get(devfn, PCI_BASE_ADDRESS_0 + 4 * n, 4);

	if (addr & PCI_BASE_ADDRESS_MEM_TYPE_64)
		addr |= (uint64_t)get(devfn, PCI_BASE_ADDRESS_0 + 4 * n + 4,
				      4) << 32;
	return addr & ~15ULL;
}

void command(uint16_t val)
{
	put(SLOT(1), PCI_COMMAND, val, 2);
}

uint64_t msix_table;

void msix_on(void)
{
	unsigned int at = cap(SLOT(1), PCI_CAP_ID_MSIX);
	uint32_t where = get(SLOT(1), at + PCI_MSIX_TABLE, 4);

	command(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	msix_table = bar(SLOT(1), where & 7) + (where & ~7U);
	put(SLOT(1), at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

void msix_off(void)
{
	put(SLOT(1), cap(SLOT(1), PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 0, 2);
}

void msix_mask(unsigned int v, unsigned int masked)
{
	bus_write(&vm.mmio, msix_table + v * 16 + 12, masked, 4);
}

void msix_entry(unsigned int v, uint32_t data)
{
	bus_write(&vm.mmio, msix_table + v * 16, 0xfee00000 + v * 0x1000, 8);
	bus_write(&vm.mmio, msix_table + v * 16 + 8, data, 4);
}

void delivers(unsigned int index, unsigned int v, uint64_t address,
	      uint32_t data)
{
	struct fake_msg msg;

	CHECK_EQ(fake_irq_fire(hw, index, v, &msg), 1);
	CHECK(!msg.pin);
	CHECK_EQ(msg.address, address);
	CHECK_EQ(msg.data, data);
}
