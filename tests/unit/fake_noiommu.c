/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake kernel's devices without an IOMMU, and its huge pages: what Linux
 * refuses and tells of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>

#include "iommu/uapi.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define DEV "0000:01:00.0"
#define PAGE 4096ULL

static int container, group, device;

static int map(uint64_t iova, uint64_t size, void *at, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg), .flags = flags, .iova = iova,
		.size = size, .vaddr = (uintptr_t)at,
	};

	return sys_ioctl(container, VFIO_IOMMU_MAP_DMA, &arg);
}

#define MIB2 (2 * MiB)

static void noiommu_begin(void)
{
	fake_begin();
	fake_host()->unsafe_noiommu = true;
	fake_pci_nvme(DEV, -1);
	CHECK_STR(fake_text("/sys/kernel/iommu_groups/0/name"),
		  "vfio-noiommu\n");
}

TEST(noiommu_groups_need_the_parameter_and_the_right)
{
	char name[] = DEV;

	noiommu_begin();
	fake_host()->cap_sys_rawio = false;
	CHECK_EQ(sys_open("/dev/vfio/noiommu-0", O_RDWR, 0), -EPERM);
	fake_host()->cap_sys_rawio = true;
	CHECK_EQ(sys_open("/dev/vfio/0", O_RDWR, 0), -ENOENT);
	container = sys_open("/dev/vfio/vfio", O_RDWR, 0);
	group = sys_open("/dev/vfio/noiommu-0", O_RDWR, 0);
	CHECK(container >= 0 && group >= 0);
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 3), -ENODEV);
	fake_host()->unsafe_noiommu = false;
	CHECK_EQ(sys_ioctl_num(container, VFIO_CHECK_EXTENSION, 8), 0);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 8), -ENODEV);
	fake_host()->unsafe_noiommu = true;
	CHECK_EQ(sys_ioctl_num(container, VFIO_CHECK_EXTENSION, 8), 1);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 8), 0);
	CHECK_EQ(map(0, PAGE, NULL, 3), -ENOTTY);
	fake_host()->cap_sys_rawio = false;
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name), -EPERM);
	sys_close(group);
	sys_close(container);
	fake_end();
}

TEST(without_the_parameter_vfio_takes_no_device_without_an_iommu)
{
	struct fake_pci *pci;
	int fd;

	fake_begin();
	pci = fake_pci(DEV, 0x1b36, 0x10, 0x010802, -1, NULL);
	strcpy(pci->override, "vfio-pci");
	fd = sys_open("/sys/bus/pci/drivers_probe", O_WRONLY, 0);
	CHECK(sys_write(fd, DEV, sizeof(DEV) - 1) > 0);
	CHECK_STR(pci->driver, "");
	fake_host()->unsafe_noiommu = true;
	CHECK(sys_write(fd, DEV, sizeof(DEV) - 1) > 0);
	CHECK_STR(pci->driver, "vfio-pci");
	CHECK_EQ(pci->group, 0);
	fake_pci_bind(pci, NULL);
	CHECK_EQ(pci->group, -1);
	sys_close(fd);
	fake_end();
}

/* A file of @size bytes of huge pages, all there. */
static char *huge(int *fd, size_t size)
{
	void *at;

	*fd = sys_memfd("huge", MFD_HUGETLB);
	CHECK_EQ(sys_ftruncate(*fd, size), 0);
	if (sys_mmap(&at, NULL, size, 3, 1, *fd, 0) < 0)
		return NULL;
	CHECK_EQ(sys_madvise(at, size, 23), 0);
	return at;
}

static uint64_t pagemap(const char *at)
{
	int fd = sys_open("/proc/self/pagemap", O_RDONLY, 0);
	uint64_t entry;

	CHECK_EQ(sys_pread(fd, &entry, 8, (uintptr_t)at / PAGE * 8), 8);
	sys_close(fd);
	return entry;
}

