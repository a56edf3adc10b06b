/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two rings between host descriptors and a port; see console.h. The host's
 * descriptors may be shared with other programs, so their flags are never
 * changed: input is read only when epoll says that there is some, and output
 * goes through a non-blocking descriptor of our own where Linux gives one.
 *
 * The first byte of output sets a timer of a millisecond, so that a write takes
 * along what comes soon after: a write for each byte would cost more than the
 * guest's own exits.
 *
 * The lock guards the rings. A port calls in with its own lock held and is
 * called back without this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "vmm/arch.h"
#include "vmm/console.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/term.h"
#include "vmm/vm.h"

#define ESCAPE 1		/* Ctrl-A */
#define FLUSH_MS 1		/* for more output to gather before a write */
#define RETRY_MS 10		/* to a full pipe or terminal */
#define LOSSY_TRIES 100		/* of those, before output is dropped */
#define DRAIN_MS 2000		/* at the end, without progress */

#define IN_SIZE 256
#define OUT_SIZE 4096

enum in_state {
	IN_NONE,	/* no input, or its end was seen */
	IN_WATCHED,	/* epoll tells */
	IN_HELD,	/* the ring is full: not watched for now */
	IN_FILE,	/* epoll can't tell: read when the port asks */
};

struct console {
	struct vm *vm;
	pthread_mutex_t lock;
	const struct console_ops *ops;
	void *owner;

	int in;
	enum in_state in_state;
	bool terminal;		/* escapes are looked for */
	bool escaped;		/* the last byte was Ctrl-A */
	uint8_t in_ring[IN_SIZE];
	unsigned int in_at, in_len;

	int out;		/* -1: nobody listens */
	bool out_own;
	int timer;		/* when to write */
	bool due;		/* it is set, or the main thread is at it */
	bool wants_room;	/* the port was told to wait */
	bool lossy;
	unsigned int stalled;	/* tries in a row that nobody read anything */
	uint8_t out_ring[OUT_SIZE];
	unsigned int out_at, out_len;
};

static void in_ready(void *arg);

/* ---- input -------------------------------------------------------------- */

static const char help[] =
	"\nCtrl-A x  end the machine at once\n"
	"Ctrl-A b  press the power button\n"
	"Ctrl-A h  this list\n"
	"Ctrl-A Ctrl-A  send Ctrl-A\n";

/* Whether the guest gets @c; else it was, or began, a command to us. */
static bool pass_on(struct console *con, uint8_t c)
{
	if (!con->terminal)
		return true;
	if (!con->escaped) {
		con->escaped = c == ESCAPE;
		return !con->escaped;
	}
	con->escaped = false;
	switch (c) {
	case ESCAPE:
		return true;
	case 'x':
		vm_stop(con->vm, STATUS_OK);
		break;
	case 'b':
		board_power_button(con->vm);
		break;
	case 'h':
	case '?':
		fputs(help, stderr);
		break;
	}
	return false;
}

static void in_push(struct console *con, uint8_t c)
{
	con->in_ring[(con->in_at + con->in_len++) % IN_SIZE] = c;
}

/* The end of input, or an error on it: the guest goes on without. */
static void in_end(struct console *con)
{
	if (con->in_state == IN_WATCHED)
		loop_del(&con->vm->loop, con->in);
	con->in_state = IN_NONE;
}

static void in_watch(struct console *con)
{
	int err = loop_add(&con->vm->loop, con->in, in_ready, con);

	con->in_state = err < 0 ? IN_NONE : IN_WATCHED;
	/* Files and /dev/null are always ready, which epoll won't say. */
	if (err == -EPERM)
		con->in_state = IN_FILE;
	else if (err < 0)
		log_warn("console: no input: %s", err_text(err));
}

