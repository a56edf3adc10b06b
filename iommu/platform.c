/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of platform and AMBA devices, and which of the two buses one is on;
 * see sysfs.h. Linux: Documentation/ABI/testing/sysfs-bus-platform,
 * drivers/vfio/platform.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "iommu/sysfs.h"
#include "vmm/sys.h"

/* The first is for a device that is on none of the others. */
static const struct {
	const char *dir;
	const char *driver;
} buses[] = {
	{ SYSFS_PLATFORM, "vfio-platform" },
	{ SYSFS_AMBA, "vfio-amba" },
};

/* A slip of the pen is not to be looked for on another bus. */
static bool looks_like_pci(const char *text)
{
	return strchr(text, ':') &&
		text[strspn(text, "0123456789abcdefABCDEF:.x-")] == '\0';
}

/*
 * What names in sysfs are made of, and no path or message stumbles over. Of
 * what has registers they have a dot, of other nodes below another a colon.
 */
int sysfs_name(const char *text, char addr[SYSFS_ADDR])
{
	char path[SYSFS_PATH];
	size_t len, i;

	if (sysfs_addr(text, addr) == 0)
		return 0;
	text = sysfs_last_word(text, path);
	len = strlen(text);
	for (i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' ||
		    strchr("/,\"\\", text[i]))
			return -EDOM;
	if (len >= SYSFS_ADDR || text[0] == '.' || text[0] == '-' ||
	    !strpbrk(text, ".:") || looks_like_pci(text))
		return -EDOM;
	memcpy(addr, text, len + 1);
	return 0;
}

bool sysfs_is_platform(const char *addr)
{
	char other[SYSFS_ADDR];

	return sysfs_addr(addr, other) < 0;
}

static unsigned int find_bus(const char *addr)
{
	unsigned int i = ARRAY_SIZE(buses);
	char path[SYSFS_PATH];
	struct stat st;

	while (--i) {
		snprintf(path, sizeof(path), "%sdevices/%s", buses[i].dir,
			 addr);
		if (sys_stat(path, &st) == 0)
			break;
	}
	return i;
}

const char *sysfs_bus(const char *addr)
{
	if (sysfs_is_platform(addr))
		return buses[find_bus(addr)].dir;
	return sysfs_is_mdev(addr) ? SYSFS_MDEV : SYSFS_PCI;
}

const char *sysfs_vfio_driver(const char *addr)
{
	return sysfs_is_platform(addr) ? buses[find_bus(addr)].driver :
		"vfio-pci";
}
