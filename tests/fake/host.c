/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door to what is Linux's own in tests as well: files and sockets below
 * /tmp/, io_uring where the world has it. Random numbers are the same each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"
#include "vmm/sys.h"

/* ---- files -------------------------------------------------------------- */

ssize_t sys_preadv(int fd, const struct iovec *iov, unsigned int nr,
		   uint64_t offset)
{
	return CALL(EIO, LINUX(preadv(fd, iov, nr, offset)),
		    "preadv nr=%u offset=0x%llx", nr,
		    (unsigned long long)offset);
}

ssize_t sys_pwritev(int fd, const struct iovec *iov, unsigned int nr,
		    uint64_t offset)
{
	return CALL(EIO, LINUX(pwritev(fd, iov, nr, offset)),
		    "pwritev nr=%u offset=0x%llx", nr,
		    (unsigned long long)offset);
}

ssize_t sys_readv(int fd, const struct iovec *iov, unsigned int nr)
{
	return CALL(EIO, LINUX(readv(fd, iov, nr)), "readv nr=%u", nr);
}

ssize_t sys_writev(int fd, const struct iovec *iov, unsigned int nr)
{
	return CALL(EIO, LINUX(writev(fd, iov, nr)), "writev nr=%u", nr);
}

int sys_nonblock(int fd)
{
	return CALL(EIO, LINUX(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) |
				     O_NONBLOCK)), "nonblock");
}

/*
 * A socket is what tests have for a tap: it takes the requests of one. Others of
 * Linux's own are asked.
 */
int host_ioctl(int fd, unsigned long request, void *arg, unsigned long num)
{
	struct ifreq *req = arg;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return LINUX(ioctl(fd, request, arg ? arg : (void *)num));
	if (request == TUNGETIFF)
		req->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	return request == TUNGETIFF || request == TUNSETVNETHDRSZ ||
	       request == TUNSETOFFLOAD ? 0 : -ENOTTY;
}

int sys_fdatasync(int fd)
{
	return CALL(EIO, LINUX(fdatasync(fd)), "fdatasync");
}

int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t len)
{
	return CALL(EOPNOTSUPP, LINUX(fallocate(fd, mode, offset, len)),
		    "fallocate mode=%d offset=0x%llx len=0x%llx", mode,
		    (unsigned long long)offset, (unsigned long long)len);
}

int sys_lock(int fd, int exclusive)
{
	struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK };

	return CALL(EAGAIN, LINUX(fcntl(fd, F_OFD_SETLK, &lock)), "lock %d",
		    exclusive);
}

/* ---- io_uring ----------------------------------------------------------- */

static int setup(unsigned int entries, struct io_uring_params *params)
{
	if (!world->host.uring)
		return -ENOSYS;
	return LINUX(syscall(SYS_io_uring_setup, entries, params));
}

int sys_uring_setup(unsigned int entries, struct io_uring_params *params)
{
	return CALL(EPERM, setup(entries, params), "io_uring_setup %u",
		    entries);
}

int sys_uring_enter(int fd, unsigned int submit, unsigned int complete,
		    unsigned int flags)
{
	return CALL(EAGAIN, LINUX(syscall(SYS_io_uring_enter, fd, submit,
					  complete, flags, NULL, 0)),
		    "io_uring_enter submit=%u", submit);
}
