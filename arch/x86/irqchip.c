/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The in-kernel interrupt controllers and timer: two PICs, one IOAPIC, PIT,
 * and a LAPIC with each vCPU. Their power-on state is kept for guest resets.
 * Linux: Documentation/virt/kvm/api.rst, KVM_CREATE_IRQCHIP.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>

#include "arch/x86/board.h"
#include "arch/x86/cpuid.h"
#include "arch/x86/layout.h"
#include "vmm/arch.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

static struct kvm_irq_routing_entry pin(unsigned int gsi, unsigned int chip,
					unsigned int chip_pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip.irqchip = chip,
		.u.irqchip.pin = chip_pin,
	};
}

/*
 * As in a PC: the sixteen ISA lines reach both PICs and IOAPIC, where line 0,
 * the PIT's, is on pin 2, the pin that the cascade leaves free.
 */
static int wire_pins(struct vm *vm)
{
	struct kvm_irq_routing_entry pins[16 + X86_IRQ_PINS];
	unsigned int nr = 0, gsi;

	for (gsi = 0; gsi < X86_IRQ_PINS; gsi++) {
		if (gsi == 2)
			continue;
		if (gsi < 8)
			pins[nr++] = pin(gsi, KVM_IRQCHIP_PIC_MASTER, gsi);
		else if (gsi < 16)
			pins[nr++] = pin(gsi, KVM_IRQCHIP_PIC_SLAVE, gsi - 8);
		pins[nr++] = pin(gsi, KVM_IRQCHIP_IOAPIC, gsi ? gsi : 2);
	}
	return irqs_create(&vm->irqs, &vm->kvm, pins, nr, X86_IRQ_PINS);
}

static int create_chips(struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity = X86_IDENTITY_MAP;
	int fd = vm->kvm.vm_fd, err;

	err = sys_ioctl_num(fd, KVM_SET_TSS_ADDR, X86_TSS);
	if (!err)
		err = sys_ioctl(fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	if (!err)
		err = sys_ioctl_num(fd, KVM_CREATE_IRQCHIP, 0);
	if (!err)
		err = sys_ioctl(fd, KVM_CREATE_PIT2, &pit);
	if (err < 0)
		log_err("kvm: cannot create the interrupt controller: %s",
			err_text(err));
	return err;
}

static int save_chips(struct vm *vm, struct irqchips *chips)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(chips->chip); i++) {
		chips->chip[i].chip_id = i;
		err = sys_ioctl(vm->kvm.vm_fd, KVM_GET_IRQCHIP,
				&chips->chip[i]);
		if (err < 0)
			return err;
	}
	return sys_ioctl(vm->kvm.vm_fd, KVM_GET_PIT2, &chips->pit);
}

int arch_vm_create(struct vm *vm)
{
	int err;

	vm->board = calloc(1, sizeof(*vm->board));
	if (!vm->board)
		return -ENOMEM;
	tsc_use_current(vm->kvm.vm_fd);
	err = cpuid_create(vm);
	if (err < 0)
		goto free_board;
	err = create_chips(vm);
	if (err < 0)
		goto free_cpuid;
	err = save_chips(vm, &vm->board->chips);
	if (err < 0)
		goto free_cpuid;
	err = wire_pins(vm);
	if (err < 0)
		goto free_cpuid;
	return 0;

free_cpuid:
	cpuid_destroy(vm);
free_board:
	free(vm->board);
	return err;
}

void arch_vm_destroy(struct vm *vm)
{
	irqs_destroy(&vm->irqs);
	cpuid_destroy(vm);
	free(vm->board);
}

int arch_vm_reset(struct vm *vm)
{
	struct irqchips *chips = &vm->board->chips;
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(chips->chip); i++) {
		err = sys_ioctl(vm->kvm.vm_fd, KVM_SET_IRQCHIP,
				&chips->chip[i]);
		if (err < 0)
			return err;
	}
	return sys_ioctl(vm->kvm.vm_fd, KVM_SET_PIT2, &chips->pit);
}
