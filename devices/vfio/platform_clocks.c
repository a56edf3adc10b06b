/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks of an assigned platform device. The host runs them; the guest is told
 * of those that never change, as clocks of its own. Drivers of PrimeCells do
 * not go without one. Linux: Documentation/devicetree/bindings, clock/
 * fixed-clock.yaml, arm/primecell.yaml.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "devices/primecell.h"
#include "devices/vfio/platform_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

/* Clocks that never change belong to no bus, so they are near the top. */
#define DEPTH 2

struct search {
	uint32_t phandle;
	unsigned int depth;
	const char *dir;
	char *found;		/* PLATFORM_PATH bytes */
};

static int visit(void *arg, const char *name)
{
	const struct search *s = arg;
	struct search below = *s;
	char path[PLATFORM_PATH];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/%s", s->dir, name) >=
	    (int)sizeof(path) ||
	    sys_stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	if (platform_dt_cell(path, "phandle") == s->phandle) {
		strcpy(s->found, path);
		return 1;
	}
	below.dir = path;
	return ++below.depth < DEPTH ? sys_listdir(path, visit, &below) : 0;
}

/* Its frequency in Hz; 0: it may change, or is not known. */
static uint32_t fixed_hz(const char *dir)
{
	char kind[32] = "";

	if (platform_dt_read(dir, "compatible", kind, sizeof(kind) - 1) < 0 ||
	    strcmp(kind, "fixed-clock"))
		return 0;
	return MAX(platform_dt_cell(dir, "clock-frequency"), 0);
}

/*
 * The clocks of the node in @dir, each with its frequency or 0: @hz. Returns
 * how many; those behind one that is not found can't be told apart.
 */
static unsigned int read_clocks(const char *dir, uint32_t *hz)
{
	char path[PLATFORM_PATH];
	struct search s = { .dir = PLATFORM_TREE, .found = path };
	fdt32_t cells[4 * PLATFORM_CLOCKS];
	int len = platform_dt_read(dir, "clocks", cells, sizeof(cells));
	unsigned int i = 0, nr = 0, n = MAX(len, 0) / 4;
	int64_t args;

	while (i < n && nr < PLATFORM_CLOCKS) {
		hz[nr++] = 0;
		s.phandle = fdt32_to_cpu(cells[i]);
		if (sys_listdir(PLATFORM_TREE, visit, &s) != 1)
			break;
		hz[nr - 1] = fixed_hz(path);
		args = platform_dt_cell(path, "#clock-cells");
		if (args < 0 || args > n)
			break;
		i += 1 + args;
	}
	return nr;
}

static unsigned int count_names(const char *dir)
{
	char names[256];
	int len = platform_dt_read(dir, "clock-names", names, sizeof(names));
	unsigned int nr = 0;

	while (len > 0)
		nr += !names[--len];
	return MIN(nr, PLATFORM_CLOCKS);
}

/* The guest's clock of @hz, which devices may share. */
static int make_clock(void *fdt, uint32_t hz, uint32_t *phandle)
{
	char name[32];
	int node, err;

	snprintf(name, sizeof(name), "clock-%u", hz);
	node = fdt_subnode_offset(fdt, 0, name);
	if (node >= 0) {
		*phandle = fdt_get_phandle(fdt, node);
		return 0;
	}
	err = fdt_generate_phandle(fdt, phandle);
	if (err)
		return err;
	node = fdt_add_subnode(fdt, 0, name);
	if (node < 0)
		return node;
	err = fdt_setprop_string(fdt, node, "compatible", "fixed-clock");
	if (!err)
		err = fdt_setprop_u32(fdt, node, "#clock-cells", 0);
	if (!err)
		err = fdt_setprop_u32(fdt, node, "clock-frequency", hz);
	if (!err)
		err = fdt_setprop_u32(fdt, node, "phandle", *phandle);
	return err;
}

static bool all_known(const uint32_t *hz, unsigned int nr)
{
	while (nr)
		if (!hz[--nr])
			return false;
	return true;
}

int platform_clocks(const struct vfio_platform *d, const char *dir,
		    bool primecell, void *fdt, struct platform_clocks *clocks)
{
	uint32_t hz[PLATFORM_CLOCKS] = { 0 };
	unsigned int nr = read_clocks(dir, hz), i;
	int err = 0;

	clocks->nr = 0;
	if (primecell)
		nr = MAX(MAX(nr, count_names(dir)), 1U);
	if (!all_known(hz, nr) && !primecell) {
		log_info("vfio %s: its clocks are the host's to run, so the guest is told of none",
			 d->name);
		return 0;
	}
	if (!all_known(hz, nr))
		log_info("vfio %s: of clocks whose frequency is not known the guest is told %u Hz",
			 d->name, PRIMECELL_CLOCK_HZ);
	for (i = 0; i < nr && !err; i++)
		err = make_clock(fdt, hz[i] ? hz[i] : PRIMECELL_CLOCK_HZ,
				 &clocks->phandle[i]);
	clocks->nr = nr;
	return err;
}
