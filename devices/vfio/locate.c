/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where memory is in the host, learnt by way of the first assigned device; see
 * vfio.h.
 */
#include "devices/vfio/platform_priv.h"
#include "devices/vfio/vfio.h"
#include "devices/vfio/vfio_priv.h"
#include "iommu/iommu.h"

static int first_name(const struct config *cfg, char name[SYSFS_ADDR])
{
	struct platform_spec spec;
	int err;

	if (IS_ENABLED(CONFIG_VFIO_PCI) && cfg->nr_vfio)
		return vfio_pci_first(cfg, name);
	if (!IS_ENABLED(CONFIG_VFIO_PLATFORM) || !cfg->nr_vfio_platform)
		return -ENODEV;
	err = platform_spec_parse(cfg->vfio_platform[0], &spec);
	if (err >= 0)
		memcpy(name, spec.name, SYSFS_ADDR);
	return err;
}

int vfio_locate(struct vm *vm, void *hva, uint64_t size, uint64_t page,
		uint64_t *pa)
{
	char name[SYSFS_ADDR];
	int err = first_name(vm->cfg, name);

	return err < 0 ? err : iommu_locate(vm, name, hva, size, page, pa);
}
