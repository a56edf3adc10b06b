/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox x86|arm64: prints, as C, a seccomp filter for each kind of thread,
 * made by libseccomp of the rules (sandbox.h), and the names of all system
 * calls. Runs on the machine that builds. `sandbox ARCH list` prints the
 * rules instead: call, request or -, kinds, flow.
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/sandbox.h"

#define CALLS 1024

static const char *const kind_names[SANDBOX_KINDS] = {
	[SANDBOX_MAIN] = "main",
	[SANDBOX_VCPU] = "vcpu",
	[SANDBOX_IO] = "io",
	[SANDBOX_PLUG] = "plug",
};

static void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "sandbox: %s: %s\n", what, strerror(-err));
	exit(1);
}

static uint32_t arch_token(const char *arch)
{
	if (!strcmp(arch, "x86"))
		return SCMP_ARCH_X86_64;
	if (!strcmp(arch, "arm64"))
		return SCMP_ARCH_AARCH64;
	check(-EINVAL, arch);
	return 0;
}

/*
 * Below 0 where the architecture has no such call. A rule takes the number that
 * the call has here, and libseccomp translates it. An ioctl's request is
 * compared by its 32 bits, which is all that the kernel looks at: C libraries
 * differ in what the others are.
 */
static void add_rule(scmp_filter_ctx ctx, uint32_t arch, const struct rule *r)
{
	int nr = seccomp_syscall_resolve_name_arch(arch, r->call);

	if (nr == __NR_SCMP_ERROR)
		check(-ENOENT, r->call);
	if (nr < 0)
		return;
	nr = seccomp_syscall_resolve_name(r->call);
	check(r->name ? seccomp_rule_add_exact(ctx, SCMP_ACT_ALLOW, nr, 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, r->request)) :
	      seccomp_rule_add_exact(ctx, SCMP_ACT_ALLOW, nr, 0),
	      r->name ? r->name : r->call);
}

static void print_filter(scmp_filter_ctx ctx, const char *name)
{
	struct sock_filter insn;
	FILE *file = tmpfile();

	if (!file)
		check(-errno, "a temporary file");
	check(seccomp_export_bpf(ctx, fileno(file)), "export");
	rewind(file);
	printf("static const struct sock_filter filter_%s[] = {\n", name);
	while (fread(&insn, sizeof(insn), 1, file) == 1)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", insn.code, insn.jt,
		       insn.jf, insn.k);
	printf("};\n\n");
	fclose(file);
}

static void print_kind(uint32_t arch, unsigned int kind)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	const struct rule *r;

	if (!ctx)
		check(-ENOMEM, "init");
	if (arch != seccomp_arch_native()) {
		check(seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE), "arch");
		check(seccomp_arch_add(ctx, arch), "arch");
	}
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (r = sandbox_rules; r->call; r++)
		if (r->kinds & BIT(kind))
			add_rule(ctx, arch, r);
	for (r = sandbox_arch_rules; r->call; r++)
		if (r->kinds & BIT(kind))
			add_rule(ctx, arch, r);
	print_filter(ctx, kind_names[kind]);
	seccomp_release(ctx);
}

static void print_names(uint32_t arch)
{
	char *names[CALLS];
	int nr, last = 0;

	for (nr = 0; nr < CALLS; nr++) {
		names[nr] = seccomp_syscall_resolve_num_arch(arch, nr);
		if (names[nr])
			last = nr;
	}
	printf("const char sandbox_names[] =\n");
	for (nr = 0; nr <= last; nr++)
		printf("\t\"%s\\0\"\n", names[nr] ? names[nr] : "");
	printf("\t\"\";\nconst unsigned int sandbox_nr_names = %d;\n", last + 1);
}

static void list(const struct rule *r)
{
	unsigned int kind;

	for (; r->call; r++)
		for (kind = 0; kind < SANDBOX_KINDS; kind++)
			if (r->kinds & BIT(kind))
				printf("%s %s %s %s\n", kind_names[kind],
				       r->call, r->name ? r->name : "-",
				       r->flow);
}

int main(int argc, char **argv)
{
	uint32_t arch = argc > 1 ? arch_token(argv[1]) : 0;
	unsigned int kind;

	if (argc > 2) {
		list(sandbox_rules);
		list(sandbox_arch_rules);
		return 0;
	}
	if (!arch)
		return 64;
	printf("/* Made by tools/sandbox.c; do not change. */\n"
	       "#include <linux/filter.h>\n\n"
	       "#include \"vmm/sandbox_priv.h\"\n\n");
	for (kind = 0; kind < SANDBOX_KINDS; kind++)
		print_kind(arch, kind);
	printf("const struct sandbox_filter sandbox_filters[SANDBOX_KINDS] = {\n");
	for (kind = 0; kind < SANDBOX_KINDS; kind++)
		printf("\t{ filter_%s, sizeof(filter_%s) / sizeof(filter_%s[0]) },\n",
		       kind_names[kind], kind_names[kind], kind_names[kind]);
	printf("};\n\n");
	print_names(arch);
	return 0;
}
