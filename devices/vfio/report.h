/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report of named facts on standard output, in the same words for people
 * and for programs: indented lines, or one JSON value. A name is written with
 * blanks; in JSON they become underscores.
 */
#ifndef DEVICES_VFIO_REPORT_H
#define DEVICES_VFIO_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/log.h"

#define REPORT_DEPTH 8

struct report {
	bool json;
	unsigned int depth;		/* of what is open */
	struct {
		bool list;
		bool begun;		/* something is in it */
	} open[REPORT_DEPTH];
	bool item;			/* the next fact begins a list's item */
	unsigned int words;
};

/* report_begin - the whole is an object, which report_end() ends. */
void report_begin(struct report *r, bool json);
void report_end(struct report *r);

/*
 * report_open - what follows, up to report_close(), belongs to an object of
 * this name; NULL for an item of a list. report_list - the same for a list of
 * objects.
 */
void report_open(struct report *r, const char *name);
void report_list(struct report *r, const char *name);
void report_close(struct report *r);

/* Facts. Text of NULL: there is none. Bytes come with a unit for people. */
void report_text(struct report *r, const char *name, const char *text);
void report_fmt(struct report *r, const char *name, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void report_flag(struct report *r, const char *name, bool value);
void report_number(struct report *r, const char *name, uint64_t value);
void report_bytes(struct report *r, const char *name, uint64_t bytes);

/* A fact of several words: begin, each word, end. */
void report_words(struct report *r, const char *name);
void report_word(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_words_end(struct report *r);

/* report_quote - @text as a JSON string, whatever bytes it is made of. */
void report_quote(const char *text);

#endif
