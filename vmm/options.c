/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The option table and what reads it; see options.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/control.h"
#include "vmm/log.h"
#include "vmm/options_arm64.h"
#include "vmm/options_priv.h"
#include "vmm/status.h"
#include "vmm/util.h"

#define BOTH_BACKENDS (IS_ENABLED(CONFIG_VFIO_CONTAINER) && \
		       IS_ENABLED(CONFIG_IOMMUFD))

#define RUN BIT(CMD_RUN)
#define RUN_IF(enabled) ((enabled) ? RUN : 0)
#define CHECK BIT(CMD_CHECK)
#define FIELD(f) .field = offsetof(struct config, f)

static const struct option options[] = {
	{ "kernel", 'k', KIND_STRING, "FILE",
	  IS_ENABLED(CONFIG_ARM64) ? "Linux kernel (Image or Image.gz)" :
	  "Linux kernel (bzImage) or ELF image with a PVH note", RUN,
	  FIELD(kernel) },
	{ "initrd", 'i', KIND_STRING, "FILE", "initial RAM disk", RUN,
	  FIELD(initrd) },
	{ "append", 'a', KIND_STRING, "TEXT",
	  "kernel command line, passed as it is", RUN, FIELD(append) },
	{ "memory", 'm', KIND_SIZE, "SIZE", "guest RAM, with K, M or G [256M]",
	  RUN | CHECK, FIELD(memory), .min = 32 * MiB },
	{ "cpus", 'c', KIND_NUMBER, "N", "virtual processors, 1 to 64 [1]",
	  RUN, FIELD(cpus), 1, 64 },
	OPTIONS_ARM64
	{ "hugepages", 0, KIND_FLAG, NULL, "guest RAM in hugetlb pages",
	  RUN | CHECK,
	  FIELD(hugepages) },
	{ "vfio", 'd', KIND_DEVICE, "ADDRESS",
	  "assign this PCI device, or group:N; may be repeated",
	  RUN_IF(IS_ENABLED(CONFIG_VFIO_PCI)), FIELD(vfio) },
	ROW_IF(CONFIG_VIRTIO_DISK,
	       { "disk", 0, KIND_VIRTIO, "FILE[,KEY]...",
		 "a disk: ro, direct, serial=TEXT, queues=N; may be repeated",
		 RUN, .max = 0 })
	ROW_IF(CONFIG_VIRTIO_NET,
	       { "net", 0, KIND_VIRTIO, "TO[,KEY]...",
		 "a network card at tap=NAME, tap=fd:N or passt=SOCKET: mac=, queues=, vhost",
		 RUN, .max = 0 })
	ROW_IF(CONFIG_VIRTIO_CONSOLE,
	       { "console", 0, KIND_VIRTIO, "TO[,name=NAME]",
		 "a console, or a named port, at stdio, pty, fd:N, file= or socket=",
		 RUN, .max = 0 })
	ROW_IF(CONFIG_VIRTIO_RNG,
	       { "rng", 0, KIND_VIRTIO, NULL,
		 "give the guest entropy of the host's", RUN, .max = 0 })
	{ "iommu", 0, KIND_CHOICE,
	  BOTH_BACKENDS ? "auto|legacy|iommufd" : NULL,
	  BOTH_BACKENDS ? "how devices reach guest RAM [auto]" : NULL,
	  BOTH_BACKENDS ? RUN | CHECK : 0, FIELD(iommu),
	  .choices = BOTH_BACKENDS ? "auto|legacy|iommufd" : "" },
	{ "container", 0, KIND_STRING, "FILE",
	  IS_ENABLED(CONFIG_VFIO_CONTAINER) ?
	  "VFIO container, or an iommufd in its place [/dev/vfio/vfio]" : NULL,
	  IS_ENABLED(CONFIG_VFIO_CONTAINER) ? RUN | CHECK : 0,
	  FIELD(container) },
	{ "noiommu", 0, KIND_CHOICE, "[=device-only]",
	  IS_ENABLED(CONFIG_VFIO_NOIOMMU) ?
	  "assign devices that no IOMMU is in front of: see the man page" : NULL,
	  IS_ENABLED(CONFIG_VFIO_NOIOMMU) ? RUN | CHECK : 0, FIELD(noiommu),
	  .choices = "off|on|device-only" },
	{ "p2p", 0, KIND_CHOICE, "on|off",
	  "let assigned devices reach each other's memory [on]",
	  RUN_IF(IS_ENABLED(CONFIG_VFIO_PCI)), FIELD(p2p),
	  .choices = "on|off" },
	{ "on-device-error", 0, KIND_CHOICE, "stop|continue",
	  "what to do when an assigned device fails [stop]",
	  RUN_IF(IS_ENABLED(CONFIG_VFIO)), FIELD(on_device_error),
	  .choices = "stop|continue" },
	{ "stop-timeout", 0, KIND_NUMBER, "SECONDS",
	  "time to power off after SIGINT or SIGTERM [10]", RUN,
	  FIELD(stop_timeout), 0, 86400 },
	{ "timeout", 0, KIND_NUMBER, "SECONDS",
	  "stop the guest after this time, with status 83", RUN,
	  FIELD(timeout), 1, UINT32_MAX / 1000 },
	{ "once", 0, KIND_FLAG, NULL,
	  "end with status 80 when the guest asks for a reset", RUN,
	  FIELD(once) },
	{ "quiet", 'q', KIND_FLAG, NULL, "errors and warnings only",
	  RUN, FIELD(quiet) },
	ROW_IF(CONFIG_EVENTS,
	       { "events", 0, KIND_STRING, "FILE",
		 "tell what happens, a JSON object a line", RUN,
		 FIELD(events) })
	ROW_IF(CONFIG_SANDBOX,
	       { "sandbox", 0, KIND_CHOICE, "on|log|off",
		 "give up what is not needed to run [on]", RUN,
		 FIELD(sandbox), .choices = "on|log|off" })
	ROW_IF(CONFIG_SANDBOX,
	       { "user", 0, KIND_STRING, "NAME",
		 "run the guest as this user, or UID[:GID]", RUN, FIELD(user) })
	ROW_IF(CONFIG_SANDBOX,
	       { "chroot", 0, KIND_STRING, "DIR",
		 "and with this as its root folder", RUN, FIELD(chroot) })
	ROW_IF(CONFIG_CONTROL,
	       { "control", 0, KIND_STRING, "SOCKET",
		 "listen there for postern ctl", RUN, FIELD(control) })
	ROW_IF(CONFIG_HOTPLUG,
	       { "hotplug", 0, KIND_NUMBER, "N",
		 "slots for devices that postern ctl adds and removes, 0 to 15 [0]",
		 RUN, FIELD(hotplug), 0, 15 })
	ROW_IF(CONFIG_CONTROL,
	       { "prometheus", 0, KIND_FLAG, NULL,
		 "stats as OpenMetrics text", BIT(CMD_CTL), FIELD(prometheus) })
	ROW_IF(CONFIG_TRACE,
	       { "trace", 0, KIND_STRING, "LIST",
		 "trace mmio,irq,vfio,mem,sys,pci,vcpu or all", RUN,
		 FIELD(trace) })
	ROW_IF(CONFIG_CONFIG_FILE,
	       { "config", 0, KIND_CONFIG, "FILE",
		 "take options from there, one a line; may be repeated", RUN,
		 .max = 0 })
	ROW_IF(CONFIG_CONFIG_FILE,
	       { "print-config", 0, KIND_ACTION, NULL,
		 "print all of it as such a file, and exit", RUN,
		 FIELD(print_config) })
	ROW_IF(CONFIG_CONFIG_FILE,
	       { "dry-run", 0, KIND_ACTION, NULL,
		 "check and open everything, start nothing", RUN,
		 FIELD(dry_run) })
	{ "json", 0, KIND_FLAG, NULL, "print JSON",
	  BIT(CMD_DEVICES) | CHECK, FIELD(json) },
	{ "try", 0, KIND_FLAG, NULL,
	  "attach the devices, ask the kernel, and let go", CHECK,
	  FIELD(try_attach) },
	{ "verbose", 'v', KIND_FLAG, NULL,
	  "show what the guest sees of each capability", BIT(CMD_DEVICES),
	  FIELD(verbose) },
	{ "help", 'h', KIND_ACTION, NULL, "print this and exit",
	  BIT(CMD_NR) - 1, .max = 0 },
	{ "version", 'V', KIND_ACTION, NULL, "print the version and exit",
	  BIT(CMD_NR) - 1, .max = 0 },
};

