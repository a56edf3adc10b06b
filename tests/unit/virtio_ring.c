/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings and transport of virtio devices, by way of the simplest one: what a good
 * driver sees, and what becomes of one that says what makes no sense.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"

#define RING (&dev.rings[0])
#define ALL (BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX))
#define BROKEN VIRTIO_CONFIG_S_NEEDS_RESET

static void begin(uint64_t features)
{
	guest_begin();
	guest_add("rng", NULL);
	guest_boot();
	use_msix();
	ready(features);
	run(1);
}

/* What the fake kernel's random bytes are. */
static bool filled(uint64_t gpa, size_t len)
{
	uint8_t *p = at(gpa);
	size_t i;

	/* As the fake's sys_random() does, 256 at a time. */
	for (i = 1; i < len; i++)
		if (i % 256 && p[i] != (uint8_t)(p[i - 1] + 7))
			return false;
	return true;
}

static bool broken(void)
{
	run(1);
	return status() & BROKEN;
}

static void check_fill(void)
{
	struct buffer b = { ram(100), 100, true };
	unsigned int head = offer(RING, &b, 1), len;

	kick(RING);
	CHECK_EQ(wait_used(RING, &len), head);
	CHECK_EQ(len, 100);
	CHECK(filled(b.gpa, 100));
}

TEST(identity_is_that_of_a_modern_device)
{
	begin(0);
	CHECK_EQ(cfg_get(SLOT(1), PCI_VENDOR_ID, 4), 0x10441af4);
	CHECK_EQ(cfg_get(SLOT(1), PCI_REVISION_ID, 1), 1);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_NUMQ, 2), 1);
	set_reg(VIRTIO_PCI_COMMON_DFSELECT, 1, 4);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_DF, 4), 1);
	set_reg(VIRTIO_PCI_COMMON_DFSELECT, 2, 4);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_DF, 4), 0);
	set_reg(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	guest_end();
}

TEST(a_chain_comes_back_filled)
{
	begin(0);
	check_fill();
	check_fill();
	guest_end();
}

TEST(chain_of_many_buffers)
{
	struct buffer b[3];
	unsigned int len, i;
	uint64_t gpa;

	begin(0);
	gpa = ram(300);
	for (i = 0; i < 3; i++)
		b[i] = (struct buffer){ gpa + 100 * i, 100, true };
	offer(RING, b, 3);
	kick(RING);
	wait_used(RING, &len);
	CHECK_EQ(len, 300);
	CHECK(filled(gpa, 300));
	guest_end();
}

TEST(indirect_chain)
{
	struct buffer b[2];
	unsigned int len;
	uint64_t gpa;

	begin(ALL);
	gpa = ram(200);
	b[0] = (struct buffer){ gpa, 50, true };
	b[1] = (struct buffer){ gpa + 50, 150, true };
	offer_indirect(RING, b, 2);
	kick(RING);
	wait_used(RING, &len);
	CHECK_EQ(len, 200);
	CHECK(filled(gpa, 200));
	guest_end();
}

/* As many as the queue has room for, which is more than its descriptors. */
TEST(indirect_chain_as_long_as_the_queue)
{
	struct buffer b[64];
	unsigned int len, i;
	uint64_t gpa;

	begin(ALL);
	gpa = ram(640);
	for (i = 0; i < 64; i++)
		b[i] = (struct buffer){ gpa + 10 * i, 10, true };
	offer_indirect(RING, b, RING->size);
	kick(RING);
	wait_used(RING, &len);
	CHECK_EQ(len, 640);
	guest_end();
}

TEST(indices_wrap)
{
	unsigned int i;

	begin(ALL);
	RING->avail->idx = 0;
	for (i = 0; i < 70000; i += 64) {
		struct buffer b = { MiB * 8, 1, true };
		unsigned int n, head, len;

		for (n = 0; n < 64; n++)
			offer(RING, &b, 1);
		kick(RING);
		for (n = 0; n < 64; n++)
			if (!collect(RING, &head, &len))
				wait_used(RING, &len);
	}
	CHECK(!broken());
	check_fill();
	guest_end();
}

/* ---- notifications ------------------------------------------------------ */

