/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON for programs to read: one object, put together in a buffer. RFC 8259.
 */
#ifndef VMM_JSON_H
#define VMM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *buf;
	size_t size, len;
	bool begun;		/* the object that is open has something in it */
	bool full;		/* it did not fit: what is there is no JSON */
};

/*
 * json_begin - an object in @buf, open from now on. json_end - close it, with
 * a newline behind. Returns the length, with a NUL that does not count; 0 if
 * it did not fit.
 */
void json_begin(struct json *j, char *buf, size_t size);
size_t json_end(struct json *j);

/* json_open, json_close - an object in the object. */
void json_open(struct json *j, const char *name);
void json_close(struct json *j);

/* Members. @name is plain ASCII. A @text of NULL is null. */
void json_text(struct json *j, const char *name, const char *text);
void json_number(struct json *j, const char *name, uint64_t value);
void json_flag(struct json *j, const char *name, bool value);

/*
 * json_char - how @c is written inside a string: itself or its escape, in
 * @out. What text is beyond ASCII cannot be known, so its bytes are escaped.
 */
#define JSON_CHAR 8
void json_char(char out[JSON_CHAR], unsigned char c);

#endif
