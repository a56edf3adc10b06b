/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUID tables; see cpuid.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/board.h"
#include "arch/x86/cpuid.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define CPUID_ENTRIES 256

#define LEAF1_EDX_HTT		BIT(28)
#define LEAF1_ECX_VMX		BIT(5)
#define LEAF1_ECX_X2APIC	BIT(21)
#define LEAF1_ECX_TSC_DEADLINE	BIT(24)
#define LEAF1_ECX_HYPERVISOR	BIT(31)
#define EXT1_ECX_SVM		BIT(2)
#define EXT1_ECX_CMP_LEGACY	BIT(1)
#define LEVEL_SMT		1U
#define LEVEL_CORE		2U

/* Bits that an APIC id needs to number @cpus processors. */
static unsigned int id_bits(unsigned int cpus)
{
	return cpus > 1 ? 32 - __builtin_clz(cpus - 1) : 0;
}

static void fit_features(struct kvm_cpuid_entry2 *e, unsigned int id,
			 unsigned int cpus, bool tsc_deadline)
{
	e->ebx = (e->ebx & 0xff00ffff) | (1U << id_bits(cpus)) << 16;
	e->ebx = (e->ebx & 0x00ffffff) | id << 24;
	e->ecx |= LEAF1_ECX_X2APIC | LEAF1_ECX_HYPERVISOR;
	e->ecx &= ~LEAF1_ECX_VMX;
	if (tsc_deadline)
		e->ecx |= LEAF1_ECX_TSC_DEADLINE;
	e->edx &= ~LEAF1_EDX_HTT;
	if (cpus > 1)
		e->edx |= LEAF1_EDX_HTT;
}

/*
 * Leaf 4 (Intel) and 0x8000001d (AMD): the first two levels of cache belong
 * to a core, the third to the package.
 */
static void fit_cache(struct kvm_cpuid_entry2 *e, unsigned int cpus,
		      bool core_count)
{
	unsigned int level = e->eax >> 5 & 7;
	unsigned int sharing = level >= 3 ? (1U << id_bits(cpus)) - 1 : 0;

	if (!(e->eax & 0x1f))
		return;		/* no more caches */
	e->eax = (e->eax & ~(0xfffU << 14)) | sharing << 14;
	if (core_count)
		e->eax = (e->eax & ~(0x3fU << 26)) |
			 MIN((1U << id_bits(cpus)) - 1, 0x3fU) << 26;
}

/* Leaves 0xb and 0x1f: levels of topology, which end with an empty one. */
static void fit_levels(struct kvm_cpuid_entry2 *e, unsigned int id,
		       unsigned int cpus)
{
	e->eax = e->ebx = 0;
	e->ecx = e->index & 0xff;
	e->edx = id;
	if (e->index == 0) {
		e->ebx = 1;
		e->ecx |= LEVEL_SMT << 8;
	} else if (e->index == 1) {
		e->eax = id_bits(cpus);
		e->ebx = cpus;
		e->ecx |= LEVEL_CORE << 8;
	}
}

static void fit_entry(struct kvm_cpuid_entry2 *e, unsigned int id,
		      unsigned int cpus, bool tsc_deadline)
{
	switch (e->function) {
	case 1:
		fit_features(e, id, cpus, tsc_deadline);
		break;
	case 4:
		fit_cache(e, cpus, true);
		break;
	case 0xb:
	case 0x1f:
		fit_levels(e, id, cpus);
		break;
	case 0x80000001:
		e->ecx &= ~(EXT1_ECX_SVM | EXT1_ECX_CMP_LEGACY);
		if (cpus > 1)
			e->ecx |= EXT1_ECX_CMP_LEGACY;
		break;
	case 0x80000008:
		e->ecx = (e->ecx & ~0xf0ffU) | id_bits(cpus) << 12 | (cpus - 1);
		break;
	case 0x8000001d:
		fit_cache(e, cpus, false);
		break;
	case 0x8000001e:
		e->eax = id;
		e->ebx = id & 0xff;	/* core id, one thread a core */
		e->ecx = 0;		/* one node */
		break;
	}
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *table,
				     uint32_t function, uint32_t index)
{
	unsigned int i;

	for (i = 0; i < table->nent; i++)
		if (table->entries[i].function == function &&
		    table->entries[i].index == index)
			return &table->entries[i];
	return NULL;
}

/*
 * KVM lists no more of leaf 0xb than the host has; the guest needs both
 * levels to size its APIC ids.
 */
static void complete_levels(struct kvm_cpuid2 *table, uint32_t function)
{
	uint32_t index;

	if (!find(table, function, 0))
		return;
	for (index = 1; index <= 2; index++) {
		if (find(table, function, index) ||
		    table->nent == CPUID_ENTRIES)
			continue;
		table->entries[table->nent++] = (struct kvm_cpuid_entry2){
			.function = function,
			.index = index,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		};
	}
}

/* On a host without leaf 0xb a guest of many processors needs it no less. */
static void add_levels(struct kvm_cpuid2 *table)
{
	struct kvm_cpuid_entry2 *basic = find(table, 0, 0);

	if (!basic || find(table, 0xb, 0) || table->nent >= CPUID_ENTRIES)
		return;
	basic->eax = MAX(basic->eax, 0xbU);
	table->entries[table->nent++] = (struct kvm_cpuid_entry2){
		.function = 0xb,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
	};
}

void cpuid_fit(struct kvm_cpuid2 *table, unsigned int id, unsigned int cpus,
	       bool tsc_deadline)
{
	unsigned int i;

	add_levels(table);
	complete_levels(table, 0xb);
	complete_levels(table, 0x1f);
	for (i = 0; i < table->nent; i++)
		fit_entry(&table->entries[i], id, cpus, tsc_deadline);
}

static size_t table_size(void)
{
	const struct kvm_cpuid2 *table;

	return sizeof(*table) + CPUID_ENTRIES * sizeof(table->entries[0]);
}

int cpuid_create(struct vm *vm)
{
	struct kvm_cpuid2 *table = calloc(1, table_size());
	int err;

	if (!table)
		return -ENOMEM;
	table->nent = CPUID_ENTRIES;
	err = sys_ioctl(vm->kvm.fd, KVM_GET_SUPPORTED_CPUID, table);
	if (err < 0) {
		log_err("kvm: cannot read the supported CPUID: %s",
			err_text(err));
		free(table);
		return err;
	}
	vm->board->cpuid = table;
	return 0;
}

void cpuid_destroy(struct vm *vm)
{
	free(vm->board->cpuid);
	vm->board->cpuid = NULL;
}

int cpuid_setup(struct vcpu *vcpu)
{
	const struct vm *vm = vcpu->vm;
	struct kvm_cpuid2 *table = malloc(table_size());
	int err;

	if (!table)
		return -ENOMEM;
	memcpy(table, vm->board->cpuid, table_size());
	cpuid_fit(table, vcpu->id, vm->cfg->cpus,
		  kvm_cap(&vm->kvm, KVM_CAP_TSC_DEADLINE_TIMER));
	err = sys_ioctl(vcpu->fd, KVM_SET_CPUID2, table);
	if (err < 0)
		log_err("vcpu %u: KVM refuses the CPUID: %s", vcpu->id,
			err_text(err));
	free(table);
	return err;
}

unsigned int cpuid_phys_bits(const struct vm *vm)
{
	struct kvm_cpuid2 *table = vm->board->cpuid;
	const struct kvm_cpuid_entry2 *e = find(table, 0x80000008, 0);
	unsigned int bits = e ? e->eax & 0xff : 0;

	return bits ? bits : 36;
}
