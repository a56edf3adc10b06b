/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real door: thin calls into libc, with -errno instead of errno; see
 * sys.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/sysname.h"

/* Trace one call in the journal's words and pass its answer on. */
#define TRACED(result, ...) \
	({ \
		long ret_ = (result); \
		if (trace_on(TRACE_SYS)) \
			trace_call(ret_, __VA_ARGS__); \
		ret_; \
	})

#define RETRY(call) \
	({ \
		long r_; \
		do { \
			r_ = (call); \
		} while (r_ < 0 && errno == EINTR); \
		r_ < 0 ? -errno : r_; \
	})

static void PRINTF_LIKE(2, 3) trace_call(long ret, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	trace_print(TRACE_SYS, "%s -> %ld", text, ret);
}

int sys_open(const char *path, int flags, int mode)
{
	return TRACED(RETRY(open(path, flags | O_CLOEXEC, mode)), "open %s",
		      path);
}

int sys_close(int fd)
{
	/* Linux frees the number even when interrupted: never retry. */
	return TRACED(close(fd) < 0 ? -errno : 0, "close fd=%d", fd);
}

int sys_dup(int fd)
{
	return TRACED(RETRY(fcntl(fd, F_DUPFD_CLOEXEC, 0)), "dup fd=%d", fd);
}

static int traced_ioctl(int fd, unsigned long request, unsigned long arg,
			const void *ref)
{
	char name[200];
	long ret = RETRY(ioctl(fd, request, arg));

	if (trace_on(TRACE_SYS)) {
		sys_name(name, sizeof(name), request, ref);
		if (arg && !ref)
			trace_call(ret, "ioctl fd=%d %s 0x%lx", fd, name, arg);
		else
			trace_call(ret, "ioctl fd=%d %s", fd, name);
	}
	return ret;
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return traced_ioctl(fd, request, (unsigned long)arg, arg);
}

int sys_ioctl_num(int fd, unsigned long request, unsigned long arg)
{
	return traced_ioctl(fd, request, arg, NULL);
}

int sys_run(int fd)
{
	return ioctl(fd, KVM_RUN, 0) < 0 ? -errno : 0;
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
	return RETRY(read(fd, buf, len));
}

ssize_t sys_write(int fd, const void *buf, size_t len)
{
	return RETRY(write(fd, buf, len));
}

ssize_t sys_pread(int fd, void *buf, size_t len, uint64_t offset)
{
	return TRACED(RETRY(pread(fd, buf, len, offset)),
		      "pread fd=%d len=%zu offset=0x%llx", fd, len,
		      (unsigned long long)offset);
}

ssize_t sys_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
	return TRACED(RETRY(pwrite(fd, buf, len, offset)),
		      "pwrite fd=%d len=%zu offset=0x%llx", fd, len,
		      (unsigned long long)offset);
}

ssize_t sys_send(int fd, const void *buf, size_t len)
{
	return RETRY(send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

ssize_t sys_recv(int fd, void *buf, size_t len)
{
	return RETRY(recv(fd, buf, len, MSG_DONTWAIT));
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
	ssize_t n = RETRY(recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));

	*passed = -1;
	if (n >= 0 && msg.msg_controllen >= CMSG_LEN(sizeof(*passed)) &&
	    control.head.cmsg_type == SCM_RIGHTS)
		memcpy(passed, CMSG_DATA(&control.head), sizeof(*passed));
	return n;
}

static int unix_socket(const char *path, int flags, struct sockaddr_un *addr)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	return RETRY(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

int sys_unix_listen(const char *path)
{
	struct sockaddr_un addr;
	int fd = unix_socket(path, SOCK_NONBLOCK, &addr), err;

	if (fd < 0)
		return fd;
	/* The file gets the mode that the socket has. */
	fchmod(fd, 0600);
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !listen(fd, 8))
		return TRACED(fd, "listen %s", path);
	err = -errno;
	close(fd);
	return TRACED(err, "listen %s", path);
}

int sys_unix_connect(const char *path)
{
	struct sockaddr_un addr;
	int fd = unix_socket(path, 0, &addr), err;

	if (fd < 0)
		return fd;
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return TRACED(fd, "connect %s", path);
	err = -errno;
	close(fd);
	return TRACED(err, "connect %s", path);
}

int sys_accept(int fd)
{
	return TRACED(RETRY(accept4(fd, NULL, NULL,
				    SOCK_NONBLOCK | SOCK_CLOEXEC)),
		      "accept fd=%d", fd);
}

int sys_listens(int fd)
{
	socklen_t len = sizeof(int);
	int listens = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 ?
		-errno : listens;
}

ssize_t sys_sendmsg(int fd, const struct iovec *iov, unsigned int nr,
		    const int *fds, unsigned int nr_fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(nr_fds * sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = nr,
		.msg_control = nr_fds ? &control : NULL,
		.msg_controllen = nr_fds ? CMSG_SPACE(nr_fds * sizeof(int)) : 0,
	};

	if (nr_fds)
		memcpy(CMSG_DATA(&control.header), fds, nr_fds * sizeof(int));
	return TRACED(RETRY(syscall(SYS_sendmsg, fd, &msg, MSG_NOSIGNAL)),
		      "sendmsg fd=%d", fd);
}

int sys_timeout(int fd, unsigned int ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0 ||
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0 ?
	       -errno : 0;
}

/* In a child that has our memory until it runs something else, or ends. */
static int become(char *const argv[], int fd)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (fd == 3)
		fcntl(fd, F_SETFD, 0);
	else
		syscall(SYS_dup3, fd, 3, 0);
	syscall(SYS_close_range, 4, UINT_MAX, 0);
	execve(argv[0], argv, environ);
	return -errno;
}

