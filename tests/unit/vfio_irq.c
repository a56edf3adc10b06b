/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of an assigned device over the fake kernel: MSI and MSI-X as the
 * guest enables, masks and unmasks them, on kernels that add vectors singly
 * and on those that can't, with fewer vectors than asked for.
 */
#include <errno.h>

#include "assigned.h"

TEST(vectors_come_when_unmasked)
{
	unsigned int routes;

	begin();
	plug();
	routes = fake_routes();
	msix_on();
	msix_entry(3, 0x43);
	msix_entry(0, 0x40);
	CHECK_EQ(fake_irqfds(), 0);
	msix_mask(3, 0);
	CHECK_EQ(fake_irqfds(), 1);
	delivers(MSIX, 3, 0xfee03000, 0x43);
	msix_mask(0, 0);
	CHECK_EQ(fake_irqfds(), 2);
	CHECK_EQ(fake_routes(), routes + 2);
	delivers(MSIX, 0, 0xfee00000, 0x40);
	delivers(MSIX, 3, 0xfee03000, 0x43);
	end();
}

/* An NVMe virtual function had no interrupts: its queue came before that. */
TEST(device_has_it_enabled_before_a_vector_is_unmasked)
{
	struct fake_msg msg;
	int noresize;

	for (noresize = 0; noresize < 2; noresize++) {
		begin();
		hw->noresize = noresize;
		plug();
		CHECK_EQ(fake_irq_enabled(hw, MSIX), 0);
		msix_on();
		CHECK_EQ(fake_irq_enabled(hw, MSIX), 1);
		CHECK_EQ(fake_irqfds(), 0);
		CHECK_EQ(fake_irq_fire(hw, MSIX, 0, &msg), -ENOENT);
		msix_entry(0, 0x40);
		msix_mask(0, 0);
		delivers(MSIX, 0, 0xfee00000, 0x40);
		msix_entry(2, 0x42);
		msix_mask(2, 0);
		delivers(MSIX, 2, 0xfee02000, 0x42);
		msix_off();
		CHECK_EQ(fake_irq_enabled(hw, MSIX), 0);
		end();
	}
}

TEST(masked_vector_pends_and_is_delivered_later)
{
	struct fake_msg msg;
	uint64_t pba;
	int fd;

	begin();
	plug();
	msix_on();
	pba = msix_table + 0x1000;
	msix_entry(1, 7);
	msix_mask(1, 0);
	CHECK_EQ(bus_read(&vm.mmio, pba, 8), 0);
	msix_mask(1, 1);
	CHECK_EQ(fake_irqfds(), 0);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 1, &msg), 0);
	CHECK_EQ(bus_read(&vm.mmio, pba, 8), 2);
	CHECK_EQ(bus_read(&vm.mmio, pba, 8), 2);
	/* Unmasked, it is in the eventfd again, where KVM finds it. */
	fake_journal_clear();
	msix_mask(1, 0);
	CHECK_EQ(fake_irqfds(), 1);
	CHECK_EQ(fake_count("write eventfd"), 1);
	CHECK_EQ(bus_read(&vm.mmio, pba, 8), 0);
	fd = fake_irq_fd(hw, MSIX, 1);
	CHECK(fd >= 0);
	delivers(MSIX, 1, 0xfee01000, 7);
	/* Without a look at the pending bits nothing has to be put back. */
	msix_mask(1, 1);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 1, &msg), 0);
	fake_journal_clear();
	msix_mask(1, 0);
	CHECK_EQ(fake_count("write eventfd"), 0);
	CHECK_EQ(fake_irq_fd(hw, MSIX, 1), fd);
	end();
}

TEST(message_changes_while_masked_and_while_live)
{
	begin();
	plug();
	msix_on();
	msix_entry(2, 1);
	msix_mask(2, 0);
	msix_mask(2, 1);
	msix_entry(2, 99);
	msix_mask(2, 0);
	delivers(MSIX, 2, 0xfee02000, 99);
	bus_write(&vm.mmio, msix_table + 2 * 16 + 8, 100, 4);
	delivers(MSIX, 2, 0xfee02000, 100);
	end();
}

