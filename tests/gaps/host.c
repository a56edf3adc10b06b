/* SPDX-License-Identifier: BSD-2-Clause */
/* What sysfs and /dev say. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/iommufd.h>

#include "gaps.h"

#define PCI "/sys/bus/pci"

/*
 * A container knows no IOMMU_VFIO_IOAS and says EINVAL, as to any call before
 * a group has joined it; an iommufd knows it, and that there is no IOAS yet.
 */
enum owner host_owner(void)
{
	struct iommu_vfio_ioas arg = { .size = sizeof(arg),
				       .op = IOMMU_VFIO_IOAS_GET };
	int fd = open("/dev/vfio/vfio", O_RDWR);
	enum owner owner = IOMMUFD;

	if (fd < 0)
		return NOBODY;
	if (ioctl(fd, IOMMU_VFIO_IOAS, &arg) < 0 && errno == EINVAL)
		owner = CONTAINER;
	close(fd);
	return owner;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int host_set(const char *module, const char *parameter, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", module,
		 parameter);
	return write_file(path, value);
}

int host_bind(const char *addr)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), PCI "/devices/%s/driver/unbind", addr);
	write_file(path, addr);
	snprintf(path, sizeof(path), PCI "/devices/%s/driver_override", addr);
	err = write_file(path, "vfio-pci");
	if (err < 0)
		return err;
	return write_file(PCI "/drivers/vfio-pci/bind", addr);
}

static void take_if_there(char node[PATH], const char *folder,
			  const char *prefix, const char *name)
{
	char path[PATH];

	snprintf(path, sizeof(path), "%s/%s%s", folder, prefix, name);
	if (access(path, F_OK) == 0)
		memcpy(node, path, sizeof(path));
}

static void find_group(struct device *dev)
{
	char path[128], link[256];
	ssize_t n;

	snprintf(path, sizeof(path), PCI "/devices/%s/iommu_group", dev->addr);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return;
	link[n] = '\0';
	take_if_there(dev->group, "/dev/vfio", "", strrchr(link, '/') + 1);
	take_if_there(dev->group, "/dev/vfio", "noiommu-",
		      strrchr(link, '/') + 1);
}

static void find_cdev(struct device *dev)
{
	const struct dirent *entry;
	char path[128];
	DIR *dir;

	snprintf(path, sizeof(path), PCI "/devices/%s/vfio-dev", dev->addr);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (strstr(entry->d_name, "vfio"))
			take_if_there(dev->cdev, "/dev/vfio/devices", "",
				      entry->d_name);
	}
	if (dir)
		closedir(dir);
}

void host_find(struct device *dev, const char *addr)
{
	*dev = (struct device){ .addr = addr };
	find_group(dev);
	find_cdev(dev);
}
