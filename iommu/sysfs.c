/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads sysfs; see sysfs.h. All of it may change under us, so each file is
 * read once, and what is not there is empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "iommu/sysfs.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define GROUPS "/sys/kernel/iommu_groups/"
#define NODES "/dev/vfio/"

/* What strtoul takes but an address has not: signs, spaces, 0x. */
static bool hex(const char **at, int min, int max, unsigned long *value)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	int len = strspn(*at, digits);

	if (len < min || len > max)
		return false;
	*value = strtoul(*at, NULL, 16);
	*at += len;
	return true;
}

static bool expect(const char **at, char c)
{
	return *(*at)++ == c;
}

int sysfs_uuid(const char *text, char uuid[SYSFS_ADDR])
{
	static const char form[] = "########-####-####-####-############";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == '-' ? text[i] != '-' :
		    !text[i] || !strchr("0123456789abcdefABCDEF", text[i]))
			return -EDOM;
	if (text[i])
		return -EDOM;
	/* Linux writes them small. */
	for (i = 0; i < sizeof(form); i++)
		uuid[i] = text[i] >= 'A' && text[i] <= 'F' ?
			text[i] - 'A' + 'a' : text[i];
	return 0;
}

bool sysfs_is_mdev(const char *addr)
{
	char uuid[SYSFS_ADDR];

	/* A platform device's name may have a hyphen, too. */
	return IS_ENABLED(CONFIG_VFIO_MDEV) && strchr(addr, '-') &&
		(!IS_ENABLED(CONFIG_VFIO_PLATFORM) ||
		 sysfs_uuid(addr, uuid) == 0);
}

static int pci_addr(const char *text, char addr[SYSFS_ADDR])
{
	unsigned long domain = 0, bus, dev, fn;
	const char *at = text, *colon = strchr(text, ':');

	if (colon && strchr(colon + 1, ':') &&
	    !(hex(&at, 4, 8, &domain) && expect(&at, ':')))
		return -EDOM;
	if (!hex(&at, 2, 2, &bus) || !expect(&at, ':') ||
	    !hex(&at, 2, 2, &dev) || !expect(&at, '.') ||
	    !hex(&at, 1, 1, &fn) || *at || dev > 0x1f || fn > 7)
		return -EDOM;
	snprintf(addr, SYSFS_ADDR, "%04lx:%02lx:%02lx.%lx", domain, bus, dev,
		 fn);
	return 0;
}

const char *sysfs_last_word(const char *text, char path[SYSFS_PATH])
{
	size_t len;

	if (text[0] != '/')
		return text;
	len = snprintf(path, SYSFS_PATH, "%s", text);
	if (len >= SYSFS_PATH)
		return "";
	while (path[len - 1] == '/' && len > 1)
		path[--len] = '\0';
	return strrchr(path, '/') + 1;
}

int sysfs_addr(const char *text, char addr[SYSFS_ADDR])
{
	char path[SYSFS_PATH];

	text = sysfs_last_word(text, path);
	return sysfs_is_mdev(text) ? sysfs_uuid(text, addr) :
		pci_addr(text, addr);
}

int sysfs_read_all(const char *path, char *buf, size_t size)
{
	ssize_t len = 0, n = 1;
	int fd;

	buf[0] = '\0';
	fd = sys_open(path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	while (n > 0 && (size_t)len < size - 1) {
		n = sys_read(fd, buf + len, size - 1 - len);
		len += n > 0 ? n : 0;
	}
	sys_close(fd);
	buf[len] = '\0';
	return n < 0 ? n : len;
}

int sysfs_read(const char *path, char *buf, size_t size)
{
	int len = sysfs_read_all(path, buf, size);

	buf[strcspn(buf, "\n")] = '\0';
	return len < 0 ? len : 0;
}

ssize_t sysfs_config(const struct sysfs_device *dev, void *buf, size_t size)
{
	char path[SYSFS_PATH];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), SYSFS_PCI "devices/%s/config", dev->addr);
	fd = sys_open(path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	len = sys_pread(fd, buf, size, 0);
	sys_close(fd);
	return len;
}

