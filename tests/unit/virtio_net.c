/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio network card: at a socket that stands for a tap, packet for packet,
 * and at one that stands for a passt, as a stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture.h"
#include "driver.h"

#define RX (&dev.rings[0])
#define TX (&dev.rings[1])
#define HEADER sizeof(struct virtio_net_hdr_v1)
#define MRG BIT(VIRTIO_NET_F_MRG_RXBUF)
#define PATH "/tmp/postern-test-passt"

static int peer[2];

static void begin(const char *keys, uint64_t features)
{
	static char spec[64];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, peer), 0);
	CHECK_EQ(fcntl(peer[0], F_SETFL, O_NONBLOCK), 0);
	snprintf(spec, sizeof(spec), "tap=fd:%d%s", peer[1], keys);
	guest_begin();
	guest_add("net", spec);
	guest_boot();
	use_msix();
	ready(features);
}

static void end(void)
{
	guest_end();
	close(peer[0]);
	close(peer[1]);
}

static void transmit(size_t len, uint8_t fill)
{
	struct buffer b[2] = {
		{ ram(HEADER), HEADER, false }, { ram(len), len, false },
	};
	unsigned int used;

	memset(at(b[1].gpa), fill, len);
	offer(TX, b, 2);
	kick(TX);
	wait_used(TX, &used);
}

static ssize_t wait_read(int fd, void *buf, size_t len)
{
	unsigned int tries;
	ssize_t n;

	for (tries = 0; tries < 2000; tries++) {
		n = read(fd, buf, len);
		if (n >= 0)
			return n;
		usleep(1000);
	}
	return -1;
}

static void send_packet(size_t len, uint8_t fill)
{
	uint8_t packet[4096] = { 0 };

	memset(packet + HEADER, fill, len);
	CHECK_EQ(write(peer[0], packet, HEADER + len), HEADER + len);
}

static uint64_t give(uint32_t len)
{
	struct buffer b = { ram(len), len, true };

	offer(RX, &b, 1);
	kick(RX);
	return b.gpa;
}

static unsigned int buffers_of(uint64_t gpa)
{
	return ((struct virtio_net_hdr_v1 *)at(gpa))->num_buffers;
}

TEST(packets_go_out)
{
	uint8_t got[2048];

	begin(",mac=02:00:00:00:00:07", 0);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config, 4), 2);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 4, 2), 0x0700);
	transmit(100, 0x11);
	transmit(1500, 0x22);
	CHECK_EQ(wait_read(peer[0], got, sizeof(got)), HEADER + 100);
	CHECK_EQ(got[HEADER], 0x11);
	CHECK_EQ(wait_read(peer[0], got, sizeof(got)), HEADER + 1500);
	CHECK_EQ(got[HEADER + 1499], 0x22);
	end();
}

TEST(packets_come_in)
{
	uint64_t gpa;
	unsigned int len;

	begin("", 0);
	gpa = give(1526);
	send_packet(60, 0x33);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 60);
	CHECK_EQ(buffers_of(gpa), 1);
	CHECK_EQ(((uint8_t *)at(gpa))[HEADER + 59], 0x33);
	/* They wait while there is no buffer. */
	send_packet(61, 0x44);
	send_packet(62, 0x55);
	usleep(5000);
	give(1526);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 61);
	give(1526);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 62);
	end();
}

TEST(a_long_packet_is_spread)
{
	unsigned int len, i;
	uint64_t gpa[4];

	begin("", MRG);
	for (i = 0; i < 4; i++)
		gpa[i] = give(1000);
	send_packet(2500, 0x66);
	wait_used(RX, &len);
	CHECK_EQ(len, 1000);
	wait_used(RX, &len);
	CHECK_EQ(len, 1000);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 500);
	CHECK_EQ(buffers_of(gpa[0]), 3);
	CHECK_EQ(((uint8_t *)at(gpa[2]))[len - 1], 0x66);
	send_packet(10, 0x77);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 10);
	CHECK_EQ(buffers_of(gpa[3]), 1);
	end();
}

TEST(a_packet_too_long_is_lost_alone)
{
	unsigned int len;

	begin("", 0);
	give(200);
	send_packet(2500, 1);
	send_packet(20, 2);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 20);
	end();
	/* Nor are there enough to spread it over. */
	begin("", MRG);
	give(200);
	give(200);
	send_packet(2500, 1);
	send_packet(20, 2);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 20);
	end();
}

TEST(a_packet_without_header_is_lost)
{
	struct buffer b = { MiB, 11, false };
	unsigned int len;
	uint8_t got[16];

	begin("", 0);
	offer(TX, &b, 1);
	kick(TX);
	wait_used(TX, &len);
	CHECK_EQ(read(peer[0], got, sizeof(got)), -1);
	end();
}

TEST(a_buffer_without_room_for_the_header)
{
	unsigned int tries = 0;

	begin("", 0);
	give(HEADER - 1);
	while (!(status() & VIRTIO_CONFIG_S_NEEDS_RESET) && tries++ < 1000)
		usleep(1000);
	CHECK(status() & VIRTIO_CONFIG_S_NEEDS_RESET);
	end();
}