TEST(one_interrupt_for_a_batch)
{
	struct buffer b;
	struct fake_msg msg;
	unsigned int i, len;

	begin(0);
	b = (struct buffer){ ram(16), 16, true };
	for (i = 0; i < 10; i++)
		offer(RING, &b, 1);
	kick(RING);
	for (i = 0; i < 10; i++)
		wait_used(RING, &len);
	CHECK(fake_interrupt(&msg));
	CHECK_EQ(msg.address, 0xfee00000);
	CHECK_EQ(msg.data, 0x40);
	CHECK(!fake_interrupt(&msg));
	guest_end();
}

TEST(no_interrupt_if_none_is_wanted)
{
	struct fake_msg msg;

	begin(0);
	RING->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	check_fill();
	CHECK(!fake_interrupt(&msg));
	RING->avail->flags = 0;
	check_fill();
	CHECK(fake_interrupt(&msg));
	guest_end();
}

TEST(interrupt_at_the_event_index)
{
	struct fake_msg msg;

	begin(ALL);
	RING->avail->ring[RING->size] = 1;	/* at the second */
	check_fill();
	CHECK(!fake_interrupt(&msg));
	check_fill();
	CHECK(fake_interrupt(&msg));
	check_fill();
	CHECK(!fake_interrupt(&msg));
	guest_end();
}

TEST(device_asks_to_be_notified)
{
	uint16_t *event;

	begin(ALL);
	event = (uint16_t *)&RING->used->ring[RING->size];
	CHECK_EQ(*event, 0);
	check_fill();
	run(1);
	CHECK_EQ(*event, 1);
	guest_end();
	begin(0);
	check_fill();
	run(1);
	CHECK_EQ(RING->used->flags, 0);
	guest_end();
}

static _Atomic bool enough;

/* As much as there is room for is available, at any time. */
static void *never_end(void *arg)
{
	while (!enough)
		__atomic_store_n(&RING->avail->idx, __atomic_load_n(
				 &RING->used->idx, __ATOMIC_SEQ_CST) + 64,
				 __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(a_driver_without_end_holds_nobody_up)
{
	pthread_t thread;
	unsigned int i;

	begin(0);
	for (i = 0; i < 64; i++)
		RING->desc[i] = (struct vring_desc){
			.addr = MiB, .len = 16, .flags = VRING_DESC_F_WRITE,
		};
	for (i = 0; i < 64; i++)
		RING->avail->ring[i] = i;
	RING->avail->idx = 64;
	CHECK(!pthread_create(&thread, NULL, never_end, NULL));
	kick(RING);
	for (i = 0; i < 1000 && !RING->used->idx; i++)
		run(10);
	enough = true;
	pthread_join(thread, NULL);
	CHECK(!(status() & BROKEN));
	CHECK(i < 1000);
	guest_end();
}

TEST(pin_without_msix)
{
	struct fake_msg msg;

	guest_begin();
	guest_add("rng", NULL);
	guest_boot();
	ready(0);
	run(1);
	check_fill();
	CHECK(fake_interrupt(&msg));
	CHECK(msg.pin);
	CHECK_EQ(msg.gsi, cfg_get(SLOT(1), PCI_INTERRUPT_LINE, 1));
	/* Not yet read: it comes again. */
	fake_ack(msg.gsi);
	run(1);
	CHECK(fake_interrupt(&msg));
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.isr, 1), 1);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.isr, 1), 0);
	fake_ack(msg.gsi);
	run(1);
	CHECK(!fake_interrupt(&msg));
	/* Disabled, it is remembered. */
	cfg_put(SLOT(1), PCI_COMMAND, PCI_COMMAND_MEMORY |
	    PCI_COMMAND_INTX_DISABLE, 2);
	check_fill();
	CHECK(!fake_interrupt(&msg));
	cfg_put(SLOT(1), PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	CHECK(fake_interrupt(&msg));
	unready();
	CHECK_EQ(fake_irqfds(), 0);
	guest_end();
}

TEST(masked_vector_is_pending)
{
	struct fake_msg msg;

	begin(0);
	bus_write(&guest_vm.mmio, dev.table + 12, 1, 4);
	check_fill();
	CHECK(!fake_interrupt(&msg));
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.bar + 0x5000, 8), 1);
	bus_write(&guest_vm.mmio, dev.table + 12, 0, 4);
	CHECK(fake_interrupt(&msg));
	CHECK_EQ(msg.data, 0x40);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.bar + 0x5000, 8), 0);
	guest_end();
}

