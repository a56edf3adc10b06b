/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio console: ports, their ends on the host, and the messages by which
 * the driver comes to know of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_console.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture.h"
#include "driver.h"

#define RX(port) (&dev.rings[(port) ? 2 * (port) + 2 : 0])
#define TX(port) (&dev.rings[(port) ? 2 * (port) + 3 : 1])
#define CONTROL_RX (&dev.rings[2])
#define CONTROL_TX (&dev.rings[3])
#define MULTIPORT BIT(VIRTIO_CONSOLE_F_MULTIPORT)
#define PATH "/tmp/postern-test-console"

static int pairs[2][2];

/* A port at one end of a socket, whose other end is ours. */
static void add_pair(unsigned int n, const char *rest)
{
	static char text[2][64];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
			    SOCK_NONBLOCK, 0, pairs[n]), 0);
	snprintf(text[n], sizeof(text[n]), "fd:%d%s", pairs[n][1], rest);
	guest_add("console", text[n]);
}

static void close_pair(unsigned int n)
{
	close(pairs[n][0]);
	close(pairs[n][1]);
}

static void send_control(unsigned int id, unsigned int event,
			 unsigned int value)
{
	struct buffer b = { ram(8), 8, false };
	unsigned int len;

	*(struct virtio_console_control *)at(b.gpa) =
		(struct virtio_console_control){ id, event, value };
	offer(CONTROL_TX, &b, 1);
	kick(CONTROL_TX);
	wait_used(CONTROL_TX, &len);
	run(1);
}

static uint64_t control_buffers;

static void give_control_buffers(unsigned int nr)
{
	unsigned int i;

	control_buffers = ram(nr * 64);
	for (i = 0; i < nr; i++) {
		struct buffer b = { control_buffers + i * 64, 64, true };

		offer(CONTROL_RX, &b, 1);
	}
	kick(CONTROL_RX);
}

/* The next message from the device. */
static void expect(unsigned int id, unsigned int event, unsigned int value,
		   const char *name)
{
	const struct virtio_console_control *m;
	unsigned int head, len;

	test_note("message %u of port %u", event, id);
	CHECK(collect(CONTROL_RX, &head, &len));
	m = at(CONTROL_RX->desc[head].addr);
	CHECK_EQ(m->id, id);
	CHECK_EQ(m->event, event);
	CHECK_EQ(m->value, value);
	CHECK_EQ(len, 8 + (name ? strlen(name) : 0));
	if (name)
		CHECK(!memcmp(m + 1, name, strlen(name)));
}

static void expect_nothing(void)
{
	unsigned int head, len;

	CHECK(!collect(CONTROL_RX, &head, &len));
}

static void say(unsigned int port, const char *text)
{
	struct buffer b = { ram(strlen(text)), strlen(text), false };
	unsigned int len;

	memcpy(at(b.gpa), text, b.len);
	offer(TX(port), &b, 1);
	kick(TX(port));
	wait_used(TX(port), &len);
	run(20);
}

static void heard(int fd, const char *text)
{
	char buf[256] = "";

	CHECK_EQ(read(fd, buf, sizeof(buf) - 1), strlen(text));
	CHECK_STR(buf, text);
}

/* Offer a buffer, and check what comes in it. */
static void receives(unsigned int port, const char *text)
{
	struct buffer b = { ram(64), 64, true };
	unsigned int len;

	offer(RX(port), &b, 1);
	kick(RX(port));
	wait_used(RX(port), &len);
	CHECK_EQ(len, strlen(text));
	CHECK(!memcmp(at(b.gpa), text, len));
}

TEST(a_driver_without_ports_has_the_first)
{
	guest_begin();
	add_pair(0, "");
	guest_boot();
	use_msix();
	ready(0);
	say(0, "hello");
	heard(pairs[0][0], "hello");
	CHECK_EQ(write(pairs[0][0], "world", 5), 5);
	receives(0, "world");
	guest_end();
	close_pair(0);
}

static void boot_two(void)
{
	guest_begin();
	add_pair(0, "");
	add_pair(1, ",name=org.example.agent");
	guest_boot();
	use_msix();
	ready(MULTIPORT);
	CHECK_EQ(bus_read(&guest_vm.mmio, dev.config + 4, 4), 2);
}

