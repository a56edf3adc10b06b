/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory (ivshmem), both ends: without interrupts, where the guest
 * writes through the device's BAR and the file outside is looked at; and
 * with them, where a peer outside answers a doorbell with its own. The
 * peer's side of the socket is in QEMU's specs/ivshmem-spec.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "work.h"

#define MIB (1ul << 20)
#define POINTS 64
#define VECTORS 2

/* Words all over the memory, from start to end, other ones for each run. */
static volatile uint32_t *point(volatile uint32_t *mem, size_t mib,
				uint32_t seed, size_t n)
{
	return mem + (mib * MIB / 4 - 4) * n / (POINTS - 1) + seed;
}

/* shm DIR MIB SEED: writes and reads back. */
int work_shm(char **args)
{
	size_t n, mib = atoi(args[1]);
	uint32_t seed = atoi(args[2]);
	char text[64];
	volatile uint32_t *mem;

	config_enable(args[0], 2);
	mem = map_bar(args[0], 2);
	for (n = 0; n < POINTS; n++)
		*point(mem, mib, seed, n) = noise(seed, n);
	for (n = 0; n < POINTS; n++)
		if (*point(mem, mib, seed, n) != noise(seed, n))
			return fail("word %zu", n);
	snprintf(text, sizeof(text), "shm %s MiB", args[1]);
	report(text);
	return 0;
}

/* check FILE MIB SEED: whether the words are in the file. */
int work_check(char **args)
{
	size_t n, size, mib = atoi(args[1]);
	uint32_t seed = atoi(args[2]);
	uint32_t *mem = map_file(open(args[0], O_RDWR), &size);

	if (!mem || size != mib * MIB)
		return fail("%s", args[0]);
	for (n = 0; n < POINTS; n++)
		if (*point(mem, mib, seed, n) != noise(seed, n))
			return fail("word %zu in %s", n, args[0]);
	printf("%s MiB\n", args[1]);
	return 0;
}

/*
 * doorbell DIR SEED: word 0 is a question, the peer puts its successor into
 * word 1 and interrupts with the same vector; then the other vector.
 */
static int ring(volatile uint32_t *regs, volatile uint32_t *mem,
		unsigned int vector, uint32_t question)
{
	long before = messages();
	int tries;

	mem[0] = question;
	regs[3] = 1u << 16 | vector;
	for (tries = 0; tries < 300; tries++) {
		if (mem[1] == question + 1 && messages() > before)
			return 0;
		usleep(10000);
	}
	return fail("vector %u: answer %s, %ld interrupts", vector,
		    mem[1] == question + 1 ? "right" : "wrong",
		    messages() - before);
}

int work_doorbell(char **args)
{
	unsigned int v, cap = config_capability(args[0], 0x11);
	volatile uint32_t *regs, *table, *mem;
	uint32_t seed = atoi(args[1]);

	if (!cap)
		return fail("no MSI-X");
	config_enable(args[0], 6);
	regs = map_bar(args[0], 0);
	table = map_bar(args[0], 1);
	mem = map_bar(args[0], 2);
	config_write(args[0], cap + 2, 2, 0x8000);
	for (v = 0; v < VECTORS; v++) {
		table[4 * v] = MESSAGE_ADDRESS;
		table[4 * v + 1] = 0;
		table[4 * v + 2] = MESSAGE_DATA;
		table[4 * v + 3] = 0;
	}
	for (v = 0; v < VECTORS; v++)
		if (ring(regs, mem, v, noise(seed, v)))
			return 1;
	report("interrupts MSI-X");
	report("doorbell answered by memory and interrupt");
	return 0;
}

/* One message of the protocol: a number, and a file where it brings one. */
static int tell(int sock, int64_t number, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &number, .iov_len = sizeof(number) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		m.msg_control = space;
		m.msg_controllen = sizeof(space);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(sock, &m, 0) == sizeof(number) ? 0 : fail("socket");
}

static int listening(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (sock < 0 || bind(sock, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(sock, 1) < 0)
		return -1;
	return accept(sock, NULL, NULL);
}

static void answer(volatile uint32_t *mem, int question, int reply)
{
	uint64_t n;

	if (read(question, &n, sizeof(n)) != sizeof(n))
		return;
	mem[1] = mem[0] + 1;
	n = 1;
	if (write(reply, &n, sizeof(n)) < 0)
		perror("work: reply");
}

/* serve SOCKET FILE: peer 1 of the guest's peer 0, until killed. */
int work_serve(char **args)
{
	struct pollfd ask[VECTORS];
	int reply[VECTORS], v, sock, fd;
	uint32_t *mem;
	size_t size;

	fd = open(args[1], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, MIB) < 0)
		return fail("%s", args[1]);
	mem = map_file(fd, &size);
	sock = listening(args[0]);
	if (!mem || sock < 0)
		return fail("%s", args[0]);
	for (v = 0; v < VECTORS; v++) {
		ask[v].fd = eventfd(0, EFD_NONBLOCK);
		ask[v].events = POLLIN;
		reply[v] = eventfd(0, EFD_NONBLOCK);
	}
	if (tell(sock, 0, -1) || tell(sock, 0, -1) || tell(sock, -1, fd))
		return 1;
	for (v = 0; v < VECTORS; v++)
		if (tell(sock, 1, ask[v].fd))
			return 1;
	for (v = 0; v < VECTORS; v++)
		if (tell(sock, 0, reply[v]))
			return 1;
	while (poll(ask, VECTORS, -1) > 0)
		for (v = 0; v < VECTORS; v++)
			if (ask[v].revents)
				answer(mem, ask[v].fd, reply[v]);
	return 0;
}
