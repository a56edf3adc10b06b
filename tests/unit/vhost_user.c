/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices whose back end is another program: what it is told, and what becomes of
 * a device whose back end does not do as it should.
 */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"
#include "capture.h"
#include "driver.h"
#include "vmm/log.h"

#define EVENT_IDX BIT(VIRTIO_RING_F_EVENT_IDX)
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define SECOND 1000000000ULL

static struct back back;

static void begin(void)
{
	signal(SIGPIPE, SIG_IGN);	/* as main() has it */
	back_begin(&back);
}

/* A machine with the device, whose driver has not come yet. */
static void boot(const char *kind)
{
	static char spec[64];

	back_start(&back, -1);
	snprintf(spec, sizeof(spec), "%s,socket=fd:%d", kind, back.peer);
	guest_begin();
	guest_add("vhost-user", spec);
	guest_boot();
}

static void end(void)
{
	guest_end();
	back_end(&back);
}

static void read_some(struct ring *r)
{
	struct buffer b = { ram(100), 100, true };
	unsigned int len;

	offer(r, &b, 1);
	kick(r);
	wait_used(r, &len);
	CHECK_EQ(len, 100);
	CHECK_EQ(((uint8_t *)at(b.gpa))[99], BACK_FILL);
}

/* ---- as it should be --------------------------------------------------------- */

TEST(a_disk)
{
	struct fake_msg msg;
	unsigned int i;

	begin();
	back.features |= BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_MQ) |
			 BIT(VIRTIO_BLK_F_CONFIG_WCE) | BIT(VIRTIO_BLK_F_RO);
	boot("blk,queues=2");
	CHECK_STR(back.asked, " 1 15 16 3 17 24");
	CHECK_EQ(back.protocol_on, B_MQ | B_ACK | B_CONFIG);
	CHECK_EQ(cfg_get(SLOT(1), PCI_DEVICE_ID, 2), 0x1040 + VIRTIO_ID_BLOCK);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 8), 0x0706050403020100);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 34, 2), 2);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 56, 4), 0x3b3a3938);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 60, 4), 0);
	CHECK_EQ(dev.nr, 2);
	use_msix();
	AS_VOID(FAKE_VCPU, ready(UINT64_MAX));
	/* The cache is not switched, for that is not passed on. */
	CHECK_EQ(back.accepted, BIT(VIRTIO_F_VERSION_1) | B_PROTOCOL |
		 BIT(VIRTIO_RING_F_INDIRECT_DESC) | EVENT_IDX |
		 BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_MQ) |
		 BIT(VIRTIO_BLK_F_RO));
	CHECK_EQ(back.regions, 1);
	CHECK_EQ(back.fds, 1);
	CHECK_EQ(back.ram_size, GUEST_RAM);
	for (i = 0; i < 2; i++) {
		read_some(&dev.rings[i]);
		CHECK(fake_interrupt(&msg));
		CHECK_EQ(msg.data, 0x40 + i);
	}
	AS_VOID(FAKE_VCPU, unready());
	CHECK_EQ(back_asked(&back, B_GET_VRING_BASE), 2);
	ready(EVENT_IDX);
	CHECK(!(back.accepted & BIT(VIRTIO_BLK_F_FLUSH)));
	read_some(&dev.rings[1]);
	end();
	/* Taken down, it has let go. */
	CHECK_EQ(back_asked(&back, B_GET_VRING_BASE), 4);
}

TEST(kicks_and_interrupts_stay_in_the_kernel)
{
	begin();
	boot("blk");
	use_msix();
	ready(0);
	CHECK_EQ(fake_doorbells(), 1);
	fake_journal_clear();
	read_some(&dev.rings[0]);
	/* Neither the doorbell nor the interrupt was ours to see. */
	CHECK_EQ(fake_count("read"), 0);
	end();
}

TEST(a_driver_without_msix)
{
	struct fake_msg msg;

	begin();
	boot("blk");
	ready(0);
	read_some(&dev.rings[0]);
	run(20);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.isr, 1), 1);
	CHECK(fake_interrupt(&msg));
	CHECK(msg.pin);
	end();
}

TEST(a_file_system)
{
	char tag[36] = { 0 };
	unsigned int i;

	begin();
	back.protocol = 0;
	boot("fs,tag=home");
	CHECK_EQ(cfg_get(SLOT(1), PCI_DEVICE_ID, 2), 0x1040 + VIRTIO_ID_FS);
	for (i = 0; i < sizeof(tag); i++)
		tag[i] = bus_read(&guest_vm.mmio, dev.config + i, 1);
	CHECK(!memcmp(tag, "home\0\0\0", 7));
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 36, 4), 1);
	CHECK_EQ(dev.nr, 2);
	ready(UINT64_MAX);
	read_some(&dev.rings[0]);
	read_some(&dev.rings[1]);
	CHECK(!strncmp(back.asked, " 1 15 16 3 2 ", 13));
	end();
}