int sys_spawn(char *const argv[], int fd)
{
	volatile int err = 0;
	pid_t pid = vfork();

	if (!pid) {
		err = become(argv, fd);
		sys_end(1);
	}
	if (pid < 0)
		err = -errno;
	else if (err)
		waitpid(pid, NULL, 0);
	return TRACED(err, "spawn %s", argv[0]);
}

int sys_mmap(void **out, void *hint, size_t len, int prot, int flags, int fd,
	     uint64_t offset)
{
	void *at = mmap(hint, len, prot, flags, fd, offset);
	int err = at == MAP_FAILED ? -errno : 0;

	if (!err)
		*out = at;
	return TRACED(err, "mmap fd=%d len=0x%zx offset=0x%llx", fd, len,
		      (unsigned long long)offset);
}

int sys_munmap(void *addr, size_t len)
{
	return TRACED(munmap(addr, len) < 0 ? -errno : 0, "munmap len=0x%zx",
		      len);
}

int sys_madvise(void *addr, size_t len, int advice)
{
	return TRACED(RETRY(madvise(addr, len, advice)),
		      "madvise len=0x%zx advice=%d", len, advice);
}

int sys_memfd(const char *name, unsigned int flags)
{
	return TRACED(RETRY(memfd_create(name, flags)),
		      "memfd %s flags=0x%x", name, flags);
}

int sys_ftruncate(int fd, uint64_t size)
{
	return TRACED(RETRY(ftruncate(fd, size)), "ftruncate fd=%d size=0x%llx",
		      fd, (unsigned long long)size);
}

int sys_eventfd(void)
{
	return TRACED(RETRY(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), "eventfd");
}

int sys_fstat(int fd, struct stat *st)
{
	return RETRY(fstat(fd, st));
}

int sys_stat(const char *path, struct stat *st)
{
	return RETRY(stat(path, st));
}

int sys_access(const char *path)
{
	return TRACED(RETRY(access(path, R_OK | W_OK)), "access %s", path);
}

int sys_readlink(const char *path, char *buf, size_t size)
{
	long len = RETRY(readlink(path, buf, size - 1));

	if (len >= 0)
		buf[len] = '\0';
	return len;
}

int sys_mkdir(const char *path, int mode)
{
	return TRACED(RETRY(mkdir(path, mode)), "mkdir %s", path);
}

int sys_unlink(const char *path)
{
	return TRACED(RETRY(unlink(path)), "unlink %s", path);
}

int sys_unlink_at(int dir, const char *name)
{
	return TRACED(RETRY(unlinkat(dir, name, 0)), "unlink %s", name);
}

int sys_listdir(const char *path, int (*each)(void *arg, const char *name),
		void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return -errno;
	while (!ret && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			ret = each(arg, entry->d_name);
	closedir(dir);
	return ret;
}

int sys_getrlimit(int resource, uint64_t *soft)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -errno;
	*soft = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
	return 0;
}

