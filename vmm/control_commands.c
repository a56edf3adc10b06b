/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked of a machine that runs: the one table of commands, and
 * what is behind them. The guest's clock goes on while it is paused, and so
 * do assigned devices.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/arch.h"
#include "vmm/control.h"
#include "vmm/control_priv.h"
#include "vmm/hotplug.h"
#include "vmm/log.h"
#include "vmm/vm.h"

static uint64_t cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static const char *state(const struct vm *vm)
{
	if (vm->state == VM_STOPPING)
		return "stopping";
	return vm->paused ? "paused" : "running";
}

static void run_status(struct vm *vm, struct reply *reply, char *args)
{
	json_text(&reply->json, "state", state(vm));
	json_number(&reply->json, "pid", getpid());
	json_text(&reply->json, "version", POSTERN_VERSION);
	json_number(&reply->json, "uptime_us",
		    (time_now() - vm->started) / 1000);
	json_number(&reply->json, "cpus", vm->nr_vcpus);
	json_number(&reply->json, "memory", vm->cfg->memory);
	if (IS_ENABLED(CONFIG_HOTPLUG) && vm->hotplug)
		hotplug_status(vm, &reply->json);
}

/* The one way to ask for it is the signal's, which is this thread's to read. */
static void run_stop(struct vm *vm, struct reply *reply, char *args)
{
	raise(SIGTERM);
}

static void run_kill(struct vm *vm, struct reply *reply, char *args)
{
	vm_stop(vm, STATUS_SIGNAL + SIGKILL);
}

static void run_power_button(struct vm *vm, struct reply *reply, char *args)
{
	board_power_button(vm);
}

static void run_pause(struct vm *vm, struct reply *reply, char *args)
{
	vm_pause(vm);
	json_text(&reply->json, "state", state(vm));
}

static void run_resume(struct vm *vm, struct reply *reply, char *args)
{
	if (vm_resume(vm) < 0)
		reply_error(reply, STATUS_KERNEL, "cannot start the threads");
	else
		json_text(&reply->json, "state", state(vm));
}

const struct control_command control_commands[] = {
	{ "status", NULL, "whether it runs, and since when", run_status },
	{ "stop", NULL, "ask the guest to power off, as SIGTERM does",
	  run_stop },
	{ "kill", NULL, "end it at once, with status 137", run_kill },
	{ "pause", NULL, "take the virtual processors out of the guest",
	  run_pause },
	{ "resume", NULL, "let them go on", run_resume },
	{ "power-button", NULL, "press it", run_power_button },
	ROW_IF(CONFIG_HOTPLUG,
	       { "add", "DEVICE",
		 "put vfio=ADDRESS, disk=FILE or net=tap=NAME into a free slot",
		 control_add })
	ROW_IF(CONFIG_HOTPLUG,
	       { "remove", "SLOT [SECONDS]",
		 "have the guest let go of it, and give it back [30]",
		 control_remove })
	{ "stats", "[--prometheus]", "what there is to count", control_stats },
	{ NULL, NULL, NULL, NULL },
};

void control_help(void)
{
	const struct control_command *c;
	char left[40];

	printf("\ncommands:\n");
	for (c = control_commands; c->name; c++) {
		snprintf(left, sizeof(left), "%s %s", c->name,
			 c->args ? c->args : "");
		printf("  %-36s %s\n", left, c->help);
	}
}

/* ---- stats -------------------------------------------------------------- */

static const char *const exit_names[EXIT_KINDS] = {
	[EXIT_IO] = "io",
	[EXIT_MMIO] = "mmio",
	[EXIT_OTHER] = "other",
};

/* A figure of the whole machine; the name is that of both forms. */
struct figure {
	const char *name;
	const char *type;
	const char *help;
	uint64_t value;
};

#define FIGURES 6

static void figures(struct vm *vm, struct figure *f)
{
	struct figure list[FIGURES] = {
		{ "paused", "gauge", "whether it is paused", vm->paused },
		{ "uptime_us", "counter", "since the start",
		  (time_now() - vm->started) / 1000 },
		{ "cpu_us", "counter", "processor time of this process",
		  cpu_time() / 1000 },
		{ "cpus", "gauge", "virtual processors", vm->nr_vcpus },
		{ "memory_bytes", "gauge", "guest RAM", vm->cfg->memory },
		{ "resets", "counter", "of the guest", vm->resets },
	};

	memcpy(f, list, sizeof(list));
}

static void stats_json(struct vm *vm, struct json *j)
{
	struct figure f[FIGURES];
	unsigned int i, kind;
	char name[12];

	figures(vm, f);
	for (i = 0; i < FIGURES; i++)
		json_number(j, f[i].name, f[i].value);
	json_open(j, "exits");
	for (i = 0; i < vm->nr_vcpus; i++) {
		snprintf(name, sizeof(name), "%u", i);
		json_open(j, name);
		for (kind = 0; kind < EXIT_KINDS; kind++)
			json_number(j, exit_names[kind],
				    vm->vcpus[i].exits[kind]);
		json_close(j);
	}
	json_close(j);
}

static void PRINTF_LIKE(2, 3) put(struct reply *reply, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(reply->text + reply->len, reply->size - reply->len, fmt,
		      args);
	va_end(args);
	if (n > 0)
		reply->len = MIN(reply->len + n, reply->size - 1);
}

static void put_head(struct reply *reply, const char *name, const char *type,
		     const char *help)
{
	put(reply, "# HELP postern_%s %s\n# TYPE postern_%s %s\n", name, help,
	    name, type);
}

/* OpenMetrics 1.0: what counts has _total behind its name. */
static void stats_text(struct vm *vm, struct reply *reply)
{
	struct figure f[FIGURES];
	unsigned int i, kind;

	figures(vm, f);
	for (i = 0; i < FIGURES; i++) {
		put_head(reply, f[i].name, f[i].type, f[i].help);
		put(reply, "postern_%s%s %" PRIu64 "\n", f[i].name,
		    *f[i].type == 'c' ? "_total" : "", f[i].value);
	}
	put_head(reply, "exits", "counter", "from the guest to this process");
	for (i = 0; i < vm->nr_vcpus; i++)
		for (kind = 0; kind < EXIT_KINDS; kind++)
			put(reply, "postern_exits_total{vcpu=\"%u\",kind=\"%s\"} %"
			    PRIu64 "\n", i, exit_names[kind],
			    vm->vcpus[i].exits[kind]);
	put(reply, "# EOF\n");
}

void control_stats(struct vm *vm, struct reply *reply, char *args)
{
	if (!strcmp(args, "--prometheus"))
		stats_text(vm, reply);
	else if (*args)
		reply_error(reply, STATUS_USAGE, "takes --prometheus or nothing");
	else
		stats_json(vm, &reply->json);
}
