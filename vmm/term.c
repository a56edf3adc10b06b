/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw mode and the way back; see term.h. POSIX says that tcsetattr() may be
 * called in a signal handler, and so everything in term_restore() may.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/term.h"
#include "vmm/util.h"

/* The one terminal; @saved and @fd are valid while @raw. */
static struct {
	struct termios saved;
	int fd;
	_Atomic bool raw;
} term;

/* What would end the process without a word. SIGKILL can't be caught. */
static const int deadly[] = {
	SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP,
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2,
	SIGXCPU, SIGXFSZ,
};

/* The signal had its default action, and gets it now. */
static void restore_and_die(int number)
{
	term_restore();
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_deadly(void)
{
	struct sigaction act = { .sa_handler = restore_and_die }, old;
	unsigned int i;

	/* Not masked inside the handler, so that raise() works there. */
	act.sa_flags = SA_NODEFER;
	for (i = 0; i < ARRAY_SIZE(deadly); i++)
		if (!sigaction(deadly[i], NULL, &old) &&
		    !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
			sigaction(deadly[i], &act, NULL);
}

enum term_kind term_raw(int fd)
{
	struct termios tio;

	if (tcgetattr(fd, &tio) < 0)
		return TERM_NONE;
	/* Touching it from the background would stop the process. */
	if (tcgetpgrp(fd) != getpgrp())
		return TERM_BACKGROUND;
	term.saved = tio;
	term.fd = fd;
	catch_deadly();
	tio.c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR |
			 ICRNL | IXON);
	tio.c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	tio.c_cc[VMIN] = 1;
	tio.c_cc[VTIME] = 0;
	term.raw = true;
	tcsetattr(fd, TCSANOW, &tio);
	return TERM_RAW;
}

void term_restore(void)
{
	int err = errno;

	if (atomic_exchange(&term.raw, false))
		tcsetattr(term.fd, TCSANOW, &term.saved);
	errno = err;
}
