/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overlays; see overlay.h. libfdt does the work, but would not say what was
 * wrong where, goes as deep as the file says, and believes it the offsets of
 * references within properties (dtc 1.6.1, libfdt/fdt_overlay.c): all that is
 * looked at before. dtc's Documentation/dt-object-internal.txt.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arm64/overlay.h"
#include "vmm/config.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define VERSION_MIN 16		/* since then names are not whole paths */
#define OVERLAY_MAX (256 * KiB)	/* libfdt's work grows with the square */
#define DEPTH_MAX 32		/* of nodes: libfdt goes down by recursion */

struct overlay {
	const char *path;
	void *blob;
	void *base;		/* the tree that it is for */
	int fixups, local;	/* nodes that say where references are, or < 0 */
};

static int unusable(const struct overlay *o, const char *why)
{
	log_err("overlay %s: %s", o->path, why);
	return -ENOEXEC;
}

static int read_file(struct overlay *o, uint64_t *size)
{
	int fd = file_open("overlay", o->path, size), err;

	if (fd < 0)
		return fd;
	o->blob = NULL;
	err = *size > OVERLAY_MAX ? unusable(o, "larger than 256 KiB") :
	      *size < sizeof(struct fdt_header) ?
	      unusable(o, "not a compiled device tree") : 0;
	if (!err) {
		o->blob = malloc(*size);
		err = o->blob ? file_read(fd, o->blob, *size, 0) : -ENOMEM;
		if (err < 0)
			log_err("overlay %s: cannot read: %s", o->path,
				err_text(err));
	}
	sys_close(fd);
	if (err >= 0)
		return 0;
	free(o->blob);
	return err == -ENODATA ? -ENOEXEC : err;
}

static int check_depth(const struct overlay *o)
{
	int node = 0, depth = 0;

	while ((node = fdt_next_node(o->blob, node, &depth)) >= 0)
		if (depth > DEPTH_MAX)
			return unusable(o, "nodes within nodes without end");
	return 0;
}

static int check_form(const struct overlay *o, uint64_t size)
{
	int err;

	if (fdt_magic(o->blob) != FDT_MAGIC)
		return unusable(o, "not a compiled device tree");
	/* fdt_check_full() of libfdt 1.6 is lost in names of before. */
	if (fdt_version(o->blob) < VERSION_MIN)
		return unusable(o, "of an older version than 16");
	if (fdt_totalsize(o->blob) > size)
		return unusable(o, "the file is truncated");
	err = fdt_check_full(o->blob, size);
	if (err) {
		log_err("overlay %s: not a device tree: %s", o->path,
			fdt_strerror(err));
		return -ENOEXEC;
	}
	return check_depth(o);
}

/* Whether the tree has a node of that label. */
static bool has_label(const void *base, const char *label)
{
	int symbols = fdt_path_offset(base, "/__symbols__");
	const char *path = fdt_getprop(base, symbols, label, NULL);

	return path && fdt_path_offset(base, path) >= 0;
}

/* A reference of four bytes at @index of a property of @len. */
static bool fits(uint64_t index, int len)
{
	return len >= 4 && index <= (uint64_t)len - 4;
}

/* What says where references are can't be one itself. */
static bool is_reference_list(const struct overlay *o, int node)
{
	int top = node > 0 ? fdt_supernode_atdepth_offset(o->blob, node, 1,
							  NULL) : 0;

	return node < 0 || (top > 0 && (top == o->fixups || top == o->local));
}

/* @where: "PATH:PROPERTY:INDEX", of a reference. */
static bool is_place(const struct overlay *o, const char *where)
{
	size_t path = strcspn(where, ":"), name;
	const char *prop = where + path + 1;
	char *end;
	int node, len;
	unsigned long index;

	if (where[0] != '/' || !where[path])
		return false;
	name = strcspn(prop, ":");
	if (!name || prop[name] != ':')
		return false;
	index = strtoul(prop + name + 1, &end, 10);
	if (end == prop + name + 1 || *end)
		return false;
	node = fdt_path_offset_namelen(o->blob, where, path);
	return !is_reference_list(o, node) &&
	       fdt_getprop_namelen(o->blob, node, prop, name, &len) &&
	       fits(index, len);
}

static int check_places(const struct overlay *o, const char *label,
			const char *where, int len)
{
	const char *end;

	do {
		end = len > 0 ? memchr(where, '\0', len) : NULL;
		if (!end || !is_place(o, where)) {
			log_err("overlay %s: malformed /__fixups__, of label '%s'",
				o->path, label);
			return -ENOEXEC;
		}
		len -= end + 1 - where;
		where = end + 1;
	} while (len);
	return 0;
}

