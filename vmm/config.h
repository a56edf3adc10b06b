/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user asked for, parsed and checked: filled by options.c, constant
 * from then on.
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/util.h"

#define CONFIG_VFIO_MAX 32
#define CONFIG_OVERLAYS_MAX 16
#define CONFIG_VIRTIO_MAX 32
#define CONFIG_FLASH_MAX 2

enum iommu_choice {
	IOMMU_AUTO,
	IOMMU_LEGACY,
	IOMMU_IOMMUFD,
};

enum noiommu_choice {
	NOIOMMU_OFF,
	NOIOMMU_ON,		/* guest RAM is where it is in the host */
	NOIOMMU_DEVICE_ONLY,	/* devices do no DMA */
};

enum on_error {
	ON_ERROR_STOP,
	ON_ERROR_CONTINUE,
};

enum p2p_choice {
	P2P_ON,
	P2P_OFF,
};

/* A paravirtual device: the option's name and its value, NULL if none. */
struct virtio_config {
	const char *option;
	const char *value;
};

enum sandbox_choice {
	SANDBOX_ON,
	SANDBOX_LOG,		/* what is not allowed is noted by the kernel */
	SANDBOX_OFF,
};

struct config {
	const char *kernel;		/* NULL: what is in flash is run */
	const char *initrd;
	const char *append;
	uint64_t memory;		/* bytes */
	unsigned int cpus;
	const char *cpu_features;	/* arm64; NULL: what the host has */
	bool hugepages;
	unsigned int iommu;		/* enum iommu_choice */
	const char *container;		/* NULL: what the host has */
	unsigned int noiommu;		/* enum noiommu_choice */
	unsigned int p2p;		/* enum p2p_choice */
	unsigned int on_device_error;	/* enum on_error */
	const char *vfio[CONFIG_VFIO_MAX]; /* as given: ADDR[,key=value]... */
	unsigned int nr_vfio;
	const char *vfio_platform[CONFIG_VFIO_MAX]; /* NAME[,key=value] */
	unsigned int nr_vfio_platform;
	unsigned int stop_timeout;	/* seconds after the power button */
	unsigned int timeout;		/* seconds, 0: none */
	bool once;
	bool quiet;
	bool json;
	bool verbose;
	bool try_attach;
	const char *trace;
	const char *events;
	bool print_config;
	bool dry_run;
	const char *control;
	bool prometheus;
	unsigned int hotplug;		/* slots */
	unsigned int sandbox;		/* enum sandbox_choice */
	const char *user;
	const char *chroot;
	const char *flash[CONFIG_FLASH_MAX]; /* FILE[,ro], of each bank */
	unsigned int nr_flash;
	/* Of machines with a device tree */
	const char *dump_dtb;		/* where to write it instead of running */
	const char *dtb_overlay[CONFIG_OVERLAYS_MAX];
	unsigned int nr_dtb_overlay;
	struct virtio_config virtio[CONFIG_VIRTIO_MAX];	/* as given */
	unsigned int nr_virtio;
};

/* config_ports - the slots for devices that come and go. */
static inline unsigned int config_ports(const struct config *cfg)
{
	return IS_ENABLED(CONFIG_HOTPLUG) ? cfg->hotplug : 0;
}

/* config_noiommu - how devices without an IOMMU are assigned. */
static inline unsigned int config_noiommu(const struct config *cfg)
{
	return IS_ENABLED(CONFIG_VFIO_NOIOMMU) ? cfg->noiommu : NOIOMMU_OFF;
}

#endif
