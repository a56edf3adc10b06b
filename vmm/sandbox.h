/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is left of this process's rights once everything is open: another
 * user and root folder if asked for, no new privileges, no files
 * (Landlock, where the host has it), and only the system calls that its
 * threads make, by kind (seccomp; ioctls by request). A call that is not
 * among them ends the process with its name and status 70. Linux:
 * Documentation/userspace-api/seccomp_filter.rst and landlock.rst.
 */
#ifndef VMM_SANDBOX_H
#define VMM_SANDBOX_H

#include "vmm/sandbox_kind.h"
#include "vmm/util.h"

struct vm;
struct config;

#if IS_ENABLED(CONFIG_SANDBOX)
/*
 * sandbox_enter - the main thread, before it starts threads that are to be in
 * it. Prints its errors. There is no way back.
 */
int sandbox_enter(const struct vm *vm);
/*
 * sandbox_thread - in a thread that was started from there, first of all: it
 * keeps what its @kind may. Where that cannot be had, the thread has the main
 * thread's rights.
 */
void sandbox_thread(const struct config *cfg, enum sandbox_kind kind);
#else
static inline int sandbox_enter(const struct vm *vm)
{
	return 0;
}

static inline void sandbox_thread(const struct config *cfg,
				  enum sandbox_kind kind)
{
}
#endif

#endif
