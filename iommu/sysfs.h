/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sysfs says of a PCI device, a mediated one, or one of a system on a
 * chip (platform and AMBA): who drives it, which IOMMU group it is in and who
 * else is, and which VFIO node is its own. Linux:
 * Documentation/ABI/testing/sysfs-bus-pci, sysfs-bus-platform,
 * Documentation/driver-api/vfio.rst, vfio-mediated-device.rst.
 */
#ifndef IOMMU_SYSFS_H
#define IOMMU_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vmm/util.h"

#define SYSFS_PCI "/sys/bus/pci/"
#define SYSFS_MDEV "/sys/bus/mdev/"
#define SYSFS_PLATFORM "/sys/bus/platform/"
#define SYSFS_AMBA "/sys/bus/amba/"
/* Whether VFIO takes devices without an IOMMU. */
#define SYSFS_NOIOMMU \
	"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
/* Whether vfio-platform takes only devices that it can reset. */
#define SYSFS_RESET_REQUIRED \
	"/sys/module/vfio_platform/parameters/reset_required"
/* Longest: a UUID, or the name of a platform device. */
#define SYSFS_ADDR (IS_ENABLED(CONFIG_VFIO_PLATFORM) ? 64 : 40)
#define SYSFS_NAME 64
#define SYSFS_PATH 160

struct sysfs_device {
	/* In full: "0000:01:00.0", a mdev's UUID, "9010000.pl031". */
	char addr[SYSFS_ADDR];
	uint16_t vendor;
	uint16_t device;
	uint32_t class;		/* base, sub, interface: 0x010802 */
	int group;		/* IOMMU group, -1: none */
	bool noiommu;		/* a group or node that isolates nothing */
	bool vfio;		/* its driver is one of VFIO's */
	bool has_node;		/* the kernel gives it a node of its own */
	const char *token;	/* not of sysfs: the user's VF token, or NULL */
	char driver[SYSFS_NAME]; /* "": none */
	char node[SYSFS_NAME];	/* its name below vfio-dev/, "": none */
};

/*
 * sysfs_addr - the PCI address that @text names, written in full into @addr.
 * The domain may be left out. In its place may be the UUID of a mediated
 * device, and of either its folder in sysfs. -EDOM: none of them.
 */
int sysfs_addr(const char *text, char addr[SYSFS_ADDR]);
/*
 * sysfs_last_word - @text, or if it is a path its last part, whatever the
 * shell put behind it; kept in @path.
 */
const char *sysfs_last_word(const char *text, char path[SYSFS_PATH]);
/* sysfs_is_mdev - whether what sysfs_addr() wrote is a mediated device's. */
bool sysfs_is_mdev(const char *addr);
/* sysfs_uuid - the UUID @text as Linux writes it, or -EDOM: it is none. */
int sysfs_uuid(const char *text, char uuid[SYSFS_ADDR]);

#if IS_ENABLED(CONFIG_VFIO_PLATFORM)
/*
 * sysfs_name - as sysfs_addr(), or else the name of a platform or AMBA device.
 * -EDOM: it can be none of them.
 */
int sysfs_name(const char *text, char addr[SYSFS_ADDR]);
/* sysfs_is_platform - whether what that wrote is such a name. */
bool sysfs_is_platform(const char *addr);
/*
 * sysfs_bus - the folder in sysfs of the bus that @addr is on, with a slash.
 * sysfs_vfio_driver - which of VFIO's drivers takes devices of that bus.
 */
const char *sysfs_bus(const char *addr);
const char *sysfs_vfio_driver(const char *addr);
#else
static inline int sysfs_name(const char *text, char addr[SYSFS_ADDR])
{
	return sysfs_addr(text, addr);
}

static inline bool sysfs_is_platform(const char *addr)
{
	return false;
}

static inline const char *sysfs_bus(const char *addr)
{
	return sysfs_is_mdev(addr) ? SYSFS_MDEV : SYSFS_PCI;
}

static inline const char *sysfs_vfio_driver(const char *addr)
{
	return "vfio-pci";
}
#endif

/*
 * sysfs_device - read all about the device at @addr, which is in full.
 * -ENODEV: there is none. Fails where its driver or group can't be read; of
 * the rest, what can't be read is left empty.
 */
int sysfs_device(const char *addr, struct sysfs_device *dev);

/* sysfs_is_bridge - what no driver of VFIO's takes: it is the host's. */
static inline bool sysfs_is_bridge(const struct sysfs_device *dev)
{
	return dev->class >> 16 == 0x06;
}

/* sysfs_param - a module's parameter: 1, 0, or -errno: it can't be read. */
int sysfs_param(const char *path);

/*
 * sysfs_config - the first @size bytes of @dev's config space. Returns how many
 * there were, the superuser being shown all and others the header; or -errno.
 */
ssize_t sysfs_config(const struct sysfs_device *dev, void *buf, size_t size);

/* sysfs_is_vf - whether the device at @addr is a virtual function (SR-IOV). */
bool sysfs_is_vf(const char *addr);

/*
 * sysfs_members - call @each for every device of IOMMU group @group; stops
 * and returns @each's answer when that is not 0.
 */
int sysfs_members(int group,
		  int (*each)(void *arg, const struct sysfs_device *dev),
		  void *arg);

/*
 * sysfs_intruder - the first other device of @dev's group whose driver does
 * DMA of its own, which bars the group from being assigned. Returns whether
 * there is one, and fills @other.
 */
bool sysfs_intruder(const struct sysfs_device *dev,
		    struct sysfs_device *other);

/*
 * sysfs_holder - which other process has @dev's VFIO node open: writes
 * "1234 (qemu)" to @who. Returns whether one was found; without privilege,
 * only among the user's own processes.
 */
bool sysfs_holder(const struct sysfs_device *dev, char *who, size_t size);

/* sysfs_vfio_there - whether VFIO is loaded, or built into the kernel. */
bool sysfs_vfio_there(void);

/* sysfs_driver_there - whether VFIO's driver for @addr's bus is loaded. */
bool sysfs_driver_there(const char *addr);

/*
 * sysfs_link - the last part of where the link @file of the device at @addr
 * points, "" where it is not there. 0 or -errno.
 */
int sysfs_link(const char *addr, const char *file, char *name, size_t size);

/*
 * sysfs_read - the text of a small file, without its last newline, cut to
 * fit. sysfs_write - write @text by one call. Both return 0 or -errno.
 */
int sysfs_read(const char *path, char *buf, size_t size);
/* sysfs_read_all - all lines, cut to fit; returns their length or -errno. */
int sysfs_read_all(const char *path, char *buf, size_t size);
/* sysfs_says - whether @word is in a file of any length: 1, 0 or -errno. */
int sysfs_says(const char *path, const char *word);
int sysfs_write(const char *path, const char *text);

#endif
