/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's registers: the power-on state that KVM gives it, kept for guest
 * resets, and the state in which a boot protocol enters the guest. Linux:
 * Documentation/virt/kvm/api.rst; Intel SDM volume 3A, chapters 2 and 10.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/board.h"
#include "arch/x86/cpuid.h"
#include "vmm/arch.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define MSR_TSC			0x10
#define MSR_TSC_ADJUST		0x3b
#define MSR_MISC_ENABLE		0x1a0
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MISC_ENABLE_FAST_STRING	1U
#define MTRR_ENABLE		BIT(11)
#define MTRR_WRITE_BACK		6U

#define LAPIC_LVT_LINT0		0x350
#define LAPIC_LVT_LINT1		0x360
#define LVT_MODE_MASK		0x700U
#define LVT_MODE_EXTINT		0x700U
#define LVT_MODE_NMI		0x400U

#define CR0_PE			BIT(0)
#define CR0_ET			BIT(4)
#define CR0_PG			BIT(31)
#define CR4_PAE			BIT(5)
#define EFER_LME		BIT(8)
#define EFER_LMA		BIT(10)
#define RFLAGS_FIXED		BIT(1)

/* The ioctls that together are a vCPU's state, in the order to set them. */
struct state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp;
	struct kvm_vcpu_events events;
	struct kvm_xsave xsave;
	struct kvm_msrs *msrs;
};

static const struct {
	unsigned long get, set;
	size_t offset;
} state_parts[] = {
	{ KVM_GET_SREGS, KVM_SET_SREGS, offsetof(struct state, sregs) },
	{ KVM_GET_REGS, KVM_SET_REGS, offsetof(struct state, regs) },
	{ KVM_GET_XCRS, KVM_SET_XCRS, offsetof(struct state, xcrs) },
	{ KVM_GET_XSAVE, KVM_SET_XSAVE, offsetof(struct state, xsave) },
	{ KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS,
	  offsetof(struct state, debugregs) },
	{ KVM_GET_LAPIC, KVM_SET_LAPIC, offsetof(struct state, lapic) },
	{ KVM_GET_MP_STATE, KVM_SET_MP_STATE, offsetof(struct state, mp) },
	{ KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS,
	  offsetof(struct state, events) },
};

/*
 * The clock goes on across a guest reset: setting the TSC of one vCPU after
 * the other would leave them apart.
 */
static bool msr_kept(uint32_t index)
{
	return index != MSR_TSC && index != MSR_TSC_ADJUST;
}

static struct kvm_msr_list *msr_list(const struct vm *vm)
{
	struct kvm_msr_list probe = { 0 }, *list;

	sys_ioctl(vm->kvm.fd, KVM_GET_MSR_INDEX_LIST, &probe);
	list = calloc(1, sizeof(*list) + probe.nmsrs * sizeof(uint32_t));
	if (!list)
		return NULL;
	list->nmsrs = probe.nmsrs;
	if (sys_ioctl(vm->kvm.fd, KVM_GET_MSR_INDEX_LIST, list) < 0)
		list->nmsrs = 0;
	return list;
}

/*
 * Apply @request to all of @msrs. KVM stops at the first MSR that this
 * processor lacks; it is taken out and the rest goes on.
 */
static void msrs_each(struct vcpu *vcpu, unsigned long request,
		      struct kvm_msrs *msrs)
{
	struct kvm_msrs *rest = calloc(1, sizeof(*msrs) + msrs->nmsrs *
					  sizeof(msrs->entries[0]));
	unsigned int done = 0;
	int n;

	while (rest && done < msrs->nmsrs) {
		rest->nmsrs = msrs->nmsrs - done;
		memcpy(rest->entries, msrs->entries + done,
		       rest->nmsrs * sizeof(msrs->entries[0]));
		n = sys_ioctl(vcpu->fd, request, rest);
		if (n < 0)
			n = 0;
		memcpy(msrs->entries + done, rest->entries,
		       n * sizeof(msrs->entries[0]));
		done += n;
		if (done < msrs->nmsrs)
			memmove(msrs->entries + done, msrs->entries + done + 1,
				(--msrs->nmsrs - done) *
				sizeof(msrs->entries[0]));
	}
	free(rest);
}

static struct kvm_msrs *msrs_save(struct vcpu *vcpu)
{
	struct kvm_msr_list *list = msr_list(vcpu->vm);
	struct kvm_msrs *msrs;
	unsigned int i;

	if (!list)
		return NULL;
	msrs = calloc(1, sizeof(*msrs) +
			 list->nmsrs * sizeof(msrs->entries[0]));
	for (i = 0; msrs && i < list->nmsrs; i++)
		if (msr_kept(list->indices[i]))
			msrs->entries[msrs->nmsrs++].index = list->indices[i];
	free(list);
	if (msrs)
		msrs_each(vcpu, KVM_GET_MSRS, msrs);
	return msrs;
}

static int state_save(struct vcpu *vcpu, struct state *state)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(state_parts); i++) {
		err = sys_ioctl(vcpu->fd, state_parts[i].get,
				(char *)state + state_parts[i].offset);
		if (err < 0)
			return err;
	}
	state->msrs = msrs_save(vcpu);
	return state->msrs ? 0 : -ENOMEM;
}

static int state_restore(struct vcpu *vcpu, struct state *state)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(state_parts); i++) {
		err = sys_ioctl(vcpu->fd, state_parts[i].set,
				(char *)state + state_parts[i].offset);
		if (err < 0)
			return err;
	}
	msrs_each(vcpu, KVM_SET_MSRS, state->msrs);
	return 0;
}

