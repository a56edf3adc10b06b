/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3, and the ITS, which makes LPIs of MSIs by who sends them; see gic.h.
 */
#include <linux/kvm.h>

#include "arch/arm64/gic_priv.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/vcpu.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define GICD_IROUTER	0x6000
#define GICR_CTLR	0x0000
#define GICR_PROPBASER	0x0070
#define GICR_PENDBASER	0x0078
#define GICR_SGI	0x10000	/* frame of private interrupts */

/* A register of the CPU interface, as KVM numbers it. */
#define ICC(op1, crn, crm, op2) \
	(3U << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define ICC_PMR		ICC(0, 4, 6, 0)
#define ICC_BPR0	ICC(0, 12, 8, 3)
#define ICC_AP0R(n)	ICC(0, 12, 8, 4 | (n))
#define ICC_AP1R(n)	ICC(0, 12, 9, (n))
#define ICC_BPR1	ICC(0, 12, 12, 3)
#define ICC_CTLR	ICC(0, 12, 12, 4)
#define ICC_IGRPEN0	ICC(0, 12, 12, 6)
#define ICC_IGRPEN1	ICC(0, 12, 12, 7)
#define CTLR_CBPR	BIT(0)
#define CTLR_EOIMODE	BIT(1)

static int place(struct gic *gic)
{
	int err;

	err = gic_place(gic->fd, KVM_VGIC_V3_ADDR_TYPE_DIST, gic->dist.base);
	if (!err)
		err = gic_place(gic->fd, KVM_VGIC_V3_ADDR_TYPE_REDIST,
				gic->cpu.base);
	return err;
}

static int create_its(struct vm *vm, struct gic *gic)
{
	int fd = gic_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS);

	if (fd < 0)
		return fd;
	gic->its_fd = fd;
	gic->its = (struct gic_range){ ARM64_GIC_ITS, ARM64_GIC_ITS_SIZE };
	return gic_place(fd, KVM_VGIC_ITS_ADDR_TYPE, gic->its.base);
}

int gicv3_create(struct vm *vm, struct gic *gic)
{
	unsigned int cpus = vm->cfg->cpus;
	int fd = gic_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3);
	int err;

	if (fd == -ENODEV)
		return fd;
	if (fd < 0) {
		log_err("gic: cannot create a GICv3: %s", err_text(fd));
		return fd;
	}
	gic->version = 3;
	gic->fd = fd;
	gic->cpu = (struct gic_range){
		ARM64_GIC_REDIST(cpus), cpus * ARM64_GIC_REDIST_SIZE,
	};
	err = place(gic);
	if (err < 0) {
		log_err("gic: cannot place the GICv3: %s", err_text(err));
		return err;
	}
	err = create_its(vm, gic);
	if (err < 0)
		log_err("gic: cannot create an ITS: %s", err_text(err));
	return err == -ENODEV ? -EOPNOTSUPP : err;
}

static int reset_dist(const struct gic *gic)
{
	uint32_t zero = 0;
	unsigned int at;
	int err;

	err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_CTLR,
		       &zero);
	if (!err)
		err = gic_reset_irqs(gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0,
				     ARM64_SPI_BASE,
				     ARM64_SPI_BASE + ARM64_LINES);
	for (at = 8 * ARM64_SPI_BASE;
	     !err && at < 8 * (ARM64_SPI_BASE + ARM64_LINES); at += 4)
		err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			       GICD_IROUTER + at, &zero);
	return err;
}

/* Where LPIs are configured can be changed only while they are off. */
static int reset_redist(const struct gic *gic, uint64_t attr)
{
	static const uint32_t regs[] = {
		GICR_CTLR, GICR_PROPBASER, GICR_PROPBASER + 4, GICR_PENDBASER,
		GICR_PENDBASER + 4,
	};
	uint32_t zero = 0, sgis = 0xffff;
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(regs) && !err; i++)
		err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			       attr | regs[i], &zero);
	if (!err)
		err = gic_reset_irqs(gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
				     attr | GICR_SGI, 0, GIC_PRIVATE);
	if (!err)	/* KVM has these on at power-on */
		err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			       attr | GICR_SGI | GICD_ISENABLER, &sgis);
	return err;
}

static int icc_set(const struct gic *gic, uint64_t attr, unsigned int reg,
		   uint64_t value)
{
	return gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, attr | reg,
			&value);
}

/* How many there are depends on how many priorities the host's GIC knows. */
static void reset_active(const struct gic *gic, uint64_t attr)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		icc_set(gic, attr, ICC_AP0R(i), 0);
		icc_set(gic, attr, ICC_AP1R(i), 0);
	}
}

static int reset_cpu(const struct gic *gic, uint64_t attr)
{
	static const uint16_t regs[] = {
		ICC_PMR, ICC_BPR0, ICC_BPR1, ICC_IGRPEN0, ICC_IGRPEN1,
	};
	uint64_t ctlr = 0;
	struct kvm_device_attr get = {
		.group = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
		.attr = attr | ICC_CTLR,
		.addr = (uintptr_t)&ctlr,
	};
	unsigned int i;
	int err;

	/* The rest of this register is what the host's GIC is like. */
	err = sys_ioctl(gic->fd, KVM_GET_DEVICE_ATTR, &get);
	if (!err)
		err = icc_set(gic, attr, ICC_CTLR,
			      ctlr & ~(CTLR_CBPR | CTLR_EOIMODE));
	for (i = 0; i < ARRAY_SIZE(regs) && !err; i++)
		err = icc_set(gic, attr, regs[i], 0);
	reset_active(gic, attr);
	return err;
}

int gicv3_reset(struct vm *vm, struct gic *gic)
{
	unsigned int i;
	uint64_t attr;
	int err;

	err = gic_attr(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
		       KVM_DEV_ARM_ITS_CTRL_RESET, NULL);
	if (!err)
		err = reset_dist(gic);
	for (i = 0; i < vm->nr_vcpus && !err; i++) {
		attr = vcpu_mpidr(&vm->vcpus[i]) <<
			KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
		err = reset_redist(gic, attr);
		if (!err)
			err = reset_cpu(gic, attr);
	}
	return err;
}