TEST(a_reset_while_packets_come)
{
	unsigned int round, len;

	begin("", MRG);
	for (round = 0; round < 20; round++) {
		give(1526);
		give(1526);
		send_packet(60, round);
		usleep(round * 10);
		ready(MRG);
	}
	send_packet(60, 0);
	give(1526);
	wait_used(RX, &len);
	end();
}

/* ---- passt --------------------------------------------------------------- */

static int listener, stream;

static void begin_passt(void)
{
	struct sockaddr_un addr = { AF_UNIX, PATH };

	signal(SIGPIPE, SIG_IGN);	/* as main() has it */
	unlink(PATH);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(listen(listener, 1), 0);
	guest_begin();
	guest_add("net", "passt=" PATH);
	guest_boot();
	use_msix();
	ready(MRG);
	stream = accept(listener, NULL, NULL);
	CHECK(stream >= 0);
	CHECK_EQ(fcntl(stream, F_SETFL, O_NONBLOCK), 0);
}

static void end_passt(void)
{
	guest_end();
	close(stream);
	close(listener);
	unlink(PATH);
}

TEST(passt_has_frames_with_lengths)
{
	uint8_t got[256];
	unsigned int len;

	begin_passt();
	transmit(100, 0x88);
	CHECK_EQ(wait_read(stream, got, sizeof(got)), 104);
	CHECK(!memcmp(got, "\0\0\0\x64\x88", 5));
	give(1526);
	give(1526);
	/* Two in one, the second cut in two. */
	CHECK_EQ(write(stream, "\0\0\0\3abc\0\0\0\4de", 13), 13);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 3);
	usleep(3000);
	CHECK_EQ(write(stream, "fg", 2), 2);
	wait_used(RX, &len);
	CHECK_EQ(len, HEADER + 4);
	end_passt();
}

TEST(passt_that_reads_slowly)
{
	static uint8_t got[1 << 16];
	uint64_t gpa;
	size_t sum = 0;
	unsigned int i, head, len, sent = 0;
	ssize_t n;

	begin_passt();
	gpa = ram(HEADER + 60000);
	for (i = 0; i < 100; i++) {
		struct buffer b = { gpa, HEADER + 60000, false };

		offer(TX, &b, 1);
	}
	kick(TX);
	usleep(20000);
	while (sum < 100 * 60004) {
		n = read(stream, got, sizeof(got));
		sum += n > 0 ? n : 0;
		if (n < 0)
			usleep(100);
	}
	CHECK_EQ(sum, 100 * 60004);
	for (i = 0; i < 1000 && sent < 100; i++)
		if (collect(TX, &head, &len))
			sent++;
		else
			usleep(1000);
	CHECK_EQ(sent, 100);
	end_passt();
}

TEST(passt_that_says_what_makes_no_sense)
{
	begin_passt();
	give(1526);
	CHECK_EQ(write(stream, "\xff\xff\xff\xff....", 8), 8);
	usleep(20000);
	transmit(10, 1);
	end_passt();
}

TEST(passt_that_goes)
{
	begin_passt();
	give(1526);
	close(stream);
	usleep(20000);
	transmit(10, 1);
	transmit(10, 1);
	end_passt();
}

/* ---- the option ------------------------------------------------------------ */

static void check_refused(const char *spec, const char *words)
{
	test_note("%s", spec);
	guest_begin();
	guest_add("net", spec);
	capture_begin(2);
	CHECK(virtio_create_all(&guest_vm, guest_host) < 0);
	capture_end();
	CHECK(said(words));
	guest_end();
}

TEST(words_that_make_no_sense)
{
	check_refused("", "not tap=NAME, tap=fd:N or passt=SOCKET");
	check_refused("user", "not tap=NAME, tap=fd:N or passt=SOCKET");
	check_refused("passt=", "not tap=NAME, tap=fd:N or passt=SOCKET");
	check_refused("tap=", "no name of an interface");
	check_refused("tap=0123456789abcdef", "no name of an interface");
	check_refused("tap=fd:3,queues=2", "an open tap has one queue");
	check_refused("tap=fd:9999", "cannot use it");
	check_refused("tap=t,queues=0", "out of range");
	check_refused("tap=t,queues=9", "out of range");
	check_refused("tap=t,mac=", "mac: six bytes");
	check_refused("tap=t,mac=01:00:00:00:00:00", "mac: six bytes");
	check_refused("tap=t,mac=02:00:00:00:00", "mac: six bytes");
	check_refused("tap=t,mac=02:00:00:00:00:0", "mac: six bytes");
	check_refused("tap=t,mac=02:00:00:00:00:00:", "mac: six bytes");
	check_refused("tap=t,mac=02:00:00:00:00:0g", "mac: six bytes");
	check_refused("tap=t,speed=10", "no such key");
	check_refused("tap=t", "cannot open /dev/net/tun");
	check_refused("passt=/tmp/postern-test-nobody", "cannot connect");
	check_refused("passt=/tmp/x,queues=2", "has one queue");
}