static const struct {
	const char *name;
	const char *usage;
	const char *help;
	bool takes_args;
	bool needs_args;
	bool there;
} commands[CMD_NR] = {
	[CMD_RUN] = { "run", "run --kernel FILE [OPTION]...",
		      "boot a guest", false, false, true },
	[CMD_CHECK] = { "check", "check [OPTION]... [ADDRESS|group:N]...",
			"what this host can do, and what stands in the way",
			true, false, IS_ENABLED(CONFIG_DEVCMD) },
	[CMD_DEVICES] = { "devices", "devices [--json] [-v] [ADDRESS]...",
			  "list the devices that can be assigned", true, false,
			  IS_ENABLED(CONFIG_DEVCMD) },
	[CMD_BIND] = { "bind", "bind ADDRESS...",
		       "hand devices to VFIO", true, true,
		       IS_ENABLED(CONFIG_DEVCMD) },
	[CMD_UNBIND] = { "unbind", "unbind ADDRESS...",
			 "give devices back to the driver they had", true,
			 true,
			 IS_ENABLED(CONFIG_DEVCMD) },
	ROW_IF(CONFIG_CONTROL,
	       [CMD_CTL] = { "ctl", "ctl SOCKET COMMAND [ARGUMENT]...",
			     "control a guest that runs", true, true, true })
};

