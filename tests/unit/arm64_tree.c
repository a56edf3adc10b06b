/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See arm64_tree.h.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arm64_tree.h"
#include "test.h"

int tree_node(const void *tree, const char *path)
{
	int node = fdt_path_offset(tree, path);

	if (node < 0)
		test_failed(__FILE__, __LINE__, "no node %s", path);
	return node;
}

static const void *get(const void *tree, const char *path, const char *prop,
		       int *len)
{
	const void *at = fdt_getprop(tree, tree_node(tree, path), prop, len);

	if (!at)
		test_failed(__FILE__, __LINE__, "no %s in %s", prop, path);
	return at;
}

const char *tree_string(const void *tree, const char *path, const char *prop)
{
	return get(tree, path, prop, NULL);
}

unsigned int tree_len(const void *tree, const char *path, const char *prop)
{
	int len;

	get(tree, path, prop, &len);
	return len;
}

uint32_t tree_cell(const void *tree, const char *path, const char *prop,
		   unsigned int n)
{
	int len;
	const fdt32_t *cells = get(tree, path, prop, &len);

	CHECK(n < (unsigned int)len / 4);
	return fdt32_to_cpu(cells[n]);
}

uint64_t tree_cells(const void *tree, const char *path, const char *prop,
		    unsigned int n)
{
	return (uint64_t)tree_cell(tree, path, prop, n) << 32 |
	       tree_cell(tree, path, prop, n + 1);
}

bool tree_has(const void *tree, const char *path, const char *prop)
{
	int node = fdt_path_offset(tree, path);

	return node >= 0 && (!prop || fdt_getprop(tree, node, prop, NULL));
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	CHECK(f);
	CHECK_EQ(fwrite(data, 1, len, f), len);
	fclose(f);
}

size_t tree_dtc(const char *args, const void *data, size_t len, void *out,
		size_t size)
{
	char dir[] = "/tmp/postern-dtc.XXXXXX", path[64], line[512];
	FILE *f;

	if (system("command -v dtc >/dev/null"))
		SKIP("device-tree-compiler is not installed");
	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/in", dir);
	write_file(path, data, len);
	snprintf(line, sizeof(line),
		 "cd %s && dtc %s -o out in >said 2>&1; s=$?; cat said >&2; "
		 "[ $s = 0 ] && [ ! -s said ]", dir, args);
	CHECK_EQ(system(line), 0);
	snprintf(path, sizeof(path), "%s/out", dir);
	f = fopen(path, "r");
	CHECK(f);
	len = fread(out, 1, size, f);
	fclose(f);
	snprintf(line, sizeof(line), "rm -r %s", dir);
	CHECK_EQ(system(line), 0);
	return len;
}
