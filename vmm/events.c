/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events; see events.h. A line is at most PIPE_BUF bytes, which a pipe takes
 * as a whole or not at all. A socket may take a part: the rest is kept and
 * goes before anything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/arch.h"
#include "vmm/events.h"
#include "vmm/file.h"
#include "vmm/json.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define LINE_MAX_LEN 4096	/* PIPE_BUF of Linux */

struct events {
	pthread_mutex_t lock;
	int fd;
	bool socket;
	bool waits;		/* a write may, unless poll is asked */
	bool returned;		/* the guest has, once */
	uint64_t created, started;	/* time_now() */
	unsigned int lost;
	unsigned int rest;	/* of line, still to go */
	char line[LINE_MAX_LEN];
};

/* ---- writing ------------------------------------------------------------ */

/*
 * Another process may have the same open file, so its flags stay as they are
 * where it cannot be opened anew; poll then says whether a write would wait.
 */
static ssize_t put_some(const struct events *ev, const char *text, size_t len)
{
	struct pollfd ready = { .fd = ev->fd, .events = POLLOUT };

	if (ev->socket)
		return sys_send(ev->fd, text, len);
	if (ev->waits &&
	    (poll(&ready, 1, 0) <= 0 || !(ready.revents & POLLOUT)))
		return -EAGAIN;
	return sys_write(ev->fd, text, len);
}

/* What is left of a line goes first, or nothing does. */
static bool put_rest(struct events *ev)
{
	ssize_t n;

	if (!ev->rest)
		return true;
	n = put_some(ev, ev->line, ev->rest);
	if (n > 0) {
		ev->rest -= n;
		memmove(ev->line, ev->line + n, ev->rest);
	}
	return !ev->rest;
}

static bool put_line(struct events *ev, const char *line, size_t len)
{
	ssize_t n;

	if (!len || !put_rest(ev))
		return false;
	n = put_some(ev, line, len);
	if (n <= 0)
		return false;
	ev->rest = len - n;
	memcpy(ev->line, line + n, ev->rest);
	return true;
}

struct event {
	struct events *events;
	struct json json;
	char line[LINE_MAX_LEN + 1];
};

/* Holds the lock until event_end(). Returns false if nobody wants events. */
static bool event_begin(struct event *e, struct vm *vm, const char *kind)
{
	struct events *ev = vm->events;

	if (!ev)
		return false;
	e->events = ev;
	pthread_mutex_lock(&ev->lock);
	json_begin(&e->json, e->line, sizeof(e->line));
	json_text(&e->json, "event", kind);
	json_number(&e->json, "us", time_now() / 1000);
	if (ev->lost)
		json_number(&e->json, "lost", ev->lost);
	return true;
}

static void event_end(struct event *e)
{
	struct events *ev = e->events;

	if (put_line(ev, e->line, json_end(&e->json)))
		ev->lost = 0;
	else
		ev->lost++;
	pthread_mutex_unlock(&ev->lock);
}

/* ---- the events --------------------------------------------------------- */

void events_device(struct vm *vm, const char *name, const char *id,
		   const char *guest)
{
	struct event e;

	if (!event_begin(&e, vm, "device"))
		return;
	json_text(&e.json, "name", name);
	json_text(&e.json, "id", id);
	json_text(&e.json, "guest", guest);
	event_end(&e);
}

void events_removed(struct vm *vm, const char *name)
{
	struct event e;

	if (!event_begin(&e, vm, "removed"))
		return;
	json_text(&e.json, "name", name);
	event_end(&e);
}

void events_started(struct vm *vm)
{
	struct event e;

	if (!event_begin(&e, vm, "started"))
		return;
	e.events->started = time_now();
	json_number(&e.json, "pid", getpid());
	json_text(&e.json, "version", POSTERN_VERSION);
	json_number(&e.json, "cpus", vm->cfg->cpus);
	json_number(&e.json, "memory", vm->cfg->memory);
	json_text(&e.json, "kernel", vm->cfg->kernel);
	json_number(&e.json, "create_us",
		    (e.events->started - e.events->created) / 1000);
	event_end(&e);
}

