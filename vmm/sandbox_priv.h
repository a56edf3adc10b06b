/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tools/sandbox.c makes at build time.
 */
#ifndef VMM_SANDBOX_PRIV_H
#define VMM_SANDBOX_PRIV_H

#include "vmm/sandbox_kind.h"

struct sock_filter;

/* A filter that lets pass what a kind of thread may call, and traps all else. */
struct sandbox_filter {
	const struct sock_filter *insns;
	unsigned int nr;
};

extern const struct sandbox_filter sandbox_filters[SANDBOX_KINDS];

/*
 * sandbox_join - a filter, of both's length, that lets pass what one of the two
 * does; @out has the room.
 */
void sandbox_join(struct sock_filter *out, const struct sandbox_filter *first,
		  const struct sandbox_filter *second);

/* The names of all system calls by number, each ended by a NUL; "": none. */
extern const char sandbox_names[];
extern const unsigned int sandbox_nr_names;

#endif
