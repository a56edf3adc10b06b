/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern check: what this host can do, which way devices would be assigned
 * and why, and all that stands in the way, with its remedies; see command.h.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "devices/vfio/check_priv.h"
#include "devices/vfio/command.h"
#include "devices/vfio/spec.h"
#include "vmm/arch.h"
#include "vmm/frags.h"
#include "vmm/sys.h"

#define UNSAID 1	/* an errno that there is not */

/* ---- problems ----------------------------------------------------------- */

static struct problem *add_problem(struct check *c, const char *text, int err)
{
	struct problem *more = realloc(c->problems, (c->nr_problems + 1) *
				       sizeof(*more));

	if (!more)
		return NULL;
	c->problems = more;
	more += c->nr_problems++;
	*more = (struct problem){ .err = err };
	snprintf(more->text, sizeof(more->text), "%s", text);
	return more;
}

/* What those say who are asked. */
static void listen(void *arg, enum log_kind kind, const char *text)
{
	struct check *c = arg;
	struct problem *last;

	if (kind == LOG_ERR)
		add_problem(c, text, UNSAID);
	if (kind == LOG_WARN)
		add_problem(c, text, 0);
	if (kind != LOG_HINT || !c->nr_problems)
		return;
	last = &c->problems[c->nr_problems - 1];
	snprintf(last->remedy, sizeof(last->remedy), "%s", text);
}

void check_err(struct check *c, int err)
{
	bool said = false;
	unsigned int i;

	for (i = 0; i < c->nr_problems; i++)
		if (c->problems[i].err == UNSAID) {
			c->problems[i].err = MIN(err, 0);
			said = true;
		}
	if (err < 0 && !said)
		add_problem(c, err_text(err), err);
}

void check_drop(struct check *c, unsigned int nr)
{
	c->nr_problems = MIN(c->nr_problems, nr);
}

bool check_known(struct check *c)
{
	unsigned int i, n = 0;

	for (i = 0; i < c->nr_problems; i++)
		if (!c->lacks[0] || strcmp(c->problems[i].text, c->lacks))
			c->problems[n++] = c->problems[i];
	i = c->nr_problems;
	check_drop(c, n);
	return n < i;
}

/* Of two statuses the one that is further from success. */
static int worse(int a, int b)
{
	static const int order[] = { STATUS_USAGE, STATUS_HOST,
				     STATUS_PERMISSION };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return STATUS_OK;
}

/* What the kernel refuses, this host can't do. */
static int status_of_problem(const struct problem *p)
{
	int status = status_of(p->err);

	return status == STATUS_OK || status == STATUS_USAGE ||
		status == STATUS_PERMISSION ? status : STATUS_HOST;
}

int check_problems(struct check *c, int *status)
{
	struct report *r = &c->report;
	const struct problem *p;
	int worst = STATUS_OK;

	if (!c->nr_problems) {
		report_words(r, "problems");
		report_words_end(r);
		return STATUS_OK;
	}
	report_list(r, "problems");
	for (p = c->problems; p < c->problems + c->nr_problems; p++) {
		report_open(r, NULL);
		report_text(r, p->err ? "problem" : "warning", p->text);
		report_text(r, "remedy", p->remedy[0] ? p->remedy : NULL);
		report_number(r, "status", status_of_problem(p));
		report_close(r);
		worst = worse(worst, status_of_problem(p));
	}
	report_close(r);
	c->nr_problems = 0;
	*status = worse(*status, worst);
	return worst;
}

/* ---- KVM ---------------------------------------------------------------- */

/* As far as vm_create() goes before it asks the board. */
static int open_kvm(struct check *c)
{
	int err;

	err = kvm_open(&c->vm.kvm, "/dev/kvm");
	if (err < 0)
		return err;
	err = arch_vm_create(&c->vm);
	if (err < 0)
		kvm_close(&c->vm.kvm);
	return err;
}

static void close_kvm(struct check *c)
{
	if (!c->kvm)
		return;
	arch_vm_destroy(&c->vm);
	kvm_close(&c->vm.kvm);
}

static void check_kvm(struct check *c)
{
	struct report *r = &c->report;
	const struct kvm *kvm = &c->vm.kvm;
	int err = open_kvm(c);
	unsigned int i;

	check_err(c, err);
	c->kvm = err >= 0;
	report_open(r, "kvm");
	report_text(r, "node", "/dev/kvm");
	report_flag(r, "usable", c->kvm);
	if (c->kvm) {
		report_words(r, "capabilities");
		for (i = 0; kvm_cap_name(i); i++)
			report_word(r, "%s", kvm_cap_name(i));
		report_words_end(r);
		report_number(r, "memory slots", kvm->max_slots);
		report_number(r, "interrupt routes",
			      kvm_cap(kvm, KVM_CAP_IRQ_ROUTING));
		report_number(r, "processors",
			      kvm_cap(kvm, KVM_CAP_MAX_VCPUS));
	}
	check_problems(c, &c->guests);
	report_close(r);
}

