/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two versions of the GIC share, and what each is to gic.c.
 */
#ifndef ARCH_ARM64_GIC_PRIV_H
#define ARCH_ARM64_GIC_PRIV_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/arm64/gic.h"
#include "vmm/util.h"

/* Registers of the distributor, at the same place in both. */
#define GICD_CTLR	0x000
#define GICD_ISENABLER	0x100

#define GIC_PRIVATE	32	/* interrupts that each vCPU has of its own */

/*
 * gic_device - create KVM's device @type: a descriptor, or -errno.
 * gic_attr - set attribute @attr of @group to what is at @value.
 * gic_place - put the part that KVM calls @type at @base.
 */
int gic_device(struct vm *vm, unsigned int type);
int gic_attr(int fd, unsigned int group, uint64_t attr, void *value);
int gic_place(int fd, unsigned int type, uint64_t base);

/*
 * gic_reset_irqs - the registers with some bits for each interrupt, for
 * @first to @end - 1. Those of interrupt n are accessed as attribute @attr +
 * the register's offset in the distributor, of @group.
 */
int gic_reset_irqs(const struct gic *gic, unsigned int group, uint64_t attr,
		   unsigned int first, unsigned int end);

/*
 * gicN_create - -ENODEV, without a word, where the host has none; else prints
 * its errors. gicN_ready - what there is to do once the lines are there.
 */
int gicv3_create(struct vm *vm, struct gic *gic);
int gicv3_reset(struct vm *vm, struct gic *gic);

#if IS_ENABLED(CONFIG_ARM64_GICV2)
int gicv2_create(struct vm *vm, struct gic *gic);
int gicv2_ready(struct vm *vm, struct gic *gic);
int gicv2_reset(struct vm *vm, struct gic *gic);
#else
static inline int gicv2_create(struct vm *vm, struct gic *gic)
{
	(void)vm;
	(void)gic;
	return -ENODEV;
}

static inline int gicv2_ready(struct vm *vm, struct gic *gic)
{
	(void)vm;
	(void)gic;
	return 0;
}

static inline int gicv2_reset(struct vm *vm, struct gic *gic)
{
	(void)vm;
	(void)gic;
	return 0;
}
#endif

#endif
