/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzz targets share. A target is one file with an
 * LLVMFuzzerTestOneInput() in it, linked against product code, the fake kernel
 * and libFuzzer (LLVM: docs/LibFuzzer.rst). It reads its input as a list of
 * decisions; where the input ends, zeroes follow, so that every input is a
 * whole one.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
	const uint8_t *at;
	size_t len;
};

/* take - the next @bytes (1..8) of the input, little-endian. */
uint64_t take(struct input *in, unsigned int bytes);
/*
 * take_text - the next bytes up to a NUL, or the input's end, at most @size
 * with their own NUL.
 */
void take_text(struct input *in, char *buf, size_t size);

/* MUST - what may never be false, whatever the input. */
#define MUST(cond) \
	do { \
		if (!(cond)) \
			broken(__FILE__, __LINE__, #cond); \
	} while (0)
void broken(const char *file, int line, const char *what)
	__attribute__((noreturn));

/*
 * exit_back - where exit() leads instead of to the end of the process, by
 * longjmp() with its status + 1; NULL: nowhere else.
 */
extern jmp_buf *exit_back;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
