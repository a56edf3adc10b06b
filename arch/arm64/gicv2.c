/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv2, and the v2m frame: a register in which a write raises a line, so that
 * MSIs work where there is no ITS. The frame is this program's own; what a
 * device would write there KVM turns into the line (vmm/irq.h). See gic.h.
 */
#include <linux/kvm.h>

#include "arch/arm64/gic_priv.h"
#include "arch/arm64/layout.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define GICD_ITARGETSR	0x800
#define GICC_CTLR	0x00
#define GICC_PMR	0x04
#define GICC_BPR	0x08
#define GICC_ABPR	0x1c
#define GICC_APR	0xd0

#define V2M_MSI_TYPER	0x008
#define V2M_MSI_SETSPI	0x040

static uint64_t v2m_read(void *owner, uint64_t offset, unsigned int len)
{
	const struct vm *vm = owner;
	const struct msi_pins *pins = &vm->irqs.pins;

	if (offset == V2M_MSI_TYPER)
		return (uint64_t)pins->data << 16 | pins->nr;
	return 0;
}

/* A processor may write what a device would. */
static void v2m_write(void *owner, uint64_t offset, uint64_t value,
		      unsigned int len)
{
	struct vm *vm = owner;
	const struct msi_pins *pins = &vm->irqs.pins;

	if (offset != V2M_MSI_SETSPI || value < pins->data ||
	    value - pins->data >= pins->nr)
		return;
	irq_line_set(&vm->irqs, pins->gsi + value - pins->data, 1);
	irq_line_set(&vm->irqs, pins->gsi + value - pins->data, 0);
}

static const struct bus_ops v2m_ops = { v2m_read, v2m_write };

int gicv2_create(struct vm *vm, struct gic *gic)
{
	int fd = gic_device(vm, KVM_DEV_TYPE_ARM_VGIC_V2);
	int err;

	if (fd == -ENODEV)
		return fd;
	if (fd < 0) {
		log_err("gic: cannot create a GICv2: %s", err_text(fd));
		return fd;
	}
	gic->version = 2;
	gic->fd = fd;
	gic->cpu = (struct gic_range){ ARM64_GIC_CPU, ARM64_GIC_CPU_SIZE };
	err = gic_place(fd, KVM_VGIC_V2_ADDR_TYPE_DIST, gic->dist.base);
	if (!err)
		err = gic_place(fd, KVM_VGIC_V2_ADDR_TYPE_CPU, gic->cpu.base);
	if (err < 0)
		log_err("gic: cannot place the GICv2: %s", err_text(err));
	return err;
}

int gicv2_ready(struct vm *vm, struct gic *gic)
{
	gic->v2m = (struct gic_range){ ARM64_GIC_V2M, ARM64_GIC_V2M_SIZE };
	gic->v2m_line = ARM64_V2M_LINE;
	gic->v2m_lines = ARM64_V2M_LINES;
	vm->irqs.pins = (struct msi_pins){
		.address = gic->v2m.base + V2M_MSI_SETSPI,
		.data = ARM64_SPI_BASE + ARM64_V2M_LINE,
		.gsi = ARM64_V2M_LINE,
		.nr = ARM64_V2M_LINES,
	};
	return bus_add(&vm->mmio, "v2m", gic->v2m.base, gic->v2m.size,
		       &v2m_ops, vm);
}

static int reset_cpu(const struct gic *gic, uint64_t attr)
{
	static const uint8_t regs[] = {
		GICC_CTLR, GICC_PMR, GICC_BPR, GICC_ABPR, GICC_APR,
	};
	uint32_t value = 0, sgis = 0xffff;
	unsigned int i;
	int err;

	err = gic_reset_irqs(gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, attr, 0,
			     GIC_PRIVATE);
	if (!err)	/* KVM has these on at power-on */
		err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			       attr | GICD_ISENABLER, &sgis);
	for (i = 0; i < ARRAY_SIZE(regs) && !err; i++)
		err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_CPU_REGS,
			       attr | regs[i], &value);
	return err;
}

int gicv2_reset(struct vm *vm, struct gic *gic)
{
	uint32_t zero = 0;
	unsigned int i;
	int err;

	err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_CTLR,
		       &zero);
	if (!err)
		err = gic_reset_irqs(gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0,
				     ARM64_SPI_BASE,
				     ARM64_SPI_BASE + ARM64_LINES);
	for (i = ARM64_SPI_BASE; !err && i < ARM64_SPI_BASE + ARM64_LINES;
	     i += 4)
		err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			       GICD_ITARGETSR + i, &zero);
	for (i = 0; i < vm->nr_vcpus && !err; i++)
		err = reset_cpu(gic, (uint64_t)i <<
				KVM_DEV_ARM_VGIC_CPUID_SHIFT);
	return err;
}