int sys_capable(int cap)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return data[cap / 32].effective >> (cap % 32) & 1;
}

/* As few bytes as these come whole, once there are any. */
int sys_random(void *buf, size_t len)
{
	int n = TRACED(RETRY(getrandom(buf, len, 0)), "random len=0x%zx", len);

	return n < 0 ? n : 0;
}

void sys_readonly(const void *begin, const void *end)
{
	uintptr_t from = ALIGN_DOWN((uintptr_t)begin, sys_page_size());

	mprotect((void *)from, (uintptr_t)end - from, PROT_READ);
}

void sys_thread_name(const char *name)
{
	prctl(PR_SET_NAME, name);
}

ssize_t sys_preadv(int fd, const struct iovec *iov, unsigned int nr,
		   uint64_t offset)
{
	return RETRY(preadv(fd, iov, nr, offset));
}

ssize_t sys_pwritev(int fd, const struct iovec *iov, unsigned int nr,
		    uint64_t offset)
{
	return RETRY(pwritev(fd, iov, nr, offset));
}

ssize_t sys_readv(int fd, const struct iovec *iov, unsigned int nr)
{
	return RETRY(readv(fd, iov, nr));
}

ssize_t sys_writev(int fd, const struct iovec *iov, unsigned int nr)
{
	return RETRY(writev(fd, iov, nr));
}

int sys_nonblock(int fd)
{
	int flags = RETRY(fcntl(fd, F_GETFL));

	return flags < 0 ? flags : RETRY(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

int sys_fdatasync(int fd)
{
	return TRACED(RETRY(fdatasync(fd)), "fdatasync fd=%d", fd);
}

int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t len)
{
	return TRACED(RETRY(fallocate(fd, mode, offset, len)),
		      "fallocate fd=%d mode=%d offset=0x%llx len=0x%llx", fd,
		      mode, (unsigned long long)offset,
		      (unsigned long long)len);
}

int sys_lock(int fd, int write)
{
	struct flock lock = { .l_type = write ? F_WRLCK : F_RDLCK };

	return TRACED(RETRY(fcntl(fd, F_OFD_SETLK, &lock)), "lock fd=%d %d",
		      fd, write);
}

int sys_uring_setup(unsigned int entries, struct io_uring_params *params)
{
	return TRACED(RETRY(syscall(SYS_io_uring_setup, entries, params)),
		      "io_uring_setup entries=%u", entries);
}

int sys_uring_enter(int fd, unsigned int submit, unsigned int complete,
		    unsigned int flags)
{
	return RETRY(syscall(SYS_io_uring_enter, fd, submit, complete, flags,
			     NULL, 0));
}

int sys_no_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int sys_seccomp(const struct sock_fprog *prog)
{
	return TRACED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog) < 0 ?
		      -errno : 0, "seccomp len=%u", prog->len);
}

int sys_landlock_create(const struct landlock_ruleset_attr *attr, size_t size)
{
	return RETRY(syscall(SYS_landlock_create_ruleset, attr, size,
			     attr ? 0 : LANDLOCK_CREATE_RULESET_VERSION));
}

int sys_landlock_add(int fd, const struct landlock_path_beneath_attr *dir)
{
	return RETRY(syscall(SYS_landlock_add_rule, fd,
			     LANDLOCK_RULE_PATH_BENEATH, dir, 0));
}

int sys_landlock_restrict(int fd)
{
	return TRACED(RETRY(syscall(SYS_landlock_restrict_self, fd, 0)),
		      "landlock fd=%d", fd);
}

int sys_chroot(const char *path)
{
	return TRACED(chroot(path) < 0 || chdir("/") < 0 ? -errno : 0,
		      "chroot %s", path);
}

int sys_setids(unsigned int uid, unsigned int gid)
{
	return TRACED(setgroups(0, NULL) < 0 || setgid(gid) < 0 ||
		      setuid(uid) < 0 ? -errno : 0, "setids %u %u", uid, gid);
}

void sys_end(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

void sys_sleep(unsigned int ms)
{
	usleep(ms * 1000);
}

int sys_page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

int sys_cpus(void)
{
	cpu_set_t set;
	int n = 1;

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = CPU_COUNT(&set);
	return n > 0 ? n : 1;
}