OPTIONS_SHARED bool option_may_be_bare(const struct option *o)
{
	return IS_ENABLED(CONFIG_VFIO_NOIOMMU) && o->arg && o->arg[0] == '[';
}

static void print_options(unsigned int mask)
{
	const struct option *o;
	char left[64];

	for (o = options; o < options + ARRAY_SIZE(options); o++) {
		if (!(o->commands & mask))
			continue;
		memcpy(left, "    ", 4);
		if (o->letter) {
			memcpy(left, "-?,", 3);
			left[1] = o->letter;
		}
		snprintf(left + 4, sizeof(left) - 4, "--%s%s%s", o->name,
			 option_may_be_bare(o) ? "" : " ", o->arg ? o->arg : "");
		printf("  %-36s %s\n", left, o->help);
	}
}

static _Noreturn void print_help(int command)
{
	unsigned int i;

	if (command >= 0) {
		printf("usage: postern %s\n\n", commands[command].usage);
		print_options(BIT(command));
		if (command == CMD_CTL)
			control_help();
		exit(STATUS_OK);
	}
	printf("postern: a small virtual machine monitor with device assignment\n\n");
	for (i = 0; i < CMD_NR; i++)
		if (commands[i].there)
			printf("  postern %-32s %s\n", commands[i].usage,
			       commands[i].help);
	printf("  postern %-32s %s\n", "--help | --version", "");
	printf("\noptions of run:\n");
	print_options(RUN);
	exit(STATUS_OK);
}

static _Noreturn void usage_exit(int command)
{
	log_hint("postern %s%s--help", command >= 0 ? commands[command].name : "",
		 command >= 0 ? " " : "");
	exit(STATUS_USAGE);
}

int parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	unsigned int shift = 0;
	const char *unit;
	char *end;

	if (*text < '0' || *text > '9')
		return -EDOM;
	errno = 0;
	*size = strtoull(text, &end, 0);
	if (errno)
		return -EDOM;
	if (*end) {
		unit = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
		if (!unit || end[1])
			return -EDOM;
		shift = 10 * (unit - units + 1);
	}
	if (*size > UINT64_MAX >> shift)
		return -EDOM;
	*size <<= shift;
	return 0;
}

static const char *set_size(const struct option *o, void *field,
			    const char *val)
{
	if (parse_size(val, field) < 0)
		return "not a size (a number with K, M or G)";
	if (*(uint64_t *)field < o->min)
		return o->min == 32 * MiB ? "at least 32M" : "too small";
	return NULL;
}

