/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots, and a driver of them; see slots.h.
 */
#include "devices/hotplug.h"
#include "slots.h"

const char *why;

int insert(const char *what)
{
	return AS(FAKE_PLUG, hotplug_add(&vm, what, -1, &why));
}

int take(const char *id)
{
	return AS(FAKE_PLUG, hotplug_remove(&vm, id, 1, &why));
}

static void quit(void *arg)
{
	loop_quit(&vm.loop);
}

/* The main thread for a while. */
void turn(unsigned int ms)
{
	int timer = loop_timer(&vm.loop, ms, quit, NULL);

	CHECK(timer >= 0);
	CHECK_EQ(AS(FAKE_PLUG, loop_run(&vm.loop)), 0);
	loop_timer_del(&vm.loop, timer);
}

/* A machine with two slots, and a disk on the host. */
static void build(void)
{
	struct pci_layout with = layout;

	with.ports = cfg.hotplug = 2;
	hw = fake_pci_nvme(ADDR, 1);
	CHECK_EQ(fake_vm_create(&vm, &cfg, 64 * MiB), 0);
	CHECK_EQ(loop_create(&vm.loop), 0);
	CHECK_EQ(pci_host_create(&vm, &with, &host), 0);
	CHECK_EQ(hotplug_create(&vm, host), 0);
	CHECK_EQ(pci_host_assign(host), 0);
}

void slots_begin(void)
{
	fake_begin();
	build();
}

void slots_end(void)
{
	devices_destroy(&vm);
	loop_destroy(&vm.loop);
	fake_vm_destroy(&vm);
	fake_end();
}

/* ---- the driver of slot n ----------------------------------------------- */

unsigned int slot_reg(unsigned int n, unsigned int reg)
{
	return cap(PORT(n), PCI_CAP_ID_EXP) + reg;
}

uint16_t slot_status(unsigned int n)
{
	return get(PORT(n), slot_reg(n, PCI_EXP_SLTSTA), 2);
}

void slot_clear(unsigned int n, uint16_t events)
{
	put(PORT(n), slot_reg(n, PCI_EXP_SLTSTA), events, 2);
}

void slot_control(unsigned int n, uint16_t value)
{
	put(PORT(n), slot_reg(n, PCI_EXP_SLTCTL), value, 2);
}

bool slot_link(unsigned int n)
{
	return get(PORT(n), slot_reg(n, PCI_EXP_LNKSTA), 2) &
	       PCI_EXP_LNKSTA_DLLLA;
}

uint32_t slot_vendor(unsigned int bus)
{
	return get(BUS(bus), PCI_VENDOR_ID, 2);
}

/* It has an interrupt, and listens. */
void slot_listen(unsigned int n)
{
	unsigned int msi = cap(PORT(n), PCI_CAP_ID_MSI);

	put(PORT(n), msi + PCI_MSI_ADDRESS_LO, 0xfee00000, 4);
	put(PORT(n), msi + PCI_MSI_DATA_64, 0x40 + n, 2);
	put(PORT(n), msi + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	slot_control(n, ENABLE | OFF);
}

/* What is in slot @n begins to be used: at @at, with a vector. */
void slot_use(unsigned int n, uint32_t at)
{
	unsigned int bus = BUS(n);

	slot_clear(n, EVENTS);
	put(bus, PCI_BASE_ADDRESS_0, at, 4);
	put(bus, PCI_BASE_ADDRESS_1, 0, 4);
	put(bus, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	put(bus, cap(bus, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS,
	    PCI_MSIX_FLAGS_ENABLE, 2);
	msix_table = at + 0x2000;
	msix_entry(0, 0x77);
	msix_mask(0, 0);
	slot_control(n, ENABLE | ON);
}

void slot_let_go(unsigned int n)
{
	CHECK(slot_status(n) & PCI_EXP_SLTSTA_ABP);
	slot_clear(n, PCI_EXP_SLTSTA_ABP);
	slot_control(n, ENABLE | BLINK);
	turn(1);
	CHECK_EQ(slot_vendor(n), 0x1b36);
	slot_control(n, ENABLE | OFF);
	turn(10);
	CHECK_EQ(slot_vendor(n), 0xffff);
}
