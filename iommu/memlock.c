/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The accounting of locked memory; see memlock.h.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/iommufd.h>
#include <sys/resource.h>

#include "iommu/memlock.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

/*
 * VFIO's container knows no such option, and counts by process anyway; an
 * iommufd that will not be told may have been told by who opened it.
 */
bool memlock_by_process(int fd)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.op = IOMMU_OPTION_OP_SET,
		.val64 = 1,
	};
	int err = sys_ioctl(fd, IOMMU_OPTION, &option);

	if (err >= 0)
		return true;
	option.op = IOMMU_OPTION_OP_GET;
	option.val64 = 0;
	return sys_ioctl(fd, IOMMU_OPTION, &option) < 0 || option.val64;
}

/* What this process has locked, in bytes; 0 where the kernel does not say. */
static uint64_t locked_now(void)
{
	return file_kib("/proc/self/status", "VmLck:");
}

static const char *counted(bool by_process)
{
	return by_process ? "counted for this process" :
		"counted for all processes of the user";
}

/* By process the kernel says what is locked, by whatever means. */
int memlock_check(uint64_t bytes, uint64_t mine, bool by_process)
{
	uint64_t allowed, needed;
	int err;

	if (!bytes || sys_capable(CAP_IPC_LOCK))
		return 0;
	err = sys_getrlimit(RLIMIT_MEMLOCK, &allowed);
	if (err < 0) {
		log_err("memory: cannot read RLIMIT_MEMLOCK: %s",
			err_text(err));
		return err;
	}
	needed = bytes + (by_process ? MAX(mine, locked_now()) : mine);
	if (needed <= allowed)
		return 0;
	log_err("memory: %llu KiB must be locked for DMA, %llu KiB are allowed "
		"(RLIMIT_MEMLOCK, %s)",
		(unsigned long long)(needed / KiB),
		(unsigned long long)(allowed / KiB), counted(by_process));
	log_hint("as root: ulimit -l %llu", (unsigned long long)(needed / KiB));
	return -EPERM;
}

void memlock_hint(bool by_process)
{
	uint64_t allowed;

	if (sys_capable(CAP_IPC_LOCK) ||
	    sys_getrlimit(RLIMIT_MEMLOCK, &allowed) < 0)
		return;
	log_hint("the limit of locked memory, now %llu KiB and %s, may be used up: "
		 "raise it with ulimit -l",
		 (unsigned long long)(allowed / KiB), counted(by_process));
}