TEST(a_network_card)
{
	begin();
	back.features |= BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_CTRL_VQ) |
			 BIT(VIRTIO_NET_F_MTU);
	boot("net,mac=02:00:00:00:00:07");
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 4), 2);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 4, 4), 0x10700);
	CHECK_EQ(dev.nr, 2);
	ready(UINT64_MAX);
	/* Its address is told by us. */
	CHECK_EQ(back.accepted & UINT32_MAX & ~(B_PROTOCOL | EVENT_IDX |
		 BIT(VIRTIO_RING_F_INDIRECT_DESC)), BIT(VIRTIO_NET_F_CSUM));
	read_some(&dev.rings[0]);
	end();
}

TEST(a_back_end_that_has_little)
{
	begin();
	back.features = BIT(VIRTIO_F_VERSION_1);
	boot("net");
	set_reg(VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
	CHECK_EQ(reg(VIRTIO_PCI_COMMON_DF, 4) & (EVENT_IDX |
		 BIT(VIRTIO_RING_F_INDIRECT_DESC)), 0);
	ready(UINT64_MAX);
	read_some(&dev.rings[1]);
	CHECK(!strncmp(back.asked, " 1 3 2 ", 7));
	CHECK_EQ(back.accepted, BIT(VIRTIO_F_VERSION_1));
	CHECK_EQ(back_asked(&back, B_SET_VRING_ENABLE), 0);
	end();
}

/* ---- back ends that do not do as they should ------------------------------------ */

static void refused(const char *kind, const char *words)
{
	uint64_t start = time_now();
	char spec[64];

	back_start(&back, -1);
	snprintf(spec, sizeof(spec), "%s,socket=fd:%d", kind, back.peer);
	guest_begin();
	guest_add("vhost-user", spec);
	capture_begin(2);
	CHECK(virtio_create_all(&guest_vm, guest_host) < 0);
	capture_end();
	CHECK(said(words));
	CHECK(time_now() - start < 5 * SECOND);
	end();
}

TEST(it_is_lost_at_the_beginning)
{
	static const uint32_t at[] = {
		B_GET_FEATURES, B_GET_PROTOCOL, B_SET_OWNER, B_GET_QUEUE_NUM,
		B_GET_CONFIG,
	};
	unsigned int i, how;

	for (i = 0; i < ARRAY_SIZE(at); i++)
		for (how = W_SILENT; how < W_REFUSE; how++) {
			test_note("request %u, wrong %u", at[i], how);
			begin();
			back.at = at[i];
			back.wrong = how;
			refused("blk", "the back end is lost");
		}
}

TEST(it_has_not_what_is_needed)
{
	begin();
	back.features = 0;
	refused("blk", "from before VIRTIO 1.0");
	begin();
	back.protocol = 0;
	refused("blk", "does not tell its configuration");
	begin();
	refused("blk,queues=5", "has fewer queues: 4");
	begin();
	back.protocol &= ~B_MQ;
	refused("blk,queues=2", "has fewer queues: 1");
	begin();
	back.queues = 0;
	refused("fs,tag=x", "has fewer queues: 0");
	begin();
	back.at = B_SET_OWNER;
	back.wrong = W_REFUSE;
	refused("blk", "refuses request 3");
}

TEST(it_is_lost_when_the_driver_comes)
{
	static const uint32_t at[] = {
		B_SET_FEATURES, B_SET_MEM_TABLE, B_SET_VRING_NUM,
		B_SET_VRING_ADDR, B_SET_VRING_BASE, B_SET_VRING_KICK,
		B_SET_VRING_CALL, B_SET_VRING_ENABLE, B_GET_VRING_BASE,
	};
	unsigned int i, how;
	uint64_t start;

	for (i = 0; i < ARRAY_SIZE(at); i++)
		for (how = W_SILENT; how < W_REFUSE; how++) {
			test_note("request %u, wrong %u", at[i], how);
			begin();
			back.at = at[i];
			back.wrong = how;
			boot("blk");
			use_msix();
			start = time_now();
			capture_begin(2);
			try_ready(0);
			unready();
			CHECK(try_ready(0) & NEEDS_RESET);
			run(5);
			unready();
			capture_end();
			CHECK(said("the back end is lost"));
			CHECK(time_now() - start < 5 * SECOND);
			end();
		}
}

TEST(what_it_refuses_can_be_tried_again)
{
	begin();
	back.at = B_SET_VRING_ADDR;
	back.wrong = W_REFUSE;
	boot("blk");
	capture_begin(2);
	CHECK(try_ready(0) & NEEDS_RESET);
	capture_end();
	CHECK(said("refuses request 9"));
	ready(0);
	read_some(&dev.rings[0]);
	end();
}

static void wait_broken(void)
{
	unsigned int tries = 0;

	while (!(status() & NEEDS_RESET) && tries++ < 500)
		run(2);
	CHECK(status() & NEEDS_RESET);
}

TEST(it_goes_while_the_guest_runs)
{
	struct fake_msg msg;

	begin();
	boot("blk");
	use_msix();
	ready(0);
	read_some(&dev.rings[0]);
	CHECK(fake_interrupt(&msg));
	shutdown(back.fd, SHUT_RDWR);
	capture_begin(2);
	AS_VOID(FAKE_MAIN, wait_broken());
	capture_end();
	CHECK(said("the back end is lost: broken pipe"));
	CHECK(fake_interrupt(&msg));
	CHECK_EQ(msg.data, 0x40 + dev.nr);
	/* A kick of a driver that has not noticed. */
	kick(&dev.rings[0]);
	unready();
	CHECK(try_ready(0) & NEEDS_RESET);
	end();
}

TEST(it_speaks_unasked)
{
	begin();
	boot("fs,tag=x");
	ready(0);
	CHECK_EQ(send(back.fd, "hello", 5, 0), 5);
	capture_begin(2);
	wait_broken();
	capture_end();
	CHECK(said("the back end is lost: protocol error"));
	end();
}

TEST(guest_memory_in_too_many_pieces)
{
	static struct mem_region more[9];
	unsigned int i;

	begin();
	guest_begin();
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		more[i] = (struct mem_region){
			.name = "more", .gpa = GUEST_RAM + i * 8192,
			.size = 4096, .hva = guest_vm.mem.ram_hva,
			.fd = guest_vm.mem.ram_fd, .flags = MEM_RAM,
		};
		CHECK_EQ(mem_add(&guest_vm.mem, &more[i]), 0);
	}
	back_start(&back, -1);
	guest_add("vhost-user", "blk,socket=fd:0");
	capture_begin(2);
	CHECK_EQ(virtio_create_all(&guest_vm, guest_host), -EOPNOTSUPP);
	capture_end();
	CHECK(said("in pieces that cannot be shared"));
	for (i = 0; i < ARRAY_SIZE(more); i++)
		mem_del(&guest_vm.mem, &more[i]);
	end();
}

