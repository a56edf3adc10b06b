/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GIC of arm64's KVM, and its ITS, as devices: what may be set when, and
 * what was. Linux: Documentation/virt/kvm/devices/arm-vgic{,-v3,-its}.rst,
 * arch/arm64/kvm/vgic/vgic-kvm-device.c.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>

#include "tests/fake/kvm_arm64.h"

#define ICC_CTLR	0xc664	/* op0 3, CRn 12, CRm 12, op2 4 */
#define ICC_CTLR_HOST	0xc00	/* IDbits and PRIbits: not for us to change */
#define ICC_CTLR_OURS	3U
#define ICC_AP0R0	0xc644	/* of four, or with a host of few priorities one */
#define ICC_AP1R0	0xc648

/* Behind KIND_KVM_DEVICE. */
struct device {
	struct fake_kvm *kvm;
	uint32_t type;
};

static int create_gic(struct kvm_arch *arch, unsigned int version)
{
	if (world->host.gic != version)
		return -ENODEV;
	if (arch->version)
		return -EEXIST;
	arch->version = version;
	arch->interrupts = 256;
	return 0;
}

static int create_its(struct kvm_arch *arch)
{
	if (world->host.gic != 3 || !world->host.its)
		return -ENODEV;
	arch->its = true;
	return 0;
}

int kvm_arch_device_create(struct fake_kvm *kvm, struct kvm_create_device *arg)
{
	struct device *device;
	int err = -ENODEV;

	if (arg->flags)
		return -EINVAL;
	if (arg->type == KVM_DEV_TYPE_ARM_VGIC_V3)
		err = create_gic(kvm->arch, 3);
	else if (arg->type == KVM_DEV_TYPE_ARM_VGIC_V2)
		err = create_gic(kvm->arch, 2);
	else if (arg->type == KVM_DEV_TYPE_ARM_VGIC_ITS)
		err = create_its(kvm->arch);
	if (err < 0)
		return err;
	kvm->irqchip = true;
	device = zalloc(sizeof(*device));
	*device = (struct device){ kvm, arg->type };
	arg->fd = file_new(KIND_KVM_DEVICE,
			   arg->type == KVM_DEV_TYPE_ARM_VGIC_ITS ?
			   "the ITS" : "the GIC", device, -1);
	return 0;
}

void kvm_arch_device_release(struct file *file)
{
	free(file->obj);
}

/* Which address types there are of @device, as bits. */
static uint32_t places(const struct device *device)
{
	if (device->type == KVM_DEV_TYPE_ARM_VGIC_ITS)
		return BIT(KVM_VGIC_ITS_ADDR_TYPE);
	if (device->type == KVM_DEV_TYPE_ARM_VGIC_V3)
		return BIT(KVM_VGIC_V3_ADDR_TYPE_DIST) |
			BIT(KVM_VGIC_V3_ADDR_TYPE_REDIST);
	return BIT(KVM_VGIC_V2_ADDR_TYPE_DIST) | BIT(KVM_VGIC_V2_ADDR_TYPE_CPU);
}

static int place(const struct device *device, uint64_t type, uint64_t base)
{
	struct kvm_arch *arch = device->kvm->arch;
	uint64_t align = device->type == KVM_DEV_TYPE_ARM_VGIC_V2 ? 4 * KiB :
			 64 * KiB;

	if (type >= ARRAY_SIZE(arch->placed) || !(places(device) & BIT(type)))
		return -ENODEV;
	if (arch->placed[type])
		return -EEXIST;
	if (!base || !IS_ALIGNED(base, align))
		return -EINVAL;
	if (base >> FAKE_PHYS_BITS)
		return -E2BIG;
	arch->placed[type] = base;
	return 0;
}

static int set_interrupts(struct kvm_arch *arch, uint32_t nr)
{
	if (nr < 64 || nr > 1024 || nr % 32)
		return -EINVAL;
	if (arch->ready || arch->interrupts_set)
		return -EBUSY;
	arch->interrupts = nr;
	arch->interrupts_set = true;
	return 0;
}

/* The default routes, which take the place of what was there. */
static void default_routes(struct fake_kvm *kvm)
{
	const struct kvm_arch *arch = kvm->arch;
	unsigned int i;

	free(kvm->routes);
	kvm->nr_routes = arch->interrupts - 32;
	kvm->routes = zalloc(kvm->nr_routes * sizeof(*kvm->routes));
	for (i = 0; i < kvm->nr_routes; i++) {
		kvm->routes[i].gsi = i;
		kvm->routes[i].type = KVM_IRQ_ROUTING_IRQCHIP;
		kvm->routes[i].u.irqchip.pin = i;
	}
}

static int control(const struct device *device, uint64_t attr)
{
	struct kvm_arch *arch = device->kvm->arch;
	bool its = device->type == KVM_DEV_TYPE_ARM_VGIC_ITS;

	if (attr == KVM_DEV_ARM_ITS_CTRL_RESET && its)
		return 0;
	if (attr != KVM_DEV_ARM_VGIC_CTRL_INIT)
		return -ENXIO;
	if (its)
		return 0;
	arch->ready = true;
	default_routes(device->kvm);
	return 0;
}

/* ---- registers ---------------------------------------------------------- */

