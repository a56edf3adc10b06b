/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words to look at a device tree with.
 */
#ifndef TESTS_UNIT_ARM64_TREE_H
#define TESTS_UNIT_ARM64_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each of these fails the test where there is no such node or property. */
int tree_node(const void *tree, const char *path);
const char *tree_string(const void *tree, const char *path, const char *prop);
uint32_t tree_cell(const void *tree, const char *path, const char *prop,
		   unsigned int n);
uint64_t tree_cells(const void *tree, const char *path, const char *prop,
		    unsigned int n);
unsigned int tree_len(const void *tree, const char *path, const char *prop);
/* tree_has - whether there is such a property (NULL: a node). */
bool tree_has(const void *tree, const char *path, const char *prop);

/*
 * tree_dtc - run `dtc ARGS` with the @len bytes of @data as input; it must
 * succeed and say nothing. Its output, at most @size bytes, into @out; returns
 * their number. The test is skipped where there is no dtc.
 */
size_t tree_dtc(const char *args, const void *data, size_t len, void *out,
		size_t size);

#endif