TEST(ports_are_announced)
{
	boot_two();
	give_control_buffers(16);
	send_control(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect(0, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	expect(1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	expect_nothing();
	send_control(0, VIRTIO_CONSOLE_PORT_READY, 1);
	expect(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, NULL);
	expect(0, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	send_control(1, VIRTIO_CONSOLE_PORT_READY, 1);
	expect(1, VIRTIO_CONSOLE_PORT_NAME, 1, "org.example.agent");
	expect(1, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
	expect_nothing();
	guest_end();
	close_pair(0), close_pair(1);
}

TEST(messages_wait_for_buffers)
{
	boot_two();
	send_control(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect_nothing();
	give_control_buffers(1);
	run(1);
	expect(0, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	expect_nothing();
	give_control_buffers(1);
	run(1);
	expect(1, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	guest_end();
	close_pair(0), close_pair(1);
}

TEST(input_waits_until_the_port_is_open)
{
	struct buffer b;
	unsigned int head, len;

	boot_two();
	b = (struct buffer){ ram(8), 8, true };
	CHECK_EQ(write(pairs[1][0], "early", 5), 5);
	offer(RX(1), &b, 1);
	kick(RX(1));
	run(5);
	CHECK(!collect(RX(1), &head, &len));
	send_control(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	wait_used(RX(1), &len);
	CHECK_EQ(len, 5);
	CHECK(!memcmp(at(b.gpa), "early", 5));
	say(1, "answer");
	heard(pairs[1][0], "answer");
	guest_end();
	close_pair(0), close_pair(1);
}

/* More than a buffer holds, and than there are buffers for. */
TEST(input_of_many_buffers)
{
	char text[100];

	guest_begin();
	add_pair(0, "");
	guest_boot();
	ready(0);
	memset(text, 'x', sizeof(text));
	CHECK_EQ(write(pairs[0][0], text, sizeof(text)), sizeof(text));
	run(5);
	text[64] = '\0';
	receives(0, text);
	text[36] = '\0';
	receives(0, text);
	guest_end();
	close_pair(0);
}

/* A chain that the host takes piece by piece. */
TEST(output_that_waits_for_its_reader)
{
	const unsigned int size = 1 << 20;
	struct buffer b;
	char *got = malloc(size);
	unsigned int len, head, n = 0, i;
	ssize_t r;

	guest_begin();
	add_pair(0, "");
	guest_boot();
	ready(0);
	b = (struct buffer){ ram(size), size, false };
	for (i = 0; i < size; i++)
		((char *)at(b.gpa))[i] = i * 31 >> 3;
	offer(TX(0), &b, 1);
	kick(TX(0));
	run(30);
	CHECK(!collect(TX(0), &head, &len));
	while (n < size) {
		r = read(pairs[0][0], got + n, size - n);
		if (r > 0)
			n += r;
		else
			run(2);
	}
	CHECK(!memcmp(got, at(b.gpa), size));
	wait_used(TX(0), &len);
	guest_end();
	close_pair(0);
	free(got);
}

TEST(output_to_a_file)
{
	char got[16] = "";
	int fd;

	guest_begin();
	guest_add("console", "file=" PATH ".txt");
	guest_boot();
	ready(0);
	say(0, "written");
	guest_end();
	fd = open(PATH ".txt", O_RDONLY);
	CHECK_EQ(read(fd, got, sizeof(got)), 7);
	CHECK_STR(got, "written");
	close(fd);
	unlink(PATH ".txt");
}

static int call(void)
{
	struct sockaddr_un addr = { AF_UNIX, PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_EQ(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	run(5);
	return fd;
}

TEST(clients_of_a_socket_come_and_go)
{
	int client, round;

	unlink(PATH);
	guest_begin();
	guest_add("console", "socket=" PATH ",name=agent");
	guest_boot();
	ready(MULTIPORT);
	give_control_buffers(32);
	send_control(0, VIRTIO_CONSOLE_PORT_READY, 1);
	expect(0, VIRTIO_CONSOLE_PORT_NAME, 1, "agent");
	expect(0, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
	send_control(0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(0, "nobody hears");
	for (round = 0; round < 3; round++) {
		client = call();
		expect(0, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL);
		say(0, "hello");
		heard(client, "hello");
		CHECK_EQ(write(client, "hi", 2), 2);
		receives(0, "hi");
		close(client);
		run(5);
		expect(0, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL);
	}
	guest_end();
	CHECK(access(PATH, F_OK) < 0);
}

TEST(a_socket_that_was_left_behind_is_taken)
{
	struct sockaddr_un addr = { AF_UNIX, PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(PATH);
	CHECK_EQ(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	guest_begin();
	guest_add("console", "socket=" PATH);
	guest_boot();
	guest_end();
}

TEST(a_socket_in_use_is_not)
{
	struct sockaddr_un addr = { AF_UNIX, PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(PATH);
	CHECK_EQ(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(listen(fd, 1), 0);
	guest_begin();
	guest_add("console", "socket=" PATH);
	capture_begin(2);
	CHECK_EQ(virtio_create_all(&guest_vm, guest_host), -EADDRINUSE);
	capture_end();
	CHECK(said("--console: 'socket=" PATH "': address in use"));
	guest_end();
	close(fd);
	unlink(PATH);
}

TEST(words_that_make_no_sense)
{
	static const char *const bad[] = {
		"", "tty", "file=", "file", "socket=", "stdio,name=",
		"stdio,size=3", "fd:", "pty,", "stdio,name",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		test_note("%s", bad[i]);
		guest_begin();
		guest_add("console", bad[i]);
		capture_begin(2);
		CHECK(virtio_create_all(&guest_vm, guest_host) < 0);
		capture_end();
		CHECK(said("postern: --console: '"));
		CHECK_EQ(said_lines(), 1);
		guest_end();
	}
}

TEST(messages_of_ports_that_are_not_there)
{
	struct buffer b;
	unsigned int len;

	boot_two();
	give_control_buffers(4);
	send_control(2, VIRTIO_CONSOLE_PORT_READY, 1);
	send_control(UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1);
	send_control(0, 999, 1);
	b = (struct buffer){ ram(8), 3, false };
	offer(CONTROL_TX, &b, 1);
	kick(CONTROL_TX);
	wait_used(CONTROL_TX, &len);
	expect_nothing();
	CHECK(!(status() & VIRTIO_CONFIG_S_NEEDS_RESET));
	guest_end();
	close_pair(0), close_pair(1);
}

TEST(a_reset_begins_anew)
{
	boot_two();
	give_control_buffers(8);
	send_control(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	send_control(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	ready(MULTIPORT);
	give_control_buffers(8);
	run(1);
	expect_nothing();
	send_control(0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect(0, VIRTIO_CONSOLE_PORT_ADD, 1, NULL);
	guest_end();
	close_pair(0), close_pair(1);
}
