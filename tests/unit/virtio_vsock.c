/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio socket device: what it tells the host's vhost, and when; drivers
 * that set it up so that nobody can serve it.
 */
#include <errno.h>
#include <linux/virtio_vsock.h>
#include <string.h>

#include "capture.h"
#include "driver.h"

#define ALL UINT64_MAX
#define SEQPACKET BIT(VIRTIO_VSOCK_F_SEQPACKET)

static void begin(void)
{
	guest_begin();
	guest_add("vsock", "42");
	guest_boot();
	use_msix();
	CHECK_EQ(dev.nr, 3);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 8), 42);
	CHECK_EQ(fake_vhost()->cid, 42);
	CHECK(!fake_vhost()->runs);
}

static void start(void)
{
	AS_VOID(FAKE_VCPU, ready(ALL));
	CHECK(fake_vhost()->runs);
}

TEST(the_kernel_has_both_queues)
{
	struct fake_msg msg;
	unsigned int i;

	begin();
	start();
	CHECK(fake_vhost()->features & SEQPACKET);
	CHECK(fake_vhost()->features & BIT(VIRTIO_F_VERSION_1));
	for (i = 0; i < 2; i++) {
		CHECK_EQ(fake_vhost()->size[i], dev.rings[i].size);
		CHECK_EQ(fake_vhost()->base[i], 0);
		/* It is told of what is there already, */
		CHECK(fake_vhost_kicked(i));
		CHECK(!fake_vhost_kicked(i));
		/* and of more, past us, */
		kick(&dev.rings[i]);
		run(1);
		CHECK(fake_vhost_kicked(i));
		/* and tells the driver past us. */
		fake_vhost_call(i);
		CHECK(fake_interrupt(&msg));
		CHECK_EQ(msg.data, 0x40 + i);
	}
	kick(&dev.rings[2]);
	run(1);
	guest_end();
}

TEST(a_reset_stops_it_and_a_driver_starts_it)
{
	unsigned int round;

	begin();
	for (round = 0; round < 3; round++) {
		start();
		AS_VOID(FAKE_VCPU, unready());
		CHECK(!fake_vhost()->runs);
		/* Doorbells of a queue that is not live lead to nothing. */
		kick(&dev.rings[0]);
		run(1);
		CHECK(!fake_vhost_kicked(0));
	}
	start();
	AS_VOID(FAKE_MAIN, devices_reset(&guest_vm));
	CHECK(!fake_vhost()->runs);
	guest_end();
}

/* Bad rings, and no rings; then it has to be reset, which makes it good. */
static void refused(void)
{
	CHECK(status() & VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK(!fake_vhost()->runs);
	unready();
	start();
	unready();
}

TEST(drivers_that_cannot_be_served)
{
	begin();
	capture_begin(2);
	/* One queue only. */
	unready();
	set_reg(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_GF, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	setup_queue(&dev.rings[0]);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	refused();
	/* A queue without a vector. */
	unready();
	set_reg(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_GF, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	setup_queue(&dev.rings[0]);
	setup_queue(&dev.rings[1]);
	set_reg(VIRTIO_PCI_COMMON_Q_MSIX, 99, 2);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	refused();
	capture_end();
	CHECK(said("vsock: its driver cannot be served: "));
	guest_end();
}

TEST(what_the_kernel_refuses_breaks_the_device_only)
{
	unsigned int nth;

	for (nth = 1; nth < 14; nth++) {
		begin();
		capture_begin(2);
		set_reg(VIRTIO_PCI_COMMON_STATUS, 0, 1);
		set_reg(VIRTIO_PCI_COMMON_STATUS, 3, 1);
		set_reg(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
		set_reg(VIRTIO_PCI_COMMON_GF, 1, 4);
		set_reg(VIRTIO_PCI_COMMON_STATUS, 11, 1);
		setup_queue(&dev.rings[0]);
		setup_queue(&dev.rings[1]);
		fake_fail_nth(nth, 0);
		set_reg(VIRTIO_PCI_COMMON_STATUS, 15, 1);
		CHECK(fake_failed() != NULL);
		test_note("%s", fake_failed());
		fake_fail_nth(0, 0);
		refused();
		capture_end();
		guest_end();
	}
}

static void check_refused(const char *spec, int err, const char *words)
{
	int got;

	test_note("%s", spec);
	guest_add("vsock", spec);
	capture_begin(2);
	got = virtio_create_all(&guest_vm, guest_host);
	capture_end();
	CHECK_EQ(got, err);
	CHECK(said(words));
	guest_end();
}

TEST(words_that_make_no_sense)
{
	static const char *const bad[] = {
		"", "2", "x", "4294967295", "18446744073709551615", "3x", "-3",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		guest_begin();
		check_refused(bad[i], -EDOM, "a guest's number is 3 to");
	}
	guest_begin();
	check_refused("3,port=4", -EDOM, "port=4': no such key");
	guest_begin();
	check_refused("77", -EBUSY, "--vsock: 77: another guest has this number");
	guest_begin();
	check_refused("3,vhost=/dev/none", -ENODEV, "cannot use /dev/none");
	guest_begin();
	check_refused("3,vhost=/dev/iommu", -ENOTTY, "cannot use /dev/iommu");
	guest_begin();
	fake_host()->vhost = false;
	check_refused("3", -ENODEV, "modprobe vhost_vsock");
}

TEST(each_call_may_fail)
{
	unsigned int nth = 0;
	bool failed;
	int err;

	do {
		guest_begin();
		guest_add("vsock", "3");
		fake_fail_nth(++nth, 0);
		capture_begin(2);
		err = virtio_create_all(&guest_vm, guest_host);
		capture_end();
		failed = fake_failed() != NULL;
		test_note("%s", fake_failed());
		CHECK_EQ(err < 0, failed);
		guest_end();
	} while (failed);
	CHECK(nth > 8);
}
