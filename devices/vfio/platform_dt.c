/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The node of an assigned platform device in the guest's device tree: a copy
 * of the host's, without what the guest cannot use; or one that an overlay of
 * the user's has brought, which is completed. Where its registers and
 * interrupts are is known here only. Devicetree Specification 0.4; Linux:
 * Documentation/ABI/testing/sysfs-firmware-ofw,
 * Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "devices/vfio/platform_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define PROP_MAX 4096
#define DEPTH_MAX 4		/* of nodes in the device's */

/* Kind and flags of an interrupt, as a GIC counts. */
enum { GIC_SPI, GIC_EDGE = 1, GIC_LEVEL = 4 };

/* ---- the host's tree ---------------------------------------------------- */

int platform_dt_read(const char *dir, const char *name, void *buf, size_t size)
{
	char path[PLATFORM_PATH], more;
	size_t len = 0;
	ssize_t n = 1;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = sys_open(path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	while (n > 0 && len < size) {
		n = sys_read(fd, (char *)buf + len, size - len);
		len += n > 0 ? n : 0;
	}
	if (n > 0 && sys_read(fd, &more, 1) == 1)
		n = -E2BIG;
	sys_close(fd);
	return n < 0 ? (int)n : (int)len;
}

int64_t platform_dt_cell(const char *dir, const char *name)
{
	fdt32_t cell;

	return platform_dt_read(dir, name, &cell, sizeof(cell)) ==
		sizeof(cell) ? (int64_t)fdt32_to_cpu(cell) : -1;
}

/* ---- what goes wrong ---------------------------------------------------- */

static int tree_error(const struct vfio_platform *d, int err)
{
	if (!err)
		return 0;
	log_err("vfio %s: cannot put it into the device tree: %s", d->name,
		fdt_strerror(err));
	return err == -FDT_ERR_NOSPACE ? -ENOEXEC : -ENOTRECOVERABLE;
}

/* @err of reading the property that every node has. */
static int no_node(const struct vfio_platform *d, const char *dir, int err)
{
	if (err != -ENOENT && err != -ENOTDIR) {
		log_err("vfio %s: cannot read %s: %s", d->name, dir,
			err_text(err));
		return err;
	}
	log_err("vfio %s: the host's device tree does not say what it is: no %s/compatible",
		d->name, dir);
	log_hint("--dtb-overlay FILE --vfio-platform %s,label=NAME, FILE having a node "
		 "with that label", d->name);
	return d->spec.dt[0] ? -EDOM : -ENODEV;
}

/* ---- what only we know -------------------------------------------------- */

static int put_reg(const struct vfio_platform *d, void *fdt, int node)
{
	int parent = fdt_parent_offset(fdt, node), err = 0;
	unsigned int i;

	fdt_delprop(fdt, node, "reg");
	for (i = 0; i < d->nr_regions && !err; i++)
		err = fdt_appendprop_addrrange(fdt, parent, node, "reg",
					       d->regions[i].base,
					       d->regions[i].size);
	return err;
}

static int put_irqs(const struct vfio_platform *d, void *fdt, int node)
{
	const fdt32_t *gic = fdt_getprop(fdt, 0, "interrupt-parent", NULL);
	unsigned int i;
	int err = 0;

	fdt_delprop(fdt, node, "interrupts");
	fdt_delprop(fdt, node, "interrupts-extended");
	for (i = 0; i < d->nr_irqs && !err; i++) {
		const struct vfio_line *line = &d->irqs[i];

		err = fdt_appendprop_u32(fdt, node, "interrupts", GIC_SPI);
		if (!err)
			err = fdt_appendprop_u32(fdt, node, "interrupts",
						 line->gsi);
		if (!err)
			err = fdt_appendprop_u32(fdt, node, "interrupts",
						 line->level ? GIC_LEVEL :
						 GIC_EDGE);
	}
	if (!err && d->nr_irqs && gic)
		err = fdt_setprop_u32(fdt, node, "interrupt-parent",
				      fdt32_to_cpu(*gic));
	return err;
}

/* libfdt's number, as from all that follows. */
static int put_resources(const struct vfio_platform *d, void *fdt, int node)
{
	int err = put_reg(d, fdt, node);

	return err ? err : put_irqs(d, fdt, node);
}

/* ---- a copy of the host's node ------------------------------------------ */

struct copy {
	const struct vfio_platform *d;
	const char *dir;
	void *fdt;
	int node;
	unsigned int depth;
	bool children;		/* they have no addresses of the host's */
	int err;
};

static void copy_prop(struct copy *c, const char *name)
{
	char buf[PROP_MAX];
	int len;

	/* Where it is within another node is the device's own affair. */
	if (!platform_prop_kept(name) && !(c->depth && !strcmp(name, "reg")))
		return;
	len = platform_dt_read(c->dir, name, buf, sizeof(buf));
	if (len >= 0)
		c->err = fdt_setprop(c->fdt, c->node, name, buf, len);
	else
		log_warn("vfio %s: left out of its device-tree node: %s: %s",
			 c->d->name, name, err_text(len));
}

static void copy_all(struct copy *c);

static void copy_child(const struct copy *c, const char *name, int *err)
{
	char path[PLATFORM_PATH];
	struct copy child = *c;

	if (!c->children || c->depth == DEPTH_MAX ||
	    !platform_child_kept(name) ||
	    snprintf(path, sizeof(path), "%s/%s", c->dir, name) >=
	    (int)sizeof(path))
		return;
	child.dir = path;
	child.depth++;
	child.node = fdt_add_subnode(c->fdt, c->node, name);
	if (child.node < 0)
		child.err = child.node;
	else
		copy_all(&child);
	*err = child.err;
}

static int copy_entry(void *arg, const char *name)
{
	char path[PLATFORM_PATH];
	struct copy *c = arg;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", c->dir, name);
	if (sys_stat(path, &st) >= 0 && S_ISDIR(st.st_mode))
		copy_child(c, name, &c->err);
	else
		copy_prop(c, name);
	return c->err ? 1 : 0;
}

static void copy_all(struct copy *c)
{
	char ranges;

	c->children = platform_dt_read(c->dir, "ranges", &ranges, 1) ==
		-ENOENT;
	sys_listdir(c->dir, copy_entry, c);
}

static int put_clocks(void *fdt, int node, const char *dir,
		      const struct platform_clocks *clocks)
{
	char names[256] = "apb_pclk";
	int len = platform_dt_read(dir, "clock-names", names, sizeof(names));
	unsigned int i;
	int err = 0;

	for (i = 0; i < clocks->nr && !err; i++)
		err = fdt_appendprop_u32(fdt, node, "clocks",
					 clocks->phandle[i]);
	if (err || !clocks->nr)
		return err;
	return fdt_setprop(fdt, node, "clock-names", names,
			   len > 0 ? (size_t)len : sizeof("apb_pclk"));
}

/* "pl031@c000000": the host's name, the guest's address. */
static void node_name(const struct vfio_platform *d, const char *dir,
		      char *name, size_t size)
{
	int len = platform_dt_read(dir, "name", name, 32);

	if (len <= 0 || name[len - 1])
		snprintf(name, size, "device");
	len = strlen(name);
	if (d->nr_regions)
		snprintf(name + len, size - len, "@%llx",
			 (unsigned long long)d->regions[0].base);
}

/* Nodes beside it come first: with each, those behind it move. */
static int copy_node(const struct vfio_platform *d, const char *dir,
		     bool primecell, void *fdt)
{
	struct copy c = { .d = d, .dir = dir, .fdt = fdt };
	struct platform_clocks clocks;
	char name[64];

	c.err = platform_clocks(d, dir, primecell, fdt, &clocks);
	if (c.err)
		return c.err;
	node_name(d, dir, name, sizeof(name));
	c.node = fdt_add_subnode(fdt, 0, name);
	if (c.node < 0)
		return c.node;
	copy_all(&c);
	if (!c.err)
		c.err = put_clocks(fdt, c.node, dir, &clocks);
	return c.err ? c.err : put_resources(d, fdt, c.node);
}

static int from_host(const struct vfio_platform *d, void *fdt)
{
	char dir[SYSFS_PATH], kinds[256];
	int len;

	if (d->spec.dt[0])
		snprintf(dir, sizeof(dir), "%s", d->spec.dt);
	else
		snprintf(dir, sizeof(dir), "%sdevices/%s/of_node",
			 sysfs_bus(d->name), d->name);
	len = platform_dt_read(dir, "compatible", kinds, sizeof(kinds));
	if (len < 0)
		return no_node(d, dir, len);
	return tree_error(d, copy_node(d, dir, fdt_stringlist_contains(
			  kinds, len, "arm,primecell"), fdt));
}

/* ---- a node of an overlay ----------------------------------------------- */

static int from_overlay(const struct vfio_platform *d, void *fdt)
{
	int symbols = fdt_path_offset(fdt, "/__symbols__"), len = 0, node;
	const char *path;

	path = fdt_getprop(fdt, symbols, d->spec.label, &len);
	if (path && len > 0 && !path[len - 1]) {
		node = fdt_path_offset(fdt, path);
		if (node > 0)
			return tree_error(d, put_resources(d, fdt, node));
	}
	log_err("vfio %s: no node in the device tree has the label '%s'",
		d->name, d->spec.label);
	log_hint("--dtb-overlay FILE, compiled by dtc -@");
	return -EDOM;
}

int platform_dt_node(const struct vfio_platform *d, void *fdt)
{
	return d->spec.label[0] ? from_overlay(d, fdt) : from_host(d, fdt);
}
