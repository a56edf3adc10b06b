/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device's status and common configuration: what a driver may say when,
 * and that a reset forgets it.
 */
#include "driver.h"

#define RING (&dev.rings[0])
#define ALL (BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX))

static void begin(uint64_t features)
{
	guest_begin();
	guest_add("rng", NULL);
	guest_boot();
	use_msix();
	ready(features);
	run(1);
}

static void check_fill(void)
{
	struct buffer b = { ram(100), 100, true };
	unsigned int head = offer(RING, &b, 1), len;

	kick(RING);
	CHECK_EQ(wait_used(RING, &len), head);
	CHECK_EQ(len, 100);
}

TEST(features_that_were_not_offered)
{
	begin(0);
	unready();
	set_reg(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	set_reg(VIRTIO_PCI_COMMON_GF, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_GF, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	CHECK_EQ(status(), 3);
	/* Nor without the one that says modern. */
	set_reg(VIRTIO_PCI_COMMON_GF, 0, 4);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	set_reg(VIRTIO_PCI_COMMON_GF, 0, 4);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	CHECK_EQ(status(), 3);
	guest_end();
}

TEST(a_queue_in_use_keeps_its_place)
{
	begin(0);
	set_reg(VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	set_reg(VIRTIO_PCI_COMMON_Q_DESCLO, 0, 4);
	set_reg(VIRTIO_PCI_COMMON_Q_SIZE, 2, 2);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_Q_DESCLO, 8), RING->desc_gpa);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_Q_SIZE, 2), RING->size);
	check_fill();
	guest_end();
}

TEST(sizes_that_no_queue_has)
{
	begin(0);
	unready();
	set_reg(VIRTIO_PCI_COMMON_Q_SIZE, 0, 2);
	set_reg(VIRTIO_PCI_COMMON_Q_SIZE, 3, 2);
	set_reg(VIRTIO_PCI_COMMON_Q_SIZE, 128, 2);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_Q_SIZE, 2), 64);
	set_reg(VIRTIO_PCI_COMMON_Q_SIZE, 16, 2);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_Q_SIZE, 2), 16);
	guest_end();
}

TEST(a_reset_forgets_everything)
{
	struct buffer b;
	unsigned int head, len;

	begin(ALL);
	check_fill();
	b = (struct buffer){ ram(8), 8, true };
	unready();
	offer(RING, &b, 1);
	kick(RING);
	run(1);
	CHECK(!collect(RING, &head, &len));
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	ready(ALL);
	check_fill();
	devices_reset(&guest_vm);
	CHECK_EQ(fake_irqfds(), 0);
	CHECK_EQ(fake_doorbells(), 0);
	drive(1);
	use_msix();
	ready(0);
	check_fill();
	guest_end();
}