/* The first processor alone runs at first, so no other looks at the flag. */
void events_returned(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct event e;

	if (!vm->events || vcpu->id || vm->events->returned)
		return;
	vm->events->returned = true;
	event_begin(&e, vm, "running");
	json_number(&e.json, "since_start_us",
		    (time_now() - vm->events->started) / 1000);
	event_end(&e);
}

void events_plain(struct vm *vm, const char *kind)
{
	struct event e;

	if (event_begin(&e, vm, kind))
		event_end(&e);
}

static void put_register(void *arg, const char *name, uint64_t value)
{
	struct event *e = arg;
	char text[20];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	json_text(&e->json, name, text);
}

void events_crash(struct vcpu *vcpu, const char *why)
{
	struct event e;

	if (!event_begin(&e, vcpu->vm, "crash"))
		return;
	json_number(&e.json, "vcpu", vcpu->id);
	json_text(&e.json, "why", why);
	json_number(&e.json, "exit_reason", vcpu->run->exit_reason);
	json_open(&e.json, "registers");
	arch_vcpu_registers(vcpu, put_register, &e);
	json_close(&e.json);
	event_end(&e);
}

static const char *reason(int status)
{
	if (status > STATUS_SIGNAL)
		return "signal";
	switch (status) {
	case STATUS_OK:
		return "power-off";
	case STATUS_RESET:
		return "reset";
	case STATUS_PANIC:
		return "panic";
	case STATUS_WATCHDOG:
		return "watchdog";
	case STATUS_TIMEOUT:
		return "timeout";
	case STATUS_CRASH:
		return "crash";
	case STATUS_DEVICE_LOST:
		return "device-lost";
	}
	return status <= STATUS_GUEST_MAX ? "exit-device" : "error";
}

void events_stop(struct vm *vm, int status)
{
	struct event e;

	if (!event_begin(&e, vm, "stop"))
		return;
	json_text(&e.json, "reason", reason(status));
	json_number(&e.json, "status", status);
	if (status > STATUS_SIGNAL)
		json_number(&e.json, "signal", status - STATUS_SIGNAL);
	event_end(&e);
}

/* ---- life --------------------------------------------------------------- */

/* A pipe that somebody else opened for us becomes non-blocking if it can. */
static void open_anew(struct events *ev)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", ev->fd);
	fd = sys_open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY, 0);
	ev->waits = fd < 0;
	if (fd < 0)
		return;
	sys_close(ev->fd);
	ev->fd = fd;
}

static int open_file(struct events *ev, const char *path)
{
	struct stat st;
	int err;

	ev->fd = file_open_any(path, O_WRONLY | O_CREAT | O_APPEND |
				     O_NONBLOCK | O_NOCTTY, 0644);
	if (ev->fd < 0) {
		err = ev->fd;
		log_err("events: cannot open %s: %s", path,
			err == -ENXIO ? "nobody reads from it" : err_text(err));
		return err == -EACCES || err == -EPERM ? -EACCES : -ENOENT;
	}
	err = sys_fstat(ev->fd, &st);
	if (err < 0) {
		log_err("events: %s: %s", path, err_text(err));
		sys_close(ev->fd);
		return err;
	}
	ev->socket = S_ISSOCK(st.st_mode);
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		open_anew(ev);
	return 0;
}

int events_create(struct vm *vm)
{
	struct events *ev;
	int err;

	if (!vm->cfg->events)
		return 0;
	ev = calloc(1, sizeof(*ev));
	if (!ev)
		return -ENOMEM;
	ev->created = time_now();
	err = open_file(ev, vm->cfg->events);
	if (err < 0) {
		free(ev);
		return err;
	}
	pthread_mutex_init(&ev->lock, NULL);
	vm->events = ev;
	return 0;
}

void events_destroy(struct vm *vm)
{
	struct events *ev = vm->events;

	if (!ev)
		return;
	vm->events = NULL;
	pthread_mutex_destroy(&ev->lock);
	sys_close(ev->fd);
	free(ev);
}
