/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a row of the option table is: the rows of one area may stand in a file of
 * their own, so that a program without it does not carry them.
 */
#ifndef VMM_OPTIONS_PRIV_H
#define VMM_OPTIONS_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/options.h"
#include "vmm/util.h"

enum kind {
	KIND_FLAG,
	KIND_STRING,
	KIND_SIZE,	/* bytes, at least min */
	KIND_NUMBER,	/* min to max */
	KIND_CHOICE,	/* one of choices, as its index */
	KIND_DEVICE,	/* appended to cfg->vfio */
	KIND_PLATFORM,	/* appended to cfg->vfio_platform */
	KIND_OVERLAY,	/* appended to cfg->dtb_overlay */
	KIND_VIRTIO,	/* appended to cfg->virtio, under the option's name */
};

struct option {
	const char *name;
	char letter;
	enum kind kind;
	const char *arg;	/* what --help calls it; NULL: takes none */
	const char *help;
	unsigned int commands;	/* BIT(CMD_...); 0: not in this program */
	size_t field;		/* in struct config */
	uint64_t min, max;
	const char *choices;	/* "auto|legacy|iommufd"; "on" if given none */
};

#define RUN BIT(CMD_RUN)

/* With CONFIG_VIRTIO; ends with a NULL name. */
extern const struct option options_virtio[];

#endif
