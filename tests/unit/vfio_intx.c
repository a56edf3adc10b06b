/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt pin of an assigned device over the fake kernel: to the guest
 * and back without us, disabled by the guest, shared, and giving way to MSI
 * and MSI-X at run time.
 */
#include <errno.h>

#include "assigned.h"

#define USED (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define LINE 17			/* INTA in slot 1 */

static void with_pin(unsigned int pin)
{
	begin();
	hw->intx = true;
	hw->cfg[PCI_INTERRUPT_PIN] = pin;
}

static int fire(struct fake_pci *pci)
{
	struct fake_msg msg;
	int ret = fake_irq_fire(pci, INTX, 0, &msg);

	if (ret != 1)
		return ret;
	CHECK(msg.pin);
	return msg.gsi;
}

TEST(pin_reaches_the_guest_and_back)
{
	unsigned int fds;

	with_pin(1);
	plug();
	fds = fake_fds();
	CHECK_EQ(get(SLOT(1), PCI_INTERRUPT_PIN, 1), 1);
	CHECK_EQ(get(SLOT(1), PCI_INTERRUPT_LINE, 1), LINE);
	/* Nothing before the guest uses the device. */
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	CHECK(fake_cfg_get16(hw, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
	command(USED);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 1);
	CHECK(!(fake_cfg_get16(hw, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE));
	CHECK_EQ(fire(hw), LINE);
	/* A level: once until acknowledged. */
	CHECK_EQ(fire(hw), -EAGAIN);
	CHECK(!fake_intx_ack(hw, LINE + 1));
	CHECK(fake_intx_ack(hw, LINE));
	CHECK_EQ(fire(hw), LINE);
	command(0);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	CHECK_EQ(fake_irqfds(), 0);
	CHECK_EQ(fake_fds(), fds);
	end();
}

TEST(disabled_for_a_moment_it_stays_set_up)
{
	with_pin(1);
	plug();
	command(USED);
	fake_journal_clear();
	command(USED | PCI_COMMAND_INTX_DISABLE);
	CHECK_EQ(fire(hw), -EAGAIN);
	command(USED);
	CHECK_EQ(fire(hw), LINE);
	CHECK_EQ(fake_count("SET_IRQS"), 0);
	CHECK_EQ(fake_count("KVM_IRQFD"), 0);
	end();
}

TEST(disabled_from_the_start_it_is_not_set_up)
{
	with_pin(1);
	plug();
	command(USED | PCI_COMMAND_INTX_DISABLE);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	command(USED);
	CHECK_EQ(fire(hw), LINE);
	end();
}

TEST(pin_gives_way_to_msix_and_comes_back)
{
	with_pin(1);
	plug();
	command(USED);
	CHECK_EQ(fire(hw), LINE);
	msix_on();
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	msix_entry(0, 5);
	msix_mask(0, 0);
	delivers(MSIX, 0, 0xfee00000, 5);
	/* As Linux does it: MSI-X on, then the pin disabled. */
	command(USED | PCI_COMMAND_INTX_DISABLE);
	delivers(MSIX, 0, 0xfee00000, 5);
	msix_off();
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	command(USED);
	CHECK_EQ(fake_irq_enabled(hw, MSIX), 0);
	CHECK_EQ(fire(hw), LINE);
	end();
}

TEST(pin_gives_way_to_msi_and_comes_back)
{
	unsigned int at;

	with_pin(1);
	fake_cap_msi(hw, 1, true, false);
	plug();
	command(USED);
	at = cap(SLOT(1), PCI_CAP_ID_MSI);
	put(SLOT(1), at + PCI_MSI_ADDRESS_LO, 0xfee0a000, 4);
	put(SLOT(1), at + PCI_MSI_DATA_64, 0x60, 2);
	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	delivers(MSI, 0, 0xfee0a000, 0x60);
	put(SLOT(1), at + PCI_MSI_FLAGS, 0, 2);
	CHECK_EQ(fire(hw), LINE);
	CHECK_EQ(fake_violations(), 0);
	end();
}

TEST(pins_are_spread_over_the_lines_and_shared)
{
	struct fake_pci *other;

	with_pin(4);
	other = fake_pci("0000:02:00.0", 1, 2, 0x020000, 2, "vfio-pci");
	fake_bar(other, 0, 4096, false, false, false);
	other->intx = true;
	other->cfg[PCI_INTERRUPT_PIN] = 1;
	CHECK_EQ(vfio_pci_create(&vm, host, ADDR ",slot=30"), 0);
	CHECK_EQ(vfio_pci_create(&vm, host, "02:00.0,slot=1"), 0);
	CHECK_EQ(pci_host_assign(host), 0);
	/* (30 + 3) % 8 and (1 + 0) % 8 */
	CHECK_EQ(get(SLOT(30), PCI_INTERRUPT_LINE, 1), LINE);
	CHECK_EQ(get(SLOT(1), PCI_INTERRUPT_LINE, 1), LINE);
	put(SLOT(30), PCI_COMMAND, USED, 2);
	put(SLOT(1), PCI_COMMAND, USED, 2);
	CHECK_EQ(fire(hw), LINE);
	CHECK_EQ(fire(other), LINE);
	CHECK(fake_intx_ack(hw, LINE));
	CHECK(fake_intx_ack(other, LINE));
	put(SLOT(1), PCI_COMMAND, 0, 2);
	CHECK_EQ(fire(hw), LINE);
	CHECK_EQ(fire(other), -ENOENT);
	end();
}

TEST(status_shows_the_pin)
{
	with_pin(1);
	plug();
	fake_cfg16(hw, PCI_STATUS, PCI_STATUS_INTERRUPT | PCI_STATUS_CAP_LIST);
	CHECK(get(SLOT(1), PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	end();
}

TEST(pin_out_of_range_is_none)
{
	with_pin(5);
	plug();
	CHECK_EQ(get(SLOT(1), PCI_INTERRUPT_LINE, 2), 0);
	command(USED);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	end();
}

TEST(pin_that_the_host_cannot_give_is_missed_once)
{
	with_pin(1);
	plug();
	fake_fail_call("SET_IRQS", EBUSY);
	command(USED);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	CHECK_EQ(fake_irqfds(), 0);
	fake_journal_clear();
	command(USED | PCI_COMMAND_SERR);
	CHECK_EQ(fake_count("SET_IRQS"), 0);
	/* The other kinds work all the same. */
	msix_on();
	msix_entry(0, 1);
	msix_mask(0, 0);
	delivers(MSIX, 0, 0xfee00000, 1);
	end();
}

TEST(guest_reset_takes_the_pin_down)
{
	with_pin(1);
	plug();
	command(USED);
	fire(hw);
	devices_reset(&vm);
	CHECK_EQ(fake_irq_enabled(hw, INTX), 0);
	CHECK_EQ(fake_irqfds(), 0);
	CHECK_EQ(get(SLOT(1), PCI_INTERRUPT_LINE, 1), LINE);
	CHECK(fake_cfg_get16(hw, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
	command(USED);
	CHECK_EQ(fire(hw), LINE);
	end();
}

/* ---- every call made to fail -------------------------------------------- */

static void build(void)
{
	hw = fake_pci_nvme(ADDR, 1);
	hw->intx = true;
	hw->cfg[PCI_INTERRUPT_PIN] = 1;
}

static int run(void)
{
	int err = fake_vm_create(&vm, &cfg, 16 * MiB);

	if (err < 0)
		return err;
	err = pci_host_create(&vm, &layout, &host);
	if (err >= 0)
		err = vfio_pci_create(&vm, host, ADDR);
	if (err >= 0)
		err = pci_host_assign(host);
	if (err >= 0) {
		command(USED);
		msix_on();
		msix_mask(0, 0);
		msix_off();
		command(0);
	}
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	return err;
}

static bool survivable(const char *line)
{
	(void)line;
	return true;
}

TEST(every_call_fails_once)
{
	CHECK(fake_sweep(build, run, survivable) > 40);
}