static const char *set_number(const struct option *o, unsigned int *field,
			      const char *val)
{
	uint64_t n;

	if (parse_size(val, &n) < 0 || val[strspn(val, "0123456789")])
		return "not a number";
	if (n < o->min || n > o->max)
		return "out of range";
	*field = n;
	return NULL;
}

static const char *set_choice(const struct option *o, unsigned int *field,
			      const char *val)
{
	const char *c = o->choices;
	unsigned int i;

	for (i = 0; *c; i++) {
		size_t len = strcspn(c, "|");

		if (strlen(val) == len && !memcmp(c, val, len)) {
			*field = i;
			return NULL;
		}
		c += len;
		c += *c == '|';
	}
	return "not one of its choices";
}

static const char *append(const char **list, unsigned int *nr,
			  unsigned int max, const char *val)
{
	if (*nr == max)
		return "too many of these";
	list[(*nr)++] = val;
	return NULL;
}

static const char *add_virtio(struct config *cfg, const struct option *o,
			      const char *val)
{
	if (cfg->nr_virtio == CONFIG_VIRTIO_MAX)
		return "too many of these";
	cfg->virtio[cfg->nr_virtio++] = (struct virtio_config){ o->name, val };
	return NULL;
}

/* Returns what is wrong with @val, or NULL. */
static const char *set_option(struct config *cfg, const struct option *o,
			      const char *val)
{
	void *field = (char *)cfg + o->field;

	switch (o->kind) {
	case KIND_FLAG:
	case KIND_ACTION:
		*(bool *)field = true;
		return NULL;
	case KIND_STRING:
		*(const char **)field = val;
		return NULL;
	case KIND_SIZE:
		return set_size(o, field, val);
	case KIND_NUMBER:
		return set_number(o, field, val);
	case KIND_CHOICE:
		return set_choice(o, field, val);
	case KIND_DEVICE:
		return append(cfg->vfio, &cfg->nr_vfio, CONFIG_VFIO_MAX, val);
	case KIND_PLATFORM:
		return append(cfg->vfio_platform, &cfg->nr_vfio_platform,
			      CONFIG_VFIO_MAX, val);
	case KIND_OVERLAY:
		return append(cfg->dtb_overlay, &cfg->nr_dtb_overlay,
			      CONFIG_OVERLAYS_MAX, val);
	case KIND_FLASH:
		return IS_ENABLED(CONFIG_FLASH_CFI) ?
			append(cfg->flash, &cfg->nr_flash, CONFIG_FLASH_MAX,
			       val) : NULL;
	case KIND_VIRTIO:
		return IS_ENABLED(CONFIG_VIRTIO) ? add_virtio(cfg, o, val) :
			NULL;
	case KIND_CONFIG:	/* has been read before */
		return NULL;
	}
	return NULL;
}

OPTIONS_SHARED const struct option *option_find(const char *arg, int command)
{
	unsigned int mask = command >= 0 ? BIT(command) : BIT(CMD_NR) - 1;
	const struct option *o;
	size_t len = strcspn(arg, "=") - 2;

	for (o = options; o < options + ARRAY_SIZE(options); o++) {
		if (!(o->commands & mask))
			continue;
		if (!strncmp(arg, "--", 2) && strlen(o->name) == len &&
		    !memcmp(arg + 2, o->name, len))
			return o;
		if (arg[0] == '-' && o->letter && arg[1] == o->letter &&
		    !arg[2])
			return o;
	}
	return NULL;
}

static int wrong(const struct option *o, const char *where, const char *val,
		 const char *why)
{
	if (o->kind == KIND_CHOICE)
		log_err("%s--%s: '%s': %s: %s", where, o->name, val, why,
			o->choices);
	else if (o->kind == KIND_NUMBER)
		log_err("%s--%s: '%s': %s: %" PRIu64 " to %" PRIu64, where,
			o->name, val, why, o->min, o->max);
	else
		log_err("%s--%s: '%s': %s", where, o->name, val, why);
	return -EDOM;
}

