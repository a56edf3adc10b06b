/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's end of the guest's console: bytes between two host file
 * descriptors and one emulated port. Output is collected and written by the
 * main thread, so that no vCPU waits for a terminal; input is read only as
 * fast as the guest takes it.
 *
 * On a terminal, Ctrl-A is the escape: then x ends the machine at once (as
 * pulling the plug does; status 0), b presses the power button, Ctrl-A sends
 * Ctrl-A, h shows this list.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

struct vm;
struct console;

/* What a port wants to know; called on the main thread, without a lock. */
struct console_ops {
	void (*input)(void *owner);	/* console_getc() has something */
	void (*room)(void *owner);	/* console_putc() takes more again */
	/*
	 * Input has ended; may be NULL. It may destroy the console. (Ports of
	 * CONFIG_VIRTIO_CONSOLE only.)
	 */
	void (*hangup)(void *owner);
};

/*
 * console_create - serve @in and @out, -1 for none; both stay the caller's.
 * A terminal on @in becomes raw (term.h). SIGPIPE is ignored from then on.
 * Prints its errors.
 */
int console_create(struct vm *vm, int in, int out, struct console **console);
/*
 * console_destroy - after the vCPUs have stopped: write what is left, waiting
 * for a slow reader for at most two seconds without progress.
 */
void console_destroy(struct console *console);

/*
 * console_listen - take input from @in, of a console created without: as it is,
 * no terminal. console_lossy - what nobody reads for a second is dropped.
 */
void console_listen(struct console *console, int in);
void console_lossy(struct console *console);

/* console_connect - @owner's port is at this end now; NULL @ops: nobody. */
void console_connect(struct console *console, const struct console_ops *ops,
		     void *owner);

/* console_getc - the next byte of input, or -1. Any thread; never waits. */
int console_getc(struct console *console);
/* What a port may still put after console_putc() has said there is room. */
#define CONSOLE_ROOM 16
/*
 * console_putc - take @c for output. Any thread; never waits. Returns whether
 * there is room for CONSOLE_ROOM more; if not, room() is called once there is.
 * Without any room left, @c is dropped.
 */
bool console_putc(struct console *console, uint8_t c);

#endif
