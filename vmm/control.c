/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket; see control.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/control.h"
#include "vmm/control_priv.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define REPLY_SIZE 16384
#define BLANKS " \t\r"

struct client {
	struct control *control;
	int fd;			/* -1: none */
	int passed;		/* a descriptor that came with it, or -1 */
	unsigned int waits;	/* for what control_done() is about, 0: not */
	uint64_t heard;		/* time_now() */
	unsigned int len;
	char line[CONTROL_LINE];
};

struct control {
	struct vm *vm;
	int fd;			/* listens, or -1 */
	int dir;		/* where the socket's file is, or -1 */
	const char *name;	/* of that file */
	struct client clients[CONTROL_CLIENTS];
	char reply[REPLY_SIZE];
};

/* ---- one request -------------------------------------------------------- */

static const struct control_command *find_command(const char *name)
{
	const struct control_command *c;

	for (c = control_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static size_t refuse(struct control *control, const struct reply *reply,
		     const char *name)
{
	char error[256];
	struct json j;

	snprintf(error, sizeof(error), "%.64s: %s", name, reply->error);
	json_begin(&j, control->reply, sizeof(control->reply));
	json_flag(&j, "ok", false);
	json_number(&j, "status", reply->status);
	json_text(&j, "error", error);
	return json_end(&j);
}

/*
 * What is to be said to @line, in control->reply; its length, or 0: nothing for
 * now.
 */
static size_t answer(struct client *client, char *line)
{
	struct control *control = client->control;
	struct reply reply = {
		.text = control->reply, .size = sizeof(control->reply),
		.fd = client->passed,
	};
	const struct control_command *c;
	char *args = line + strcspn(line, BLANKS);

	if (*args)
		*args++ = '\0';
	args += strspn(args, BLANKS);
	json_begin(&reply.json, control->reply, sizeof(control->reply));
	json_flag(&reply.json, "ok", true);
	c = find_command(line);
	if (!c)
		reply_error(&reply, STATUS_USAGE, "unknown command");
	else if (*args && !c->args)
		reply_error(&reply, STATUS_USAGE, "takes no arguments");
	else
		c->run(control->vm, &reply, args);
	if (reply.error)
		return refuse(control, &reply, line);
	client->waits = reply.later;
	if (client->waits)
		return 0;
	return reply.len ? reply.len : json_end(&reply.json);
}

/* ---- clients ------------------------------------------------------------ */

static void close_passed(struct client *client)
{
	if (client->passed >= 0)
		sys_close(client->passed);
	client->passed = -1;
}

static void drop(struct client *client)
{
	close_passed(client);
	loop_del(&client->control->vm->loop, client->fd);
	sys_close(client->fd);
	client->fd = -1;
}

/* Returns whether the client is still there. */
static bool send_reply(struct client *client, size_t len)
{
	if (sys_send(client->fd, client->control->reply, len) == (ssize_t)len)
		return true;
	drop(client);
	return false;
}

static bool serve(struct client *client, char *line)
{
	size_t len;
	char *end;

	line += strspn(line, BLANKS);
	end = line + strlen(line);
	while (end > line && strchr(BLANKS, end[-1]))
		*--end = '\0';
	if (!*line)
		return true;
	len = answer(client, line);
	close_passed(client);
	return client->waits || send_reply(client, len);
}

static void serve_lines(struct client *client)
{
	char *line = client->line, *end;

	while (!client->waits &&
	       (end = memchr(line, '\n', client->line + client->len - line))) {
		*end = '\0';
		if (!serve(client, line))
			return;
		line = end + 1;
	}
	client->len -= line - client->line;
	memmove(client->line, line, client->len);
	if (client->len < CONTROL_LINE)
		return;
	log_warn("control: a request is too long: its sender is let go");
	drop(client);
}

/* Descriptors are taken where there is a use for them. */
static ssize_t receive(struct client *client, char *at, size_t room)
{
	ssize_t n;
	int fd;

	if (!IS_ENABLED(CONFIG_HOTPLUG) || !client->control->vm->hotplug)
		return sys_recv(client->fd, at, room);
	n = sys_recv_fd(client->fd, at, room, &fd);
	if (fd >= 0) {
		close_passed(client);
		client->passed = fd;
	}
	return n;
}

static void client_ready(void *arg)
{
	struct client *client = arg;
	ssize_t n;

	n = receive(client, client->line + client->len,
		    CONTROL_LINE - client->len);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		drop(client);
		return;
	}
	client->heard = time_now();
	client->len += n;
	serve_lines(client);
}

/* A place for one more; who was silent longest makes room. */
static struct client *free_client(struct control *control)
{
	struct client *c, *oldest = control->clients;

	for (c = oldest; c < control->clients + CONTROL_CLIENTS; c++) {
		if (c->fd < 0)
			return c;
		if (c->heard < oldest->heard)
			oldest = c;
	}
	drop(oldest);
	return oldest;
}

static int add_client(struct control *control, int fd)
{
	struct client *client = free_client(control);
	int err = loop_add(&control->vm->loop, fd, client_ready, client);

	if (err < 0)
		return err;
	client->control = control;
	client->fd = fd;
	client->passed = -1;
	client->len = client->waits = 0;
	client->heard = time_now();
	return 0;
}

/* Without a descriptor to spare it would be tried again for ever. */
static void listener_ready(void *arg)
{
	struct control *control = arg;
	int fd = sys_accept(control->fd);

	if (fd >= 0) {
		if (add_client(control, fd) < 0)
			sys_close(fd);
	} else if (fd != -EAGAIN && fd != -ECONNABORTED) {
		log_warn("control: takes no more clients: %s", err_text(fd));
		loop_del(&control->vm->loop, control->fd);
	}
}

static void done(struct client *client, int status, const char *why)
{
	struct control *control = client->control;
	const struct reply reply = { .status = status, .error = why };
	struct json j;

	client->waits = 0;
	json_begin(&j, control->reply, sizeof(control->reply));
	json_flag(&j, "ok", true);
	if (send_reply(client, status ? refuse(control, &reply, "remove") :
				        json_end(&j)))
		serve_lines(client);
}

void control_done(struct vm *vm, unsigned int what, int status,
		  const char *why)
{
	struct client *c = vm->control ? vm->control->clients : NULL;
	unsigned int i;

	for (i = 0; c && i < CONTROL_CLIENTS; i++)
		if (c[i].fd >= 0 && c[i].waits == what)
			done(&c[i], status, why);
}

/* ---- life --------------------------------------------------------------- */

/* A file that is left of a process which is no more may go. */
static int clear_path(const char *path)
{
	struct stat st;
	int fd;

	if (sys_stat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		log_err("control: %s: is there, and no socket", path);
		return -EBUSY;
	}
	fd = sys_unix_connect(path);
	if (fd == -ECONNREFUSED)
		return sys_unlink(path);
	if (fd >= 0)
		sys_close(fd);
	log_err("control: %s: another process listens there", path);
	return -EBUSY;
}

/* The folder stays open: it may be out of sight when the machine ends. */
static int open_dir(struct control *control, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[256];

	control->name = slash ? slash + 1 : path;
	snprintf(dir, sizeof(dir), "%.*s",
		 slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	control->dir = sys_open(dir, O_PATH | O_DIRECTORY, 0);
	return control->dir < 0 ? control->dir : 0;
}

static int listen_at(struct control *control, const char *path)
{
	int err = clear_path(path);

	if (err == -EBUSY)
		return err;
	if (!err)
		err = open_dir(control, path);
	if (!err) {
		control->fd = sys_unix_listen(path);
		err = control->fd < 0 ? control->fd : 0;
	}
	if (!err)
		return 0;
	log_err("control: cannot listen at %s: %s", path,
		err == -ENAMETOOLONG ? "the path is too long" : err_text(err));
	if (control->dir >= 0)
		sys_close(control->dir);
	return err == -ENAMETOOLONG ? -EDOM : err;
}

/* Returns 1 if @path is an inherited socket that has a client already. */
static int open_socket(struct control *control, const char *path)
{
	int listens;

	if (strncmp(path, "fd:", 3))
		return listen_at(control, path);
	control->fd = file_open_any(path, 0, 0);
	listens = sys_listens(control->fd);
	if (listens >= 0)
		return !listens;
	log_err("control: %s: not a socket", path);
	if (control->fd >= 0)
		sys_close(control->fd);
	return -EDOM;
}

static int watch(struct control *control, bool connected)
{
	int fd = control->fd;

	if (!connected)
		return loop_add(&control->vm->loop, fd, listener_ready,
				control);
	control->fd = -1;
	return add_client(control, fd);
}

int control_create(struct vm *vm)
{
	struct control *control;
	unsigned int i;
	int err;

	if (!vm->cfg->control)
		return 0;
	control = calloc(1, sizeof(*control));
	if (!control)
		return -ENOMEM;
	control->vm = vm;
	control->fd = control->dir = -1;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i].fd = -1;
	err = open_socket(control, vm->cfg->control);
	if (err < 0) {
		free(control);
		return err;
	}
	vm->control = control;
	err = watch(control, err);
	if (err < 0) {
		log_err("control: cannot watch the socket: %s", err_text(err));
		control_destroy(vm);
	}
	return err;
}

int control_dir(const struct vm *vm)
{
	return vm->control ? vm->control->dir : -1;
}

void control_destroy(struct vm *vm)
{
	struct control *control = vm->control;
	unsigned int i;

	if (!control)
		return;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			drop(&control->clients[i]);
	if (control->fd >= 0) {
		loop_del(&vm->loop, control->fd);
		sys_close(control->fd);
	}
	if (control->dir >= 0) {
		if (sys_unlink_at(control->dir, control->name) < 0)
			log_warn("control: the socket's file cannot be removed");
		sys_close(control->dir);
	}
	free(control);
	vm->control = NULL;
}
