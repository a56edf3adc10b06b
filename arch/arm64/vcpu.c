/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's features and registers: KVM_ARM_VCPU_INIT gives the power-on state,
 * whenever it is called. All but the first wait for the guest to start them by
 * PSCI, which is KVM's. Linux: Documentation/virt/kvm/api.rst,
 * Documentation/virt/kvm/devices/vcpu.rst; Arm: DDI 0487, DEN 0022 (PSCI).
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>

#include "arch/arm64/board.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/vcpu.h"
#include "vmm/arch.h"
#include "vmm/events.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define MPIDR_AFFINITY	0xff00ffffffULL

/* struct vcpu's arch. */
struct vcpu_arch {
	struct kvm_vcpu_init init;
	uint64_t mpidr;
};

int vcpu_get_reg(const struct vcpu *vcpu, uint64_t id, void *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };

	return sys_ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg);
}

static int set_reg(const struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return sys_ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg);
}

uint64_t vcpu_mpidr(const struct vcpu *vcpu)
{
	const struct vcpu_arch *arch = vcpu->arch;

	return arch->mpidr & MPIDR_AFFINITY;
}

static int choose(const struct vcpu *vcpu, struct kvm_vcpu_init *init)
{
	int err = sys_ioctl(vcpu->vm->kvm.vm_fd, KVM_ARM_PREFERRED_TARGET,
			    init);

	if (err < 0)
		return err;
	init->features[0] |= vcpu->vm->board->features |
			     BIT(KVM_ARM_VCPU_PSCI_0_2);
	if (vcpu->id)
		init->features[0] |= BIT(KVM_ARM_VCPU_POWER_OFF);
	return 0;
}

static int power_on(const struct vcpu *vcpu, struct vcpu_arch *arch)
{
	int32_t sve = KVM_ARM_VCPU_SVE;
	int err;

	err = choose(vcpu, &arch->init);
	if (!err)
		err = sys_ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &arch->init);
	if (!err && arch->init.features[0] & BIT(KVM_ARM_VCPU_SVE))
		err = sys_ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &sve);
	if (!err)
		err = vcpu_get_reg(vcpu, REG_MPIDR_EL1, &arch->mpidr);
	return err;
}

static int pmu_attr(const struct vcpu *vcpu, uint64_t attr, void *value)
{
	struct kvm_device_attr req = {
		.group = KVM_ARM_VCPU_PMU_V3_CTRL,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	return sys_ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &req);
}

/* A vCPU's monitor can be started only once the GIC is. */
static int start_pmu(const struct vcpu *vcpu)
{
	const struct vcpu_arch *arch = vcpu->arch;
	int32_t irq = ARM64_PPI_BASE + ARM64_PPI_PMU;
	int err;

	if (!(arch->init.features[0] & BIT(KVM_ARM_VCPU_PMU_V3)))
		return 0;
	err = pmu_attr(vcpu, KVM_ARM_VCPU_PMU_V3_IRQ, &irq);
	if (!err)
		err = pmu_attr(vcpu, KVM_ARM_VCPU_PMU_V3_INIT, NULL);
	if (err < 0)
		log_err("vcpu %u: cannot have a performance monitor: %s",
			vcpu->id, err_text(err));
	return err;
}

/* What has to wait until KVM knows of all vCPUs. */
static int all_created(struct vm *vm)
{
	unsigned int i;
	int err;

	err = gic_init(vm, &vm->board->gic);
	for (i = 0; i < vm->cfg->cpus && !err; i++)
		err = start_pmu(&vm->vcpus[i]);
	return err;
}

int arch_vcpu_create(struct vcpu *vcpu)
{
	struct vcpu_arch *arch = calloc(1, sizeof(*arch));
	int err;

	if (!arch)
		return -ENOMEM;
	err = power_on(vcpu, arch);
	if (err < 0) {
		log_err("vcpu %u: cannot set the power-on state: %s", vcpu->id,
			err_text(err));
		goto free_arch;
	}
	vcpu->arch = arch;
	if (vcpu->id + 1 == vcpu->vm->cfg->cpus)
		err = all_created(vcpu->vm);
	if (err < 0)
		goto free_arch;
	return 0;

free_arch:
	free(arch);
	vcpu->arch = NULL;
	return err;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	free(vcpu->arch);
	vcpu->arch = NULL;
}

int arch_vcpu_reset(struct vcpu *vcpu)
{
	const struct boot_entry *entry = &vcpu->vm->board->entry;
	struct vcpu_arch *arch = vcpu->arch;
	int err;

	err = sys_ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &arch->init);
	if (err < 0 || vcpu->id)
		return err;
	err = set_reg(vcpu, REG_PC, entry->pc);
	return err ? err : set_reg(vcpu, REG_X(0), entry->x0);
}

#define LL(x) ((unsigned long long)(x))

/*
 * Where there is no RAM, an instruction is emulated if the processor says what
 * it does; it does not of those that load or store more than one register.
 */
bool arch_vcpu_exit(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_ARM_NISV)
		return false;
	log_err("vcpu %u: KVM cannot emulate the guest's instruction, which accesses "
		"0x%llx, where no RAM is (syndrome 0x%llx)",
		vcpu->id, LL(run->arm_nisv.fault_ipa),
		LL(run->arm_nisv.esr_iss));
	arch_vcpu_dump(vcpu);
	events_crash(vcpu, "an instruction that KVM cannot emulate");
	vm_stop(vcpu->vm, STATUS_CRASH);
	return true;
}

static uint64_t reg(const struct vcpu *vcpu, uint64_t id)
{
	uint64_t value = 0;

	vcpu_get_reg(vcpu, id, &value);
	return value;
}

void arch_vcpu_dump(struct vcpu *vcpu)
{
	unsigned int i;

	log_err("vcpu %u: pc %016llx sp %016llx sp_el1 %016llx pstate %08llx",
		vcpu->id, LL(reg(vcpu, REG_PC)), LL(reg(vcpu, REG_SP)),
		LL(reg(vcpu, REG_SP_EL1)), LL(reg(vcpu, REG_PSTATE)));
	for (i = 0; i < 30; i += 3)
		log_err("vcpu %u: x%-2u %016llx x%-2u %016llx x%-2u %016llx",
			vcpu->id, i, LL(reg(vcpu, REG_X(i))),
			i + 1, LL(reg(vcpu, REG_X(i + 1))),
			i + 2, LL(reg(vcpu, REG_X(i + 2))));
	log_err("vcpu %u: x30 %016llx esr %08llx elr %016llx far %016llx",
		vcpu->id, LL(reg(vcpu, REG_X(30))),
		LL(reg(vcpu, REG_ESR_EL1)), LL(reg(vcpu, REG_ELR_EL1)),
		LL(reg(vcpu, REG_FAR_EL1)));
}