/* ---- memory ------------------------------------------------------------- */

/* A line of /proc/meminfo, in its own unit: KiB, or pages. */
static bool meminfo(const char *text, const char *key, uint64_t *value)
{
	const char *at = strstr(text, key);

	if (!at)
		return false;
	*value = strtoull(at + strlen(key), NULL, 10);
	return true;
}

/* Whether RAM is to be where the host has it, in huge pages. */
static bool in_place(const struct check *c)
{
	return config_noiommu(c->cfg) == NOIOMMU_ON;
}

static void report_meminfo(struct check *c)
{
	uint64_t total, free, size, kib;
	struct report *r = &c->report;
	char text[4096];

	if (sysfs_read_all("/proc/meminfo", text, sizeof(text)) < 0)
		return;
	if (meminfo(text, "MemTotal:", &kib))
		report_bytes(r, "host", kib * KiB);
	if (meminfo(text, "MemAvailable:", &kib)) {
		report_bytes(r, "available", kib * KiB);
		if (!c->cfg->hugepages && !in_place(c) &&
		    c->cfg->memory > kib * KiB)
			log_warn("memory: %llu MiB wanted, %llu MiB available: a device "
				 "needs all of it in place",
				 (unsigned long long)(c->cfg->memory / MiB),
				 (unsigned long long)(kib / KiB));
	}
	if (!meminfo(text, "Hugepagesize:", &size) ||
	    !meminfo(text, "HugePages_Total:", &total) ||
	    !meminfo(text, "HugePages_Free:", &free))
		return;
	report_open(r, "huge pages");
	report_bytes(r, "size", size * KiB);
	report_number(r, "reserved", total);
	report_number(r, "free", free);
	report_flag(r, "wanted", c->cfg->hugepages || in_place(c));
	report_close(r);
}

/* The board's own verdict, and the kernel's on huge pages: given back at once. */
static void try_ram(struct check *c)
{
	int err = c->kvm ? board_check_memory(&c->vm) : 0;

	check_err(c, err);
	if (err >= 0 && in_place(c))
		check_err(c, frags_check(c->cfg->memory));
	if (err < 0 || in_place(c) || !c->cfg->hugepages)
		return;
	err = mem_ram_create(&c->vm.mem, c->cfg->memory, true);
	check_err(c, err);
	if (err >= 0)
		mem_ram_destroy(&c->vm.mem);
}

static void check_memory(struct check *c)
{
	struct report *r = &c->report;

	report_open(r, "memory");
	report_bytes(r, "wanted", c->cfg->memory);
	report_meminfo(c);
	try_ram(c);
	check_problems(c, &c->guests);
	report_close(r);
}

/* ---- backends ----------------------------------------------------------- */

static void report_unsafe(struct report *r, const struct survey_backend *b)
{
	if (b->unsafe_on >= 0)
		report_flag(r, "allows unsafe interrupts", b->unsafe_on);
	else
		report_text(r, "allows unsafe interrupts", NULL);
}

/*
 * One that can't be used is a problem if it is the one that would be taken;
 * else its message is only the reason why not.
 */
static void report_backend(struct check *c, const struct survey_backend *b,
			   bool chosen, unsigned int said)
{
	struct report *r = &c->report;

	report_open(r, NULL);
	report_text(r, "name", b->name);
	report_text(r, "node", b->node);
	report_flag(r, "usable", b->err >= 0);
	if (b->err < 0 && said < c->nr_problems)
		report_text(r, "reason", c->problems[said].text);
	if (b->err >= 0 && b->owner)
		report_text(r, "owner", b->owner);
	report_unsafe(r, b);
	report_text(r, "locked memory counted for",
		    b->by_process ? "the process" : "the user");
	report_close(r);
	if (!chosen)
		check_drop(c, said);
	else if (b->err < 0 && said < c->nr_problems)
		snprintf(c->lacks, sizeof(c->lacks), "%s",
			 c->problems[said].text);
}

/* The first device to be assigned decides, if it is known by now. */
static const struct sysfs_device *first_device(const struct check *c,
					       struct sysfs_device *dev)
{
	if (!c->nr_names || sysfs_device(c->names[0], dev) < 0 || !dev->vfio)
		return NULL;
	return dev;
}

static void check_backends(struct check *c, const struct sysfs_device *dev)
{
	struct report *r = &c->report;
	struct survey_backend b;
	const char *name, *why;
	unsigned int i, said;
	bool chosen;

	report_open(r, "backends");
	name = survey_choice(c->cfg, dev, &why);
	check_err(c, name ? 0 : -EDOM);
	report_text(r, "chosen", name);
	report_text(r, "reason", why ? why : "none has all that it needs");
	report_list(r, "built in");
	for (i = 0; said = c->nr_problems,
	     survey_backend(c->cfg, dev, i, &b); i++) {
		check_err(c, b.err);
		chosen = name && !strcmp(b.name, name);
		report_backend(c, &b, chosen, said);
		if (chosen)
			c->chosen = b;
	}
	report_close(r);
	check_problems(c, &c->devices);
	report_close(r);
}

