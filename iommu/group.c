/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups and the devices opened through them; see group.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <sys/stat.h>

#include "iommu/explain.h"
#include "iommu/group.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

bool groups_node(const struct sysfs_device *dev, char path[SYSFS_PATH])
{
	struct stat st;

	snprintf(path, SYSFS_PATH, "/dev/vfio/%s%d",
		 IS_ENABLED(CONFIG_VFIO_NOIOMMU) && dev->noiommu ?
		 "noiommu-" : "", dev->group);
	return dev->group >= 0 && sys_stat(path, &st) >= 0;
}

unsigned int groups_in_use(const struct groups *g)
{
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(g->groups); i++)
		n += g->groups[i].devices > 0;
	return n;
}

int groups_fd(const struct groups *g, int id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(g->groups); i++)
		if (g->groups[i].devices && g->groups[i].id == id)
			return g->groups[i].fd;
	return -1;
}

static int check_viable(int fd, const struct sysfs_device *dev)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int err = sys_ioctl(fd, VFIO_GROUP_GET_STATUS, &status);

	if (err < 0)
		return explain_call(dev, "cannot ask for its group's status",
				    err);
	return status.flags & VFIO_GROUP_FLAGS_VIABLE ? 0 :
		explain_owner(dev, -EBUSY);
}

/* The numbers that say: not with the devices that are here already. */
static bool may_be_elsewhere(bool alone, int err)
{
	return !alone && (err == -EINVAL || err == -EADDRINUSE);
}

/*
 * VFIO's container measures a second group against its IOMMU as it joins,
 * hence EPERM.
 */
static int join(const struct groups *g, int fd, const struct sysfs_device *dev,
		bool alone)
{
	int container = g->container;
	int err = sys_ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container);

	if (err >= 0)
		return 0;
	if (may_be_elsewhere(alone, err))
		return -EXDEV;
	return err == -EPERM && !g->late && !alone ?
		explain_isolation(dev, g->unsafe) : explain_owner(dev, err);
}

/*
 * KVM is told of the group before its first device is opened: the device's
 * driver is given the VM as it is opened.
 */
static int group_open(struct groups *g, struct kvm *kvm, struct group *group,
		      const struct sysfs_device *dev, bool alone)
{
	char path[SYSFS_PATH];
	int err, fd;

	groups_node(dev, path);
	fd = sys_open(path, O_RDWR, 0);
	if (fd == -ENOENT) {
		log_err("%s: not there: this kernel has no VFIO groups (CONFIG_VFIO_GROUP)",
			path);
		return -ENOSYS;
	}
	if (fd < 0)
		return explain_open(path, dev, fd);
	err = check_viable(fd, dev);
	if (err < 0)
		goto close;
	err = join(g, fd, dev, alone);
	if (err < 0)
		goto close;
	err = kvm_vfio_add(kvm, fd);
	if (err < 0) {
		explain_call(dev, "KVM refuses its group", err);
		goto close;
	}
	group->fd = fd;
	group->id = dev->group;
	return 0;

close:
	sys_close(fd);
	return err;
}

static void group_close(struct kvm *kvm, struct group *group)
{
	kvm_vfio_del(kvm, group->fd);
	sys_close(group->fd);
}

static struct group *find_group(struct groups *g, int id)
{
	struct group *free_entry = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(g->groups); i++) {
		if (g->groups[i].devices && g->groups[i].id == id)
			return &g->groups[i];
		if (!g->groups[i].devices && !free_entry)
			free_entry = &g->groups[i];
	}
	return free_entry;
}

static int report_device(const struct groups *g,
			 const struct sysfs_device *dev, bool alone, int err)
{
	int told = explain_token(dev, err);

	if (told < 0)
		return told;
	if (!g->late)
		return explain_call(dev, "cannot open the device through its group",
				    err);
	return may_be_elsewhere(alone, err) ? -EXDEV :
		explain_bind(dev, g->unsafe, err);
}

static int open_device(struct groups *g, struct group *group,
		       const struct sysfs_device *dev, bool alone)
{
	char name[2 * SYSFS_ADDR + 16];
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(g->devices); i++)
		if (!g->devices[i].group)
			break;
	if (i == ARRAY_SIZE(g->devices))
		return explain_call(dev, "one device too many", -ENOSPC);
	snprintf(name, sizeof(name), "%s%s%s", dev->addr,
		 dev->token ? " vf_token=" : "", dev->token ? : "");
	fd = sys_ioctl(group->fd, VFIO_GROUP_GET_DEVICE_FD, name);
	if (fd < 0)
		return report_device(g, dev, alone, fd);
	g->devices[i].fd = fd;
	g->devices[i].group = group;
	group->devices++;
	return fd;
}

int groups_attach(struct groups *g, struct kvm *kvm,
		  const struct sysfs_device *dev, bool alone,
		  int (*ready)(void *arg, const struct sysfs_device *dev),
		  void *arg)
{
	struct group *group = find_group(g, dev->group);
	int err = 0;

	if (!group)
		return explain_call(dev, "one group too many", -ENOSPC);
	if (!group->devices) {
		err = group_open(g, kvm, group, dev, alone);
		if (err < 0)
			return err;
		err = ready ? ready(arg, dev) : 0;
	}
	if (err >= 0)
		err = open_device(g, group, dev, alone);
	if (err < 0 && !group->devices)
		group_close(kvm, group);
	return err;
}

/* First the device, then KVM's hold of the group, then the group. */
bool groups_detach(struct groups *g, struct kvm *kvm, int device_fd)
{
	struct group *group;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(g->devices); i++) {
		group = g->devices[i].group;
		if (!group || g->devices[i].fd != device_fd)
			continue;
		sys_close(device_fd);
		g->devices[i].group = NULL;
		if (!--group->devices)
			group_close(kvm, group);
		return true;
	}
	return false;
}
