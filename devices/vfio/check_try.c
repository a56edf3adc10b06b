/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern check --try: devices are attached in earnest, without any memory
 * for them to reach, and the kernel is asked what it tells only then. Linux:
 * include/uapi/linux/vfio.h.
 */
#include <errno.h>
#include <linux/vfio.h>

#include "devices/vfio/check_priv.h"
#include "iommu/iommu.h"
#include "vmm/sys.h"

/* Some IOMMUs take every size from the smallest on. */
static void report_sizes(struct report *r, uint64_t sizes)
{
	static const char units[] = "KMGTP";
	bool all = sizes && !(sizes + (sizes & -sizes));
	unsigned int bit, up;

	report_words(r, "page sizes");
	for (bit = 10; bit < 60; bit++) {
		up = (bit - 10) / 10;
		if (!(sizes & BIT(bit)))
			continue;
		report_word(r, "%llu %ciB%s", BIT(bit - 10 * up - 10),
			    units[up], all ? " and all above" : "");
		if (all)
			break;
	}
	report_words_end(r);
}

static void report_caps(struct check *c)
{
	struct report *r = &c->report;
	struct iommu_caps caps;
	int err = iommu_caps(c->iommu, &caps);

	check_err(c, err);
	if (err < 0)
		return;
	report_sizes(r, caps.page_sizes);
	report_flag(r, "coherent", caps.coherent);
	report_text(r, "dirty tracking", caps.dirty);
	if (caps.maps != UINT32_MAX)
		report_number(r, "mappings left", caps.maps);
	else
		report_text(r, "mappings left", "no limit");
	check_ranges(c, caps.ranges, caps.nr_ranges);
}

static unsigned int vectors(int fd, unsigned int index)
{
	struct vfio_irq_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	return sys_ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ? 0 :
		info.count;
}

static void report_vectors(struct report *r, int fd)
{
	static const struct {
		unsigned int index;
		const char *name;
	} kinds[] = {
		{ VFIO_PCI_INTX_IRQ_INDEX, "INTx" },
		{ VFIO_PCI_MSI_IRQ_INDEX, "MSI" },
		{ VFIO_PCI_MSIX_IRQ_INDEX, "MSI-X" },
	};
	unsigned int i, nr;

	report_words(r, "interrupts");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		nr = vectors(fd, kinds[i].index);
		if (nr)
			report_word(r, "%u %s", nr, kinds[i].name);
	}
	report_words_end(r);
}

static void report_attached(struct check *c, int fd)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct report *r = &c->report;

	if (sys_ioctl(fd, VFIO_DEVICE_GET_INFO, &info) >= 0)
		report_flag(r, "can be reset",
			    info.flags & VFIO_DEVICE_FLAGS_RESET);
	if (info.flags & (VFIO_DEVICE_FLAGS_PLATFORM | VFIO_DEVICE_FLAGS_AMBA))
		report_number(r, "interrupts", info.num_irqs);
	else
		report_vectors(r, fd);
	/* What does no DMA is in no address space to speak of. */
	if (config_noiommu(c->cfg) != NOIOMMU_DEVICE_ONLY)
		report_caps(c);
}

/* All share one space, as they would in a guest. */
void check_try(struct check *c, const struct sysfs_device *dev)
{
	struct report *r = &c->report;
	int fd = 0;

	if (!c->iommu)
		fd = iommu_create(&c->iommu, &c->vm, c->cfg->iommu, dev->addr);
	if (fd >= 0)
		fd = iommu_attach(c->iommu, dev->addr, NULL);
	check_err(c, fd);
	report_open(r, "attached");
	report_flag(r, "done", fd >= 0);
	if (fd >= 0) {
		c->fds[c->nr_fds++] = fd;
		report_attached(c, fd);
	}
	report_close(r);
}

void check_try_end(struct check *c)
{
	while (c->nr_fds)
		iommu_detach(c->iommu, c->fds[--c->nr_fds]);
	if (c->iommu)
		iommu_destroy(c->iommu);
	c->iommu = NULL;
}
