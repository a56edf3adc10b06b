/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overlays; see overlay.h. libfdt does the work, but would not say what was
 * wrong where, and trusts an overlay to be well formed: both is looked at
 * before. dtc's Documentation/dt-object-internal.txt.
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

#define OVERLAY_MAX (1 * MiB)
#define DEPTH_MAX 32		/* of nodes: libfdt goes down by recursion */

struct overlay {
	const char *path;
	void *blob;
	void *base;		/* the tree that it is for */
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
	err = *size > OVERLAY_MAX ? unusable(o, "larger than 1 MiB") :
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

/* Each property of __fixups__ is a label, and says where it is wanted. */
static int check_labels(const struct overlay *o)
{
	int fixups = fdt_path_offset(o->blob, "/__fixups__"), prop, len;
	const char *label, *where;

	if (fixups < 0)
		return 0;
	fdt_for_each_property_offset(prop, o->blob, fixups) {
		where = fdt_getprop_by_offset(o->blob, prop, &label, &len);
		if (!where || !memchr(where, '\0', len))
			return unusable(o, "malformed /__fixups__");
		if (has_label(o->base, label))
			continue;
		log_err("overlay %s: %.*s: the device tree has no label '%s'",
			o->path, (int)strcspn(where, ":"), where, label);
		log_hint("postern run ... --dump-dtb FILE, then /__symbols__ in it");
		return -ENOEXEC;
	}
	return 0;
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
		err = check_labels(&o);
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
