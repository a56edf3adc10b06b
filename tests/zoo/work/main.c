/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zoo's helper: finds the word of the command line, and holds what its
 * parts share. work.h tells what it is for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work.h"

static const struct {
	const char *name;
	int args;
	int (*run)(char **args);
} words[] = {
	{ "play", 3, work_play },
	{ "listen", 2, work_listen },
	{ "edu", 2, work_edu },
	{ "testdev", 1, work_testdev },
	{ "shm", 3, work_shm },
	{ "check", 3, work_check },
	{ "doorbell", 2, work_doorbell },
	{ "serve", 2, work_serve },
	{ "paint", 1, work_paint },
	{ "look", 2, work_look },
	{ "nvme-vf", 1, work_nvme_vf },
	{ "no-tso", 1, work_no_tso },
};

int fail(const char *fmt, ...)
{
	int err = errno;
	const char *name = getenv("name");
	va_list ap;

	va_start(ap, fmt);
	printf("%s%s failed ", name ? "zoo: " : "work:", name ? name : "");
	vprintf(fmt, ap);
	va_end(ap);
	if (err)
		printf(": %s", strerror(err));
	printf("\n");
	return 1;
}

void report(const char *what)
{
	const char *name = getenv("name");

	printf("zoo: %s %s\n", name ? name : "", what);
}

uint32_t noise(uint32_t seed, uint32_t i)
{
	uint32_t x = i * 0x9e3779b1u + seed * 0x85ebca6bu + 1;

	x = (x ^ x >> 15) * 0x2c1b3c6du;
	x = (x ^ x >> 12) * 0x297a2d39u;
	return x ^ x >> 15;
}

int open_in(const char *dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, O_RDWR | O_CLOEXEC);
}

void *map_file(int fd, size_t *size)
{
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0 || !st.st_size)
		return NULL;
	*size = st.st_size;
	p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

void *map_bar(const char *dir, int bar)
{
	char name[16];
	size_t size;
	void *p;
	int fd;

	snprintf(name, sizeof(name), "resource%d", bar);
	fd = open_in(dir, name);
	p = map_file(fd, &size);
	if (!p) {
		fail("BAR %d", bar);
		exit(1);
	}
	close(fd);
	return p;
}

uint32_t config_read(const char *dir, unsigned int at, unsigned int size)
{
	uint32_t value = 0;
	int fd = open_in(dir, "config");

	if (fd < 0 || pread(fd, &value, size, at) != (ssize_t)size) {
		fail("configuration space at 0x%x", at);
		exit(1);
	}
	close(fd);
	return value;
}

void config_write(const char *dir, unsigned int at, unsigned int size,
		  uint32_t value)
{
	int fd = open_in(dir, "config");

	if (fd < 0 || pwrite(fd, &value, size, at) != (ssize_t)size) {
		fail("configuration space at 0x%x", at);
		exit(1);
	}
	close(fd);
}

void config_enable(const char *dir, unsigned int bits)
{
	config_write(dir, 4, 2, config_read(dir, 4, 2) | bits);
}

unsigned int config_capability(const char *dir, unsigned int id)
{
	unsigned int at = config_read(dir, 0x34, 1);
	int n;

	for (n = 0; at && n < 48; n++) {
		if (config_read(dir, at, 1) == id)
			return at;
		at = config_read(dir, at + 1, 1);
	}
	return 0;
}

long messages(void)
{
	char line[4096];
	long n = -1;
	FILE *f = fopen("/proc/interrupts", "r");

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "PIN:");

		if (at)
			n = strtol(at + 4, NULL, 10);
	}
	if (f)
		fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	size_t i;

	errno = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; argc > 1 && i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(argv[1], words[i].name) &&
		    argc == words[i].args + 2)
			return words[i].run(argv + 2);
	fprintf(stderr, "work: usage: see main.c\n");
	return 64;
}
