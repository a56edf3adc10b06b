/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DMA space over the fake kernel: both backends through the same tests,
 * the choice between them, and every call made to fail once.
 */
#include <errno.h>
#include <string.h>

#include "capture.h"
#include "iommu/iommu.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define DEV "0000:01:00.0"
#define DEV2 "0000:02:00.0"
#define RAM (4 * MiB)

static struct vm vm;
static struct config cfg;

/* What is called differently by the two. */
struct words {
	enum iommu_choice choice;
	const char *map;
	const char *whole_map;
	const char *unmap;
	const char *open;	/* of the device's or its group's node */
	const char *use;	/* what the device fd comes from */
};

static const struct words legacy = {
	IOMMU_LEGACY, "VFIO_IOMMU_MAP_DMA",
	"VFIO_IOMMU_MAP_DMA iova=0x0 size=0x400000 flags=0x3 -> 0",
	"VFIO_IOMMU_UNMAP_DMA",
	"open /dev/vfio/1 ", "VFIO_GROUP_GET_DEVICE_FD",
};
static const struct words iommufd = {
	IOMMU_IOMMUFD, "IOMMU_IOAS_MAP ",
	"IOMMU_IOAS_MAP iova=0x0 length=0x400000 flags=0x7 -> 0",
	"IOMMU_IOAS_UNMAP",
	"open /dev/vfio/devices/vfio0 ", "VFIO_DEVICE_BIND_IOMMUFD",
};

static void build(void)
{
	fake_pci_nvme(DEV, 1);
	fake_pci_nvme(DEV2, 2);
}

static void start(void)
{
	fake_begin();
	build();
	memset(&cfg, 0, sizeof(cfg));
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
}

static void stop(void)
{
	fake_vm_destroy(&vm);
	fake_end();
}

/* ---- the contract, for both --------------------------------------------- */

static void attach_maps_ram_once(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	CHECK_EQ(fake_maps(), 0);
	fd = iommu_attach(iommu, DEV);
	CHECK(fd >= 0);
	CHECK_EQ(fake_maps(), 1);
	CHECK_EQ(fake_count(w->map), 1);
	CHECK_EQ(fake_count(w->whole_map), 1);
	iommu_detach(iommu, fd);
	CHECK_EQ(fake_maps(), 0);
	CHECK_EQ(fake_count(w->unmap), 1);
	iommu_destroy(iommu);
	stop();
}

static void kvm_is_told_first_and_last(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV);
	CHECK(fd >= 0);
	CHECK(fake_order(w->open, "KVM_SET_DEVICE_ATTR group=0x1 attr=0x1",
			 w->use, w->map, NULL));
	fake_journal_clear();
	iommu_detach(iommu, fd);
	CHECK(w == &legacy ?
	      fake_order(w->unmap, "close VFIO device " DEV,
			 "KVM_SET_DEVICE_ATTR group=0x1 attr=0x2",
			 "close /dev/vfio/1", NULL) :
	      fake_order(w->unmap, "VFIO_DEVICE_DETACH_IOMMUFD_PT",
			 "KVM_SET_DEVICE_ATTR group=0x1 attr=0x2",
			 "close VFIO device " DEV, NULL));
	iommu_destroy(iommu);
	stop();
}

static void two_devices_share_one_space(const struct words *w)
{
	struct iommu *iommu;
	int a, b;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV);
	b = iommu_attach(iommu, DEV2);
	CHECK(a >= 0 && b >= 0 && a != b);
	CHECK_EQ(fake_count(w->map), 1);
	iommu_detach(iommu, a);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, b);
	CHECK_EQ(fake_maps(), 0);
	/* and the space can be used again */
	a = iommu_attach(iommu, DEV2);
	CHECK(a >= 0);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, a);
	iommu_destroy(iommu);
	stop();
}

static void two_devices_of_one_group(const struct words *w)
{
	struct iommu *iommu;
	int a, b;

	start();
	fake_pci_nvme("0000:01:00.1", 1);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	a = iommu_attach(iommu, DEV);
	b = iommu_attach(iommu, "0000:01:00.1");
	CHECK(a >= 0 && b >= 0);
	iommu_detach(iommu, a);
	iommu_detach(iommu, b);
	iommu_destroy(iommu);
	stop();
}

static void same_device_twice(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV);
	CHECK(fd >= 0);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, "01:00.0"), -EDOM);
	capture_end();
	CHECK(said(DEV ": given twice"));
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

static void *host_pages(size_t size)
{
	void *at;

	CHECK_EQ(sys_mmap(&at, NULL, size, 3, 0x22, -1, 0), 0);
	return at;
}

