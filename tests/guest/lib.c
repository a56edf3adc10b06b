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
	while (!uart_writable())
		;
	uart_put(c);
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
	exit_write(status, 8);
	halt();
}

/* ---- the host, by memory ------------------------------------------------ */

static volatile struct {
	char reached, seen;
} meeting __attribute__((aligned(4096)));

void meet(void)
{
	say("meeting at %lu\n", (uint64_t)&meeting - RAM_BASE);
}

void step(char n)
{
	meeting.reached = n;
	while (meeting.seen != n)
		relax();
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
