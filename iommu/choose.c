/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which backend is taken: the one that the user asks for, or by what the host
 * has for the first device.
 */
#include <errno.h>

#include "iommu/backend.h"
#include "vmm/config.h"
#include "vmm/log.h"
#include "vmm/util.h"

struct choice {
	enum iommu_choice choice;
	const struct iommu_backend *backend;
};

/* In order of preference; an entry that is not built in has no backend. */
static const struct choice choices[] = {
	{ IOMMU_IOMMUFD, IS_ENABLED(CONFIG_IOMMUFD) ? &iommu_iommufd : NULL },
	{ IOMMU_LEGACY,
	  IS_ENABLED(CONFIG_VFIO_CONTAINER) ? &iommu_legacy : NULL },
};

#define ONLY_ONE \
	(!IS_ENABLED(CONFIG_IOMMUFD) || !IS_ENABLED(CONFIG_VFIO_CONTAINER))

const struct iommu_backend *backend_nr(unsigned int i)
{
	const struct choice *c;

	for (c = choices; c < choices + ARRAY_SIZE(choices); c++)
		if (c->backend && !i--)
			return c->backend;
	return NULL;
}

/* What makes do with less, or else the last: its error says what is missing. */
static const struct iommu_backend *choose_fallback(const struct sysfs_device *dev,
						   const struct iommu_backend *last,
						   const char **why)
{
	const struct choice *c;

	for (c = choices; c < choices + ARRAY_SIZE(choices); c++) {
		*why = c->backend && c->backend->fallback ?
			c->backend->fallback(dev) : NULL;
		if (*why)
			return c->backend;
	}
	return last;
}

/* The first that the host has all for. */
static const struct iommu_backend *choose_auto(const struct sysfs_device *dev,
					       const char **why)
{
	const struct choice *c, *last = NULL;
	const char *lack, *before = NULL;

	for (c = choices; c < choices + ARRAY_SIZE(choices); c++) {
		if (!c->backend)
			continue;
		last = c;
		lack = c->backend->lacks(dev);
		if (!lack) {
			*why = before ? before : c->backend->offer;
			return c->backend;
		}
		if (!before)
			before = lack;
	}
	return choose_fallback(dev, last->backend, why);
}

/* A container that the user names is for the one that knows containers. */
static int check_container(const struct config *cfg, enum iommu_choice *choice)
{
	if (!cfg->container)
		return 0;
	if (*choice == IOMMU_IOMMUFD) {
		log_err("--container: %s: iommufd has no use for one",
			cfg->container);
		return -EDOM;
	}
	*choice = IOMMU_LEGACY;
	return 0;
}

const struct iommu_backend *backend_choose(const struct config *cfg,
					   enum iommu_choice choice,
					   const struct sysfs_device *dev,
					   const char **why)
{
	const struct choice *c;

	*why = NULL;
	if (check_container(cfg, &choice) < 0)
		return NULL;
	for (c = choices; c < choices + ARRAY_SIZE(choices); c++) {
		if (!c->backend || (choice != c->choice &&
				    !(ONLY_ONE && choice == IOMMU_AUTO)))
			continue;
		*why = ONLY_ONE ? "the only one built in" : "asked for";
		return c->backend;
	}
	if (choice == IOMMU_AUTO)
		return choose_auto(dev, why);
	log_err("iommu: the backend asked for is not built into this program");
	return NULL;
}
