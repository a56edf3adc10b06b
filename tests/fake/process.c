/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process may do, and the machine it is on.
 */
#include <linux/capability.h>
#include <sys/resource.h>

#include "tests/fake/fake_priv.h"
#include "vmm/sys.h"

int sys_getrlimit(int resource, uint64_t *soft)
{
	*soft = resource == RLIMIT_MEMLOCK ? world->host.memlock : UINT64_MAX;
	return 0;
}

int sys_capable(int cap)
{
	return cap == CAP_IPC_LOCK ? world->host.cap_ipc_lock :
		cap == CAP_SYS_ADMIN ? world->host.cap_sys_admin :
		world->host.cap_sys_rawio;
}

/* In this world time passes at once. */
void sys_sleep(unsigned int ms)
{
	world_lock();
	call_begin(0, "sleep %u ms", ms);
	call_end(0);
	world_unlock();
}

int sys_page_size(void)
{
	return PAGE;
}

int sys_cpus(void)
{
	return 2;
}