TEST(doorbells_follow_the_bar)
{
	begin(0);
	CHECK_EQ(fake_doorbells(), 1);
	CHECK(fake_ring(dev.notify));
	cfg_put(SLOT(1), PCI_BASE_ADDRESS_0, 0xc8000000, 4);
	CHECK(!fake_ring(dev.notify));
	CHECK(fake_ring(0xc8000000 + dev.notify - dev.bar));
	cfg_put(SLOT(1), PCI_COMMAND, 0, 2);
	CHECK_EQ(fake_doorbells(), 0);
	guest_end();
}

TEST(without_a_doorbell_a_write_does)
{
	struct buffer b;
	unsigned int len;

	begin(0);
	b = (struct buffer){ ram(8), 8, true };
	offer(RING, &b, 1);
	bus_write(&guest_vm.mmio, dev.notify, 0, 4);
	wait_used(RING, &len);
	CHECK_EQ(len, 8);
	guest_end();
}

/* ---- the window in config space ------------------------------------------ */

TEST(registers_through_config_space)
{
	unsigned int cap, type;

	begin(0);
	for (cap = cfg_get(SLOT(1), PCI_CAPABILITY_LIST, 1); cap;
	     cap = cfg_get(SLOT(1), cap + 1, 1)) {
		type = cfg_get(SLOT(1), cap + VIRTIO_PCI_CAP_CFG_TYPE, 1);
		if (cfg_get(SLOT(1), cap, 1) == PCI_CAP_ID_VNDR &&
		    type == VIRTIO_PCI_CAP_PCI_CFG)
			break;
	}
	CHECK(cap);
	cfg_put(SLOT(1), cap + VIRTIO_PCI_CAP_OFFSET, VIRTIO_PCI_COMMON_NUMQ, 4);
	cfg_put(SLOT(1), cap + VIRTIO_PCI_CAP_LENGTH, 2, 4);
	CHECK_EQ(cfg_get(SLOT(1), cap + 16, 2), 1);
	cfg_put(SLOT(1), cap + VIRTIO_PCI_CAP_OFFSET, VIRTIO_PCI_COMMON_STATUS, 4);
	cfg_put(SLOT(1), cap + VIRTIO_PCI_CAP_LENGTH, 1, 4);
	cfg_put(SLOT(1), cap + 16, 0, 1);
	CHECK_EQ(status(), 0);
	cfg_put(SLOT(1), cap + VIRTIO_PCI_CAP_OFFSET, 0x7fff, 4);
	cfg_put(SLOT(1), cap + VIRTIO_PCI_CAP_LENGTH, 4, 4);
	CHECK_EQ(cfg_get(SLOT(1), cap + 16, 4), 0);
	guest_end();
}

/* ---- what makes no sense ------------------------------------------------ */

static void check_recovers(void)
{
	struct fake_msg msg;

	CHECK(broken());
	/* The configuration's vector, the last. */
	CHECK(fake_interrupt(&msg));
	CHECK_EQ(msg.data, 0x41);
	ready(ALL);
	run(1);
	check_fill();
}

static void check_descriptor(struct vring_desc d)
{
	begin(ALL);
	RING->desc[0] = d;
	make_available(RING, 0);
	kick(RING);
	check_recovers();
	guest_end();
}

#define DESC(a, l, f, n) \
	((struct vring_desc){ .addr = a, .len = l, .flags = f, .next = n })

TEST(buffer_outside_of_memory)
{
	check_descriptor(DESC(GUEST_RAM - 8, 16, VRING_DESC_F_WRITE, 0));
	check_descriptor(DESC(UINT64_MAX - 8, 16, VRING_DESC_F_WRITE, 0));
	check_descriptor(DESC(0, UINT32_MAX, VRING_DESC_F_WRITE, 0));
	check_descriptor(DESC(0xc0000000, 16, VRING_DESC_F_WRITE, 0));
}

TEST(chain_that_bites_its_tail)
{
	check_descriptor(DESC(MiB, 16, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT,
			      0));
	check_descriptor(DESC(MiB, 0, VRING_DESC_F_NEXT, 0));
}

TEST(descriptor_that_is_not_there)
{
	check_descriptor(DESC(MiB, 16, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT,
			      64));
}

TEST(indirect_table_of_an_odd_size)
{
	check_descriptor(DESC(MiB, 0, VRING_DESC_F_INDIRECT, 0));
	check_descriptor(DESC(MiB, 24, VRING_DESC_F_INDIRECT, 0));
	check_descriptor(DESC(MiB + 1, 16, VRING_DESC_F_INDIRECT, 0));
	check_descriptor(DESC(GUEST_RAM - 16, 32, VRING_DESC_F_INDIRECT, 0));
	check_descriptor(DESC(MiB, 16, VRING_DESC_F_INDIRECT |
			      VRING_DESC_F_NEXT, 0));
}

