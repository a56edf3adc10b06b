/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reader of JSON that keeps nothing; see json.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define NAMES_MAX 512
#define NAME_MAX 64

struct reader {
	const char *at;
	char names[NAMES_MAX][NAME_MAX];	/* of all objects open */
	unsigned int nr;
	char (*all)[NAME_MAX];			/* of the whole, or NULL */
	unsigned int nr_all;
};

static bool value(struct reader *r);

static void blank(struct reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
}

static bool expect(struct reader *r, char c)
{
	blank(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static bool escape(struct reader *r)
{
	if (*r->at == 'u') {
		if (strspn(r->at + 1, "0123456789abcdefABCDEF") < 4)
			return false;
		r->at += 5;
		return true;
	}
	return *r->at && strchr("\"\\/bfnrt", *r->at++);
}

/* Only ASCII is taken: what is printed has no business with more. */
static bool string(struct reader *r)
{
	if (!expect(r, '"'))
		return false;
	while (*r->at != '"') {
		unsigned char c = *r->at;

		if (c < 0x20 || c > 0x7e)
			return false;
		r->at++;
		if (c == '\\' && !escape(r))
			return false;
	}
	r->at++;
	return true;
}

static bool digits(struct reader *r)
{
	size_t n = strspn(r->at, "0123456789");

	r->at += n;
	return n;
}

static bool number(struct reader *r)
{
	const char *first;

	r->at += *r->at == '-';
	first = r->at;
	if (!digits(r) || (*first == '0' && r->at > first + 1))
		return false;
	if (*r->at == '.' && (r->at++, !digits(r)))
		return false;
	if (*r->at != 'e' && *r->at != 'E')
		return true;
	r->at++;
	r->at += *r->at == '-' || *r->at == '+';
	return digits(r);
}

static bool word(struct reader *r, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(r->at, text, len))
		return false;
	r->at += len;
	return true;
}

static void add_all(struct reader *r, const char *name)
{
	unsigned int i;

	for (i = 0; i < r->nr_all; i++)
		if (!strcmp(r->all[i], name))
			return;
	if (r->nr_all < NAMES_MAX)
		strcpy(r->all[r->nr_all++], name);
}

/* A name that its object, whose names begin at @first, has not yet. */
static bool add_name(struct reader *r, unsigned int first, const char *text,
		     size_t len)
{
	char *name = r->names[r->nr];
	unsigned int i;

	if (r->nr == NAMES_MAX - 1 || len >= NAME_MAX)
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	for (i = first; i < r->nr; i++)
		if (!strcmp(r->names[i], name))
			return false;
	r->nr++;
	if (r->all)
		add_all(r, name);
	return true;
}

static bool member(struct reader *r, unsigned int first)
{
	const char *name;

	blank(r);
	name = r->at + 1;
	return string(r) && add_name(r, first, name, r->at - 1 - name) &&
		expect(r, ':') && value(r);
}

static bool object(struct reader *r)
{
	unsigned int first = r->nr;

	if (!expect(r, '{'))
		return false;
	if (expect(r, '}'))
		return true;
	do {
		if (!member(r, first))
			return false;
	} while (expect(r, ','));
	r->nr = first;
	return expect(r, '}');
}

static bool array(struct reader *r)
{
	if (!expect(r, '['))
		return false;
	if (expect(r, ']'))
		return true;
	do {
		if (!value(r))
			return false;
	} while (expect(r, ','));
	return expect(r, ']');
}

static bool value(struct reader *r)
{
	blank(r);
	switch (*r->at) {
	case '{':
		return object(r);
	case '[':
		return array(r);
	case '"':
		return string(r);
	case 't':
		return word(r, "true");
	case 'f':
		return word(r, "false");
	case 'n':
		return word(r, "null");
	}
	return number(r);
}

bool json_valid(const char *text)
{
	struct reader *r = calloc(1, sizeof(*r));
	bool valid;

	r->at = text;
	valid = value(r);
	blank(r);
	valid = valid && !*r->at;
	if (!valid)
		fprintf(stderr, "not JSON from here on: %.80s\nin: %s\n",
			r->at, text);
	free(r);
	return valid;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *json_names(const char *text)
{
	static char all[NAMES_MAX][NAME_MAX], out[NAMES_MAX * NAME_MAX];
	struct reader *r = calloc(1, sizeof(*r));
	unsigned int i;
	size_t len = 0;

	r->at = text;
	r->all = all;
	value(r);
	qsort(all, r->nr_all, sizeof(all[0]), compare);
	out[0] = '\0';
	for (i = 0; i < r->nr_all; i++)
		len += snprintf(out + len, sizeof(out) - len, "%s\n", all[i]);
	free(r);
	return out;
}