int sysfs_says(const char *path, const char *word)
{
	size_t keep = 0, tail = strlen(word) - 1;
	char buf[4096];
	ssize_t n = 0;
	int found = 0, fd;

	fd = sys_open(path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	while (!found) {
		n = sys_read(fd, buf + keep, sizeof(buf) - 1 - keep);
		if (n <= 0)
			break;
		n += keep;
		buf[n] = '\0';
		found = strstr(buf, word) != NULL;
		/* The word may be half there. */
		keep = MIN((size_t)n, tail);
		memmove(buf, buf + n - keep, keep);
	}
	sys_close(fd);
	return n < 0 ? n : found;
}

int sysfs_write(const char *path, const char *text)
{
	ssize_t len;
	int fd;

	fd = sys_open(path, O_WRONLY, 0);
	if (fd < 0)
		return fd;
	len = sys_write(fd, text, strlen(text));
	sys_close(fd);
	if (len < 0)
		return len;
	return (size_t)len == strlen(text) ? 0 : -EIO;
}

static void device_path(char path[SYSFS_PATH], const char *addr,
			const char *file)
{
	snprintf(path, SYSFS_PATH, "%sdevices/%s/%s", sysfs_bus(addr), addr,
		 file);
}

static uint32_t read_hex(const char *addr, const char *file)
{
	char path[SYSFS_PATH], text[32];

	device_path(path, addr, file);
	return sysfs_read(path, text, sizeof(text)) < 0 ? 0 :
		strtoul(text, NULL, 16);
}

/*
 * The last part of where the link @file points; "" where it is not there. To
 * fail to read it is an error: no driver is something else.
 */
int sysfs_link(const char *addr, const char *file, char *name, size_t size)
{
	char path[SYSFS_PATH], target[512];
	const char *base;
	int len;

	name[0] = '\0';
	device_path(path, addr, file);
	len = sys_readlink(path, target, sizeof(target));
	if (len < 0)
		return len == -ENOENT ? 0 : len;
	base = strrchr(target, '/');
	/* Half a name would be another thing's. */
	if ((size_t)snprintf(name, size, "%s", base ? base + 1 : target) >=
	    size)
		name[0] = '\0';
	return 0;
}

static int take_name(void *arg, const char *name)
{
	snprintf(arg, SYSFS_NAME, "%s", name);
	return 1;
}

static void read_node(struct sysfs_device *dev)
{
	char path[SYSFS_PATH], file[SYSFS_NAME + 16];
	struct stat st;

	device_path(path, dev->addr, "vfio-dev");
	sys_listdir(path, take_name, dev->node);
	if (!dev->node[0])
		return;
	snprintf(file, sizeof(file), "vfio-dev/%s/dev", dev->node);
	device_path(path, dev->addr, file);
	dev->has_node = sys_stat(path, &st) == 0;
}

static int read_group(struct sysfs_device *dev)
{
	char name[SYSFS_NAME], path[SYSFS_PATH];
	int err;

	err = sysfs_link(dev->addr, "iommu_group", name, sizeof(name));
	if (err < 0)
		return err;
	dev->group = name[0] ? atoi(name) : -1;
	if (dev->group >= 0) {
		snprintf(path, sizeof(path), GROUPS "%d/name", dev->group);
		sysfs_read(path, name, sizeof(name));
	}
	/* A mediated device's group bears this name as well, without meaning it. */
	dev->noiommu = (!strcmp(name, "vfio-noiommu") &&
			!sysfs_is_mdev(dev->addr)) ||
		!strncmp(dev->node, "noiommu-", 8);
	return 0;
}

int sysfs_device(const char *addr, struct sysfs_device *dev)
{
	char path[SYSFS_PATH];
	struct stat st;
	int err;

	memset(dev, 0, sizeof(*dev));
	snprintf(dev->addr, sizeof(dev->addr), "%s", addr);
	device_path(path, addr, "");
	err = sys_stat(path, &st);
	if (err < 0)
		return err == -ENOENT || err == -ENOTDIR ? -ENODEV : err;
	dev->vendor = read_hex(addr, "vendor");
	dev->device = read_hex(addr, "device");
	dev->class = read_hex(addr, "class");
	err = sysfs_link(addr, "driver", dev->driver, sizeof(dev->driver));
	if (err < 0)
		return err;
	read_node(dev);
	err = read_group(dev);
	/* Kernels before 6.1 have no vfio-dev; there, go by the name. */
	dev->vfio = dev->node[0] || strstr(dev->driver, "vfio") ||
		(sysfs_is_mdev(addr) && dev->driver[0]);
	return err;
}

int sysfs_param(const char *path)
{
	char text[8];
	int err = sysfs_read(path, text, sizeof(text));

	return err < 0 ? err : text[0] == 'Y' || text[0] == '1';
}

bool sysfs_is_vf(const char *addr)
{
	char target[SYSFS_NAME];

	return sysfs_link(addr, "physfn", target, sizeof(target)) >= 0 &&
		target[0];
}

struct members {
	int (*each)(void *arg, const struct sysfs_device *dev);
	void *arg;
};

static int visit_member(void *arg, const char *name)
{
	const struct members *m = arg;
	struct sysfs_device dev;

	/* not PCI, or gone since the listing */
	if (sysfs_device(name, &dev) < 0)
		return 0;
	return m->each(m->arg, &dev);
}

int sysfs_members(int group,
		  int (*each)(void *arg, const struct sysfs_device *dev),
		  void *arg)
{
	struct members members = { each, arg };
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), GROUPS "%d/devices", group);
	return sys_listdir(path, visit_member, &members);
}