TEST(huge_pages_come_from_a_pool_and_go_back)
{
	static const uint64_t pool[] = { 64 * MiB, 8 * GiB, 32 * MiB };
	void *again;
	char *at;
	int fd;

	fake_begin();
	fake_huge_pages(pool, 3);
	CHECK(!huge(&fd, 4 * MIB2));
	sys_close(fd);
	at = huge(&fd, 2 * MIB2);
	CHECK_STR(fake_text("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"),
		  "1\n");
	CHECK_EQ(pagemap(at + PAGE), BIT(63) | (64 * MiB / PAGE + 1));
	CHECK_EQ(pagemap(at + MIB2), BIT(63) | (8 * GiB / PAGE));
	fake_host()->cap_sys_admin = false;
	CHECK_EQ(pagemap(at), BIT(63));
	fake_host()->cap_sys_admin = true;
	/* another mapping of the same file shows the same page */
	CHECK_EQ(sys_mmap(&again, NULL, MIB2, 3, 1, fd, MIB2), 0);
	CHECK_EQ(pagemap(again), BIT(63) | (8 * GiB / PAGE));
	CHECK_EQ(sys_madvise(at, MIB2, 9), 0);
	CHECK_EQ(pagemap(at), 0);
	CHECK_EQ(fake_huge_free(), 2);
	sys_munmap(at, 2 * MIB2);
	CHECK_EQ(pagemap(again), BIT(63) | (8 * GiB / PAGE));
	sys_munmap(again, MIB2);
	CHECK_EQ(fake_huge_free(), 2);
	sys_close(fd);
	CHECK_EQ(fake_huge_free(), 3);
	fake_end();
}

TEST(an_address_space_without_iommu_tells_where_its_memory_is)
{
	static const uint64_t pool[] = { 64 * MiB, 8 * GiB };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_map arg = { .size = sizeof(arg), .flags = 7,
				      .iova = 0xfee00000, .length = 2 * MIB2 };
	struct iommu_ioas_noiommu_get_pa pa = { .size = sizeof(pa),
						.iova = 0xfee00000 + MIB2 + 8,
						.length = 16 };
	int mem, iommu;

	noiommu_begin();
	fake_huge_pages(pool, 2);
	arg.user_va = (uintptr_t)huge(&mem, 2 * MIB2);
	fake_host()->cap_sys_rawio = false;
	CHECK_EQ(sys_open("/dev/vfio/devices/noiommu-vfio0", O_RDWR, 0),
		 -EPERM);
	fake_host()->cap_sys_rawio = true;
	device = sys_open("/dev/vfio/devices/noiommu-vfio0", O_RDWR, 0);
	iommu = sys_open("/dev/iommu", O_RDWR, 0);
	CHECK(device >= 0 && iommu >= 0);
	bind.iommufd = iommu;
	CHECK_EQ(sys_ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
	CHECK_EQ(sys_ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc), 0);
	arg.ioas_id = pa.ioas_id = attach.pt_id = alloc.out_ioas_id;
	CHECK_EQ(sys_ioctl(iommu, IOMMU_IOAS_MAP, &arg), 0);
	CHECK_EQ(sys_ioctl(iommu, IOMMU_IOAS_NOIOMMU_GET_PA, &pa),
		 -EOPNOTSUPP);
	CHECK_EQ(sys_ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), 0);
	CHECK_EQ(sys_ioctl(iommu, IOMMU_IOAS_NOIOMMU_GET_PA, &pa), 0);
	CHECK_EQ(pa.out_phys, 8 * GiB + 8);
	CHECK_EQ(pa.length, 16);
	pa.iova = 0;
	CHECK_EQ(sys_ioctl(iommu, IOMMU_IOAS_NOIOMMU_GET_PA, &pa), -ENOENT);
	sys_close(device);
	sys_close(iommu);
	sys_munmap((void *)(uintptr_t)arg.user_va, 2 * MIB2);
	sys_close(mem);
	CHECK_EQ(fake_violations(), 1);	/* KVM was not told */
}
