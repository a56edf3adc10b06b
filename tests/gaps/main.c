/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gaps safe|unsafe|none EDU SHM: gives two devices, an `edu` and one with
 * memory in BAR 2, to vfio-pci, runs the scenarios that make sense with such
 * an IOMMU, and prints a line for each: SCENARIO PATH OUTCOME. The path `host`
 * stands for what has nothing to do with a path. An outcome is `ok`, the name
 * of an error (with the call after an @ where that is what differs), a value,
 * `-` where the path knows no such call, or begins with `broken`.
 *
 * gaps list: what there is, as SECTION, SCENARIO and TITLE with tabs between.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gaps.h"

/* Printed without a function of their own, by main(). */
static const struct scenario host_scenarios[] = {
	{ "kernel", "its kernel", 0, NULL },
	{ "node-vfio", "who answers at /dev/vfio/vfio", 0, NULL },
	{ "node-iommu", "/dev/iommu", 0, NULL },
	{ "node-group", "the group's node", 0, NULL },
	{ "node-cdev", "the device's node", 0, NULL },
	{ "bind-edu", "bind edu to vfio-pci", 0, NULL },
	{ "bind-shm", "bind ivshmem to vfio-pci", 0, NULL },
	{ "noiommu-bind", "bind edu to vfio-pci, no-IOMMU mode not allowed", 0,
	  NULL },
	{ "noiommu-parameter", "allow it (vfio.enable_unsafe_noiommu_mode)", 0,
	  NULL },
	{ 0 },
};

static const struct section sections[] = {
	{ "The host", host_scenarios },
	{ "Attaching a device", attach_scenarios },
	{ "Mapping RAM", map_scenarios },
	{ "Unmapping", unmap_scenarios },
	{ "Another device's memory", bar_scenarios },
	{ "Limits", limit_scenarios },
	{ "Dirty pages", dirty_scenarios },
	{ "Reset", reset_scenarios },
	{ "Interrupts that are not isolated", unsafe_scenarios },
	{ "No IOMMU", noiommu_scenarios },
};

static const struct {
	int number;
	const char *name;
} errors[] = {
	{ EPERM, "EPERM" }, { ENOENT, "ENOENT" }, { EIO, "EIO" },
	{ E2BIG, "E2BIG" }, { EBADF, "EBADF" }, { EAGAIN, "EAGAIN" },
	{ ENOMEM, "ENOMEM" }, { EACCES, "EACCES" }, { EFAULT, "EFAULT" },
	{ EBUSY, "EBUSY" }, { EEXIST, "EEXIST" }, { ENODEV, "ENODEV" },
	{ EINVAL, "EINVAL" }, { ENOTTY, "ENOTTY" }, { ENOSPC, "ENOSPC" },
	{ EROFS, "EROFS" }, { EOVERFLOW, "EOVERFLOW" },
	{ EBADFD, "EBADFD" }, { EOPNOTSUPP, "EOPNOTSUPP" },
	{ EADDRINUSE, "EADDRINUSE" }, { ENXIO, "ENXIO" },
};

static const char *error_name(int number)
{
	static char other[32];

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].number == number)
			return errors[i].name;
	}
	snprintf(other, sizeof(other), "error-%d", number);
	return other;
}

/* short_name: a call's, without what all of its kind begin with. */
static const char *short_name(const char *name)
{
	static const char *const prefixes[] = {
		"VFIO_GROUP_", "VFIO_DEVICE_", "VFIO_IOMMU_", "VFIO_", "IOMMU_",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name + strlen(prefixes[i]);
	}
	return name;
}

/* Runs in the scenario's process, whose last line it is. */
static void report(const char *name, const struct space *s, int result)
{
	const char *outcome = s->text;

	if (result == NOT_HERE)
		outcome = "-";
	else if (!outcome[0])
		outcome = result < 0 ? error_name(-result) : "ok";
	printf("%s %s %s\n", name, s->way->name, outcome);
	fflush(stdout);
}

static const char *running;

int must(struct space *s, int result)
{
	if (result >= 0)
		return result;
	say(s, "broken:%s@%s", error_name(-result), short_name(s->call));
	report(running, s, result);
	_exit(1);
}

int say(struct space *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->text, sizeof(s->text), format, args);
	va_end(args);
	return 0;
}

