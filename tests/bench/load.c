/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the benchmarks' guest does, and for the network the host too:
 *
 *	load read DEVICE BYTES DEPTH SECONDS random|sequential
 *	load write DEVICE BYTES DEPTH SECONDS random|sequential
 *		DEPTH threads, each with one request of BYTES on its way, past
 *		the page cache; prints requests and KiB a second
 *	load serve PORT
 *		takes one connection after the other: the first byte says
 *		whether to swallow what comes (s), to send it back (e), or to
 *		send as fast as it goes (r)
 *	load send|receive ADDRESS PORT SECONDS
 *		as fast as it goes; prints KiB a second
 *	load echo ADDRESS PORT SECONDS
 *		one byte to and fro; prints microseconds for a round trip
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64

struct job {
	pthread_t thread;
	int fd;
	bool write, random;
	size_t bytes;
	uint64_t blocks;	/* of the device, that many bytes each */
	uint64_t end;		/* microseconds */
	uint64_t state;		/* of the random numbers */
	uint64_t done;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

/* xorshift64: any will do, as long as it is the same for all VMMs. */
static uint64_t next_random(struct job *job)
{
	job->state ^= job->state << 13;
	job->state ^= job->state >> 7;
	job->state ^= job->state << 17;
	return job->state;
}

static void *work(void *arg)
{
	struct job *job = arg;
	uint64_t block = job->random ? 0 : job->state % job->blocks;
	ssize_t n;
	void *buf;

	if (posix_memalign(&buf, 4096, job->bytes))
		die("memory");
	memset(buf, 0x5a, job->bytes);
	while (now_us() < job->end) {
		if (job->random)
			block = next_random(job) % job->blocks;
		n = job->write ?
			pwrite(job->fd, buf, job->bytes, block * job->bytes) :
			pread(job->fd, buf, job->bytes, block * job->bytes);
		if (n != (ssize_t)job->bytes)
			die("a request");
		block = (block + 1) % job->blocks;
		job->done++;
	}
	free(buf);
	return NULL;
}

static int disk(char **argv)
{
	bool writes = !strcmp(argv[1], "write");
	unsigned int i, depth = atoi(argv[4]);
	static struct job jobs[THREADS_MAX];
	size_t bytes = strtoul(argv[3], NULL, 0);
	uint64_t start, us, done = 0;
	int fd = open(argv[2], (writes ? O_RDWR : O_RDONLY) | O_DIRECT);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (size <= 0 || !depth || depth > THREADS_MAX)
		die(argv[2]);
	start = now_us();
	for (i = 0; i < depth; i++) {
		jobs[i] = (struct job){
			.fd = fd,
			.write = writes,
			.random = !strcmp(argv[6], "random"),
			.bytes = bytes,
			.blocks = size / bytes,
			.end = start + strtoul(argv[5], NULL, 0) * 1000000,
			.state = 0x9e3779b97f4a7c15ULL * (i + 1),
		};
		if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]))
			die("thread");
	}
	for (i = 0; i < depth; i++) {
		pthread_join(jobs[i].thread, NULL);
		done += jobs[i].done;
	}
	us = now_us() - start;
	printf("%llu requests/s %llu KiB/s\n",
	       (unsigned long long)(done * 1000000 / us),
	       (unsigned long long)(done * bytes / 1024 * 1000000 / us));
	return 0;
}

static void no_delay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* What the client wants, until it goes. */
static void serve_one(int fd)
{
	static char buf[256 * 1024];
	ssize_t n;
	char mode;

	if (read(fd, &mode, 1) != 1)
		return;
	if (mode == 'r') {
		while (write(fd, buf, sizeof(buf)) > 0)
			;
		return;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (mode == 'e' && write(fd, buf, n) != n)
			return;
}

static int serve(char **argv)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(argv[2])),
	};
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0), fd;

	signal(SIGPIPE, SIG_IGN);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(s, 1) < 0)
		die("port");
	for (;;) {
		fd = accept(s, NULL, NULL);
		if (fd < 0)
			die("accept");
		no_delay(fd);
		serve_one(fd);
		close(fd);
	}
}

static int dial(char **argv, const char *mode)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(atoi(argv[3])),
		.sin_addr.s_addr = inet_addr(argv[2]),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(argv[2]);
	no_delay(fd);
	if (write(fd, mode, 1) != 1)
		die("write");
	return fd;
}

static int stream(char **argv)
{
	bool sends = !strcmp(argv[1], "send");
	static char buf[256 * 1024];
	int fd = dial(argv, sends ? "s" : "r");
	uint64_t start = now_us(), sum = 0;
	uint64_t end = start + strtoul(argv[4], NULL, 0) * 1000000;
	ssize_t n;

	while (now_us() < end) {
		n = sends ? write(fd, buf, sizeof(buf)) :
			read(fd, buf, sizeof(buf));
		if (n <= 0)
			die(argv[1]);
		sum += n;
	}
	printf("%llu KiB/s\n",
	       (unsigned long long)(sum / 1024 * 1000000 / (now_us() - start)));
	return 0;
}

static int echo(char **argv)
{
	int fd = dial(argv, "e");
	uint64_t start = now_us(), trips = 0;
	uint64_t end = start + strtoul(argv[4], NULL, 0) * 1000000;
	char c = 'x';

	while (now_us() < end) {
		if (write(fd, &c, 1) != 1 || read(fd, &c, 1) != 1)
			die("echo");
		trips++;
	}
	printf("%llu us\n", (unsigned long long)((now_us() - start) / trips));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 7 && (!strcmp(argv[1], "read") || !strcmp(argv[1], "write")))
		return disk(argv);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv);
	if (argc == 5 && (!strcmp(argv[1], "send") ||
			  !strcmp(argv[1], "receive")))
		return stream(argv);
	if (argc == 5 && !strcmp(argv[1], "echo"))
		return echo(argv);
	fprintf(stderr, "load: bad arguments\n");
	return 64;
}
