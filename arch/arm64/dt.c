/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfdt's sequential writer, and what it does not know of: paths and labels;
 * see dt.h.
 */
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/arm64/dt.h"

static void note(struct dt *dt, int err)
{
	if (!dt->err)
		dt->err = err;
}

void dt_open(struct dt *dt, void *blob, size_t size)
{
	memset(dt, 0, sizeof(*dt));
	dt->blob = blob;
	dt->phandle = DT_OTHERS;
	dt->err = fdt_create(blob, size);
	if (!dt->err)
		dt->err = fdt_finish_reservemap(blob);
	if (!dt->err)
		dt->err = fdt_begin_node(blob, "");
}

static void put_symbols(struct dt *dt)
{
	unsigned int i;

	dt_begin(dt, "__symbols__");
	for (i = 0; i < dt->nr_labels; i++)
		dt_string(dt, dt->labels[i].name, dt->labels[i].path);
	dt_end(dt);
}

int dt_close(struct dt *dt)
{
	put_symbols(dt);
	dt_end(dt);
	if (!dt->err)
		dt->err = fdt_finish(dt->blob);
	return dt->err;
}

void dt_begin(struct dt *dt, const char *fmt, ...)
{
	size_t len = strlen(dt->path);
	char *name = dt->path + len + 1;
	va_list args;
	int n;

	if (len + 2 > sizeof(dt->path))
		note(dt, -FDT_ERR_INTERNAL);
	if (dt->err)
		return;
	dt->path[len] = '/';
	va_start(args, fmt);
	n = vsnprintf(name, sizeof(dt->path) - len - 1, fmt, args);
	va_end(args);
	if (n < 0 || len + 1 + n >= sizeof(dt->path))
		note(dt, -FDT_ERR_INTERNAL);
	else
		note(dt, fdt_begin_node(dt->blob, name));
}

void dt_end(struct dt *dt)
{
	char *slash = strrchr(dt->path, '/');

	if (slash)
		*slash = '\0';
	if (!dt->err)
		dt->err = fdt_end_node(dt->blob);
}

void dt_bytes(struct dt *dt, const char *name, const void *data, size_t len)
{
	if (!dt->err)
		dt->err = fdt_property(dt->blob, name, data, len);
}

void dt_empty(struct dt *dt, const char *name)
{
	dt_bytes(dt, name, NULL, 0);
}

void dt_u32(struct dt *dt, const char *name, uint32_t val)
{
	fdt32_t cell = cpu_to_fdt32(val);

	dt_bytes(dt, name, &cell, sizeof(cell));
}

void dt_u64(struct dt *dt, const char *name, uint64_t val)
{
	fdt64_t cells = cpu_to_fdt64(val);

	dt_bytes(dt, name, &cells, sizeof(cells));
}

void dt_string(struct dt *dt, const char *name, const char *val)
{
	dt_bytes(dt, name, val, strlen(val) + 1);
}

void dt_label(struct dt *dt, const char *name, uint32_t phandle)
{
	struct dt_label *l = &dt->labels[dt->nr_labels];

	if (dt->nr_labels == DT_LABELS || strlen(name) >= sizeof(l->name))
		note(dt, -FDT_ERR_INTERNAL);
	if (dt->err)
		return;
	dt->nr_labels++;
	strcpy(l->name, name);
	strcpy(l->path, dt->path);
	dt_u32(dt, "phandle", phandle ? phandle : dt->phandle++);
}

void dt_cell(struct dt_cells *cells, uint32_t val)
{
	if (cells->nr < ARRAY_SIZE(cells->cell))
		cells->cell[cells->nr] = cpu_to_fdt32(val);
	cells->nr++;
}

void dt_cell64(struct dt_cells *cells, uint64_t val)
{
	dt_cell(cells, val >> 32);
	dt_cell(cells, (uint32_t)val);
}

void dt_irq(struct dt_cells *cells, uint32_t kind, uint32_t nr, uint32_t flags)
{
	dt_cell(cells, kind);
	dt_cell(cells, nr);
	dt_cell(cells, flags);
}

void dt_cells(struct dt *dt, const char *name, const struct dt_cells *cells)
{
	if (cells->nr > ARRAY_SIZE(cells->cell))
		note(dt, -FDT_ERR_INTERNAL);
	else
		dt_bytes(dt, name, cells->cell, cells->nr * 4);
}

void dt_reg(struct dt *dt, uint64_t base, uint64_t size)
{
	struct dt_cells reg = { .nr = 0 };

	dt_cell64(&reg, base);
	dt_cell64(&reg, size);
	dt_cells(dt, "reg", &reg);
}
