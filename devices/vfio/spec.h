/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user says of an assigned device: the value of --vfio, taken apart.
 */
#ifndef DEVICES_VFIO_SPEC_H
#define DEVICES_VFIO_SPEC_H

#include <stdbool.h>

#include "iommu/sysfs.h"

enum vfio_reset {
	VFIO_RESET_AUTO,	/* the function's, else the bus's */
	VFIO_RESET_FUNCTION,
	VFIO_RESET_BUS,
	VFIO_RESET_NONE,
};

struct vfio_spec {
	char addr[SYSFS_ADDR];	/* in full; "" where it is a group */
	int group;		/* IOMMU group, all of it; -1: one device */
	int devfn;		/* its place on the guest's bus, -1: any */
	bool multi;		/* one of several functions in its slot */
	bool rom_off;
	char rom[SYSFS_PATH];	/* a file instead of its own, "": none */
	enum vfio_reset reset;
	char token[SYSFS_ADDR];	/* VF token, "": none */
	bool low_power;		/* in D3, let the host save power */
};

/*
 * vfio_spec_parse - take apart "ADDRESS[,KEY=VALUE]..." or "group:N[,...]".
 * -EDOM with a message.
 */
int vfio_spec_parse(const char *text, struct vfio_spec *spec);

/*
 * vfio_spec_spread - append the addresses of the devices that @text means, one
 * or a group's, to the *@nr @addrs, @room at most. -errno with a message; then
 * nothing is appended. Only in a program with the commands about devices.
 */
int vfio_spec_spread(const char *text, char (*addrs)[SYSFS_ADDR],
		     unsigned int *nr, unsigned int room);

#endif
