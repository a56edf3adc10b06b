/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --cpu-features, and what is taken without it; see features.h.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "arch/arm64/features.h"
#include "vmm/log.h"
#include "vmm/vm.h"

static const struct feature {
	const char *name;
	bool unasked;		/* on where the host has it */
	uint32_t bits;
	int caps[2];		/* all that it takes */
} features[] = {
	{ "sve", true, BIT(KVM_ARM_VCPU_SVE), { KVM_CAP_ARM_SVE } },
	{ "pauth", true, BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) |
			 BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC),
	  { KVM_CAP_ARM_PTRAUTH_ADDRESS, KVM_CAP_ARM_PTRAUTH_GENERIC } },
	{ "pmu", false, BIT(KVM_ARM_VCPU_PMU_V3), { KVM_CAP_ARM_PMU_V3 } },
};

static bool in_host(const struct vm *vm, const struct feature *f)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(f->caps); i++)
		if (f->caps[i] && !kvm_cap(&vm->kvm, f->caps[i]))
			return false;
	return true;
}

static bool is(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(text, word, len);
}

static const struct feature *find(const char *name, size_t len)
{
	const struct feature *f;

	for (f = features; f < features + ARRAY_SIZE(features); f++)
		if (is(name, len, f->name))
			return f;
	return NULL;
}

/* One word of the list, NAME=on or NAME=off. */
static int take(const struct vm *vm, const char *word, size_t len,
		uint32_t *bits)
{
	size_t name = strcspn(word, "=,");
	const struct feature *f = find(word, name);
	bool off = is(word + name, len - name, "=off");

	if (!f || (!off && !is(word + name, len - name, "=on"))) {
		log_err("--cpu-features: '%.*s': not one of sve, pauth, pmu with =on or =off",
			(int)len, word);
		return -EDOM;
	}
	*bits &= ~f->bits;
	if (off)
		return 0;
	if (!in_host(vm, f)) {
		log_err("--cpu-features: this host's KVM has no %s", f->name);
		return -EOPNOTSUPP;
	}
	*bits |= f->bits;
	return 0;
}

int features_bits(const struct vm *vm, uint32_t *bits)
{
	const char *word = vm->cfg->cpu_features;
	const struct feature *f;
	size_t len;
	int err;

	*bits = 0;
	for (f = features; f < features + ARRAY_SIZE(features); f++)
		if (f->unasked && in_host(vm, f))
			*bits |= f->bits;
	while (word) {
		len = strcspn(word, ",");
		err = take(vm, word, len, bits);
		if (err < 0)
			return err;
		word = word[len] ? word + len + 1 : NULL;
	}
	return 0;
}