/* The main thread: epoll says that a read won't wait. */
static void in_ready(void *arg)
{
	struct console *con = arg;
	uint8_t buf[IN_SIZE];
	unsigned int room;
	ssize_t n, i;
	bool over;

	pthread_mutex_lock(&con->lock);
	room = IN_SIZE - con->in_len;
	pthread_mutex_unlock(&con->lock);
	n = room ? sys_read(con->in, buf, room) : -EAGAIN;
	for (i = 0; i < n; i++) {
		if (!pass_on(con, buf[i]))
			continue;
		pthread_mutex_lock(&con->lock);
		in_push(con, buf[i]);
		pthread_mutex_unlock(&con->lock);
	}
	pthread_mutex_lock(&con->lock);
	over = n <= 0 && n != -EAGAIN;
	if (over) {
		in_end(con);
	} else if (con->in_len == IN_SIZE) {
		loop_del(&con->vm->loop, con->in);
		con->in_state = IN_HELD;
	}
	pthread_mutex_unlock(&con->lock);
	if (con->ops)
		con->ops->input(con->owner);
	if (IS_ENABLED(CONFIG_VIRTIO_CONSOLE) && over && con->ops &&
	    con->ops->hangup)
		con->ops->hangup(con->owner);
}

static void in_from_file(struct console *con)
{
	ssize_t n = sys_read(con->in, con->in_ring, IN_SIZE);

	if (n <= 0)
		in_end(con);
	con->in_at = 0;
	con->in_len = n > 0 ? n : 0;
}

int console_getc(struct console *con)
{
	int c = -1;

	pthread_mutex_lock(&con->lock);
	if (!con->in_len && con->in_state == IN_FILE)
		in_from_file(con);
	if (con->in_len) {
		c = con->in_ring[con->in_at];
		con->in_at = (con->in_at + 1) % IN_SIZE;
		con->in_len--;
	}
	if (con->in_state == IN_HELD && con->in_len <= IN_SIZE / 2)
		in_watch(con);
	pthread_mutex_unlock(&con->lock);
	return c;
}

/* ---- output ------------------------------------------------------------- */

/*
 * Write the ring's first stretch. Returns the bytes left, or -errno. Only the
 * writing thread takes bytes out, so they stay put while the lock is off.
 */
static int out_some(struct console *con)
{
	unsigned int at, len;
	ssize_t n;
	int left;

	pthread_mutex_lock(&con->lock);
	at = con->out_at;
	len = MIN(con->out_len, OUT_SIZE - at);
	pthread_mutex_unlock(&con->lock);
	n = len && con->out >= 0 ?
		sys_write(con->out, con->out_ring + at, len) : (ssize_t)len;
	if (n < 0)
		return n;
	pthread_mutex_lock(&con->lock);
	con->out_at = (at + n) % OUT_SIZE;
	con->out_len -= n;
	left = con->out_len;
	if (!left)
		con->due = false;
	pthread_mutex_unlock(&con->lock);
	return left;
}

static bool out_room(const struct console *con)
{
	return con->out_len + CONSOLE_ROOM <= OUT_SIZE;
}

static void out_after(struct console *con, unsigned int ms)
{
	struct itimerspec when = { .it_value.tv_nsec = ms * 1000000L };

	timerfd_settime(con->timer, 0, &when, NULL);
}

/* Who has gone away for long would hold the guest up. */
static int out_lossy(struct console *con, int left)
{
	con->stalled = left == -EAGAIN ? con->stalled + 1 : 0;
	if (con->stalled <= LOSSY_TRIES)
		return left;
	pthread_mutex_lock(&con->lock);
	con->out_len = 0;
	con->due = false;
	pthread_mutex_unlock(&con->lock);
	return 0;
}

static void out_flush(struct console *con)
{
	int left;

	do
		left = out_some(con);
	while (left > 0);
	if (IS_ENABLED(CONFIG_VIRTIO_CONSOLE) && con->lossy)
		left = out_lossy(con, left);
	if (left == -EAGAIN) {
		out_after(con, RETRY_MS);
	} else if (left < 0) {
		log_warn("console: output is lost from here on: %s",
			 err_text(left));
		con->out = -1;
		out_flush(con);
	}
}

