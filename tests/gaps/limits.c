/* SPDX-License-Identifier: BSD-2-Clause */
/* How much may be mapped, by whom, and in how many pieces. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "gaps.h"

static int try_over(struct space *s)
{
	space_ready(s, EDU);
	become_nobody(s, MIB);
	return map(s, IOVA, ram(2 * MIB), 2 * MIB);
}

static int try_within(struct space *s)
{
	space_ready(s, EDU);
	become_nobody(s, 3 * MIB);
	return map(s, IOVA, ram(2 * MIB), 2 * MIB);
}

/* Mapped before there is a device that could use it. */
static int try_over_early(struct space *s)
{
	int err;

	must(s, space_open(s));
	must(s, space_join(s, EDU));
	must(s, space_choose(s, VFIO_TYPE1v2_IOMMU));
	become_nobody(s, MIB);
	err = map(s, IOVA, ram(2 * MIB), 2 * MIB);
	return where(s, err < 0 ? err : space_device(s, EDU));
}

/* Memory that is locked already counts once more, if it's by process. */
static int try_locked(struct space *s)
{
	void *at = ram(2 * MIB);

	space_ready(s, EDU);
	become_nobody(s, 3 * MIB);
	s->call = "mlock";
	must(s, mlock(at, 2 * MIB) < 0 ? -errno : 0);
	return map(s, IOVA, at, 2 * MIB);
}

/* Two processes of one user, each with as much as one of them may have. */
static int try_two_processes(struct space *s)
{
	int status;
	pid_t pid;

	space_ready(s, EDU);
	become_nobody(s, 3 * MIB);
	must(s, map(s, IOVA, ram(2 * MIB), 2 * MIB));
	s->call = "fork";
	pid = must(s, fork());
	if (pid == 0)
		_exit(-map(s, IOVA + 2 * MIB, ram(2 * MIB), 2 * MIB));
	s->call = "waitpid";
	must(s, waitpid(pid, &status, 0) < 0 ? -errno : 0);
	return -WEXITSTATUS(status);
}

static int rlimit_mode(struct space *s, int op, uint64_t value)
{
	struct iommu_option arg = { .size = sizeof(arg),
				    .option_id = IOMMU_OPTION_RLIMIT_MODE,
				    .op = op,
				    .val64 = value };
	int err = CALL(s, s->base, IOMMU_OPTION, &arg);

	return err < 0 ? err : (int)arg.val64;
}


/* open_alone: nothing is in it yet, after which the mode cannot change. */
static void open_alone(struct space *s)
{
	s->base = open(s->way->base, O_RDWR | O_CLOEXEC);
	s->call = "open";
	must(s, s->base < 0 ? -errno : 0);
}

static int try_mode(struct space *s)
{
	int mode;

	open_alone(s);
	mode = rlimit_mode(s, IOMMU_OPTION_OP_GET, 0);
	return mode < 0 ? mode : say(s, mode ? "process" : "user");
}

static int try_set_mode(struct space *s)
{
	int err;

	open_alone(s);
	err = rlimit_mode(s, IOMMU_OPTION_OP_SET, 1);
	return err < 0 ? err : 0;
}

static int try_set_mode_nobody(struct space *s)
{
	int err;

	open_alone(s);
	become_nobody(s, MIB);
	err = rlimit_mode(s, IOMMU_OPTION_OP_SET, 1);
	return err < 0 ? err : 0;
}

static int try_set_mode_late(struct space *s)
{
	int err;

	space_ready(s, EDU);
	err = rlimit_mode(s, IOMMU_OPTION_OP_SET, 1);
	return err < 0 ? err : 0;
}

static int try_pieces(struct space *s)
{
	union {
		struct vfio_iommu_type1_info info;
		char room[1024];
	} arg = { .info.argsz = sizeof(arg) };
	const struct vfio_iommu_type1_info_dma_avail *cap;
	uint32_t at;

	if (!s->way->by_group)
		return NOT_HERE;
	space_ready(s, EDU);
	must(s, CALL(s, s->base, VFIO_IOMMU_GET_INFO, &arg));
	for (at = arg.info.cap_offset; at; at = cap->header.next) {
		cap = (const void *)(arg.room + at);
		if (cap->header.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL)
			return say(s, "%u", cap->avail);
	}
	return NOT_HERE;
}

/* The 17th mapping where 16 are allowed; where there's no such limit, it has no name. */
static int try_too_many(struct space *s)
{
	char *at = ram(32 * PAGE);
	int err = host_set("vfio_iommu_type1", "dma_entry_limit", "16");

	s->call = "dma_entry_limit";
	must(s, err == -ENOENT ? 0 : err);
	space_ready(s, EDU);
	host_set("vfio_iommu_type1", "dma_entry_limit", "65535");
	for (uint64_t i = 0; i < 16; i++)
		must(s, map(s, IOVA + 2 * i * PAGE, at + 2 * i * PAGE, PAGE));
	return map(s, IOVA + 32 * PAGE, at, PAGE);
}

const struct scenario limit_scenarios[] = {
	{ "memlock-within", "map 2 MiB as a user who may lock 3", SAFE,
	  try_within },
	{ "memlock-over", "map 2 MiB as a user who may lock 1", SAFE,
	  try_over },
	{ "memlock-over-early", "the same before the device, then attach",
	  SAFE, try_over_early },
	{ "memlock-locked", "2 of 3 MiB that mlock() has locked already", SAFE,
	  try_locked },
	{ "memlock-two", "2 of 3 MiB, and 2 more by another process of the user",
	  SAFE, try_two_processes },
	{ "memlock-mode", "by what it is counted, as RLIMIT_MODE says", SAFE,
	  try_mode },
	{ "memlock-set-mode", "set RLIMIT_MODE to the process", SAFE,
	  try_set_mode },
	{ "memlock-set-mode-late", "the same after a device is attached", SAFE,
	  try_set_mode_late },
	{ "memlock-set-mode-user", "the same by an ordinary user", SAFE,
	  try_set_mode_nobody },
	{ "pieces", "so many mappings may be made", SAFE, try_pieces },
	{ "pieces-over", "one more than vfio_iommu_type1.dma_entry_limit",
	  SAFE, try_too_many },
	{ 0 },
};
