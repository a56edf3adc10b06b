/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets, which are Linux's own: nothing of the fake kernel is behind them.
 */
#include <errno.h>
#include <sys/socket.h>

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
