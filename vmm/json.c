/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An object in a buffer; see json.h. What does not fit is noted once and ends
 * all further writing.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "vmm/json.h"
#include "vmm/log.h"

static void PRINTF_LIKE(2, 3) put(struct json *j, const char *fmt, ...)
{
	va_list args;
	int n;

	if (j->full)
		return;
	va_start(args, fmt);
	n = vsnprintf(j->buf + j->len, j->size - j->len, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= j->size - j->len)
		j->full = true;
	else
		j->len += n;
}

void json_char(char out[JSON_CHAR], unsigned char c)
{
	const char *fmt = "%c";

	if (c < 0x20 || c > 0x7e)
		fmt = "\\u%04x";
	else if (c == '"' || c == '\\')
		fmt = "\\%c";
	snprintf(out, JSON_CHAR, fmt, c);
}

static void put_string(struct json *j, const char *text)
{
	char c[JSON_CHAR];

	put(j, "\"");
	for (; *text; text++) {
		json_char(c, *text);
		put(j, "%s", c);
	}
	put(j, "\"");
}

static void begin(struct json *j, const char *name)
{
	put(j, "%s\"%s\": ", j->begun ? ", " : "", name);
	j->begun = true;
}

void json_begin(struct json *j, char *buf, size_t size)
{
	*j = (struct json){ .buf = buf, .size = size };
	put(j, "{");
}

size_t json_end(struct json *j)
{
	put(j, "}\n");
	return j->full ? 0 : j->len;
}

void json_open(struct json *j, const char *name)
{
	begin(j, name);
	put(j, "{");
	j->begun = false;
}

void json_close(struct json *j)
{
	put(j, "}");
	j->begun = true;
}

void json_text(struct json *j, const char *name, const char *text)
{
	begin(j, name);
	if (text)
		put_string(j, text);
	else
		put(j, "null");
}

void json_number(struct json *j, const char *name, uint64_t value)
{
	begin(j, name);
	put(j, "%" PRIu64, value);
}

void json_flag(struct json *j, const char *name, bool value)
{
	begin(j, name);
	put(j, value ? "true" : "false");
}