static struct gic_reg *find_reg(struct kvm_arch *arch, uint32_t group,
				uint64_t attr)
{
	unsigned int i;

	for (i = 0; i < arch->nr_regs; i++)
		if (arch->regs[i].group == group && arch->regs[i].attr == attr)
			return &arch->regs[i];
	return NULL;
}

static void keep(struct kvm_arch *arch, uint32_t group, uint64_t attr,
		 uint64_t value)
{
	struct gic_reg *reg = find_reg(arch, group, attr);

	if (!reg && arch->nr_regs == arch->max_regs) {
		arch->max_regs = 2 * arch->max_regs + 64;
		arch->regs = realloc(arch->regs,
				     arch->max_regs * sizeof(*arch->regs));
		if (!arch->regs)
			abort();
	}
	if (!reg)
		reg = &arch->regs[arch->nr_regs++];
	*reg = (struct gic_reg){ group, attr, value };
}

/* Whether that part of @attr which says whose register it is names a vCPU. */
static bool vcpu_there(const struct device *device, uint64_t attr)
{
	const struct kvm_arch *arch = device->kvm->arch;
	uint64_t who = attr >> 32;

	if (device->type == KVM_DEV_TYPE_ARM_VGIC_V3)
		who = (who & 0xff) | (who >> 8) << 4;
	return who < ARRAY_SIZE(arch->vcpus) && arch->vcpus[who];
}

static bool group_there(const struct device *device, uint32_t group)
{
	bool v3 = device->type == KVM_DEV_TYPE_ARM_VGIC_V3;

	return group == KVM_DEV_ARM_VGIC_GRP_DIST_REGS ||
		(v3 && (group == KVM_DEV_ARM_VGIC_GRP_REDIST_REGS ||
			group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS)) ||
		(!v3 && group == KVM_DEV_ARM_VGIC_GRP_CPU_REGS);
}

static bool icc_there(uint64_t attr)
{
	unsigned int reg = attr & 0xffff;

	return !(reg > ICC_AP0R0 && reg <= ICC_AP0R0 + 3) &&
		!(reg > ICC_AP1R0 && reg <= ICC_AP1R0 + 3);
}

static int access_reg(const struct device *device,
		      const struct kvm_device_attr *arg, bool set)
{
	struct kvm_arch *arch = device->kvm->arch;
	void *at = (void *)(uintptr_t)arg->addr;
	bool sysreg = arg->group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
	const struct gic_reg *reg;
	uint64_t value;

	if (device->type == KVM_DEV_TYPE_ARM_VGIC_ITS ||
	    !group_there(device, arg->group))
		return -ENXIO;
	if (!arch->ready)
		return -EBUSY;
	if (!vcpu_there(device, arg->attr) ||
	    (!sysreg && arg->attr % 4) || (sysreg && !icc_there(arg->attr)))
		return -EINVAL;
	if (set) {
		value = sysreg ? *(uint64_t *)at : *(uint32_t *)at;
		if (sysreg && (arg->attr & 0xffff) == ICC_CTLR &&
		    (value & ~ICC_CTLR_OURS) != ICC_CTLR_HOST)
			return -EINVAL;
		keep(arch, arg->group, arg->attr, value);
		return 0;
	}
	reg = find_reg(arch, arg->group, arg->attr);
	value = reg ? reg->value : (arg->attr & 0xffff) == ICC_CTLR ?
		ICC_CTLR_HOST | ICC_CTLR_OURS : 0;
	if (sysreg)
		*(uint64_t *)at = value;
	else
		*(uint32_t *)at = value;
	return 0;
}

bool fake_gic_reg(unsigned int group, uint64_t attr, uint64_t *value)
{
	const struct gic_reg *reg = world->kvms ?
		find_reg(world->kvms->arch, group, attr) : NULL;

	if (reg)
		*value = reg->value;
	return reg;
}

static int set_attr(struct device *device, const struct kvm_device_attr *arg)
{
	void *at = (void *)(uintptr_t)arg->addr;

	switch (arg->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return place(device, arg->attr, *(uint64_t *)at);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return device->type == KVM_DEV_TYPE_ARM_VGIC_ITS ? -ENXIO :
			set_interrupts(device->kvm->arch, *(uint32_t *)at);
	case KVM_DEV_ARM_VGIC_GRP_CTRL:
		return control(device, arg->attr);
	}
	return access_reg(device, arg, true);
}

int kvm_arch_device_ioctl(struct file *file, unsigned long request, void *arg)
{
	if (request == KVM_SET_DEVICE_ATTR)
		return set_attr(file->obj, arg);
	return request == KVM_GET_DEVICE_ATTR ?
		access_reg(file->obj, arg, false) : -ENOTTY;
}

int kvm_arch_check_route(const struct fake_kvm *kvm,
			 const struct kvm_irq_routing_entry *e)
{
	const struct kvm_arch *arch = kvm->arch;

	if (e->type == KVM_IRQ_ROUTING_IRQCHIP)
		return e->u.irqchip.irqchip || e->u.irqchip.pin >= 988 ?
			-EINVAL : 0;
	if (arch->its && !(e->flags & KVM_MSI_VALID_DEVID))
		violation("an MSI for the ITS does not say whose it is");
	return 0;
}

bool kvm_arch_irqs_ready(const struct fake_kvm *kvm)
{
	return ((struct kvm_arch *)kvm->arch)->ready;
}
