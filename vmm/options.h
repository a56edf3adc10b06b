/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line. One table holds every option; parsing, --help and the
 * check that the man page names them all are driven by it.
 */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include "vmm/config.h"

enum command {
	CMD_RUN,
	CMD_CHECK,
	CMD_DEVICES,
	CMD_BIND,
	CMD_UNBIND,
	CMD_CTL,
	CMD_NR
};

struct command_line {
	enum command command;
	struct config cfg;
	int nr_args;		/* what is left: devices to bind */
	char **args;
	struct config_text *texts;	/* of --config, which cfg points into */
};

/*
 * options_parse - fill @line with the defaults and then what @argv says.
 * Prints and exits on --help, --version (0) and on any mistake (64).
 */
void options_parse(struct command_line *line, int argc, char **argv);

/*
 * parse_size - a number of bytes with an optional K, M, G or T. Returns 0,
 * or -EDOM when it is not that or does not fit.
 */
int parse_size(const char *text, uint64_t *size);

#if IS_ENABLED(CONFIG_CONFIG_FILE)
/*
 * config_print - @cfg on standard output, as a file that --config makes the
 * same of. Returns 0, or -EIO if it cannot be written.
 * options_release - the memory of files that were read; cfg is void then.
 */
int config_print(const struct config *cfg);
void options_release(struct command_line *line);
#else
static inline int config_print(const struct config *cfg)
{
	return 0;
}
#endif

#endif