TEST(each_call_fails_once)
{
	bool failed = true;
	unsigned int n;
	char spec[32];
	int err;

	for (n = 1; failed; n++) {
		begin();
		back_start(&back, -1);
		guest_begin();
		snprintf(spec, sizeof(spec), "blk,socket=fd:%d", back.peer);
		guest_add("vhost-user", spec);
		capture_begin(2);
		fake_fail_nth(n, 0);
		err = virtio_create_all(&guest_vm, guest_host);
		failed = fake_failed();
		test_note("%s", failed ? fake_failed() : "none");
		fake_fail_nth(0, 0);
		capture_end();
		CHECK_EQ(err < 0, failed);
		end();
	}
	CHECK(n > 12);
}

/* ---- drivers that do not ---------------------------------------------------------- */

TEST(rings_outside_of_memory)
{
	begin();
	boot("fs,tag=x");
	ready(0);
	unready();
	back.asked[0] = '\0';
	set_reg(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_GF, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	set_reg(VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	set_reg(VIRTIO_PCI_COMMON_Q_DESCLO, GUEST_RAM - 16, 8);
	set_reg(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	CHECK(status() & NEEDS_RESET);
	unready();
	CHECK_STR(back.asked, "");
	ready(0);
	read_some(&dev.rings[1]);
	end();
}

TEST(a_queue_that_is_left_out)
{
	begin();
	boot("fs,tag=x");
	unready();
	set_reg(VIRTIO_PCI_COMMON_STATUS, 3, 1);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_GF, 1, 4);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 11, 1);
	setup_queue(&dev.rings[1]);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 15, 1);
	CHECK_EQ(status(), 15);
	CHECK_EQ(back_asked(&back, B_SET_VRING_ADDR), 1);
	read_some(&dev.rings[1]);
	unready();
	CHECK_EQ(back_asked(&back, B_GET_VRING_BASE), 1);
	end();
}

TEST(a_driver_that_comes_and_goes)
{
	unsigned int round;

	begin();
	boot("blk");
	use_msix();
	for (round = 0; round < 30; round++) {
		ready(0);
		kick(&dev.rings[0]);
	}
	read_some(&dev.rings[0]);
	end();
}

