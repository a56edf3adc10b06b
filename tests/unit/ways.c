/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See ways.h.
 */
#include <string.h>

#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/sys.h"
#include "ways.h"

#define BY_TYPE1 \
	"VFIO_IOMMU_MAP_DMA", \
	"VFIO_IOMMU_MAP_DMA iova=0x0 size=0x400000 flags=0x3 -> 0", \
	"VFIO_IOMMU_UNMAP_DMA"
#define BY_IOAS \
	"IOMMU_IOAS_MAP ", \
	"IOMMU_IOAS_MAP iova=0x0 length=0x400000 flags=0x7 -> 0", \
	"IOMMU_IOAS_UNMAP"
#define IN_GROUP "open /dev/vfio/1 ", "VFIO_GROUP_GET_DEVICE_FD"

const struct words legacy = {
	LEGACY, IOMMU_LEGACY, BY_TYPE1, IN_GROUP, true,
};
const struct words compat = {
	COMPAT, IOMMU_LEGACY, BY_TYPE1, IN_GROUP, true,
};
const struct words instead = {
	INSTEAD, IOMMU_LEGACY, BY_TYPE1, IN_GROUP, false,
};
const struct words iommufd = {
	CDEV, IOMMU_IOMMUFD, BY_IOAS,
	"open /dev/vfio/devices/vfio0 ", "VFIO_DEVICE_BIND_IOMMUFD", false,
};
const struct words by_group = {
	BY_GROUP, IOMMU_IOMMUFD, BY_IOAS, IN_GROUP, false,
};

const struct words *way;

const struct words *const ways[] = {
	&legacy, &compat, &instead, &iommufd, &by_group, NULL,
};

const char *way_name(const struct words *w)
{
	static const char *const names[] = {
		[LEGACY] = "legacy", [COMPAT] = "compat",
		[INSTEAD] = "instead", [CDEV] = "iommufd",
		[BY_GROUP] = "by_group",
	};

	return names[w->path];
}

void host_as(const struct words *w)
{
	struct fake_host *h = fake_host();

	h->legacy = w->path == LEGACY || w->path == CDEV;
	h->compat = w->path == COMPAT;
	h->groups = w->path == INSTEAD || w->path == BY_GROUP;
	h->iommufd = w->path != LEGACY;
	h->cdev = w->path == CDEV;
}

void build(void)
{
	if (way)
		host_as(way);
	fake_pci_nvme(DEV, 1);
	fake_pci_nvme(DEV2, 2);
}

void start(void)
{
	fake_begin();
	build();
	memset(&cfg, 0, sizeof(cfg));
	CHECK_EQ(fake_vm_create(&vm, &cfg, RAM), 0);
}

void stop(void)
{
	fake_vm_destroy(&vm);
	fake_end();
}

void *host_pages(size_t size)
{
	void *at;

	CHECK_EQ(sys_mmap(&at, NULL, size, 3, 0x22, -1, 0), 0);
	return at;
}

/*
 * What the program may do without: what sysfs tells beyond need, advice, and
 * all that takes down.
 */
bool way_survives(const char *line)
{
	static const char *const lines[] = {
		"stat /dev/", "/vendor", "/device", "/class", "/name",
		"readlink", "listdir", "/dev", "KVM_CHECK_EXTENSION",
		"madvise", "attr=0x2", "UNMAP", "DETACH", "memory_size=0x0",
		"VFIO_CHECK_EXTENSION", "IOMMU_OPTION", "op=0x0",
		"IOAS_COPY",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		if (strstr(line, lines[i]))
			return true;
	return false;
}

int run_two(void)
{
	struct iommu *iommu;
	int err, fd;

	err = fake_vm_create(&vm, &cfg, RAM);
	if (err < 0)
		return err;
	err = iommu_create(&iommu, &vm, way->choice, DEV);
	if (err < 0)
		goto destroy_vm;
	fd = iommu_attach(iommu, DEV, NULL);
	if (fd < 0) {
		err = fd;
		goto destroy_iommu;
	}
	err = iommu_attach(iommu, DEV2, NULL);
	if (err >= 0) {
		iommu_detach(iommu, err);
		err = 0;
	}
	iommu_detach(iommu, fd);
destroy_iommu:
	iommu_destroy(iommu);
destroy_vm:
	fake_vm_destroy(&vm);
	return err;
}