/* ---- IOMMU -------------------------------------------------------------- */

static int report_iommu(void *arg, const char *name)
{
	char kind[SYSFS_NAME];

	survey_iommu_kind(name, kind, sizeof(kind));
	report_word(arg, "%s (%s)", name, kind);
	return 0;
}

static void check_iommu(struct check *c)
{
	static const char *const words[] = {
		[ISOLATION_UNKNOWN] = "not known",
		[ISOLATION_NO] = "no",
		[ISOLATION_YES] = "yes",
	};
	struct report *r = &c->report;
	int noiommu = survey_noiommu();

	report_open(r, "iommu");
	report_words(r, "units");
	survey_iommus(report_iommu, r);
	report_words_end(r);
	report_text(r, "isolates interrupts", words[survey_isolation()]);
	report_text(r, "noiommu mode", noiommu < 0 ? NULL :
		    noiommu ? "on" : "off");
	check_err(c, survey_host(c->cfg, &c->chosen));
	check_problems(c, &c->devices);
	report_close(r);
}

/* Wanted once a device is assigned, when all RAM is pinned. */
static void check_locked(struct check *c)
{
	unsigned int noiommu = config_noiommu(c->cfg);
	struct report *r = &c->report;
	uint64_t limit, wanted = c->cfg->memory;

	if (noiommu == NOIOMMU_DEVICE_ONLY || (noiommu && !c->chosen.holds))
		wanted = 0;
	report_open(r, "locked memory");
	report_bytes(r, "wanted", wanted);
	if (sys_capable(CAP_IPC_LOCK) ||
	    sys_getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit == UINT64_MAX)
		report_text(r, "limit", NULL);
	else
		report_bytes(r, "limit", limit);
	check_err(c, survey_memlock(wanted, c->chosen.by_process));
	check_problems(c, &c->devices);
	report_close(r);
}

/* ---- all of it ---------------------------------------------------------- */

static int check_result(struct check *c, bool devices)
{
	struct report *r = &c->report;
	int status = devices ? worse(c->guests, c->devices) : c->guests;

	report_open(r, "result");
	report_flag(r, "guests", c->guests == STATUS_OK);
	report_flag(r, "devices", worse(c->guests, c->devices) == STATUS_OK);
	report_number(r, "status", status);
	report_close(r);
	return status;
}

/* Groups by their members; one that has none keeps its name. */
static void spread(struct check *c, int n, char **texts)
{
	unsigned int room;
	int i;

	for (i = 0; i < n; i++) {
		room = CONFIG_VFIO_MAX - MIN(c->nr_names, CONFIG_VFIO_MAX);
		if (vfio_spec_spread(texts[i], c->names, &c->nr_names,
				     room) < 0 &&
		    sysfs_name(texts[i], c->names[c->nr_names++]) < 0)
			snprintf(c->names[c->nr_names - 1], SYSFS_ADDR, "%s",
				 texts[i]);
		check_drop(c, 0);
	}
}

static int run(struct check *c, int n, char **addrs)
{
	struct sysfs_device first;
	unsigned int i;
	int status;

	spread(c, n, addrs);
	report_begin(&c->report, c->cfg->json);
	check_kvm(c);
	check_memory(c);
	check_backends(c, first_device(c, &first));
	check_iommu(c);
	check_locked(c);
	if (n) {
		report_list(&c->report, "devices");
		for (i = 0; i < c->nr_names; i++)
			check_device(c, c->names[i]);
		report_close(&c->report);
	}
	check_try_end(c);
	status = check_result(c, n);
	report_end(&c->report);
	return status;
}

static int check_addresses(int n, char **addrs)
{
	char addr[SYSFS_ADDR];
	struct vfio_spec spec;
	int i;

	if (n > CONFIG_VFIO_MAX) {
		log_err("check: more than %d devices", CONFIG_VFIO_MAX);
		return -EDOM;
	}
	for (i = 0; i < n; i++)
		if (!strncmp(addrs[i], "group:", 6)) {
			if (strchr(addrs[i], ',') ||
			    vfio_spec_parse(addrs[i], &spec) < 0)
				return -EDOM;
		} else if (survey_name(addrs[i], addr) < 0) {
			return -EDOM;
		}
	return 0;
}

int command_check(const struct config *cfg, int n, char **addrs)
{
	struct check *c;
	int status = status_of(check_addresses(n, addrs));

	if (status)
		return status;
	c = calloc(1, sizeof(*c));
	if (!c)
		return status_of(-ENOMEM);
	c->cfg = c->vm.cfg = cfg;
	mem_create(&c->vm.mem);
	log_divert(listen, c);
	status = run(c, n, addrs);
	log_divert(NULL, NULL);
	close_kvm(c);
	mem_destroy(&c->vm.mem);
	free(c->problems);
	free(c);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		log_err("check: cannot write to standard output");
		return status_of(-EIO);
	}
	return status;
}
