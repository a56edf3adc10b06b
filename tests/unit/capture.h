/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What product code prints, for tests of its messages.
 */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include <stdbool.h>

/*
 * capture_begin - from now on what is written to descriptor @fd (1 or 2) is
 * kept. capture_end - as before again; returns all of it, valid until the
 * next capture_begin(). One at a time.
 */
void capture_begin(int fd);
const char *capture_end(void);

/* said - whether @text is in what capture_end() returned; prints that if not. */
bool said(const char *text);
/* said_lines - how many lines that has. */
unsigned int said_lines(void);

#endif
