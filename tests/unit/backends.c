/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of other programs, with programs that nobody here made: each is at the
 * socket that POSTERN_SOCKET names, and has three drivers, one after the other,
 * do something with it. The bed's case backends starts them.
 */
#include <linux/fuse.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

#define PAGE 4096
#define HEADER sizeof(struct virtio_net_hdr_v1)

static void boot(const char *kind, const char *keys)
{
	static char spec[200];
	const char *path = getenv("POSTERN_SOCKET");

	CHECK(path);
	signal(SIGPIPE, SIG_IGN);
	snprintf(spec, sizeof(spec), "%s,socket=%s%s", kind, path, keys);
	guest_begin();
	guest_add("vhost-user", spec);
	guest_boot();
	use_msix();
}

/* A request to the second of its queues, and the interrupt that ends it. */
static void block(uint32_t type, uint64_t sector, uint64_t data)
{
	uint64_t header = ram(64);
	struct buffer b[] = {
		{ header, sizeof(struct virtio_blk_outhdr), false },
		{ data, PAGE, type == VIRTIO_BLK_T_IN },
		{ header + 32, 1, true },
	};
	uint8_t *verdict = at(header + 32);
	struct fake_msg msg;
	unsigned int len;

	*(struct virtio_blk_outhdr *)at(header) = (struct virtio_blk_outhdr){
		.type = type, .sector = sector,
	};
	*verdict = 0xff;
	offer(&dev.rings[1], b, ARRAY_SIZE(b));
	kick(&dev.rings[1]);
	wait_used(&dev.rings[1], &len);
	CHECK_EQ(*verdict, VIRTIO_BLK_S_OK);
	while (!fake_interrupt(&msg))
		run(1);
	CHECK_EQ(msg.data, 0x41);
}

TEST_ONLY_IF_NAMED(disk)
{
	uint64_t out, in;
	unsigned int i;

	boot("blk", ",queues=2");
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 8), 8192);
	for (i = 0; i < 3; i++) {
		ready(UINT64_MAX & ~BIT(VIRTIO_RING_F_EVENT_IDX));
		out = ram(PAGE);
		in = ram(PAGE);
		memset(at(out), 0x41 + i, PAGE);
		block(VIRTIO_BLK_T_OUT, 8 * i, out);
		block(VIRTIO_BLK_T_IN, 8 * i, in);
		CHECK(!memcmp(at(out), at(in), PAGE));
		block(VIRTIO_BLK_T_IN, 0, in);
		CHECK_EQ(*(uint8_t *)at(in), 0x41);
	}
	guest_end();
}

TEST_ONLY_IF_NAMED(files)
{
	unsigned int i, len;

	boot("fs", ",tag=x");
	for (i = 0; i < 3; i++) {
		struct fuse_in_header *h;
		struct fuse_out_header *o;
		struct buffer b[2];

		ready(UINT64_MAX);
		b[0] = (struct buffer){
			ram(PAGE), sizeof(*h) + sizeof(struct fuse_init_in),
			false,
		};
		b[1] = (struct buffer){ ram(PAGE), 200, true };
		h = at(b[0].gpa);
		o = at(b[1].gpa);
		*h = (struct fuse_in_header){
			.len = b[0].len, .opcode = FUSE_INIT, .unique = 7 + i,
		};
		*(struct fuse_init_in *)(h + 1) = (struct fuse_init_in){
			.major = FUSE_KERNEL_VERSION, .minor = 36,
		};
		offer(&dev.rings[1], b, 2);
		kick(&dev.rings[1]);
		wait_used(&dev.rings[1], &len);
		CHECK_EQ(o->len, len);
		CHECK_EQ(o->error, 0);
		CHECK_EQ(o->unique, 7 + i);
		CHECK_EQ(((struct fuse_init_out *)(o + 1))->major,
			 FUSE_KERNEL_VERSION);
	}
	guest_end();
}

/* Who has 10.0.2.2? Says 10.0.2.15. */
static const uint8_t question[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 7, 8, 6,
	0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 7, 10, 0, 2, 15,
	0, 0, 0, 0, 0, 0, 10, 0, 2, 2,
};

TEST_ONLY_IF_NAMED(network)
{
	static const uint8_t asker[] = { 2, 0, 0, 0, 0, 7, 10, 0, 2, 15 };
	unsigned int i, len;

	boot("net", ",mac=02:00:00:00:00:07");
	for (i = 0; i < 3; i++) {
		struct buffer rx, tx;
		uint8_t *packet;

		ready(UINT64_MAX);
		rx = (struct buffer){ ram(PAGE), 2048, true };
		tx = (struct buffer){
			ram(PAGE), HEADER + sizeof(question), false,
		};
		offer(&dev.rings[0], &rx, 1);
		kick(&dev.rings[0]);
		memcpy((uint8_t *)at(tx.gpa) + HEADER, question,
		       sizeof(question));
		offer(&dev.rings[1], &tx, 1);
		kick(&dev.rings[1]);
		wait_used(&dev.rings[1], &len);
		wait_used(&dev.rings[0], &len);
		CHECK(len >= HEADER + sizeof(question));
		packet = (uint8_t *)at(rx.gpa) + HEADER;
		CHECK_EQ(packet[21], 2);	/* an answer */
		CHECK(!memcmp(packet + 28, (uint8_t[]){ 10, 0, 2, 2 }, 4));
		CHECK(!memcmp(packet + 32, asker, sizeof(asker)));
	}
	guest_end();
}