OPTIONS_SHARED int option_set(struct config *cfg, const struct option *o,
			      const char *val, const char *where)
{
	const char *why;

	if (!o->arg && val) {
		log_err("%s--%s: takes no value", where, o->name);
		return -EDOM;
	}
	if (o->arg && !val) {
		log_err("%s--%s: needs a value: %s", where, o->name, o->arg);
		return -EDOM;
	}
	why = set_option(cfg, o, val);
	return why ? wrong(o, where, val, why) : 0;
}

OPTIONS_SHARED int option_value(const struct option *o, int argc, char **argv,
				const char **val)
{
	const char *in = strchr(argv[0], '=');

	*val = in ? in + 1 : NULL;
	if (in || !o->arg)
		return 1;
	if (option_may_be_bare(o)) {
		*val = "on";
		return 1;
	}
	if (argc > 1)
		*val = argv[1];
	return 2;
}

/* Handle argv[0], an option; returns how many arguments it took. */
static int parse_option(struct command_line *line, int command, int argc,
			char **argv)
{
	const struct option *o = option_find(argv[0], command);
	const char *val;
	int took;

	if (!o) {
		log_err("unknown option: %s", argv[0]);
		usage_exit(command);
	}
	if (!strcmp(o->name, "help"))
		print_help(command);
	if (!strcmp(o->name, "version")) {
		printf("postern %s\n", POSTERN_VERSION);
		exit(STATUS_OK);
	}
	took = option_value(o, argc, argv, &val);
	if (option_set(&line->cfg, o, val, "") < 0)
		usage_exit(command);
	return took;
}

OPTIONS_SHARED const struct option *options_each(unsigned int i)
{
	const struct option *o;

	for (o = options; o < options + ARRAY_SIZE(options); o++)
		if (o->commands & RUN && !i--)
			return o;
	return NULL;
}

static int find_command(const char *name)
{
	int i;

	for (i = 0; i < CMD_NR; i++)
		if (commands[i].there && !strcmp(name, commands[i].name))
			return i;
	log_err("unknown command: %s", name);
	usage_exit(-1);
}

static void check_complete(struct command_line *line)
{
	bool flash = IS_ENABLED(CONFIG_FLASH_CFI) && line->cfg.nr_flash;

	if (line->command == CMD_RUN && !line->cfg.kernel &&
	    (!flash || line->cfg.initrd)) {
		log_err(flash ? "--initrd: no kernel given" : "no kernel given");
		log_hint("postern run --kernel FILE");
		exit(STATUS_USAGE);
	}
	if (line->command == CMD_RUN && config_noiommu(&line->cfg) &&
	    !line->cfg.nr_vfio && !line->cfg.nr_vfio_platform) {
		log_err("--noiommu: no device given");
		log_hint("postern run --noiommu --vfio ADDRESS");
		exit(STATUS_USAGE);
	}
	if (commands[line->command].needs_args && !line->nr_args) {
		log_err("%s: no %s given", commands[line->command].name,
			IS_ENABLED(CONFIG_CONTROL) &&
			line->command == CMD_CTL ? "socket" : "device");
		usage_exit(line->command);
	}
}

void options_parse(struct command_line *line, int argc, char **argv)
{
	int command = -1, i = 1, nr = 0, err;

	*line = (struct command_line){
		.cfg.memory = 256 * MiB,
		.cfg.cpus = 1,
		.cfg.stop_timeout = 10,
		.cfg.append = "",
		.args = argv,	/* gathered in place: never ahead of i */
	};
	if (IS_ENABLED(CONFIG_CONFIG_FILE)) {
		err = config_files(line, argc, argv);
		if (err < 0)
			exit(status_of(err));
	}
	while (i < argc) {
		if (argv[i][0] == '-' && argv[i][1]) {
			i += parse_option(line, command, argc - i, argv + i);
		} else if (command < 0) {
			command = find_command(argv[i++]);
		} else if (commands[command].takes_args) {
			argv[nr++] = argv[i++];
		} else {
			log_err("%s: unexpected argument: %s",
				commands[command].name, argv[i]);
			usage_exit(command);
		}
	}
	if (command < 0) {
		log_err("no command given");
		usage_exit(-1);
	}
	line->command = command;
	line->nr_args = nr;
	check_complete(line);
}