static void out_due(void *arg)
{
	struct console *con = arg;
	uint64_t count;
	bool wanted;

	sys_read(con->timer, &count, sizeof(count));
	out_flush(con);
	pthread_mutex_lock(&con->lock);
	wanted = con->wants_room && out_room(con);
	if (wanted)
		con->wants_room = false;
	pthread_mutex_unlock(&con->lock);
	if (wanted && con->ops)
		con->ops->room(con->owner);
}

bool console_putc(struct console *con, uint8_t c)
{
	bool first = false, room;

	pthread_mutex_lock(&con->lock);
	if (con->out_len < OUT_SIZE) {
		con->out_ring[(con->out_at + con->out_len++) % OUT_SIZE] = c;
		first = !con->due;
		con->due = true;
	}
	room = out_room(con);
	con->wants_room = !room;
	pthread_mutex_unlock(&con->lock);
	if (first)
		out_after(con, FLUSH_MS);
	return room;
}

/* The last words; the loop no longer runs. */
static void out_drain(struct console *con)
{
	struct pollfd wait = { .fd = con->out, .events = POLLOUT };
	int left;

	do {
		left = out_some(con);
		if (left == -EAGAIN && poll(&wait, 1, DRAIN_MS) > 0)
			left = 1;
	} while (left > 0);
	if (left == -EAGAIN)
		log_warn("console: nobody reads: %u bytes are lost",
			 con->out_len);
}

/*
 * A terminal or pipe, opened anew, is ours to make non-blocking. Anything
 * else, and what we may not open (another user's), is used as it is.
 */
static void out_open(struct console *con, int out)
{
	char path[32];
	struct stat st;
	int fd = -1;

	if (out >= 0 && !sys_fstat(out, &st) &&
	    (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", out);
		fd = sys_open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
	}
	con->out = fd >= 0 ? fd : out;
	con->out_own = fd >= 0;
}

/* ---- life --------------------------------------------------------------- */

static void in_open(struct console *con, int in)
{
	enum term_kind kind;

	con->in = in;
	if (in < 0)
		return;
	kind = term_raw(in);
	con->terminal = kind == TERM_RAW;
	if (kind == TERM_BACKGROUND)
		log_info("console: in the background: no input");
	else
		in_watch(con);
	if (con->terminal)
		log_info("console: Ctrl-A x ends the machine, Ctrl-A h helps");
}

int console_create(struct vm *vm, int in, int out, struct console **console)
{
	struct console *con = calloc(1, sizeof(*con));
	int err = -ENOMEM;

	if (!con)
		goto report;
	con->vm = vm;
	pthread_mutex_init(&con->lock, NULL);
	con->timer = timerfd_create(CLOCK_MONOTONIC,
				    TFD_CLOEXEC | TFD_NONBLOCK);
	err = con->timer < 0 ? -errno : 0;
	if (err < 0)
		goto free_con;
	err = loop_add(&vm->loop, con->timer, out_due, con);
	if (err < 0)
		goto close_timer;
	signal(SIGPIPE, SIG_IGN);
	out_open(con, out);
	in_open(con, in);
	*console = con;
	return 0;

close_timer:
	sys_close(con->timer);
free_con:
	pthread_mutex_destroy(&con->lock);
	free(con);
report:
	log_err("console: cannot be set up: %s", err_text(err));
	return err;
}

void console_destroy(struct console *con)
{
	in_end(con);
	term_restore();
	out_drain(con);
	if (con->out_own && con->out >= 0)
		sys_close(con->out);
	loop_del(&con->vm->loop, con->timer);
	sys_close(con->timer);
	pthread_mutex_destroy(&con->lock);
	free(con);
}

void console_connect(struct console *con, const struct console_ops *ops,
		     void *owner)
{
	pthread_mutex_lock(&con->lock);
	con->ops = ops;
	con->owner = owner;
	pthread_mutex_unlock(&con->lock);
}

void console_listen(struct console *con, int in)
{
	con->in = in;
	in_watch(con);
}

void console_lossy(struct console *con)
{
	con->lossy = true;
}
