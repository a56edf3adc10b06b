/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only door to Linux. Each call is the system call of the same name and
 * returns its result, >= 0, or -errno; EINTR is retried unless said
 * otherwise. Unit tests link tests/fake/ in place of sys.c, so product code
 * asks Linux for nothing except through here (memory allocation, stdio to
 * standard streams, and threads excepted).
 *
 * With `--trace sys` every call prints one line of the words that the fake
 * kernel's journal uses (sysname.h).
 */
#ifndef VMM_SYS_H
#define VMM_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;
struct iovec;
struct pollfd;

/* sys_open - O_CLOEXEC is always added. */
int sys_open(const char *path, int flags, int mode);
int sys_close(int fd);
/* sys_dup - duplicate @fd, close-on-exec. */
int sys_dup(int fd);

/* sys_ioctl - @arg is what the request takes by reference, or NULL. */
int sys_ioctl(int fd, unsigned long request, void *arg);
/* sys_ioctl_num - for requests that take a number instead of a pointer. */
int sys_ioctl_num(int fd, unsigned long request, unsigned long arg);
/* sys_run - KVM_RUN on @fd; -EINTR and -EAGAIN are returned, not retried. */
int sys_run(int fd);

/* One call each, which may be short; -EINTR is retried. */
ssize_t sys_read(int fd, void *buf, size_t len);
ssize_t sys_write(int fd, const void *buf, size_t len);
ssize_t sys_pread(int fd, void *buf, size_t len, uint64_t offset);
ssize_t sys_pwrite(int fd, const void *buf, size_t len, uint64_t offset);
/* sys_send - write to a socket, and nothing if that would wait: -EAGAIN. */
ssize_t sys_send(int fd, const void *buf, size_t len);
/* sys_recv - read from a socket; -EAGAIN if that would wait. */
ssize_t sys_recv(int fd, void *buf, size_t len);
/* sys_recv_fd - sys_recv(), and the open file that came along in *@passed, or -1. */
ssize_t sys_recv_fd(int fd, void *buf, size_t len, int *passed);
/*
 * sys_unix_listen - a stream socket at @path, for its owner only, from which
 * sys_accept() takes connections, or -EAGAIN. sys_unix_connect - the other
 * end, which waits. sys_listens - whether a socket does: 1, 0 or -ENOTSOCK.
 */
int sys_unix_listen(const char *path);
int sys_unix_connect(const char *path);
int sys_accept(int fd);
int sys_listens(int fd);

/*
 * sys_sendmsg - write @nr buffers to a socket, with @nr_fds descriptors beside
 * them, 8 at most. sys_timeout - from now on, what would wait on that socket for
 * longer than @ms milliseconds is -EAGAIN.
 */
ssize_t sys_sendmsg(int fd, const struct iovec *iov, unsigned int nr,
		    const int *fds, unsigned int nr_fds);
int sys_timeout(int fd, unsigned int ms);

/*
 * sys_spawn - run the program at @argv[0] as one that no signal of a terminal
 * reaches, with our standard input and outputs, @fd as descriptor 3, and no other.
 * -errno where it cannot be run; how it fares after that, nobody asks.
 */
int sys_spawn(char *const argv[], int fd);

/*
 * sys_mmap - map @len bytes of @fd (-1: anonymous) from @offset; @hint as in
 * mmap(2). On success *@out is the address and 0 is returned.
 */
int sys_mmap(void **out, void *hint, size_t len, int prot, int flags, int fd,
	     uint64_t offset);
int sys_munmap(void *addr, size_t len);
int sys_madvise(void *addr, size_t len, int advice);

int sys_memfd(const char *name, unsigned int flags);
int sys_ftruncate(int fd, uint64_t size);
/* sys_eventfd - non-blocking and close-on-exec, counter 0. */
int sys_eventfd(void);
int sys_fstat(int fd, struct stat *st);
int sys_stat(const char *path, struct stat *st);

/*
 * sys_access - whether the file's mode lets this process read and write it:
 * 0 or -errno. Nothing is opened.
 */
