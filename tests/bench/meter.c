/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter [-r MIB] [-s SECONDS] MARK COMMAND...: runs a VMM and watches what it
 * prints. When the text MARK appears it kills the VMM, and prints
 *
 *	meter: us SINCE-START kib BEYOND-GUEST-RAM
 *
 * and all that the VMM had printed. If MARK does not come, within SECONDS
 * (300), that goes to stderr instead, and the status is 1.
 *
 * What is resident of guest RAM is told from the rest by the size of its
 * mapping, MIB at least, or by being a memfd's: a VMM has it as either.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (1 << 20)

static char output[OUTPUT_MAX + 1];
static size_t length;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

/* proc_pid_smaps(5): a line with the addresses of each mapping, "Rss:" below. */
static long beyond_ram_kib(pid_t pid, uint64_t ram)
{
	unsigned long long from, to;
	char path[64], line[4200];
	long kib, sum = 0;
	bool counts = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
			counts = to - from < ram && !strstr(line, "/memfd:");
		else if (counts && sscanf(line, "Rss: %ld", &kib) == 1)
			sum += kib;
	}
	fclose(f);
	return sum;
}

/* The VMM, with its output in a pipe. */
static pid_t start(char **argv, int *fd)
{
	int out[2];
	pid_t pid;

	if (pipe(out) < 0)
		return -1;
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		close(out[0]);
		close(out[1]);
		execvp(argv[0], argv);
		dprintf(2, "meter: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(out[1]);
	*fd = out[0];
	return pid;
}

/* Reads on; false at the end of the output, or of the time. */
static bool more(int fd, uint64_t end)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = now_us();
	ssize_t n;

	if (now >= end || poll(&p, 1, (end - now) / 1000 + 1) <= 0)
		return false;
	if (length == OUTPUT_MAX)
		length = 0;
	n = read(fd, output + length, OUTPUT_MAX - length);
	if (n <= 0)
		return false;
	length += n;
	output[length] = '\0';
	return true;
}

int main(int argc, char **argv)
{
	uint64_t ram = UINT64_MAX, limit = 300, begin, us;
	bool there;
	long kib;
	pid_t pid;
	int fd, c;

	while ((c = getopt(argc, argv, "+r:s:")) != -1) {
		if (c == '?')
			return 64;
		if (c == 'r')
			ram = strtoull(optarg, NULL, 0) << 20;
		else
			limit = strtoull(optarg, NULL, 0);
	}
	if (argc - optind < 2)
		return 64;
	begin = now_us();
	pid = start(argv + optind + 1, &fd);
	if (pid < 0)
		return 71;
	do
		there = strstr(output, argv[optind]);
	while (!there && more(fd, begin + limit * 1000000));
	us = now_us() - begin;
	kib = beyond_ram_kib(pid, ram);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (!there) {
		fprintf(stderr, "%s\nmeter: no '%s' in that\n", output,
			argv[optind]);
		return 1;
	}
	printf("meter: us %llu kib %ld\n%s\n", (unsigned long long)us, kib,
	       output);
	return 0;
}