/* Each property of __fixups__ is a label, and says where it is wanted. */
static int check_labels(const struct overlay *o)
{
	const char *label, *where;
	int prop, len, err;

	if (o->fixups < 0)
		return 0;
	fdt_for_each_property_offset(prop, o->blob, o->fixups) {
		where = fdt_getprop_by_offset(o->blob, prop, &label, &len);
		if (!where)
			return unusable(o, "malformed /__fixups__");
		err = check_places(o, label, where, len);
		if (err < 0)
			return err;
		if (has_label(o->base, label))
			continue;
		log_err("overlay %s: %.*s: the device tree has no label '%s'",
			o->path, (int)strcspn(where, ":"), where, label);
		log_hint("postern run ... --dump-dtb FILE, then /__symbols__ in it");
		return -ENOEXEC;
	}
	return 0;
}

/* @prop has the indices of references in the property of that name of @node. */
static bool are_places(const struct overlay *o, int node, int prop)
{
	const fdt32_t *at;
	const char *name;
	int nr, len, i;

	at = fdt_getprop_by_offset(o->blob, prop, &name, &nr);
	/* libfdt would take these for phandles, and change them first. */
	if (!at || nr % 4 || !strcmp(name, "phandle") ||
	    !strcmp(name, "linux,phandle") ||
	    !fdt_getprop(o->blob, node, name, &len))
		return false;
	for (i = 0; i < nr / 4; i++)
		if (!fits(fdt32_ld(&at[i]), len))
			return false;
	return true;
}

/* __local_fixups__ has the nodes of the overlay over again, those it needs. */
static bool local_ok(const struct overlay *o, int node, int list)
{
	int prop, child, twin;

	fdt_for_each_property_offset(prop, o->blob, list)
		if (!are_places(o, node, prop))
			return false;
	fdt_for_each_subnode(child, o->blob, list) {
		twin = fdt_subnode_offset(o->blob, node,
					  fdt_get_name(o->blob, child, NULL));
		if (is_reference_list(o, twin) || !local_ok(o, twin, child))
			return false;
	}
	return true;
}

static int check_references(struct overlay *o)
{
	o->fixups = fdt_path_offset(o->blob, "/__fixups__");
	o->local = fdt_path_offset(o->blob, "/__local_fixups__");
	if (o->local >= 0 && !local_ok(o, 0, o->local))
		return unusable(o, "malformed /__local_fixups__");
	return check_labels(o);
}

static int check_path(const struct overlay *o, int fragment)
{
	const char *name = fdt_get_name(o->blob, fragment, NULL);
	const char *path;
	int len;

	path = fdt_getprop(o->blob, fragment, "target-path", &len);
	if (!path)
		return 0;
	if (!len || path[len - 1]) {
		log_err("overlay %s: %s: malformed target-path", o->path, name);
		return -ENOEXEC;
	}
	if (fdt_path_offset(o->base, path) >= 0)
		return 0;
	log_err("overlay %s: %s: the device tree has no node %s", o->path,
		name, path);
	return -ENOEXEC;
}

/* A fragment is a node with __overlay__ in it. */
static int check_fragments(const struct overlay *o)
{
	bool any = false;
	int node, err;

	fdt_for_each_subnode(node, o->blob, 0) {
		if (fdt_subnode_offset(o->blob, node, "__overlay__") < 0)
			continue;
		any = true;
		if (!fdt_getprop(o->blob, node, "target", NULL) &&
		    !fdt_getprop(o->blob, node, "target-path", NULL)) {
			log_err("overlay %s: %s: no target", o->path,
				fdt_get_name(o->blob, node, NULL));
			return -ENOEXEC;
		}
		err = check_path(o, node);
		if (err < 0)
			return err;
	}
	return any ? 0 : unusable(o, "a device tree, but not an overlay");
}

static int apply(struct overlay *o)
{
	int err = fdt_overlay_apply(o->base, o->blob);

	if (!err)
		return 0;
	log_err("overlay %s: cannot be applied: %s", o->path,
		err == -FDT_ERR_NOSPACE ? "the device tree gets larger than 2 MiB"
					: fdt_strerror(err));
	return -ENOEXEC;
}

static int apply_file(void *base, const char *path)
{
	struct overlay o = { .path = path, .base = base };
	uint64_t size;
	int err = read_file(&o, &size);

	if (err < 0)
		return err;
	err = check_form(&o, size);
	if (!err)
		err = check_fragments(&o);
	if (!err)
		err = check_references(&o);
	if (!err)
		err = apply(&o);
	free(o.blob);
	return err;
}

int overlays_apply(const struct config *cfg, void *blob, size_t size)
{
	unsigned int i;
	int err = 0;

	if (fdt_open_into(blob, blob, size))
		return -ENOTRECOVERABLE;
	for (i = 0; i < cfg->nr_dtb_overlay && !err; i++)
		err = apply_file(blob, cfg->dtb_overlay[i]);
	if (!err && fdt_pack(blob))
		return -ENOTRECOVERABLE;
	return err;
}