int sys_access(const char *path);

/*
 * sys_readlink - the target of @path, always NUL-terminated (cut to fit).
 * Returns its length.
 */
int sys_readlink(const char *path, char *buf, size_t size);

int sys_mkdir(const char *path, int mode);
int sys_unlink(const char *path);
/* sys_unlink_at - a @name in the open folder @dir. */
int sys_unlink_at(int dir, const char *name);

/*
 * sys_listdir - call @each for every entry but "." and ".."; stops and
 * returns @each's answer when that is not 0.
 */
int sys_listdir(const char *path, int (*each)(void *arg, const char *name),
		void *arg);

/*
 * sys_getrlimit - soft limit of @resource (RLIMIT_...), UINT64_MAX where
 * there is none.
 */
int sys_getrlimit(int resource, uint64_t *soft);

/* sys_capable - whether capability number @cap is effective: 1 or 0. */
int sys_capable(int cap);

/* sys_random - fill @buf, at most 256 bytes, with random ones: 0 or -errno. */
int sys_random(void *buf, size_t len);

/*
 * sys_readonly - let nobody write any more to the pages that have a byte between
 * @begin and @end. A precaution, so not an error where the kernel refuses.
 */
void sys_readonly(const void *begin, const void *end);
/*
 * sys_thread_name - what this thread is called in /proc, top and debuggers; 15
 * bytes of @name count (PR_SET_NAME).
 */
void sys_thread_name(const char *name);

/* As sys_pread() and sys_pwrite(), of several buffers. */
ssize_t sys_preadv(int fd, const struct iovec *iov, unsigned int nr,
		   uint64_t offset);
ssize_t sys_pwritev(int fd, const struct iovec *iov, unsigned int nr,
		    uint64_t offset);
ssize_t sys_readv(int fd, const struct iovec *iov, unsigned int nr);
ssize_t sys_writev(int fd, const struct iovec *iov, unsigned int nr);
/* sys_nonblock - reads and writes of @fd's opening wait for nothing. */
int sys_nonblock(int fd);
int sys_fdatasync(int fd);
int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t len);
/*
 * sys_lock - all of @fd's file, for readers or for one writer, until the last
 * descriptor of this opening is closed (F_OFD_SETLK). -EAGAIN: others have it.
 */
int sys_lock(int fd, int write);

/* io_uring_setup(2), close-on-exec, and io_uring_enter(2). */
struct io_uring_params;
int sys_uring_setup(unsigned int entries, struct io_uring_params *params);
int sys_uring_enter(int fd, unsigned int submit, unsigned int complete,
		    unsigned int flags);

/*
 * sys_no_new_privs - no program that is run from here on has more rights.
 * sys_seccomp - a filter for this thread's system calls, and for those of
 * threads that it starts from then on; it can't be taken back.
 */
struct sock_fprog;
int sys_no_new_privs(void);
int sys_seccomp(const struct sock_fprog *prog);
/*
 * Landlock (Linux 5.13): sys_landlock_create - a set of rules, or with NULL the
 * version of it that the kernel has; sys_landlock_add - a folder with what may
 * be done beneath it; sys_landlock_restrict - hold this thread to it.
 */
struct landlock_ruleset_attr;
struct landlock_path_beneath_attr;
int sys_landlock_create(const struct landlock_ruleset_attr *attr, size_t size);
int sys_landlock_add(int fd, const struct landlock_path_beneath_attr *dir);
int sys_landlock_restrict(int fd);
/* sys_chroot - @path is the root folder, and the working one. */
int sys_chroot(const char *path);
/* sys_setids - these, and no supplementary groups, in all threads. */
int sys_setids(unsigned int uid, unsigned int gid);
/* sys_end - the process ends here and now; async-signal-safe. */
_Noreturn void sys_end(int status);

/* sys_sleep - wait @ms milliseconds; a signal cuts it short. */
void sys_sleep(unsigned int ms);

int sys_page_size(void);
/* sys_cpus - processors this process may run on, at least 1. */
int sys_cpus(void);

#endif
