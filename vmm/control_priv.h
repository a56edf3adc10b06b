/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands, between the server and those who carry them out.
 */
#ifndef VMM_CONTROL_PRIV_H
#define VMM_CONTROL_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/json.h"

struct vm;

/* A reply being put together; the server has begun "ok": true. */
struct reply {
	struct json json;
	char *text;		/* in its place, if @len is not 0 */
	size_t size, len;
	int fd;			/* that came with the request, or -1 */
	unsigned int later;	/* what is waited for: control_done() */
	const char *error;	/* good until it is sent; then an exit status goes with it */
	int status;
};

struct control_command {
	const char *name;
	const char *args;	/* as --help shows them, or NULL: takes none */
	const char *help;
	/* @args: what is behind the command, blanks at its ends cut off. */
	void (*run)(struct vm *vm, struct reply *reply, char *args);
};

/* The table ends with a name of NULL. */
extern const struct control_command control_commands[];

/* control_stats - the command `stats`. */
void control_stats(struct vm *vm, struct reply *reply, char *args);

/* control_add, control_remove - the commands of that name. */
void control_add(struct vm *vm, struct reply *reply, char *args);
void control_remove(struct vm *vm, struct reply *reply, char *args);

/* reply_error - refuse, with the exit status that it has for `postern ctl`. */
static inline void reply_error(struct reply *reply, int status,
			       const char *error)
{
	reply->status = status;
	reply->error = error;
}

#endif
