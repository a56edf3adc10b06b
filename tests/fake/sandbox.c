/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sandbox's filters, held against the calls that reach the door: a machine
 * for seccomp's kind of BPF (Linux: net/core/filter.c, kernel/seccomp.c), and
 * what was called by whom, for POSTERN_SEEN.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"
#include "vmm/sandbox_priv.h"

static uint32_t load(const struct seccomp_data *data, uint32_t off)
{
	uint32_t word;

	if (off > sizeof(*data) - 4 || off & 3)
		abort();
	memcpy(&word, (const char *)data + off, 4);
	return word;
}

static bool jumps(uint16_t op, uint32_t a, uint32_t k)
{
	switch (op) {
	case BPF_JA:
		return true;
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	case BPF_JSET:
		return a & k;
	}
	abort();
}

uint32_t fake_bpf(const struct sock_filter *insns, unsigned int nr,
		  const struct seccomp_data *data)
{
	uint32_t a = 0;
	unsigned int pc;

	for (pc = 0; pc < nr; pc++) {
		const struct sock_filter *i = &insns[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = load(data, i->k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			if (BPF_CLASS(i->code) != BPF_JMP)
				abort();
			pc += jumps(BPF_OP(i->code), a, i->k) ? i->jt : i->jf;
		}
	}
	abort();
}

bool fake_allows(int kind, long nr, uint64_t arg1)
{
	const struct sandbox_filter *f = &sandbox_filters[kind];
	struct seccomp_data data = {
		.nr = nr, .arch = FAKE_AUDIT_ARCH, .args = { 0, arg1 },
	};

	return fake_bpf(f->insns, f->nr, &data) == SECCOMP_RET_ALLOW;
}

/* The system call behind the first word of a journal line. */
static const struct {
	const char *word, *call;
	long nr;
} calls[] = {
	{ "open", "openat", SYS_openat },
	{ "close", "close", SYS_close },
	{ "dup", "fcntl", SYS_fcntl },
	{ "ioctl", "ioctl", SYS_ioctl },
	{ "read", "read", SYS_read },
	{ "write", "write", SYS_write },
	{ "pread", "pread64", SYS_pread64 },
	{ "pwrite", "pwrite64", SYS_pwrite64 },
	{ "mmap", "mmap", SYS_mmap },
	{ "munmap", "munmap", SYS_munmap },
	{ "madvise", "madvise", SYS_madvise },
	{ "memfd", "memfd_create", SYS_memfd_create },
	{ "ftruncate", "ftruncate", SYS_ftruncate },
	{ "eventfd", "eventfd2", SYS_eventfd2 },
	{ "stat", "newfstatat", SYS_newfstatat },
	{ "access", "faccessat", SYS_faccessat },
	{ "readlink", "readlinkat", SYS_readlinkat },
	{ "mkdir", "mkdirat", SYS_mkdirat },
	{ "unlink", "unlinkat", SYS_unlinkat },
	{ "listdir", "getdents64", SYS_getdents64 },
	{ "sleep", "nanosleep", SYS_nanosleep },
	{ "random", "getrandom", SYS_getrandom },
	{ "lock", "fcntl", SYS_fcntl },
	{ "io_uring_setup", "io_uring_setup", SYS_io_uring_setup },
};

int fake_as(int kind)
{
	int was = world->as;

	world->as = kind;
	return was;
}

static void note(const char *kind, const char *call, const char *name)
{
	static char seen[256][64];	/* each is said once a process */
	const char *path = getenv("POSTERN_SEEN");
	char line[64];
	unsigned int i;
	FILE *file;

	if (!path)
		return;
	snprintf(line, sizeof(line), "%s %s %.*s", kind, call,
		 (int)strcspn(name, " "), name);
	for (i = 0; i < ARRAY_SIZE(seen) && seen[i][0]; i++)
		if (!strcmp(seen[i], line))
			return;
	if (i < ARRAY_SIZE(seen))
		strcpy(seen[i], line);
	file = fopen(path, "a");
	if (!file)
		return;
	fprintf(file, "%s\n", line);
	fclose(file);
}

void sandbox_judge(const char *line)
{
	static const char *const kinds[] = { "", "main", "vcpu", "io", "plug" };
	size_t len = strcspn(line, " ");
	bool ioctl = !strncmp(line, "ioctl ", 6);
	uint64_t request = ioctl ? world->request : 0;
	int as = world->as;
	unsigned int i;

	if (as == FAKE_NOBODY)
		return;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (strlen(calls[i].word) == len &&
		    !memcmp(calls[i].word, line, len))
			break;
	if (i == ARRAY_SIZE(calls))
		return violation("no system call is known for: %s", line);
	if (as == FAKE_PLUG && fake_allows(SANDBOX_MAIN, calls[i].nr, request))
		as = FAKE_MAIN;
	note(kinds[as], calls[i].call, ioctl ? line + 6 : "-");
	if (!fake_allows(as - 1, calls[i].nr, request))
		violation("the sandbox does not allow %s to: %s", kinds[as],
			  line);
}
