/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an arm64 guest is told: by the device tree (Devicetree Specification
 * v0.4, chapter 5). Of that it reads memory, processors and /chosen.
 */
#include "guest.h"

#define FDT_MAGIC	0xd00dfeed
#define FDT_BEGIN_NODE	1
#define FDT_END_NODE	2
#define FDT_PROP	3
#define FDT_NOP		4

static uint32_t be32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

/* A number of one or two cells. */
static uint64_t cells(const char *p, uint32_t len)
{
	return len == 4 ? be32(p) : (uint64_t)be32(p) << 32 | be32(p + 4);
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static bool same(const char *a, const char *b)
{
	return !memcmp(a, b, length(b) + 1);
}

static bool begins(const char *s, const char *with)
{
	return !memcmp(s, with, length(with));
}

static void in_memory(const char *name, const char *p, uint32_t len)
{
	if (!same(name, "reg"))
		return;
	for (; len >= 16 && boot.nr < 128; len -= 16, p += 16)
		boot.map[boot.nr++] = (struct range){ cells(p, 8),
						      cells(p + 8, 8),
						      RAM_TYPE };
}

static void in_cpu(const char *name, const char *p, uint32_t len)
{
	if (same(name, "reg") && boot.nr_cpus < 64)
		boot.cpus[boot.nr_cpus++] = cells(p, len);
}

static void in_chosen(const char *name, const char *p, uint32_t len)
{
	if (same(name, "bootargs"))
		boot.cmdline = p;
	else if (same(name, "linux,initrd-start"))
		boot.initrd = cells(p, len);
	else if (same(name, "linux,initrd-end"))
		boot.initrd_size = cells(p, len) - boot.initrd;
}

static void property(const char *node, const char *name, const char *p,
		     uint32_t len)
{
	if (begins(node, "memory"))
		in_memory(name, p, len);
	else if (begins(node, "cpu@"))
		in_cpu(name, p, len);
	else if (same(node, "chosen"))
		in_chosen(name, p, len);
}

/* A node's properties come before the nodes in it, so one name is enough. */
static void read_tree(const char *fdt)
{
	const char *p = fdt + be32(fdt + 8), *names = fdt + be32(fdt + 12);
	const char *node = "";
	uint32_t token, len;

	if (be32(fdt) != FDT_MAGIC)
		fail("no device tree at 0x%lx", (uint64_t)fdt);
	for (;;) {
		token = be32(p);
		p += 4;
		if (token == FDT_BEGIN_NODE) {
			node = p;
			p += (length(p) + 4) & ~3ULL;
		} else if (token == FDT_PROP) {
			len = be32(p);
			property(node, names + be32(p + 4), p + 8, len);
			p += 8 + ((len + 3) & ~3U);
		} else if (token != FDT_END_NODE && token != FDT_NOP) {
			return;
		}
	}
}

void guest_start(const char *fdt);

void guest_start(const char *fdt)
{
	uart_on();
	boot.how = "an Image";
	boot.cmdline = "";
	read_tree(fdt);
	gic_cpu_on();
	leave(guest());
}
