/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device tree as it is written, node by node; private to arch/arm64.
 *
 * The first thing that goes wrong stays in err, libfdt's number, and all that
 * follows does nothing: only the end has to be looked at. Devicetree
 * Specification 0.4, chapters 2 and 5; for labels, dtc's
 * Documentation/dt-object-internal.txt.
 */
#ifndef ARCH_ARM64_DT_H
#define ARCH_ARM64_DT_H

#include <stddef.h>
#include <stdint.h>

#include "arch/arm64/layout.h"
#include "vmm/device.h"
#include "vmm/log.h"

/* Phandles of what others point at; labels get those from the last one on. */
enum {
	DT_GIC = 1,
	DT_MSI,			/* ITS or v2m frame */
	DT_CLOCK,		/* of PrimeCells */
	DT_GPIO,
	DT_CACHE,		/* of the first level that vCPUs share */
	DT_CPU = 0x100,		/* of vCPU 0, and so on */
	DT_CPU_CACHE = 0x200,	/* of level 2 of vCPU 0, and so on */
	DT_OTHERS = 0x1000,
};

/* Kinds and flags of a GIC's interrupts: bindings of arm,gic-v3. */
enum { DT_SPI, DT_PPI };
enum { DT_EDGE = 1, DT_LEVEL = 4 };

#define DT_PATH 64
#define DT_LABELS (ARM64_CPUS_MAX + 16)

struct dt {
	void *blob;
	int err;		/* 0, or one of libfdt's */
	char path[DT_PATH];	/* of the node that is being written */
	uint32_t phandle;	/* the next that is free */
	unsigned int nr_labels;
	struct dt_label {
		char name[16];
		char path[DT_PATH];
	} labels[DT_LABELS];
};

/* dt_open - begin with the root node. dt_close - end it; returns err. */
void dt_open(struct dt *dt, void *blob, size_t size);
int dt_close(struct dt *dt);

/* dt_begin, dt_end - a node within the one that is being written. */
void dt_begin(struct dt *dt, const char *fmt, ...) PRINTF_LIKE(2, 3);
void dt_end(struct dt *dt);

/* Properties of the node, before any node within it. */
void dt_empty(struct dt *dt, const char *name);
void dt_u32(struct dt *dt, const char *name, uint32_t val);
void dt_u64(struct dt *dt, const char *name, uint64_t val);
void dt_string(struct dt *dt, const char *name, const char *val);
void dt_bytes(struct dt *dt, const char *name, const void *data, size_t len);
/* dt_strings - several, each but the last followed by a NUL in @val. */
#define dt_strings(dt, name, val) dt_bytes(dt, name, val, sizeof(val))

/*
 * dt_label - give the node @phandle, 0: the next that is free, and make @label
 * a name by which overlays find it.
 */
void dt_label(struct dt *dt, const char *label, uint32_t phandle);

/* Cells are collected first, and then are a property. */
struct dt_cells {
	uint32_t cell[192];	/* big-endian */
	unsigned int nr;
};

void dt_cell(struct dt_cells *cells, uint32_t val);
void dt_cell64(struct dt_cells *cells, uint64_t val);
/* dt_irq - interrupt @nr of @kind as the GIC has it. */
void dt_irq(struct dt_cells *cells, uint32_t kind, uint32_t nr,
	    uint32_t flags);
void dt_cells(struct dt *dt, const char *name, const struct dt_cells *cells);

/* dt_reg - property reg of one range, two cells each. */
void dt_reg(struct dt *dt, uint64_t base, uint64_t size);

/* ---- parts of the tree that have files of their own --------------------- */

struct vm;

/* dt_cpus - the processors, their caches, and how they belong together. */
void dt_cpus(struct dt *dt, const struct vm *vm);

/* dt_pci - the PCI host bridge that @desc describes. */
#if IS_ENABLED(CONFIG_PCI)
void dt_pci(struct dt *dt, const struct desc *desc);
#else
static inline void dt_pci(struct dt *dt, const struct desc *desc)
{
}
#endif

#endif
