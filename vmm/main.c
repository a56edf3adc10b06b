/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The porch: parse, build, run, take down.
 */
#include <signal.h>
#include <stdlib.h>

#include "devices/vfio/command.h"
#include "vmm/control.h"
#include "vmm/log.h"
#include "vmm/options.h"
#include "vmm/sys.h"
#include "vmm/term.h"
#include "vmm/vm.h"

/* Signals wait for the event loop; no other thread is to take them. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int run(const struct config *cfg)
{
	static struct vm vm;
	int ret;

	if (cfg->quiet)
		log_quiet();
	if (cfg->trace && trace_set(cfg->trace) < 0) {
		log_err("--trace: '%s': no such category", cfg->trace);
		return STATUS_USAGE;
	}
	if (IS_ENABLED(CONFIG_CONFIG_FILE) && cfg->print_config)
		return status_of(config_print(cfg));
	block_signals();
	ret = vm_create(&vm, cfg);
	if (ret < 0) {
		term_restore();
		return status_of(ret);
	}
	ret = STATUS_OK;
	if (IS_ENABLED(CONFIG_CONFIG_FILE) && cfg->dry_run)
		log_info("dry run: nothing stands in the way");
	else
		ret = vm_run(&vm);
	vm_destroy(&vm);
	term_restore();
	return ret;
}

/* vmm/program.ld's: what the start has written, pointers to functions mostly. */
extern const char relro_begin[], relro_end[];

int main(int argc, char **argv)
{
	struct command_line line;

	/* The C library of a static program leaves it to us. */
	sys_readonly(relro_begin, relro_end);
	options_parse(&line, argc, argv);
	if (IS_ENABLED(CONFIG_CONTROL) && line.command == CMD_CTL)
		return control_ctl(&line.cfg, line.nr_args, line.args);
	switch (line.command) {
	case CMD_CHECK:
		return command_check(&line.cfg, line.nr_args, line.args);
	case CMD_DEVICES:
		return status_of(command_devices(&line.cfg, line.nr_args,
						 line.args));
	case CMD_BIND:
		return status_of(command_bind(line.nr_args, line.args));
	case CMD_UNBIND:
		return status_of(command_unbind(line.nr_args, line.args));
	default:
		return run(&line.cfg);
	}
}