int where(struct space *s, int result)
{
	if (result < 0 && result != NOT_HERE)
		say(s, "%s@%s", error_name(-result), short_name(s->call));
	return result;
}

void *ram(uint64_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (at == MAP_FAILED) {
		printf("%s - broken:ENOMEM@mmap\n", running);
		exit(1);
	}
	return at;
}

void become_nobody(struct space *s, uint64_t lockable)
{
	struct rlimit limit = { lockable, lockable };

	s->call = "becoming-nobody";
	must(s, setrlimit(RLIMIT_MEMLOCK, &limit) < 0 || setgid(65534) < 0 ||
		setuid(65534) < 0 ? -errno : 0);
}

/* In a process of its own, so that each begins with nothing open. */
static int run(const struct scenario *scenario, const struct way *way,
	       const struct device *devices)
{
	struct space s;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		running = scenario->name;
		space_init(&s, way, devices);
		report(running, &s, scenario->try(&s));
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	printf("%s %s broken:signal-%d\n", scenario->name, way->name,
	       WTERMSIG(status));
	return 1;
}

static int run_all(const struct way *way, const struct device *devices,
		   int set)
{
	const struct scenario *scenario;
	int failures = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		scenario = sections[i].scenarios;
		for (; scenario->name; scenario++) {
			if (scenario->try && scenario->sets & set)
				failures += run(scenario, way, devices);
		}
	}
	return failures;
}

static void list(void)
{
	const struct scenario *scenario;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		scenario = sections[i].scenarios;
		for (; scenario->name; scenario++)
			printf("%s\t%s\t%s\n", sections[i].title,
			       scenario->name, scenario->title);
	}
}

/* Where interrupts are not isolated the host is the same as where they are. */
static bool quiet;

static void host(const char *what, int result, const char *good)
{
	if (quiet)
		return;
	printf("%s host %s\n", what, result < 0 ? error_name(-result) : good);
}

static void show_nodes(const struct device *dev)
{
	static const char *const owners[] = { "nobody", "container", "iommufd" };
	static const char *const there[] = { "absent", "there" };

	host("node-vfio", 0, owners[host_owner()]);
	host("node-iommu", 0, there[access("/dev/iommu", F_OK) == 0]);
	host("node-group", 0, there[dev->group[0] != '\0']);
	host("node-cdev", 0, there[dev->cdev[0] != '\0']);
}

/* As far as a difference would be one of ours: 7.3 of 7.3.4. */
static void show_kernel(void)
{
	struct utsname name;
	char *dot;

	uname(&name);
	dot = strchr(name.release, '.');
	dot = dot ? strchr(dot + 1, '.') : NULL;
	if (dot)
		*dot = '\0';
	host("kernel", 0, name.release);
}

/*
 * VFIO takes a device without an IOMMU only after the parameter is set. The
 * kernel's word on why not is the driver's probe.
 */
static void permit_noiommu(const char *addr)
{
	int err = host_bind(addr);

	host("noiommu-bind", err, "ok");
	err = host_set("vfio", "enable_unsafe_noiommu_mode", "Y");
	host("noiommu-parameter", err, "ok");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int set;
	} sets[] = { { "safe", SAFE }, { "unsafe", UNSAFE }, { "none", NONE } };
	struct device devices[DEVICES];
	int set = 0, failures = 0;

	for (size_t i = 0; argc == 4 && i < ARRAY_SIZE(sets); i++) {
		if (!strcmp(argv[1], sets[i].name))
			set = sets[i].set;
	}
	if (argc == 2 && !strcmp(argv[1], "list")) {
		list();
		return 0;
	}
	if (!set) {
		fprintf(stderr, "usage: gaps safe|unsafe|none EDU SHM\n");
		return 64;
	}
	quiet = set == UNSAFE;
	if (set == NONE)
		permit_noiommu(argv[2]);
	show_kernel();
	for (int i = 0; i < DEVICES; i++) {
		host(i == EDU ? "bind-edu" : "bind-shm", host_bind(argv[2 + i]),
		     "ok");
		host_find(&devices[i], argv[2 + i]);
	}
	show_nodes(&devices[EDU]);
	for (const struct way *way = ways; way->name; way++) {
		if (way_here(way, &devices[EDU]))
			failures += run_all(way, devices, set);
	}
	return failures ? 1 : 0;
}