TEST(indirect_table_in_another)
{
	struct vring_desc *d;
	uint64_t gpa;

	begin(ALL);
	gpa = ram(64);
	d = at(gpa);
	d[0] = DESC(gpa + 16, 16, VRING_DESC_F_INDIRECT, 0);
	RING->desc[0] = DESC(gpa, 32, VRING_DESC_F_INDIRECT, 0);
	make_available(RING, 0);
	kick(RING);
	check_recovers();
	guest_end();
}

/* The queue's own table is at its address, whoever says so. */
TEST(indirect_table_that_is_the_queues_own)
{
	begin(ALL);
	RING->desc[0] = DESC(RING->desc_gpa, 16 * RING->size,
			     VRING_DESC_F_INDIRECT, 0);
	make_available(RING, 0);
	kick(RING);
	CHECK(broken());
	guest_end();
}

TEST(indirect_table_that_was_not_agreed_on)
{
	begin(0);
	RING->desc[0] = DESC(MiB, 16, VRING_DESC_F_INDIRECT, 0);
	make_available(RING, 0);
	kick(RING);
	CHECK(broken());
	guest_end();
}

TEST(head_that_is_not_there)
{
	begin(0);
	make_available(RING, RING->size);
	kick(RING);
	CHECK(broken());
	guest_end();
}

TEST(more_chains_than_there_is_room_for)
{
	begin(0);
	RING->avail->idx = RING->size + 1;
	kick(RING);
	CHECK(broken());
	guest_end();
}

TEST(buffer_to_read_behind_one_to_write)
{
	struct buffer b[2];

	begin(0);
	b[0] = (struct buffer){ ram(8), 8, true };
	b[1] = (struct buffer){ ram(8), 8, false };
	offer(RING, b, 2);
	kick(RING);
	CHECK(broken());
	guest_end();
}

static void check_rings(uint64_t desc, uint64_t avail, uint64_t used)
{
	guest_begin();
	guest_add("rng", NULL);
	guest_boot();
	set_reg(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_GF, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	set_reg(VIRTIO_PCI_COMMON_Q_DESCLO, desc, 8);
	set_reg(VIRTIO_PCI_COMMON_Q_AVAILLO, avail, 8);
	set_reg(VIRTIO_PCI_COMMON_Q_USEDLO, used, 8);
	set_reg(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	CHECK_EQ(status(), 15 | BROKEN);
	guest_end();
}

TEST(rings_that_are_not_in_memory)
{
	check_rings(GUEST_RAM, MiB, MiB);
	check_rings(GUEST_RAM - 16, MiB, MiB);
	check_rings(MiB, UINT64_MAX - 1, MiB);
	check_rings(MiB, MiB, 0xc0000000);
	check_rings(MiB + 8, MiB, MiB);
	check_rings(MiB, MiB + 1, MiB);
	check_rings(MiB, MiB, MiB + 2);
}

/* ---- kernel calls that fail --------------------------------------------- */

static struct config rng = {
	.memory = GUEST_RAM, .virtio = { { "rng", NULL } }, .nr_virtio = 1,
};

static int life(void)
{
	static const struct pci_layout layout = {
		.ecam = 0xe0000000, .mem32_base = 0xc0000000,
		.mem32_size = 0x10000000, .intx_first = 16, .intx_nr = 8,
	};
	int err = fake_vm_create(&guest_vm, &rng, GUEST_RAM);

	if (err < 0)
		return err;
	err = loop_create(&guest_vm.loop);
	if (err < 0)
		goto destroy_vm;
	err = pci_host_create(&guest_vm, &layout, &guest_host);
	if (!err)
		err = virtio_create_all(&guest_vm, guest_host);
	if (!err)
		err = pci_host_assign(guest_host);
	devices_destroy(&guest_vm);
	loop_destroy(&guest_vm.loop);
destroy_vm:
	fake_vm_destroy(&guest_vm);
	return err;
}

static void build(void)
{
}

static bool tolerates(const char *line)
{
	return strstr(line, "KVM_CHECK_EXTENSION") || strstr(line, "madvise") ||
	       strstr(line, "read eventfd");
}

TEST(survives_every_failing_call)
{
	CHECK(fake_sweep(build, life, tolerates) > 10);
}
