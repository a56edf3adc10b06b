/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One assigned platform or AMBA device, shared by the files that make it:
 * platform.c (its life, registers and interrupts), platform_dt.c (its node in
 * the device tree), platform_props.c (what of the host's node the guest can
 * use) and platform_clocks.c.
 */
#ifndef DEVICES_VFIO_PLATFORM_PRIV_H
#define DEVICES_VFIO_PLATFORM_PRIV_H

#include "devices/vfio/attach.h"
#include "iommu/sysfs.h"
#include "vmm/device.h"
#include "vmm/mem.h"

/* The host's own device tree; a node is a folder, a property a file. */
#define PLATFORM_TREE "/sys/firmware/devicetree/base"
#define PLATFORM_REGIONS 16
#define PLATFORM_IRQS 64
#define PLATFORM_LABEL 64

struct platform_spec {
	char name[SYSFS_ADDR];	/* in sysfs */
	char dt[SYSFS_PATH];	/* a node's folder in sysfs, "": its own */
	char label[PLATFORM_LABEL]; /* of a node in an overlay, "": none */
};

struct platform_region {
	struct vfio_platform *dev;
	uint64_t offset;	/* in the device file */
	uint64_t size;
	uint64_t base;		/* in the guest */
	uint32_t flags;		/* VFIO_REGION_INFO_FLAG_... */
	struct mem_region mem;	/* size 0: each access comes to us */
};

struct vfio_platform {
	struct device device;
	struct vm *vm;
	struct platform_spec spec;
	const char *name;	/* spec.name */
	int fd;
	bool can_reset;
	bool started;		/* interrupts were wired before */
	unsigned int nr_regions;
	unsigned int nr_irqs;
	struct platform_region regions[PLATFORM_REGIONS];
	struct vfio_line irqs[PLATFORM_IRQS];
};

/* platform_spec_parse - take apart "DEVICE[,KEY=VALUE]". -EDOM, printed. */
int platform_spec_parse(const char *text, struct platform_spec *spec);

/*
 * platform_dt_node - put @d into the guest's device tree. -ENODEV, or -EDOM
 * for what the user has said, where there is no node for it. Prints its
 * errors.
 */
int platform_dt_node(const struct vfio_platform *d, void *fdt);

/*
 * platform_prop_kept - whether the guest is given property @name of the host's
 * node as it is: not what points at other nodes, and not what it gets of its
 * own. platform_child_kept - the same of a node in it.
 */
bool platform_prop_kept(const char *name);
bool platform_child_kept(const char *name);

/* ---- platform_clocks.c -------------------------------------------------- */

#define PLATFORM_CLOCKS 8

/* What replaces the clocks of the host's node. */
struct platform_clocks {
	unsigned int nr;	/* 0: the guest is told of none */
	uint32_t phandle[PLATFORM_CLOCKS];
};

/*
 * platform_clocks - make clocks of fixed frequency in @fdt, in place of those
 * that the node in folder @dir has. A PrimeCell has one at least. Returns 0 or
 * an error of libfdt's.
 */
int platform_clocks(const struct vfio_platform *d, const char *dir,
		    bool primecell, void *fdt, struct platform_clocks *clocks);

/* ---- platform_dt.c ------------------------------------------------------ */

#define PLATFORM_PATH 512	/* of a property's file */

/* platform_dt_cell - the number that property @name in @dir is; or -1. */
int64_t platform_dt_cell(const char *dir, const char *name);
/*
 * platform_dt_read - all bytes of property @name in @dir, at most @size;
 * returns how many, or -errno. -E2BIG: there are more.
 */
int platform_dt_read(const char *dir, const char *name, void *buf,
		     size_t size);

#endif
