/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The in-kernel interrupt controller: a GICv3 whose ITS takes MSIs, or, where
 * the host has none, a GICv2 with a v2m frame. Linux:
 * Documentation/virt/kvm/devices/arm-vgic{,-v3,-its}.rst. Arm: IHI 0069 (GICv3
 * and ITS), IHI 0048 (GICv2); the v2m frame is in DEN 0029 (SBSA), appendix E.
 */
#ifndef ARCH_ARM64_GIC_H
#define ARCH_ARM64_GIC_H

#include <stdbool.h>
#include <stdint.h>

struct vm;

struct gic_range {
	uint64_t base;
	uint64_t size;		/* 0: not there */
};

/* What the device tree says of it is here; valid from arch_vm_create() on. */
struct gic {
	unsigned int version;	/* 2 or 3 */
	int fd;
	int its_fd;		/* of version 3; else -1 */
	struct gic_range dist;
	struct gic_range cpu;	/* redistributors, or GICv2's CPU interface */
	struct gic_range its;	/* of version 3 */
	struct gic_range v2m;	/* of version 2 */
	unsigned int v2m_line;	/* first line (SPI less 32) that is an MSI */
	unsigned int v2m_lines;
};

/*
 * gic_create - before any vCPU: the controller and what takes MSIs, at the
 * addresses of layout.h, and its lines (irqs_create()). -ENODEV where the host
 * has no GIC that this program knows. Prints its errors.
 */
int gic_create(struct vm *vm, struct gic *gic);
void gic_destroy(struct vm *vm, struct gic *gic);

/* gic_init - once all vCPUs are created, before one runs. Prints its errors. */
int gic_init(struct vm *vm, struct gic *gic);

/*
 * gic_reset - everything as at power-on: nothing enabled, pending or active.
 * vCPUs are stopped, and devices have let go of their lines.
 */
int gic_reset(struct vm *vm, struct gic *gic);

#endif
