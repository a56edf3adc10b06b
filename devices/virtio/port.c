/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a port of the console ends on the host: vmm/console.h does the work, on
 * descriptors that come from here. A socket takes one client at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "devices/virtio/create.h"
#include "devices/virtio/ports_priv.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

static struct vm *vm_of(const struct port *port)
{
	return port->dev->v.vm;
}

/* ---- what the console has to say ---------------------------------------- */

static void input(void *owner)
{
	struct port *port = owner;

	virtio_serve(port->rx);
}

static void room(void *owner)
{
	struct port *port = owner;

	virtio_serve(port->tx);
}

static void drop(struct port *port)
{
	if (port->con)
		console_destroy(port->con);
	port->con = NULL;
	if (port->fd >= 0)
		sys_close(port->fd);
	port->fd = -1;
}

static void take_client(void *arg);

/* The client of a socket has gone; another may come. */
static void hangup(void *owner)
{
	struct port *port = owner;

	if (!port->path)
		return;
	drop(port);
	port_changed(port);
	if (loop_add(&vm_of(port)->loop, port->listener, take_client,
		     port) < 0)
		log_warn("console: %s: no more clients", port->path);
}

static const struct console_ops console_ops = { input, room, hangup };

/* ---- kinds -------------------------------------------------------------- */

static int use_stdio(struct port *port)
{
	return console_create(vm_of(port), STDIN_FILENO, STDOUT_FILENO,
			      &port->con);
}

/* @fd for output, and for input as well if @in. */
static int use_fd(struct port *port, int fd, bool in)
{
	int err;

	port->fd = fd;
	err = console_create(vm_of(port), -1, fd, &port->con);
	if (err >= 0 && in)
		console_listen(port->con, fd);
	return err;
}

static void take_client(void *arg)
{
	struct port *port = arg;
	int fd = sys_accept(port->listener);

	if (fd < 0)
		return;
	loop_del(&vm_of(port)->loop, port->listener);
	if (use_fd(port, fd, true) < 0) {
		hangup(port);
		return;
	}
	console_connect(port->con, &console_ops, port);
	port_changed(port);
}

/* What is left of one who is not there any more is in nobody's way. */
static int listen_at(const char *path)
{
	int fd = sys_unix_listen(path), other;

	if (fd != -EADDRINUSE)
		return fd;
	other = sys_unix_connect(path);
	if (other >= 0)
		sys_close(other);
	if (other != -ECONNREFUSED)
		return fd;
	sys_unlink(path);
	return sys_unix_listen(path);
}

static int use_socket(struct port *port, const char *path)
{
	int fd = listen_at(path), err;

	if (fd < 0)
		return fd;
	err = loop_add(&vm_of(port)->loop, fd, take_client, port);
	if (err < 0) {
		sys_close(fd);
		sys_unlink(path);
		return err;
	}
	port->listener = fd;
	port->path = path;
	return 0;
}

/* The other end stays open here too: else reads fail while nobody has it. */
static int use_pty(struct port *port)
{
	unsigned int nr = 0;
	struct termios tio;
	int fd, err, unlock = 0;
	char path[32];

	fd = sys_open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	err = sys_ioctl(fd, TIOCSPTLCK, &unlock);
	if (err >= 0)
		err = sys_ioctl(fd, TIOCGPTN, &nr);
	if (err < 0) {
		sys_close(fd);
		return err;
	}
	snprintf(path, sizeof(path), "/dev/pts/%u", nr);
	port->listener = sys_open(path, O_RDWR | O_NOCTTY, 0);
	if (port->listener >= 0 && !tcgetattr(port->listener, &tio)) {
		cfmakeraw(&tio);
		tcsetattr(port->listener, TCSANOW, &tio);
	}
	log_info("console: port %u is at %s", port->id, path);
	err = use_fd(port, fd, true);
	if (err >= 0)
		console_lossy(port->con);
	return err;
}

static int use_file(struct port *port, const char *path)
{
	int fd = sys_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	return fd < 0 ? fd : use_fd(port, fd, false);
}

/* ---- life --------------------------------------------------------------- */

static int open_kind(struct port *port, const char *kind)
{
	const char *value;
	int fd;

	if (!strcmp(kind, "stdio"))
		return use_stdio(port);
	if (!strcmp(kind, "pty"))
		return use_pty(port);
	if (!strncmp(kind, "fd:", 3)) {
		fd = file_open_node(kind);
		return fd < 0 ? fd : use_fd(port, fd, true);
	}
	value = virtio_option(kind, "file");
	if (value && *value)
		return use_file(port, value);
	value = virtio_option(kind, "socket");
	if (value && *value)
		return use_socket(port, value);
	return -EDOM;
}

/* The text before the last comma, and behind it a name. */
static int split(struct port *port, const char *spec)
{
	char *comma;

	if (strlen(spec) >= sizeof(port->text))
		return -EDOM;
	strcpy(port->text, spec);
	comma = strrchr(port->text, ',');
	if (!comma)
		return 0;
	port->name = virtio_option(comma + 1, "name");
	*comma = '\0';
	return port->name && *port->name ? 0 : -EDOM;
}

int port_open(struct port *port, const char *spec)
{
	int err = split(port, spec);

	if (err >= 0)
		err = open_kind(port, port->text);
	if (err < 0) {
		log_err("--console: '%s': %s", spec, err == -EDOM ?
			"not stdio, pty, fd:N, file=PATH or socket=PATH, [,name=NAME]" :
			err_text(err));
		return err;
	}
	if (port->con)
		console_connect(port->con, &console_ops, port);
	return 0;
}

void port_close(struct port *port)
{
	if (port->path && !port->con)
		loop_del(&vm_of(port)->loop, port->listener);
	drop(port);
	if (port->listener >= 0)
		sys_close(port->listener);
	if (port->path)
		sys_unlink(port->path);
	port->listener = -1;
	port->path = NULL;
}

bool virtio_has_stdio(const struct config *cfg)
{
	unsigned int i;

	for (i = 0; i < cfg->nr_virtio; i++)
		if (!strcmp(cfg->virtio[i].option, "console") &&
		    !strncmp(cfg->virtio[i].value, "stdio", 5))
			return true;
	return false;
}
