/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's terminal in raw mode, and back again on every way out. There is
 * one terminal for the process, so its saved settings are one of the few
 * file-scope variables.
 */
#ifndef VMM_TERM_H
#define VMM_TERM_H

#include <stdbool.h>

enum term_kind {
	TERM_NONE,	/* not a terminal: left alone */
	TERM_BACKGROUND, /* a terminal that belongs to another job */
	TERM_RAW,	/* now raw */
};

/*
 * term_raw - if @fd is a terminal and this process is in its foreground, pass
 * every key on unchanged, signals' keys too. Output processing stays on, so
 * that messages' newlines still work. Signals that would end the process and
 * are not handled yet are caught to restore the terminal first.
 */
enum term_kind term_raw(int fd);

/*
 * term_restore - undo term_raw(), if it was done. Safe in a signal handler,
 * from any thread, and any number of times.
 */
void term_restore(void);

#endif
