/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of the machine is KVM's: the VM itself and its GIC. Linux:
 * Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>

#include "arch/arm64/board.h"
#include "arch/arm64/features.h"
#include "arch/arm64/vcpu.h"
#include "vmm/arch.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

/* Without KVM_CAP_ARM_VM_IPA_SIZE (before 4.20) there is one answer. */
#define IPA_BITS_DEFAULT 40

unsigned int vm_ipa_bits(const struct vm *vm)
{
	unsigned int bits = kvm_cap(&vm->kvm, KVM_CAP_ARM_VM_IPA_SIZE);

	return bits ? bits : IPA_BITS_DEFAULT;
}

bool vm_has_pmu(const struct vm *vm)
{
	return vm->board->features & BIT(KVM_ARM_VCPU_PMU_V3);
}

/*
 * Have KVM tell of accesses that it cannot decode, so that there is a message
 * about them; older kernels than 5.5 fail KVM_RUN with ENOSYS.
 */
static void enable_nisv(const struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };

	if (kvm_cap(&vm->kvm, KVM_CAP_ARM_NISV_TO_USER))
		sys_ioctl(vm->kvm.vm_fd, KVM_ENABLE_CAP, &cap);
}

int arch_vm_create(struct vm *vm)
{
	uint32_t bits;
	int err;

	err = features_bits(vm, &bits);
	if (err < 0)
		return err;
	vm->board = calloc(1, sizeof(*vm->board));
	if (!vm->board)
		return -ENOMEM;
	vm->board->features = bits;
	enable_nisv(vm);
	err = gic_create(vm, &vm->board->gic);
	if (err < 0)
		free(vm->board);
	return err;
}

void arch_vm_destroy(struct vm *vm)
{
	gic_destroy(vm, &vm->board->gic);
	free(vm->board);
}

int arch_vm_reset(struct vm *vm)
{
	return gic_reset(vm, &vm->board->gic);
}
