/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets, which are Linux's own: nothing of the fake kernel is behind them.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"
#include "vmm/sys.h"

static size_t at_most;

void fake_send_at_most(size_t len)
{
	at_most = len;
}

ssize_t sys_send(int fd, const void *buf, size_t len)
{
	if (at_most && len > at_most)
		len = at_most;
	return LINUX(send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

ssize_t sys_recv(int fd, void *buf, size_t len)
{
	return LINUX(recv(fd, buf, len, MSG_DONTWAIT));
}

/* Room for one descriptor beside the bytes. */
union passing {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

ssize_t sys_recv_fd(int fd, void *buf, size_t len, int *passed)
{
	struct iovec iov = { buf, len };
	union passing control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_LEN(sizeof(*passed)),
	};
	ssize_t n = LINUX(recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));

	*passed = -1;
	if (n >= 0 && msg.msg_controllen >= CMSG_LEN(sizeof(*passed)) &&
	    control.head.cmsg_type == SCM_RIGHTS)
		memcpy(passed, CMSG_DATA(&control.head), sizeof(*passed));
	return n;
}

/* What is the fake's has no other name to Linux. */
ssize_t sys_sendmsg(int fd, const struct iovec *iov, unsigned int nr,
		    const int *fds, unsigned int nr_fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov, .msg_iovlen = nr,
	};
	int err = CALL(EPIPE, 0, "sendmsg");

	if (nr_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		control.header.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.header), fds, nr_fds * sizeof(int));
	}
	return err ? err : LINUX(sendmsg(fd, &msg, MSG_NOSIGNAL));
}

/* Tests are more impatient than users. */
int sys_timeout(int fd, unsigned int ms)
{
	struct timeval t = { 0, ms / 50 * 1000 };
	int err = CALL(EBADF, 0, "timeout %u ms", ms);

	return err ? err :
	       LINUX(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) |
		     setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)));
}

static int at_path(const char *path, int flags,
		   int (*how)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	fchmod(fd, 0600);
	err = LINUX(how(fd, (struct sockaddr *)&addr, sizeof(addr)));
	if (err < 0)
		close(fd);
	return err < 0 ? err : fd;
}

static int do_listen(const char *path)
{
	int fd = at_path(path, SOCK_NONBLOCK, bind);

	if (fd >= 0)
		listen(fd, 8);
	return fd;
}

int sys_unix_listen(const char *path)
{
	return CALL(EACCES, do_listen(path), "listen %s", path);
}

int sys_unix_connect(const char *path)
{
	int err = CALL(EACCES, 0, "connect %s", path);

	return err ? err : at_path(path, 0, connect);
}

int sys_accept(int fd)
{
	int err = CALL(EMFILE, 0, "accept");

	return err ? err :
	       LINUX(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int sys_listens(int fd)
{
	socklen_t len = sizeof(int);
	int listens = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 ?
		-errno : listens;
}

int sys_unlink_at(int dir, const char *name)
{
	return LINUX(unlinkat(dir, name, 0));
}

/* ---- another program --------------------------------------------------------- */

static const char *program;
static void (*program_run)(int fd);

void fake_program(const char *name, void (*run)(int fd))
{
	program = name;
	program_run = run;
}

static int do_spawn(char *const argv[])
{
	return program && !strcmp(program, argv[0]) ? 0 : -ENOENT;
}

int sys_spawn(char *const argv[], int fd)
{
	char line[256] = "";
	unsigned int i;
	int err;

	for (i = 0; argv[i]; i++) {
		strcat(line, " ");
		strncat(line, argv[i], sizeof(line) - strlen(line) - 2);
	}
	err = CALL(ENOEXEC, do_spawn(argv), "spawn%s", line);
	if (!err)
		program_run(fd);
	return err;
}
