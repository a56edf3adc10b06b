/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test guests' common half; see guest.h.
 */
#include <stdarg.h>

#include "guest.h"

struct boot boot;

void *memcpy(void *to, const void *from, size_t len)
{
	char *t = to;
	const char *f = from;

	while (len--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int c, size_t len)
{
	char *t = to;

	while (len--)
		*t++ = c;
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *p = a, *q = b;

	for (; len; len--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

/* ---- words -------------------------------------------------------------- */

void put_char(char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		;
	outb(COM1, c);
}

static void put_number(uint64_t n, unsigned int base)
{
	char digits[24];
	int i = 0;

	do
		digits[i++] = "0123456789abcdef"[n % base];
	while (n /= base);
	while (i)
		put_char(digits[--i]);
}

/* %s %c %d %u %x, and l for long; %.4s for four characters. */
static void vsay(const char *fmt, va_list args)
{
	for (; *fmt; fmt++) {
		bool four = false, wide = false;
		const char *s;
		uint64_t n;

		if (*fmt != '%') {
			put_char(*fmt);
			continue;
		}
		fmt++;
		if (*fmt == '.') {
			four = true;
			fmt += 2;
		}
		for (; *fmt == 'l'; fmt++)
			wide = true;
		if (*fmt == 's') {
			s = va_arg(args, const char *);
			for (n = 0; s[n] && !(four && n == 4); n++)
				put_char(s[n]);
		} else if (*fmt == 'c') {
			put_char(va_arg(args, int));
		} else {
			n = wide ? va_arg(args, uint64_t) :
				   va_arg(args, unsigned int);
			put_number(n, *fmt == 'x' ? 16 : 10);
		}
	}
}

void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsay(fmt, args);
	va_end(args);
}

void fail(const char *fmt, ...)
{
	va_list args;

	say("FAILED: ");
	va_start(args, fmt);
	vsay(fmt, args);
	va_end(args);
	put_char('\n');
	leave(1);
}

void leave(int status)
{
	outb(EXIT_PORT, status);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* ---- the host, by memory ------------------------------------------------ */

static volatile struct {
	char reached, seen;
} meeting __attribute__((aligned(4096)));

void meet(void)
{
	say("meeting at %lu\n", (uint64_t)&meeting);
}

void step(char n)
{
	meeting.reached = n;
	while (meeting.seen != n)
		__asm__ volatile("pause");
}

/* ---- the command line --------------------------------------------------- */

static const char *word(const char *name, char after)
{
	const char *p = boot.cmdline;
	size_t len = 0, i;

	while (name[len])
		len++;
	while (*p) {
		for (i = 0; i < len && p[i] == name[i]; i++)
			;
		if (i == len && (p[i] == after || (!after && p[i] == ' ')))
			return p + len;
		while (*p && *p++ != ' ')
			;
	}
	return NULL;
}

uint64_t option(const char *name, uint64_t otherwise)
{
	const char *p = word(name, '=');
	uint64_t n = 0;

	if (!p)
		return otherwise;
	for (p++; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + *p - '0';
	return n;
}

bool flag(const char *name)
{
	return word(name, '\0') != NULL;
}

/* ---- boot protocols ----------------------------------------------------- */

struct pvh_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp, map;
	uint32_t nr_map, reserved;
};

struct pvh_module {
	uint64_t addr, size, cmdline, reserved;
};

struct pvh_map {
	uint64_t addr, size;
	uint32_t type, reserved;
};

static void boot_pvh(const struct pvh_info *info)
{
	const struct pvh_module *module = (void *)info->modules;
	const struct pvh_map *map = (void *)info->map;
	unsigned int i;

	if (info->magic != 0x336ec578)
		fail("PVH: magic is 0x%x", info->magic);
	if (info->version < 1)
		fail("PVH: version %u has no memory map", info->version);
	boot.cmdline = (const char *)info->cmdline;
	boot.rsdp = info->rsdp;
	if (info->nr_modules) {
		boot.initrd = module->addr;
		boot.initrd_size = module->size;
	}
	for (i = 0; i < info->nr_map && i < 128; i++)
		boot.map[i] = (struct range){ map[i].addr, map[i].size,
					      map[i].type };
	boot.nr = i;
}

static uint32_t zero_page_u32(const uint8_t *zp, unsigned int at)
{
	uint32_t v;

	memcpy(&v, zp + at, 4);
	return v;
}

static void boot_bzimage(const uint8_t *zp)
{
	unsigned int i;

	boot.bzimage = true;
	boot.cmdline = "";
	if (zero_page_u32(zp, 0x202) != 0x53726448)
		fail("bzImage: no setup header in the zero page");
	boot.cmdline = (const char *)(zero_page_u32(zp, 0x228) |
				      (uint64_t)zero_page_u32(zp, 0xc8) << 32);
	boot.initrd = zero_page_u32(zp, 0x218) |
		      (uint64_t)zero_page_u32(zp, 0xc0) << 32;
	boot.initrd_size = zero_page_u32(zp, 0x21c) |
			   (uint64_t)zero_page_u32(zp, 0xc4) << 32;
	memcpy(&boot.rsdp, zp + 0x70, 8);
	if (!zp[0x210])
		fail("bzImage: type_of_loader is not set");
	for (i = 0; i < zp[0x1e8] && i < 128; i++)
		memcpy(&boot.map[i].addr, zp + 0x2d0 + 20 * i, 20);
	boot.nr = i;
}

void interrupts_init(void);
void guest_start(const void *info, int bzimage);

void guest_start(const void *info, int bzimage)
{
	outb(COM1 + 2, 0xc1);	/* FIFO on, trigger at 14 */
	outb(COM1 + 4, 0x0b);	/* DTR, RTS, OUT2: the port is open */
	interrupts_init();
	boot.cmdline = "";
	if (bzimage)
		boot_bzimage(info);
	else
		boot_pvh(info);
	leave(guest());
}