/* Memory that comes later follows; a device's own memory does not. */
static void later_memory_follows(const struct words *w)
{
	struct mem_region more = {
		.name = "more", .gpa = 4 * GiB, .size = MiB, .fd = -1,
		.flags = MEM_RAM,
	}, bar = {
		.name = "bar", .gpa = 5 * GiB, .size = MiB, .fd = -1,
		.flags = MEM_DEVICE,
	};
	struct iommu *iommu;
	int fd;

	start();
	more.hva = host_pages(more.size);
	bar.hva = host_pages(bar.size);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV);
	CHECK(fd >= 0);
	CHECK_EQ(mem_add(&vm.mem, &bar), 0);
	CHECK_EQ(fake_maps(), 1);
	CHECK_EQ(mem_add(&vm.mem, &more), 0);
	CHECK_EQ(fake_maps(), 2);
	CHECK_EQ(fake_slots(), 3);
	mem_del(&vm.mem, &bar);
	CHECK_EQ(fake_maps(), 2);
	mem_del(&vm.mem, &more);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	sys_munmap(more.hva, more.size);
	sys_munmap(bar.hva, bar.size);
	stop();
}

/* A region that the IOMMU refuses is in no memory slot either. */
static void refused_region_is_taken_back(const struct words *w)
{
	struct mem_region more = {
		.name = "high", .gpa = 0xfed00000, .size = 4 * MiB, .fd = -1,
		.flags = MEM_RAM,
	};
	struct iommu *iommu;
	int fd;

	start();
	more.hva = host_pages(more.size);
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fd = iommu_attach(iommu, DEV);
	CHECK(fd >= 0);
	capture_begin(2);
	CHECK_EQ(mem_add(&vm.mem, &more), -ERANGE);
	capture_end();
	CHECK(said("high, 0xfed00000-0xff0fffff"));
	CHECK(said("keeps 0xfee00000-0xfeefffff"));
	CHECK_EQ(fake_slots(), 1);
	CHECK_EQ(fake_maps(), 1);
	/* with no device attached there is no such limit */
	iommu_detach(iommu, fd);
	CHECK_EQ(mem_add(&vm.mem, &more), 0);
	/* but the next device finds it */
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV), -ERANGE);
	capture_end();
	CHECK(said("high"));
	CHECK_EQ(said_lines(), 1);
	mem_del(&vm.mem, &more);
	iommu_destroy(iommu);
	sys_munmap(more.hva, more.size);
	stop();
}

static void reach_ends_below_memory(const struct words *w)
{
	struct iommu *iommu;

	start();
	fake_host()->hole_size = 0;
	fake_host()->iova_last = RAM - 1;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	iommu_detach(iommu, iommu_attach(iommu, DEV));
	fake_host()->iova_last = RAM / 2 - 1;
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV), -ERANGE);
	capture_end();
	CHECK(said("0x0-0x3fffff"));
	CHECK(said("keeps 0x200000-0xffffffffffffffff"));
	iommu_destroy(iommu);
	stop();
}

static void memlock_is_checked_first(const struct words *w)
{
	struct iommu *iommu;
	int fd;

	start();
	fake_host()->cap_ipc_lock = false;
	fake_host()->memlock = RAM - 1;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV), -EPERM);
	capture_end();
	CHECK(said("memory: 4096 KiB must be locked for DMA, 4095 KiB are allowed"));
	CHECK(said("hint: "));
	CHECK(said("ulimit -l 4096"));
	CHECK_EQ(said_lines(), 2);
	CHECK_EQ(fake_count(w->map), 0);
	CHECK_EQ(fake_count("madvise len=0x400000 advice=23"), 0);
	fake_host()->memlock = RAM;
	fd = iommu_attach(iommu, DEV);
	CHECK(fd >= 0);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

/* Enough for us, but others of the same user have used it up. */
static void memlock_used_up(const struct words *w)
{
	struct iommu *iommu;

	start();
	fake_host()->cap_ipc_lock = false;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	fake_fail_call(w->map, ENOMEM);
	capture_begin(2);
	CHECK_EQ(iommu_attach(iommu, DEV), -ENOMEM);
	capture_end();
	CHECK(said("cannot map ram, 0x0-0x3fffff, for DMA: "));
	CHECK(said("now 8192 KiB"));
	iommu_destroy(iommu);
	stop();
}

