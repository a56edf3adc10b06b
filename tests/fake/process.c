/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process may do, and the machine it is on.
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"
#include "vmm/sys.h"

int sys_getrlimit(int resource, uint64_t *soft)
{
	*soft = resource == RLIMIT_MEMLOCK ? world->host.memlock : UINT64_MAX;
	return 0;
}

int sys_capable(int cap)
{
	switch (cap) {
	case CAP_IPC_LOCK:
		return world->host.cap_ipc_lock;
	case CAP_SYS_RESOURCE:
		return world->host.cap_sys_resource;
	case CAP_SYS_ADMIN:
		return world->host.cap_sys_admin;
	}
	return world->host.cap_sys_rawio;
}

/* Other bytes each time, and the same in each run of a test. */
int sys_random(void *buf, size_t len)
{
	uint8_t *bytes = buf;
	size_t i;
	int err;

	world_lock();
	err = call_begin(ENOSYS, "random len=0x%zx", len);
	for (i = 0; i < len && !err; i++)
		bytes[i] = world->calls + i * 7;
	call_end(err);
	world_unlock();
	return err;
}

/* Nobody is held to anything: fake_as() tells what they would be held to. */
int sys_no_new_privs(void)
{
	return 0;
}

int sys_seccomp(const struct sock_fprog *prog)
{
	return 0;
}

int sys_landlock_create(const struct landlock_ruleset_attr *attr, size_t size)
{
	return -ENOSYS;
}

int sys_landlock_add(int fd, const struct landlock_path_beneath_attr *dir)
{
	return -ENOSYS;
}

int sys_landlock_restrict(int fd)
{
	return -ENOSYS;
}

int sys_chroot(const char *path)
{
	return -EPERM;
}

int sys_setids(unsigned int uid, unsigned int gid)
{
	return -EPERM;
}

void sys_end(int status)
{
	_exit(status);
}

/* In this world time passes at once. */
void sys_sleep(unsigned int ms)
{
	world_lock();
	call_begin(0, "sleep %u ms", ms);
	call_end(0);
	world_unlock();
}

/* Not in the record: it comes when a thread does. */
void sys_thread_name(const char *name)
{
	prctl(PR_SET_NAME, name);
}

int sys_page_size(void)
{
	return PAGE;
}

int sys_cpus(void)
{
	return 2;
}

/* Device nodes are their owner's alone; what there is else, everybody's. */
int sys_access(const char *path)
{
	struct stat st;
	int err = sys_stat(path, &st);

	return err < 0 ? err :
		S_ISCHR(st.st_mode) && !world->host.root ? -EACCES : 0;
}
