/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine for tests: what vm_create() and a board do up to the first
 * device, without vCPUs.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "tests/fake/fake.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define PINS 24

/* Of arm64's headers: KVM_DEV_ARM_VGIC_GRP_CTRL, ..._CTRL_INIT. */
#define GIC_CTRL 4
#define GIC_CTRL_INIT 0

static struct mem_region ram;
static int chip_fd = -1;

/* No vCPU is to come. */
static int start_gic(void)
{
	struct kvm_device_attr init = {
		.group = GIC_CTRL,
		.attr = GIC_CTRL_INIT,
	};
	int err = sys_ioctl(chip_fd, KVM_SET_DEVICE_ATTR, &init);

	if (err < 0)
		fake_chip_destroy();
	return err;
}

int fake_chip_create(int vm_fd)
{
	struct kvm_create_device gic = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	int err;

	if (IS_ENABLED(CONFIG_X86))
		return sys_ioctl_num(vm_fd, KVM_CREATE_IRQCHIP, 0);
	err = sys_ioctl(vm_fd, KVM_CREATE_DEVICE, &gic);
	if (err < 0)
		return err;
	chip_fd = gic.fd;
	return start_gic();
}

void fake_chip_destroy(void)
{
	if (chip_fd >= 0)
		sys_close(chip_fd);
	chip_fd = -1;
}

static int interrupts_create(struct vm *vm)
{
	struct kvm_irq_routing_entry pins[PINS];
	unsigned int i;
	int err;

	err = fake_chip_create(vm->kvm.vm_fd);
	if (err < 0)
		return err;
	memset(pins, 0, sizeof(pins));
	for (i = 0; i < PINS; i++) {
		pins[i].gsi = i;
		pins[i].type = KVM_IRQ_ROUTING_IRQCHIP;
		pins[i].u.irqchip.irqchip = IS_ENABLED(CONFIG_X86) ? 2 : 0;
		pins[i].u.irqchip.pin = i;
	}
	err = irqs_create(&vm->irqs, &vm->kvm, pins, PINS, PINS);
	if (err < 0)
		fake_chip_destroy();
	return err;
}

static void interrupts_destroy(struct vm *vm)
{
	irqs_destroy(&vm->irqs);
	fake_chip_destroy();
}

static int ram_create(struct vm *vm, uint64_t size)
{
	bool huge = vm->cfg && vm->cfg->hugepages;
	int err;

	err = mem_ram_create(&vm->mem, size, huge);
	if (err < 0)
		return err;
	ram = (struct mem_region){
		.name = "ram",
		.size = size,
		.hva = vm->mem.ram_hva,
		.fd = vm->mem.ram_fd,
		.flags = MEM_RAM | (huge ? MEM_HUGETLB : 0),
	};
	err = mem_add(&vm->mem, &ram);
	if (err < 0)
		mem_ram_destroy(&vm->mem);
	return err;
}

static void ram_destroy(struct vm *vm)
{
	mem_del(&vm->mem, &ram);
	mem_ram_destroy(&vm->mem);
}

int fake_vm_create(struct vm *vm, const struct config *cfg, uint64_t size)
{
	int err;

	memset(vm, 0, sizeof(*vm));
	vm->cfg = cfg;
	err = kvm_open(&vm->kvm, "/dev/kvm");
	if (err < 0)
		return err;
	bus_create(&vm->mmio, "mmio");
	bus_create(&vm->pio, "pio");
	mem_create(&vm->mem);
	err = interrupts_create(vm);
	if (err < 0)
		goto destroy_mem;
	err = mem_listen(&vm->mem, &vm->kvm.slots);
	if (err < 0)
		goto destroy_irqs;
	err = ram_create(vm, size);
	if (err < 0)
		goto unlisten;
	return 0;

unlisten:
	mem_unlisten(&vm->mem, &vm->kvm.slots);
destroy_irqs:
	interrupts_destroy(vm);
destroy_mem:
	mem_destroy(&vm->mem);
	kvm_close(&vm->kvm);
	return err;
}

void fake_vm_destroy(struct vm *vm)
{
	ram_destroy(vm);
	mem_unlisten(&vm->mem, &vm->kvm.slots);
	interrupts_destroy(vm);
	mem_destroy(&vm->mem);
	kvm_close(&vm->kvm);
}