#define BOTH(name) \
	TEST(legacy_##name) { name(&legacy); } \
	TEST(iommufd_##name) { name(&iommufd); }

BOTH(attach_maps_ram_once)
BOTH(kvm_is_told_first_and_last)
BOTH(two_devices_share_one_space)
BOTH(two_devices_of_one_group)
BOTH(same_device_twice)
BOTH(later_memory_follows)
BOTH(refused_region_is_taken_back)
BOTH(reach_ends_below_memory)
BOTH(memlock_is_checked_first)
BOTH(memlock_used_up)

/* ---- every call fails once ---------------------------------------------- */

static const struct words *sweep_words;

static int whole_run(void)
{
	struct iommu *iommu;
	int err, fd;

	err = fake_vm_create(&vm, &cfg, RAM);
	if (err < 0)
		return err;
	err = iommu_create(&iommu, &vm, sweep_words->choice, DEV);
	if (err < 0)
		goto destroy_vm;
	fd = iommu_attach(iommu, DEV);
	if (fd < 0) {
		err = fd;
		goto destroy_iommu;
	}
	err = iommu_attach(iommu, DEV2);
	if (err >= 0)
		iommu_detach(iommu, err);
	iommu_detach(iommu, fd);
	if (err > 0)
		err = 0;
destroy_iommu:
	iommu_destroy(iommu);
destroy_vm:
	fake_vm_destroy(&vm);
	return err;
}

/*
 * What the program may do without: what sysfs tells beyond need, advice, and
 * all that takes down.
 */
static bool survivable(const char *line)
{
	static const char *const lines[] = {
		"stat /dev/", "/vendor", "/device", "/class", "/name",
		"readlink", "listdir", "/dev", "KVM_CHECK_EXTENSION",
		"madvise", "attr=0x2", "UNMAP", "DETACH", "memory_size=0x0",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		if (strstr(line, lines[i]))
			return true;
	return false;
}

static void sweep(const struct words *w, unsigned int at_least)
{
	int n;

	sweep_words = w;
	n = fake_sweep(build, whole_run, survivable);
	CHECK(n >= (int)at_least);
}

TEST(legacy_survives_every_failing_call)
{
	sweep(&legacy, 50);
}

TEST(iommufd_survives_every_failing_call)
{
	sweep(&iommufd, 50);
}

/* ---- mapping by file ---------------------------------------------------- */

static int attach_huge(struct iommu **iommu)
{
	fake_begin();
	build();
	cfg = (struct config){ .hugepages = true };
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
	CHECK_EQ(iommu_create(iommu, &vm, IOMMU_IOMMUFD, DEV), 0);
	return 0;
}

static void run_huge(struct iommu *iommu)
{
	int fd = iommu_attach(iommu, DEV);

	CHECK(fd >= 0);
	CHECK_EQ(fake_maps(), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

TEST(huge_pages_are_mapped_by_file)
{
	struct iommu *iommu;
	int fd;

	attach_huge(&iommu);
	fd = iommu_attach(iommu, DEV);
	CHECK(fd >= 0);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP_FILE iova=0x0 length=0x400000 start=0x0"),
		 1);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP "), 0);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

/* Kernels before 6.13, and files that they can't map. */
TEST(older_kernel_maps_huge_pages_by_address)
{
	static const int errs[] = { ENOTTY, EOPNOTSUPP, EINVAL };
	struct iommu *iommu;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errs); i++) {
		test_note("errno %d", errs[i]);
		attach_huge(&iommu);
		fake_fail_call("IOMMU_IOAS_MAP_FILE", errs[i]);
		run_huge(iommu);
	}
}

TEST(no_room_is_no_reason_to_map_by_address)
{
	struct iommu *iommu;

	attach_huge(&iommu);
	fake_fail_call("IOMMU_IOAS_MAP_FILE", ENOMEM);
	CHECK_EQ(iommu_attach(iommu, DEV), -ENOMEM);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP "), 0);
	iommu_destroy(iommu);
	stop();
}

TEST(small_pages_are_mapped_by_address)
{
	struct iommu *iommu;
	int fd;

	start();
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_IOMMUFD, DEV), 0);
	fd = iommu_attach(iommu, DEV);
	CHECK(fd >= 0);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP_FILE"), 0);
	CHECK_EQ(fake_count("IOMMU_IOAS_MAP "), 1);
	iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	stop();
}

/* ---- the choice --------------------------------------------------------- */

/* Opens a space by @choice, and returns the log. */
static const char *choose(enum iommu_choice choice)
{
	struct iommu *iommu;
	const char *log;
	int err;

	capture_begin(2);
	err = iommu_create(&iommu, &vm, choice, DEV);
	log = capture_end();
	CHECK_EQ(err, 0);
	iommu_destroy(iommu);
	return log;
}

TEST(auto_prefers_iommufd)
{
	start();
	CHECK_STR(choose(IOMMU_AUTO), "postern: iommu: iommufd: /dev/iommu and the "
		  "device's node are there\n");
	CHECK_EQ(fake_count("open /dev/iommu"), 1);
	CHECK_EQ(fake_count("open /dev/vfio/vfio"), 0);
	stop();
}

TEST(auto_without_iommufd_takes_the_container)
{
	start();
	fake_host()->iommufd = false;
	CHECK_STR(choose(IOMMU_AUTO),
		  "postern: iommu: legacy: no /dev/iommu\n");
	stop();
}

TEST(auto_without_device_nodes_takes_the_container)
{
	start();
	fake_host()->cdev = false;
	CHECK_STR(choose(IOMMU_AUTO), "postern: iommu: legacy: the device has no "
		  "node in /dev/vfio/devices/\n");
	stop();
}

TEST(what_is_asked_for_is_taken)
{
	start();
	CHECK_STR(choose(IOMMU_LEGACY),
		  "postern: iommu: legacy: asked for\n");
	CHECK_STR(choose(IOMMU_IOMMUFD),
		  "postern: iommu: iommufd: asked for\n");
	stop();
}

TEST(auto_with_neither_says_what_is_missing)
{
	struct iommu *iommu;

	start();
	fake_host()->iommufd = false;
	fake_host()->legacy = false;
	capture_begin(2);
	CHECK_EQ(iommu_create(&iommu, &vm, IOMMU_AUTO, DEV), -ENOSYS);
	capture_end();
	CHECK(said("CONFIG_VFIO_CONTAINER"));
	CHECK_EQ(said_lines(), 1);
	stop();
}