/* ---- the option -------------------------------------------------------------------- */

static void check_refused(const char *option, const char *spec, int err,
			  const char *words)
{
	test_note("--%s %s", option, spec);
	guest_begin();
	guest_add(option, spec);
	capture_begin(2);
	CHECK_EQ(virtio_create_all(&guest_vm, guest_host), err);
	capture_end();
	CHECK(said(words));
	guest_end();
}

TEST(words_that_make_no_sense)
{
	static const struct {
		const char *spec, *words;
	} cases[] = {
		{ "", "not fs, blk or net" },
		{ "scsi,socket=x", "not fs, blk or net" },
		{ "blk", "no socket=" },
		{ "blk,socket=", "no socket=" },
		{ "fs,socket=x", "no tag=" },
		{ "fs,socket=x,tag=", "tag: 1 to 36" },
		{ "fs,socket=x,tag=0123456789012345678901234567890123456",
		  "tag: 1 to 36" },
		{ "blk,socket=x,tag=x", "not socket=, tag= of fs" },
		{ "blk,socket=x,queues=0", "queues: 1 to 16" },
		{ "blk,socket=x,queues=17", "queues: 1 to 16" },
		{ "net,socket=x,queues=2", "queues= of blk" },
		{ "net,socket=x,mac=01:00:00:00:00:00", "mac: six bytes" },
		{ "fs,socket=x,mac=02:00:00:00:00:00", "mac= of net" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		check_refused("vhost-user", cases[i].spec, -EDOM,
			      cases[i].words);
	check_refused("vhost-user", "blk,socket=/tmp/postern-test-nobody",
		      -ENOENT, "cannot connect to /tmp/postern-test-nobody");
	check_refused("vhost-user", "blk,socket=fd:9999", -ENOENT,
		      "cannot connect to fd:9999");
}

/* ---- a folder of the host's --------------------------------------------------------- */

static void daemon_runs(int listener)
{
	int fd = accept(listener, NULL, NULL);

	CHECK(fd >= 0);
	back_start(&back, fd);
}

static void share(const char *spec)
{
	begin();
	guest_begin();
	unsetenv("PATH");
	fake_dir("/srv/files");
	fake_program("/usr/libexec/virtiofsd", daemon_runs);
	guest_add("share", spec);
	guest_boot();
}

TEST(a_folder)
{
	share("/srv/files");
	CHECK_EQ(fake_count("spawn /usr/libexec/virtiofsd --fd=3 "
			    "--log-level=error --shared-dir /srv/files ->"), 1);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 4), 0x656c6966);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 4, 4), 's');
	ready(0);
	read_some(&dev.rings[1]);
	end();
	share("/srv/files,tag=t,ro");
	CHECK_EQ(fake_count("--shared-dir /srv/files --readonly ->"), 1);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 4), 't');
	end();
}

TEST(a_daemon_in_the_path)
{
	begin();
	guest_begin();
	fake_dir("/srv/files");
	fake_program("/opt/bin/virtiofsd", daemon_runs);
	setenv("PATH", "/bin:/opt/bin:/sbin", 1);
	guest_add("share", "/srv/files");
	guest_boot();
	CHECK(fake_order("spawn /bin/virtiofsd --fd=3",
			 "spawn /opt/bin/virtiofsd --fd=3", NULL));
	CHECK_EQ(fake_count("spawn"), 2);
	ready(0);
	end();
}

static void daemon_ends(int listener)
{
}

TEST(a_daemon_that_ends)
{
	begin();
	guest_begin();
	fake_dir("/srv/files");
	fake_program("/usr/libexec/virtiofsd", daemon_ends);
	guest_add("share", "/srv/files");
	capture_begin(2);
	CHECK_EQ(virtio_create_all(&guest_vm, guest_host), -ENODEV);
	capture_end();
	CHECK(said("--share: /srv/files: the back end is lost"));
	guest_end();
}

TEST(folders_that_make_no_sense)
{
	fake_program(NULL, NULL);
	check_refused("share", "/nowhere", -ENOENT, "/nowhere: no such file");
	check_refused("share", "/dev/kvm", -ENOTDIR, "/dev/kvm: not a directory");
	check_refused("share", "/dev,rw", -EDOM, "not tag= or ro");
	check_refused("share", "/dev,tag=", -EDOM, "tag: 1 to 36");
	check_refused("share", "/", -EDOM, "tag: 1 to 36");
	check_refused("share", "/dev", -ENODEV, "cannot run virtiofsd");
	check_refused("share", "/dev", -ENODEV, "apt-get install virtiofsd");
	unsetenv("PATH");
	check_refused("share", "/dev", -ENODEV, "cannot run virtiofsd");
}