TEST(function_mask_covers_all)
{
	unsigned int at;

	begin();
	plug();
	msix_on();
	at = cap(SLOT(1), PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS;
	msix_mask(0, 0);
	msix_mask(1, 0);
	put(SLOT(1), at, 0xc000, 2);
	CHECK_EQ(fake_irqfds(), 0);
	put(SLOT(1), at, 0x8000, 2);
	CHECK_EQ(fake_irqfds(), 2);
	end();
}

TEST(switched_off_nothing_remains)
{
	unsigned int routes, fds;

	begin();
	plug();
	fds = fake_fds();
	routes = fake_routes();
	for (int round = 0; round < 3; round++) {
		msix_on();
		msix_mask(0, 0);
		msix_mask(64, 0);
		CHECK_EQ(fake_irqfds(), 2);
		msix_off();
		CHECK_EQ(fake_irqfds(), 0);
		CHECK_EQ(fake_irq_enabled(hw, MSIX), 0);
		CHECK_EQ(fake_fds(), fds);
	}
	/* The routes themselves go with the next change. */
	msix_mask(64, 1);
	msix_on();
	CHECK_EQ(fake_routes(), routes + 1);
	end();
}

TEST(vectors_one_by_one_where_the_kernel_can)
{
	unsigned int v;

	begin();
	plug();
	msix_on();
	for (v = 0; v < 65; v++)
		msix_mask(v, 0);
	CHECK_EQ(fake_count("DATA_NONE"), 0);
	CHECK_EQ(fake_irqfds(), 65);
	end();
}

TEST(vectors_as_a_set_where_it_cannot)
{
	unsigned int v;

	begin();
	hw->noresize = true;
	plug();
	msix_on();
	for (v = 0; v < 65; v++) {
		msix_entry(v, v);
		msix_mask(v, 0);
	}
	for (v = 0; v < 65; v++)
		delivers(MSIX, v, 0xfee00000 + v * 0x1000, v);
	/* From 1 to 65 by doubling. */
	CHECK_EQ(fake_irq_enabled(hw, MSIX), 65);
	CHECK_EQ(fake_violations(), 0);
	end();
}

TEST(set_is_made_again_with_what_was_lost)
{
	begin();
	hw->noresize = true;
	plug();
	msix_on();
	msix_mask(0, 0);
	fake_journal_clear();
	msix_mask(5, 0);
	CHECK_EQ(fake_count("write eventfd"), 1);
	CHECK_EQ(fake_irq_enabled(hw, MSIX), 6);
	end();
}

TEST(fewer_vectors_than_asked_for)
{
	struct fake_msg msg;
	unsigned int v;

	begin();
	hw->noresize = true;
	hw->msix_limit = 3;
	plug();
	msix_on();
	for (v = 0; v < 5; v++) {
		msix_entry(v, v);
		msix_mask(v, 0);
	}
	for (v = 0; v < 3; v++)
		delivers(MSIX, v, 0xfee00000 + v * 0x1000, v);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 3, &msg), -ENOENT);
	end();
}

TEST(fewer_vectors_one_by_one)
{
	struct fake_msg msg;

	begin();
	hw->msix_limit = 2;
	plug();
	msix_on();
	msix_mask(0, 0);
	msix_mask(1, 0);
	msix_mask(2, 0);
	msix_entry(0, 5);
	delivers(MSIX, 0, 0xfee00000, 5);
	CHECK_EQ(fake_irq_fire(hw, MSIX, 2, &msg), -ENOENT);
	end();
}

/* A device with MSI of so many vectors beside MSI-X. */
static unsigned int with_msi(unsigned int vectors, bool maskable)
{
	unsigned int at;

	begin();
	fake_cap_msi(hw, vectors, true, maskable);
	plug();
	at = cap(SLOT(1), PCI_CAP_ID_MSI);
	put(SLOT(1), at + PCI_MSI_ADDRESS_LO, 0xfee0a000, 4);
	put(SLOT(1), at + PCI_MSI_DATA_64, 0x4060, 2);
	return at;
}

TEST(msi_with_several_vectors)
{
	unsigned int at = with_msi(8, false), v;

	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | 2 << 4, 2);
	CHECK_EQ(fake_irq_enabled(hw, MSI), 4);
	for (v = 0; v < 4; v++)
		delivers(MSI, v, 0xfee0a000, 0x4060 + v);
	put(SLOT(1), at + PCI_MSI_FLAGS, 0, 2);
	CHECK_EQ(fake_irq_enabled(hw, MSI), 0);
	CHECK_EQ(fake_irqfds(), 0);
	end();
}

TEST(msi_with_fewer_than_asked_for)
{
	unsigned int at = with_msi(8, false);

	hw->msix_limit = 2;
	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | 3 << 4, 2);
	CHECK_EQ(fake_irq_enabled(hw, MSI), 2);
	delivers(MSI, 1, 0xfee0a000, 0x4061);
	end();
}

TEST(msi_masked_and_pending)
{
	unsigned int at = with_msi(4, true);
	struct fake_msg msg;

	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | 1 << 4, 2);
	put(SLOT(1), at + PCI_MSI_MASK_64, 2, 4);
	CHECK_EQ(fake_irq_fire(hw, MSI, 1, &msg), 0);
	CHECK_EQ(get(SLOT(1), at + PCI_MSI_MASK_64 + 4, 4), 2);
	put(SLOT(1), at + PCI_MSI_MASK_64, 0, 4);
	CHECK_EQ(get(SLOT(1), at + PCI_MSI_MASK_64 + 4, 4), 0);
	delivers(MSI, 1, 0xfee0a000, 0x4061);
	end();
}

TEST(from_msi_to_msix_and_back)
{
	unsigned int at = with_msi(1, false);

	put(SLOT(1), at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, 2);
	delivers(MSI, 0, 0xfee0a000, 0x4060);
	/* Both at once: MSI-X it is. */
	msix_on();
	CHECK_EQ(fake_irq_enabled(hw, MSI), 0);
	msix_entry(0, 1);
	msix_mask(0, 0);
	delivers(MSIX, 0, 0xfee00000, 1);
	msix_off();
	CHECK_EQ(fake_irq_enabled(hw, MSIX), 0);
	delivers(MSI, 0, 0xfee0a000, 0x4060);
	put(SLOT(1), at + PCI_MSI_FLAGS, 0, 2);
	CHECK_EQ(fake_irqfds(), 0);
	end();
}
