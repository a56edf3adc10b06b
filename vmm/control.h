/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control of a machine that runs, over a UNIX stream socket. A request is a
 * line of words, the command and its arguments; the reply is a line of JSON,
 *
 *	status
 *	{"ok": true, "state": "running", ...}
 *	frob
 *	{"ok": false, "status": 64, "error": "frob: unknown command"}
 *
 * but for `stats --prometheus`, whose reply is many lines of text, the last
 * one `# EOF` (OpenMetrics 1.0).
 *
 * All happens on the main thread, and nothing waits for a client: who does
 * not take a reply, or sends a line that is too long, is let go; of too many
 * the one that has been silent longest.
 */
#ifndef VMM_CONTROL_H
#define VMM_CONTROL_H

#include "vmm/util.h"

struct vm;
struct config;

#define CONTROL_CLIENTS 8
#define CONTROL_LINE 4096	/* of a request, with its newline */

#if IS_ENABLED(CONFIG_CONTROL)
/*
 * control_create - listen at vm->cfg->control, if there is one: a path, or
 * fd:N for a socket that listens or is connected. Prints its errors: -EBUSY
 * where somebody listens at that path, or there is something else.
 * control_destroy - and the path is gone.
 */
int control_create(struct vm *vm);
void control_destroy(struct vm *vm);

/*
 * control_done - answer those who wait for @what (a reply's later): that all is
 * well, or the exit status @status and why.
 */
void control_done(struct vm *vm, unsigned int what, int status,
		  const char *why);

/* control_dir - the folder that its socket is in, open, or -1. */
int control_dir(const struct vm *vm);

/*
 * control_ctl - `postern ctl SOCKET COMMAND`: send @args[1...], print the
 * reply. Returns the exit status.
 */
int control_ctl(const struct config *cfg, int n, char **args);
/* control_help - the commands there are, on standard output. */
void control_help(void);
#else
static inline int control_create(struct vm *vm)
{
	return 0;
}

static inline void control_destroy(struct vm *vm)
{
}

static inline int control_dir(const struct vm *vm)
{
	return -1;
}

static inline int control_ctl(const struct config *cfg, int n, char **args)
{
	return 0;
}

static inline void control_help(void)
{
}
#endif

#endif