/* Memory is cached unless page tables say otherwise. */
static int set_msrs(struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[2];
	} msrs = {
		.head.nmsrs = 2,
		.entries = {
			{ .index = MSR_MISC_ENABLE,
			  .data = MISC_ENABLE_FAST_STRING },
			{ .index = MSR_MTRR_DEF_TYPE,
			  .data = MTRR_ENABLE | MTRR_WRITE_BACK },
		},
	};
	int n = sys_ioctl(vcpu->fd, KVM_SET_MSRS, &msrs);

	return n < 0 ? n : 0;
}

static void set_lvt(struct kvm_lapic_state *lapic, unsigned int reg,
		    uint32_t mode)
{
	uint32_t val;

	memcpy(&val, lapic->regs + reg, sizeof(val));
	val = (val & ~LVT_MODE_MASK & ~BIT(16)) | mode;
	memcpy(lapic->regs + reg, &val, sizeof(val));
}

/* The wiring a PC's firmware sets up: the PIC on LINT0, NMI on LINT1. */
static int set_lints(struct vcpu *vcpu)
{
	struct kvm_lapic_state lapic;
	int err;

	err = sys_ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic);
	if (err < 0)
		return err;
	if (!vcpu->id)
		set_lvt(&lapic, LAPIC_LVT_LINT0, LVT_MODE_EXTINT);
	set_lvt(&lapic, LAPIC_LVT_LINT1, LVT_MODE_NMI);
	return sys_ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic);
}

void tsc_use_current(int fd)
{
	sys_ioctl_num(fd, KVM_SET_TSC_KHZ, 0);
}

static int power_on(struct vcpu *vcpu)
{
	int err;

	tsc_use_current(vcpu->fd);
	err = cpuid_setup(vcpu);
	if (err < 0)
		return err;
	err = set_msrs(vcpu);
	if (!err)
		err = set_lints(vcpu);
	if (err < 0)
		log_err("vcpu %u: cannot set the power-on state: %s", vcpu->id,
			err_text(err));
	return err;
}

int arch_vcpu_create(struct vcpu *vcpu)
{
	struct state *state;
	int err;

	err = power_on(vcpu);
	if (err < 0 || vcpu->vm->cfg->once)
		return err;	/* never to be reset */
	state = calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;
	err = state_save(vcpu, state);
	if (err < 0) {
		log_err("vcpu %u: cannot read its state: %s", vcpu->id,
			err_text(err));
		free(state);
		return err;
	}
	vcpu->arch = state;
	return 0;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	struct state *state = vcpu->arch;

	if (state)
		free(state->msrs);
	free(state);
	vcpu->arch = NULL;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code64)
{
	return (struct kvm_segment){
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.db = !code64,
		.l = code64,
		.g = 1,
	};
}

static void enter_flat(struct kvm_sregs *s, const struct boot_entry *entry)
{
	struct kvm_segment data = segment(BOOT_DS, 3, false);

	s->cs = segment(BOOT_CS, 11, entry->long_mode);
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->tr = (struct kvm_segment){
		.limit = 0x67, .type = 11, .present = 1,
	};
	s->cr0 = CR0_PE | CR0_ET;
	s->gdt.base = entry->gdt;
	s->gdt.limit = entry->gdt_limit;
	s->idt.base = s->idt.limit = 0;
	if (entry->long_mode) {
		s->cr0 |= CR0_PG;
		s->cr3 = entry->page_table;
		s->cr4 = CR4_PAE;
		s->efer = EFER_LME | EFER_LMA;
	}
}

static int enter(struct vcpu *vcpu, const struct boot_entry *entry)
{
	struct kvm_regs regs = {
		.rip = entry->rip,
		.rsi = entry->rsi,
		.rbx = entry->rbx,
		.rflags = RFLAGS_FIXED,
	};
	struct kvm_sregs sregs;
	int err;

	err = sys_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	if (err < 0)
		return err;
	enter_flat(&sregs, entry);
	err = sys_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	if (err < 0)
		return err;
	return sys_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

int arch_vcpu_reset(struct vcpu *vcpu)
{
	int err = 0;

	if (vcpu->arch)
		err = state_restore(vcpu, vcpu->arch);
	if (!err && !vcpu->id)
		err = enter(vcpu, &vcpu->vm->board->entry);
	return err;
}

bool arch_vcpu_exit(struct vcpu *vcpu)
{
	return vcpu->run->exit_reason == KVM_EXIT_SET_TPR ||
	       vcpu->run->exit_reason == KVM_EXIT_IRQ_WINDOW_OPEN;
}

#define LL(x) ((unsigned long long)(x))

void arch_vcpu_dump(struct vcpu *vcpu)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	if (sys_ioctl(vcpu->fd, KVM_GET_REGS, &r) < 0 ||
	    sys_ioctl(vcpu->fd, KVM_GET_SREGS, &s) < 0)
		return;
	log_err("vcpu %u: rip %04x:%016llx rflags %08llx", vcpu->id,
		s.cs.selector, LL(r.rip), LL(r.rflags));
	log_err("vcpu %u: rax %016llx rbx %016llx rcx %016llx rdx %016llx",
		vcpu->id, LL(r.rax), LL(r.rbx), LL(r.rcx), LL(r.rdx));
	log_err("vcpu %u: rsi %016llx rdi %016llx rbp %016llx rsp %016llx",
		vcpu->id, LL(r.rsi), LL(r.rdi), LL(r.rbp), LL(r.rsp));
	log_err("vcpu %u: cr0 %08llx cr2 %016llx cr3 %016llx cr4 %08llx efer %llx",
		vcpu->id, LL(s.cr0), LL(s.cr2), LL(s.cr3), LL(s.cr4),
		LL(s.efer));
}
