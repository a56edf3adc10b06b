/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock serve PORT: takes one connection, and writes to standard output what
 * comes. vsock send CID PORT: connects, trying for a while, and sends what is on
 * standard input. Statically linked, for guests and hosts that have busybox only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>	/* wants the one before */
#include <unistd.h>

#define TRIES 600		/* tenths of a second */

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* Returns whether all of it went. */
static int copy(int from, int to)
{
	char buf[65536];
	ssize_t n, done, m;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		for (done = 0; done < n; done += m) {
			m = write(to, buf + done, n - done);
			if (m <= 0)
				return 0;
		}
	return n == 0;
}

static int serve(unsigned int port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY,
		.svm_port = port,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0), client;

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, 1) < 0)
		return fail("listen");
	client = accept(fd, NULL, NULL);
	if (client < 0)
		return fail("accept");
	return copy(client, STDOUT_FILENO) ? 0 : fail("copy");
}

static int call(unsigned int cid, unsigned int port)
{
	struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port,
	};
	int tries, fd;

	for (tries = 0; tries < TRIES; tries++) {
		fd = socket(AF_VSOCK, SOCK_STREAM, 0);
		if (fd < 0)
			return fail("socket");
		if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			break;
		close(fd);
		usleep(100000);
	}
	if (tries == TRIES)
		return fail("connect");
	if (!copy(STDIN_FILENO, fd))
		return fail("copy");
	/* Until the other end has it all. */
	shutdown(fd, SHUT_WR);
	return copy(fd, STDOUT_FILENO) ? 0 : fail("end");
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "send"))
		return call(strtoul(argv[2], NULL, 0), atoi(argv[3]));
	fprintf(stderr, "usage: vsock serve PORT | send CID PORT\n");
	return 64;
}
