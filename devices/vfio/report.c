/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts, as lines or as JSON (RFC 8259); see report.h.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "devices/vfio/report.h"
#include "vmm/json.h"
#include "vmm/util.h"

void report_quote(const char *text)
{
	char c[JSON_CHAR];

	putchar('"');
	for (; *text; text++) {
		json_char(c, *text);
		printf("%s", c);
	}
	putchar('"');
}

static void indent(unsigned int n)
{
	printf("%*s", 2 * (int)n, "");
}

static void print_name(const struct report *r, const char *name)
{
	for (; *name; name++)
		putchar(r->json && *name == ' ' ? '_' : *name);
}

/* The place of something new, up to where its value begins. */
static void begin(struct report *r, const char *name)
{
	bool *begun = &r->open[r->depth - 1].begun;

	if (r->json) {
		printf("%s\n", *begun ? "," : "");
		indent(r->depth);
		if (name) {
			putchar('"');
			print_name(r, name);
			printf("\": ");
		}
	} else if (name) {
		/* A line between the parts; a dash before each item. */
		if (r->depth == 1 && *begun)
			putchar('\n');
		indent(r->depth - 1 - r->item);
		printf("%s", r->item ? "- " : "");
		print_name(r, name);
		putchar(':');
		r->item = false;
	}
	*begun = true;
}

static void open_any(struct report *r, const char *name, bool list)
{
	if (r->depth)
		begin(r, name);
	if (r->json)
		putchar(list ? '[' : '{');
	else if (name)
		putchar('\n');
	r->item = !name && r->depth;
	r->open[r->depth].list = list;
	r->open[r->depth].begun = false;
	r->depth++;
}

void report_open(struct report *r, const char *name)
{
	open_any(r, name, false);
}

void report_list(struct report *r, const char *name)
{
	open_any(r, name, true);
}

void report_close(struct report *r)
{
	bool list = r->open[--r->depth].list;

	if (!r->json)
		return;
	if (r->open[r->depth].begun) {
		putchar('\n');
		indent(r->depth);
	}
	putchar(list ? ']' : '}');
}

void report_begin(struct report *r, bool json)
{
	*r = (struct report){ .json = json };
	report_open(r, NULL);
}

void report_end(struct report *r)
{
	report_close(r);
	if (r->json)
		putchar('\n');
}

/* ---- facts -------------------------------------------------------------- */

static void value(const struct report *r, const char *json, const char *text)
{
	if (r->json)
		printf("%s", json);
	else
		printf(" %s\n", text);
}

void report_text(struct report *r, const char *name, const char *text)
{
	begin(r, name);
	if (r->json && text)
		report_quote(text);
	else
		value(r, "null", text ? text : "none");
}

void report_fmt(struct report *r, const char *name, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report_text(r, name, text);
}

void report_flag(struct report *r, const char *name, bool on)
{
	begin(r, name);
	value(r, on ? "true" : "false", on ? "yes" : "no");
}

void report_number(struct report *r, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	begin(r, name);
	value(r, text, text);
}

/* In the largest unit that leaves a whole number. */
void report_bytes(struct report *r, const char *name, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
	unsigned int unit = 0;
	char number[24], text[40];
	uint64_t n = bytes;

	while (unit + 1 < ARRAY_SIZE(units) && n && n % KiB == 0) {
		n /= KiB;
		unit++;
	}
	snprintf(number, sizeof(number), "%" PRIu64, bytes);
	snprintf(text, sizeof(text), "%" PRIu64 " %s", n, units[unit]);
	begin(r, name);
	value(r, number, text);
}

void report_words(struct report *r, const char *name)
{
	begin(r, name);
	r->words = 0;
	putchar(r->json ? '[' : ' ');
}

void report_word(struct report *r, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	printf("%s", r->words++ ? ", " : "");
	if (r->json)
		report_quote(text);
	else
		printf("%s", text);
}

void report_words_end(struct report *r)
{
	printf("%s", r->json ? "]" : r->words ? "\n" : "none\n");
}
