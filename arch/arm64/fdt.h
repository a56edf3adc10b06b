/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree, made from what the devices say of themselves. Devicetree
 * Specification 0.4; Linux: Documentation/devicetree/bindings.
 */
#ifndef ARCH_ARM64_FDT_H
#define ARCH_ARM64_FDT_H

#include <stddef.h>
#include <stdint.h>

struct vm;

/* Linux maps two MiB, and so takes no larger one. */
#define DT_MAX (2 * MiB)

/* What the tree says of one start of the guest. */
struct dt_boot {
	const char *append;
	uint64_t initrd;	/* address; size 0: none */
	uint64_t initrd_size;
};

/*
 * dt_build - the tree of @vm with all --dtb-overlay files applied, in a
 * buffer that the caller frees: *@blob, whose own header says how long it is.
 * If *@blob is one already, which an earlier start had, it gets fresh seeds
 * and is else as it was: no file is opened. Prints its errors: -ENOEXEC for an
 * overlay that is not usable, -ENOENT for one that cannot be opened.
 */
int dt_build(struct vm *vm, const struct dt_boot *boot, void **blob);

#endif
