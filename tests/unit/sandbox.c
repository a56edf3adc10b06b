/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sandbox's filters, as they were made at build time, against the rules
 * that they were made of: what is in them is allowed and nothing else.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>

#include "test.h"
#include "tests/fake/fake.h"
#include "tools/sandbox.h"
#include "vmm/sandbox_priv.h"

static const struct rule *const tables[] = {
	sandbox_rules, sandbox_arch_rules,
};

static const char *name_of(unsigned int nr)
{
	const char *name = sandbox_names;

	if (nr >= sandbox_nr_names)
		return "";
	while (nr--)
		name += strlen(name) + 1;
	return name;
}

/* -1: this architecture has no such call. */
static int number_of(const char *call)
{
	unsigned int nr;

	for (nr = 0; nr < sandbox_nr_names; nr++)
		if (!strcmp(name_of(nr), call))
			return nr;
	return -1;
}

/* Requests of different files may have the same number. */
static bool ruled(unsigned int kind, const char *call, unsigned int request)
{
	const struct rule *r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (r = tables[i]; r->call; r++)
			if (!strcmp(r->call, call) && r->kinds & BIT(kind) &&
			    (!r->name || r->request == request))
				return true;
	return false;
}

TEST(what_the_rules_have_is_allowed)
{
	const struct rule *r;
	unsigned int i, kind, n = 0;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		for (r = tables[i]; r->call; r++) {
			test_note("%s %s", r->call, r->name);
			if (number_of(r->call) < 0)
				continue;
			for (kind = 0; kind < SANDBOX_KINDS; kind++)
				CHECK_EQ(fake_allows(kind, number_of(r->call),
						     r->request),
					 ruled(kind, r->call, r->request));
			/* As a C library widens a number that is an int. */
			CHECK(fake_allows(r->kinds == PLUG ? SANDBOX_PLUG :
					  SANDBOX_MAIN, number_of(r->call),
					  (int64_t)(int32_t)r->request));
			n++;
		}
	}
	CHECK(n > 50);
}

TEST(every_other_call_is_refused)
{
	unsigned int nr, kind;

	for (kind = 0; kind < SANDBOX_KINDS; kind++)
		for (nr = 0; nr < 1024; nr++) {
			test_note("%s (%u)", name_of(nr), nr);
			if (!ruled(kind, name_of(nr), 0) && nr != SYS_ioctl)
				CHECK(!fake_allows(kind, nr, 0));
		}
	CHECK(!fake_allows(SANDBOX_MAIN, SYS_execve, 0));
	CHECK(!fake_allows(SANDBOX_MAIN, SYS_openat, 0));
	CHECK(!fake_allows(SANDBOX_VCPU, SYS_clone, 0));
	CHECK(!fake_allows(SANDBOX_MAIN, -1, 0));
}

TEST(every_other_request_is_refused)
{
	const struct rule *r;
	unsigned int i, kind, bit;
	uint32_t other;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (r = tables[i]; r->call; r++)
			for (bit = 0; r->name && bit < 32; bit++)
				for (kind = 0; kind < SANDBOX_KINDS; kind++) {
					other = r->request ^ (1U << bit);
					test_note("%s ^ %x", r->name, 1U << bit);
					CHECK_EQ(fake_allows(kind, SYS_ioctl,
							     other),
						 ruled(kind, "ioctl", other));
				}
}

/* The main thread's filter is on every thread as well. */
TEST(main_may_what_others_may)
{
	const struct rule *r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (r = tables[i]; r->call; r++)
			CHECK(r->kinds & BIT(SANDBOX_MAIN) || r->kinds == PLUG);
}

/* With slots the main thread may what either filter lets pass, no more. */
TEST(two_filters_joined_allow_what_either_does)
{
	const struct sandbox_filter *main = &sandbox_filters[SANDBOX_MAIN],
		*plug = &sandbox_filters[SANDBOX_PLUG];
	struct sock_filter both[1024];
	struct seccomp_data data = { .arch = FAKE_AUDIT_ARCH };
	const struct rule *r = sandbox_rules;
	unsigned int n = 0, bit;

	sandbox_join(both, plug, main);
	for (data.nr = 0; data.nr < 1024; data.nr++)
		CHECK_EQ(fake_bpf(both, plug->nr + main->nr, &data) ==
			 SECCOMP_RET_ALLOW,
			 fake_allows(SANDBOX_MAIN, data.nr, 0) ||
			 fake_allows(SANDBOX_PLUG, data.nr, 0));
	data.nr = SYS_ioctl;
	for (; r->call; r++)
		for (bit = 0; r->name && bit < 33; bit++) {
			data.args[1] = r->request ^ (uint32_t)BIT(bit);
			CHECK_EQ(fake_bpf(both, plug->nr + main->nr, &data) ==
				 SECCOMP_RET_ALLOW,
				 ruled(SANDBOX_MAIN, "ioctl", data.args[1]) ||
				 ruled(SANDBOX_PLUG, "ioctl", data.args[1]));
			n++;
		}
	CHECK(n > 1000);
	data.arch = 0x40000003;
	CHECK(fake_bpf(both, plug->nr + main->nr, &data) != SECCOMP_RET_ALLOW);
}

TEST(calls_of_another_architecture_are_refused)
{
	struct seccomp_data data = {
		.nr = SYS_write, .arch = FAKE_AUDIT_ARCH,
	};
	const struct sandbox_filter *f = sandbox_filters;
	unsigned int kind;

	for (kind = 0; kind < SANDBOX_KINDS; kind++, f++) {
		data.arch = FAKE_AUDIT_ARCH;
		CHECK_EQ(fake_bpf(f->insns, f->nr, &data) == SECCOMP_RET_ALLOW,
			 kind != SANDBOX_PLUG);
		data.arch = 0x40000003;		/* AUDIT_ARCH_I386 */
		CHECK(fake_bpf(f->insns, f->nr, &data) != SECCOMP_RET_ALLOW);
	}
	CHECK(!fake_allows(SANDBOX_MAIN, 0x40000000 | SYS_write, 0));
}