struct intruder {
	const struct sysfs_device *dev;
	struct sysfs_device *other;
};

/* Drivers that leave DMA alone may share a group with an assigned device. */
static bool harmless(const struct sysfs_device *dev)
{
	return !dev->driver[0] || dev->vfio ||
		!strcmp(dev->driver, "pci-stub") ||
		!strcmp(dev->driver, "pcieport");
}

static int check_intruder(void *arg, const struct sysfs_device *member)
{
	struct intruder *i = arg;

	if (harmless(member) || !strcmp(member->addr, i->dev->addr))
		return 0;
	*i->other = *member;
	return 1;
}

bool sysfs_intruder(const struct sysfs_device *dev, struct sysfs_device *other)
{
	struct intruder i = { dev, other };

	return dev->group >= 0 &&
		sysfs_members(dev->group, check_intruder, &i) == 1;
}

struct holder {
	const struct sysfs_device *dev;
	char group[16];
	char dir[48];		/* /proc/PID/fd */
	char self[16];		/* our own PID */
	char *who;
	size_t size;
};

static int check_file(void *arg, const char *name)
{
	const struct holder *h = arg;
	char path[SYSFS_PATH], target[SYSFS_PATH];
	const char *base;

	snprintf(path, sizeof(path), "%s/%s", h->dir, name);
	if (sys_readlink(path, target, sizeof(target)) < 0 ||
	    strncmp(target, NODES, strlen(NODES)))
		return 0;
	base = strrchr(target, '/') + 1;
	return !strcmp(base, h->group) ||
		(h->dev->node[0] && !strcmp(base, h->dev->node));
}

static int check_process(void *arg, const char *name)
{
	struct holder *h = arg;
	char path[SYSFS_PATH], comm[SYSFS_NAME];

	if (name[0] < '1' || name[0] > '9' || !strcmp(name, h->self))
		return 0;
	snprintf(h->dir, sizeof(h->dir), "/proc/%s/fd", name);
	if (sys_listdir(h->dir, check_file, h) != 1)
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/comm", name);
	sysfs_read(path, comm, sizeof(comm));
	snprintf(h->who, h->size, "%s (%s)", name, comm);
	return 1;
}

bool sysfs_holder(const struct sysfs_device *dev, char *who, size_t size)
{
	struct holder h = { .dev = dev, .who = who, .size = size };

	if (dev->group < 0 && !dev->node[0])
		return false;
	snprintf(h.group, sizeof(h.group), "%s%d",
		 dev->noiommu ? "noiommu-" : "", dev->group);
	if (sys_readlink("/proc/self", h.self, sizeof(h.self)) < 0)
		return false;
	return sys_listdir("/proc", check_process, &h) == 1;
}

bool sysfs_driver_there(const char *addr)
{
	char path[SYSFS_PATH];
	struct stat st;

	snprintf(path, sizeof(path), "%sdrivers/%s", sysfs_bus(addr),
		 sysfs_vfio_driver(addr));
	return sys_stat(path, &st) == 0;
}

/* The class has had another name before Linux 6.1. */
bool sysfs_vfio_there(void)
{
	struct stat st;

	return sys_stat("/sys/class/vfio-dev", &st) == 0 ||
		sys_stat("/sys/class/vfio", &st) == 0;
}
