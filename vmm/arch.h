/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an architecture gives to the core: its interrupt controller, vCPU
 * state, and the board, which composes the machine in one function.
 */
#ifndef VMM_ARCH_H
#define VMM_ARCH_H

#include <stdbool.h>
#include <stdint.h>

struct vm;
struct vcpu;
struct config;
struct mem_region;
struct pci_layout;

/*
 * arch_vm_create - after kvm_open(), before any vCPU: the interrupt
 * controller and its routes (irqs_create()). Prints its errors.
 */
int arch_vm_create(struct vm *vm);
void arch_vm_destroy(struct vm *vm);
/* arch_vm_reset - the interrupt controller back to power-on. */
int arch_vm_reset(struct vm *vm);

/*
 * arch_vcpu_create - CPU features and power-on state of a fresh vCPU, and a
 * copy of that state. arch_vcpu_reset - that state again, plus the entry
 * point that board_load() chose. Prints its errors.
 */
int arch_vcpu_create(struct vcpu *vcpu);
void arch_vcpu_destroy(struct vcpu *vcpu);
int arch_vcpu_reset(struct vcpu *vcpu);

/*
 * arch_vcpu_exit - an exit the core does not know. Returns false when nobody
 * knows it: the guest has crashed.
 */
bool arch_vcpu_exit(struct vcpu *vcpu);
/* arch_vcpu_dump - registers of a crashed vCPU to the log. */
void arch_vcpu_dump(struct vcpu *vcpu);
/*
 * arch_vcpu_registers - call @each for every register worth telling. With
 * CONFIG_EVENTS; from the vCPU's own thread, or when it is stopped.
 */
typedef void arch_register_fn(void *arg, const char *name, uint64_t value);
void arch_vcpu_registers(struct vcpu *vcpu, arch_register_fn *each, void *arg);

/*
 * arch_trap_arg - argument @n (0 to 5) of the system call that SIGSYS is about,
 * of a ucontext_t. With CONFIG_SANDBOX; async-signal-safe.
 */
unsigned long arch_trap_arg(const void *context, unsigned int n);

/*
 * What a board would do with vm->cfg, asked after arch_vm_create(), before
 * there is one.
 * board_check_memory - whether it can have that much RAM; prints its errors.
 * board_ram - name, address and size of RAM's parts, at most BOARD_RAM_MAX
 * with the others' size 0; returns their number, 0: that is the host's choice.
 * board_pci - where the PCI host bridge would be put.
 */
#define BOARD_RAM_MAX 2
int board_check_memory(const struct vm *vm);
unsigned int board_ram(const struct config *cfg, struct mem_region *ram);
void board_pci(const struct vm *vm, struct pci_layout *layout);

/* board_create - RAM and every device, bottom up. Prints its errors. */
int board_create(struct vm *vm);
void board_destroy(struct vm *vm);
/*
 * board_load - place kernel, initrd and tables into RAM and choose the entry
 * point; at start and again after each guest reset.
 */
int board_load(struct vm *vm);
/* board_power_button - ask the guest to power off. */
void board_power_button(struct vm *vm);

#endif
