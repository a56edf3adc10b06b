/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzz targets share, see fuzz.h, and the two functions that the fake
 * kernel asks of a test's harness.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/test.h"

uint64_t take(struct input *in, unsigned int bytes)
{
	size_t n = bytes < in->len ? bytes : in->len;
	uint64_t val = 0;

	if (!n)
		return 0;
	memcpy(&val, in->at, n);
	in->at += n;
	in->len -= n;
	return val;
}

void take_text(struct input *in, char *buf, size_t size)
{
	size_t n = strnlen((const char *)in->at, in->len), copied;

	copied = n < size ? n : size - 1;
	memcpy(buf, in->at, copied);
	buf[copied] = '\0';
	if (n < in->len)
		n++;
	in->at += n;
	in->len -= n;
}

jmp_buf *exit_back;

/* The linker puts these in place of exit(). */
void __wrap_exit(int status) __attribute__((noreturn));
void __real_exit(int status) __attribute__((noreturn));

void __wrap_exit(int status)
{
	if (exit_back)
		longjmp(*exit_back, status + 1);
	__real_exit(status);
}

/* Standard error may lead nowhere while fuzzing: abort() tells where it was. */
void broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

void test_failed(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void test_skip(const char *reason)
{
	test_failed(__FILE__, __LINE__, "%s", reason);
}
