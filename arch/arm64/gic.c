/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GIC that the host has, and what both versions have in common; see gic.h.
 */
#include <linux/kvm.h>
#include <string.h>

#include "arch/arm64/gic_priv.h"
#include "arch/arm64/layout.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

int gic_device(struct vm *vm, unsigned int type)
{
	struct kvm_create_device dev = { .type = type };
	int err = sys_ioctl(vm->kvm.vm_fd, KVM_CREATE_DEVICE, &dev);

	return err < 0 ? err : (int)dev.fd;
}

int gic_attr(int fd, unsigned int group, uint64_t attr, void *value)
{
	struct kvm_device_attr req = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	return sys_ioctl(fd, KVM_SET_DEVICE_ATTR, &req);
}

int gic_place(int fd, unsigned int type, uint64_t base)
{
	return gic_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, type, &base);
}

static int report(int err, const char *what)
{
	log_err("gic: cannot %s: %s", what, err_text(err));
	return err;
}

/* KVM's default too, which each table replaces. */
static int wire_lines(struct vm *vm)
{
	struct kvm_irq_routing_entry pins[ARM64_LINES];
	unsigned int i;

	memset(pins, 0, sizeof(pins));
	for (i = 0; i < ARM64_LINES; i++) {
		pins[i].gsi = i;
		pins[i].type = KVM_IRQ_ROUTING_IRQCHIP;
		pins[i].u.irqchip.pin = i;
	}
	return irqs_create(&vm->irqs, &vm->kvm, pins, ARM64_LINES,
			   ARM64_LINES);
}

static int create_lines(struct vm *vm, struct gic *gic)
{
	uint32_t interrupts = ARM64_SPI_BASE + ARM64_LINES;
	int err;

	err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &interrupts);
	if (err < 0)
		return report(err, "have as many interrupts");
	err = wire_lines(vm);
	if (err < 0)
		return err;
	if (gic->version == 2)
		err = gicv2_ready(vm, gic);
	if (err < 0)
		irqs_destroy(&vm->irqs);
	return err;
}

static void close_devices(struct gic *gic)
{
	if (gic->its_fd >= 0)
		sys_close(gic->its_fd);
	if (gic->fd >= 0)
		sys_close(gic->fd);
}

int gic_create(struct vm *vm, struct gic *gic)
{
	int err;

	memset(gic, 0, sizeof(*gic));
	gic->fd = gic->its_fd = -1;
	gic->dist = (struct gic_range){ ARM64_GIC_DIST, ARM64_GIC_DIST_SIZE };
	err = gicv3_create(vm, gic);
	if (err == -ENODEV)
		err = gicv2_create(vm, gic);
	if (err == -ENODEV)
		log_err("gic: this host's KVM has no GICv3%s",
			IS_ENABLED(CONFIG_ARM64_GICV2) ? " and no GICv2" : "");
	if (!err)
		err = create_lines(vm, gic);
	if (err < 0)
		close_devices(gic);
	return err;
}

void gic_destroy(struct vm *vm, struct gic *gic)
{
	irqs_destroy(&vm->irqs);
	close_devices(gic);
}

int gic_init(struct vm *vm, struct gic *gic)
{
	int err;

	err = gic_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
		       KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	if (!err && gic->its_fd >= 0)
		err = gic_attr(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
			       KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	if (err < 0)
		return report(err, "start it");
	vm->irqs.dirty = true;	/* KVM has set the default routes */
	return irq_commit(&vm->irqs);
}

/*
 * As at power-on. Userspace clears what is pending in GICv2 by ICPENDR, in
 * GICv3 by zeroes in ISPENDR; each ignores the other's way.
 */
static const struct {
	uint16_t offset;
	uint8_t bits;		/* of an interrupt */
	uint32_t value[2];	/* GICv2, GICv3 */
} irq_regs[] = {
	{ 0x080, 1, { 0, ~0U } },	/* IGROUPR */
	{ 0x180, 1, { ~0U, ~0U } },	/* ICENABLER */
	{ 0x200, 1, { 0, 0 } },		/* ISPENDR */
	{ 0x280, 1, { ~0U, ~0U } },	/* ICPENDR */
	{ 0x380, 1, { ~0U, ~0U } },	/* ICACTIVER */
	{ 0x400, 8, { 0, 0 } },		/* IPRIORITYR */
	{ 0xc00, 2, { 0, 0 } },		/* ICFGR */
};

int gic_reset_irqs(const struct gic *gic, unsigned int group, uint64_t attr,
		   unsigned int first, unsigned int end)
{
	unsigned int i, at;
	uint32_t value;
	int err;

	for (i = 0; i < ARRAY_SIZE(irq_regs); i++) {
		value = irq_regs[i].value[gic->version == 3];
		for (at = first * irq_regs[i].bits / 8;
		     at < end * irq_regs[i].bits / 8; at += sizeof(value)) {
			err = gic_attr(gic->fd, group,
				       attr + irq_regs[i].offset + at, &value);
			if (err < 0)
				return err;
		}
	}
	return 0;
}

int gic_reset(struct vm *vm, struct gic *gic)
{
	int err = gic->version == 3 ? gicv3_reset(vm, gic) :
				      gicv2_reset(vm, gic);

	return err < 0 ? report(err, "reset it") : 0;
}
