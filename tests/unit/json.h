/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a text is JSON, and what it holds, for tests of what is printed for
 * programs. RFC 8259.
 */
#ifndef TESTS_UNIT_JSON_H
#define TESTS_UNIT_JSON_H

#include <stdbool.h>
#include <stddef.h>

/*
 * json_valid - whether @text is one JSON value and nothing else, with no name
 * twice in an object; says where not.
 */
bool json_valid(const char *text);

/*
 * json_names - all names in @text, which is valid, each once and ended by a
 * newline, sorted. Valid until the next call.
 */
const char *json_names(const char *text);

#endif
