/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overlays: what the user adds to the device tree, compiled by `dtc -@`.
 */
#ifndef ARCH_ARM64_OVERLAY_H
#define ARCH_ARM64_OVERLAY_H

#include <stddef.h>

struct config;

/*
 * overlays_apply - apply all of cfg->dtb_overlay, in order, to the tree @blob
 * in a buffer of @size bytes, and leave the tree as short as it can be.
 * -ENOEXEC for one that is not usable, -ENOENT or -EACCES for one that cannot
 * be opened; the message names it and what it is about. The tree is of no use
 * then.
 */
int overlays_apply(const struct config *cfg, void *blob, size_t size);

#endif
