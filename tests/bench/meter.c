/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter [-k] MARK COMMAND...: runs a VMM and watches what it prints. When the
 * text MARK appears it tells, on one line,
 *
 *	us SINCE-START cpu_us OF-THE-VMM rss_kib BEYOND-GUEST-RAM
 *
 * and then lets the guest go on, or, with -k, kills the VMM. What the VMM
 * printed, all of it, goes to stderr in the end if MARK never came.
 *
 * Guest RAM is a memfd, so that it can be told from the rest: any mapping of
 * one is not counted. CPU time is what the process and its threads used less
 * what the guest did; the kernel's own time for them is in it.
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

#define LIMIT_S 300
#define OUTPUT_MAX (1 << 20)

static char output[OUTPUT_MAX + 1];
static size_t length;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static FILE *proc_open(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "r");
}

/* Resident memory of all mappings but those of a memfd. */
static long beyond_ram_kib(pid_t pid)
{
	FILE *f = proc_open(pid, "smaps");
	bool counts = false;
	char line[512];
	long kib, sum = 0;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (strchr(line, '-') && strspn(line, "0123456789abcdef") >= 8)
			counts = !strstr(line, "/memfd:");
		else if (counts && sscanf(line, "Rss: %ld", &kib) == 1)
			sum += kib;
	}
	fclose(f);
	return sum;
}

/* Fields 14, 15 and 43 of proc(5)'s stat: user, system and guest time. */
static long cpu_us(pid_t pid)
{
	FILE *f = proc_open(pid, "stat");
	unsigned long ticks[44] = { 0 };
	char text[2048], *at;
	unsigned int i;

	if (!f)
		return -1;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	at = strrchr(text, ')');
	for (i = 3; at && i <= 43; i++) {
		at = strchr(at, ' ');
		if (at)
			ticks[i] = strtoul(++at, NULL, 10);
	}
	return (ticks[14] + ticks[15] - ticks[43]) *
	       (1000000 / sysconf(_SC_CLK_TCK));
}

/* The VMM in a process group of its own, with its output in a pipe. */
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
	bool kill_it = argc > 1 && !strcmp(argv[1], "-k");
	char **args = argv + 1 + kill_it;
	uint64_t begin, us;
	int fd, status = 0;
	pid_t pid;

	if (argc < 3 + kill_it)
		return 64;
	begin = now_us();
	pid = start(args + 1, &fd);
	if (pid < 0)
		return 71;
	while (!strstr(output, args[0])) {
		if (more(fd, begin + LIMIT_S * 1000000ULL))
			continue;
		fprintf(stderr, "%s\nmeter: no '%s' in that\n", output,
			args[0]);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return 1;
	}
	us = now_us() - begin;
	printf("us %llu cpu_us %ld rss_kib %ld\n", (unsigned long long)us,
	       cpu_us(pid), beyond_ram_kib(pid));
	fflush(stdout);
	if (kill_it)
		kill(pid, SIGKILL);
	while (!kill_it && more(fd, begin + LIMIT_S * 1000000ULL))
		;
	if (!kill_it)
		fputs(output, stdout);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return 0;
}
