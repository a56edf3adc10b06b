/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern bind and unbind: moving a device between its own driver and that of
 * VFIO for its bus. The driver it had is noted in a file of /run, which the next
 * start of the host forgets, as it forgets the binding. Linux:
 * Documentation/ABI/testing/sysfs-bus-pci (driver_override, drivers_probe).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "devices/vfio/command.h"
#include "iommu/survey.h"
#include "iommu/sysfs.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define NOTES "/run/postern"
#define NO_DRIVER "-"

/* ---- the note ----------------------------------------------------------- */

static void note_path(char path[SYSFS_PATH], const char *addr)
{
	snprintf(path, SYSFS_PATH, NOTES "/%s", addr);
}

/* Without a note unbind has the kernel choose, so a failure is no error. */
static void note_write(const struct sysfs_device *dev)
{
	const char *text = dev->driver[0] ? dev->driver : NO_DRIVER;
	char path[SYSFS_PATH];
	int fd, err;

	sys_mkdir(NOTES, 0755);
	note_path(path, dev->addr);
	fd = sys_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	err = fd < 0 ? fd : sys_write(fd, text, strlen(text));
	if (fd >= 0)
		sys_close(fd);
	if (err >= 0)
		return;
	log_warn("%s: cannot note its driver in %s: %s", dev->addr, path,
		 err_text(err));
	sys_unlink(path);
}

/* A name that sysfs could not have must not become part of a path. */
static bool valid_driver(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.+ ";

	return strspn(name, letters) == strlen(name) &&
		strcmp(name, ".") && strcmp(name, "..");
}

/* Returns whether there is a note; @driver is "" if the device had none. */
static bool note_read(const char *addr, char driver[SYSFS_NAME])
{
	char path[SYSFS_PATH];

	note_path(path, addr);
	if (sysfs_read(path, driver, SYSFS_NAME) < 0 || !driver[0] ||
	    !valid_driver(driver))
		return false;
	if (!strcmp(driver, NO_DRIVER))
		driver[0] = '\0';
	return true;
}

static void note_remove(const char *addr)
{
	char path[SYSFS_PATH];

	note_path(path, addr);
	sys_unlink(path);
}

/* ---- steps -------------------------------------------------------------- */

static int set_override(const char *addr, const char *driver)
{
	char path[SYSFS_PATH], text[SYSFS_NAME + 1];

	snprintf(path, sizeof(path), "%sdevices/%s/driver_override",
		 sysfs_bus(addr), addr);
	snprintf(text, sizeof(text), "%s\n", driver);
	return sysfs_write(path, text);
}

static int tell_driver(const char *driver, const char *what, const char *addr)
{
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), "%sdrivers/%s/%s", sysfs_bus(addr),
		 driver, what);
	return sysfs_write(path, addr);
}

static int probe(const char *addr)
{
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), "%sdrivers_probe", sysfs_bus(addr));
	return sysfs_write(path, addr);
}

static int report_write(const char *addr, const char *what, int err)
{
	log_err("%s: %s: %s", addr, what, err_text(err));
	if (err == -EACCES || err == -EPERM)
		log_hint("run it as root");
	return err;
}

/* The address that the user gave, and what is there. Prints its errors. */
static int find(const char *text, struct sysfs_device *dev)
{
	char addr[SYSFS_ADDR];
	int err = survey_name(text, addr);

	if (err < 0)
		return err;
	err = sysfs_device(addr, dev);
	if (err == -ENODEV) {
		log_err("%s: no such device on this host", addr);
		log_hint("postern devices");
	} else if (err < 0) {
		report_write(addr, "cannot read its sysfs folder", err);
	} else if (sysfs_is_mdev(addr)) {
		log_err("%s: is a mediated device, which keeps the driver that made it",
			addr);
		err = -EOPNOTSUPP;
	}
	return err;
}

/* ---- bind --------------------------------------------------------------- */

static int check_bind(const struct sysfs_device *dev)
{
	if (sysfs_is_bridge(dev)) {
		log_err("%s: cannot be bound: it is a bridge", dev->addr);
		return -EOPNOTSUPP;
	}
	return survey_driver(dev);
}

static int warn_member(void *arg, const struct sysfs_device *member)
{
	const struct sysfs_device *dev = arg;

	if (!member->driver[0] || member->vfio || sysfs_is_bridge(member) ||
	    !strcmp(member->addr, dev->addr))
		return 0;
	log_warn("%s: cannot be assigned yet: %s, in the same IOMMU group %d, "
		 "is bound to the driver %s",
		 dev->addr, member->addr, dev->group, member->driver);
	return 0;
}

/* The driver has seen it, and thought otherwise. */
static int report_refusal(const struct sysfs_device *dev, const char *vfio)
{
	bool without = IS_ENABLED(CONFIG_VFIO_NOIOMMU) &&
		sysfs_param(SYSFS_NOIOMMU) > 0;

	log_err("%s: %s does not take it%s; see dmesg", dev->addr, vfio,
		dev->group < 0 && !without ?
		": it has no IOMMU in front of it" : "");
	if (dev->group < 0 && IS_ENABLED(CONFIG_VFIO_NOIOMMU) && !without)
		log_hint("switch the IOMMU on, or, to do without: echo Y > "
			 SYSFS_NOIOMMU);
	else if (sysfs_is_platform(dev->addr) &&
		 sysfs_param(SYSFS_RESET_REQUIRED) > 0)
		log_hint("if the kernel has no reset for it: "
			 "vfio_platform.reset_required=0 on its command line");
	return -ENXIO;
}

/* Let VFIO have it, and see whether it does. */
static int give_to_vfio(const struct sysfs_device *dev, const char *vfio)
{
	struct sysfs_device now;
	int err;

	err = set_override(dev->addr, vfio);
	if (err < 0)
		return report_write(dev->addr, "cannot set driver_override",
				    err);
	if (dev->driver[0]) {
		err = tell_driver(dev->driver, "unbind", dev->addr);
		if (err < 0)
			return report_write(dev->addr,
					    "cannot take it from its driver",
					    err);
	}
	err = probe(dev->addr);
	if (err < 0)
		return report_write(dev->addr, "cannot have it probed", err);
	err = sysfs_device(dev->addr, &now);
	if (err >= 0 && !strcmp(now.driver, vfio))
		return 0;
	return report_refusal(dev, vfio);
}

/* As it was: whatever of the steps has been done by now. */
static void take_back(const struct sysfs_device *dev, const char *vfio)
{
	struct sysfs_device now;

	set_override(dev->addr, "");
	if (sysfs_device(dev->addr, &now) < 0 ||
	    !strcmp(now.driver, dev->driver))
		return;
	if (!strcmp(now.driver, vfio))
		tell_driver(vfio, "unbind", dev->addr);
	if (dev->driver[0] &&
	    tell_driver(dev->driver, "bind", dev->addr) < 0)
		log_err("%s: the driver %s does not take it back", dev->addr,
			dev->driver);
}

static int bind_one(const char *text)
{
	struct sysfs_device dev;
	const char *vfio;
	int err;

	err = find(text, &dev);
	if (err < 0)
		return err;
	vfio = sysfs_vfio_driver(dev.addr);
	if (dev.vfio) {
		log_info("%s: bound to %s already", dev.addr, dev.driver);
		return 0;
	}
	err = check_bind(&dev);
	if (err < 0)
		return err;
	note_write(&dev);
	err = give_to_vfio(&dev, vfio);
	if (err < 0) {
		take_back(&dev, vfio);
		note_remove(dev.addr);
		return err;
	}
	log_info("%s: bound to %s, %s%s before", dev.addr, vfio,
		 dev.driver[0] ? "to " : "to no driver", dev.driver);
	if (dev.group >= 0)
		sysfs_members(dev.group, warn_member, &dev);
	return 0;
}

/* ---- unbind ------------------------------------------------------------- */

/* Linux would wait, for as long as it takes, until nobody has it open. */
static int check_unbind(const struct sysfs_device *dev)
{
	char who[SYSFS_NAME + 16];

	if (!sysfs_holder(dev, who, sizeof(who)))
		return 0;
	log_err("%s: cannot be unbound: it is in use by process %s",
		dev->addr, who);
	return -EBUSY;
}

static bool has_driver(const char *addr, const char *driver)
{
	struct sysfs_device now;

	return sysfs_device(addr, &now) >= 0 && !strcmp(now.driver, driver);
}

/* The driver noted, or where it won't, any. */
static void give_back(const struct sysfs_device *dev, const char *driver,
		      bool noted)
{
	if (noted && !driver[0])
		return;
	if (noted)
		tell_driver(driver, "bind", dev->addr);
	if (!noted || !has_driver(dev->addr, driver))
		probe(dev->addr);
}

/* What came of it; a device that needs a driver and has none is an error. */
static int report_back(const struct sysfs_device *dev, const char *wanted)
{
	struct sysfs_device now;
	int err = sysfs_device(dev->addr, &now);

	if (err < 0)
		return report_write(dev->addr, "cannot read its sysfs folder",
				    err);
	if (wanted[0] && !now.driver[0]) {
		log_err("%s: the driver %s does not take it back, nor does another; see dmesg",
			dev->addr, wanted);
		return -EIO;
	}
	if (wanted[0] && strcmp(now.driver, wanted))
		log_warn("%s: the driver %s does not take it back", dev->addr,
			 wanted);
	log_info("%s: given back %s%s", dev->addr,
		 now.driver[0] ? "to " : "to no driver", now.driver);
	return 0;
}

static int release(const struct sysfs_device *dev)
{
	int err;

	err = set_override(dev->addr, "");
	if (err < 0)
		return report_write(dev->addr, "cannot clear driver_override",
				    err);
	err = tell_driver(dev->driver, "unbind", dev->addr);
	return err < 0 ? report_write(dev->addr, "cannot take it from VFIO",
				      err) : 0;
}

static int unbind_one(const char *text)
{
	char driver[SYSFS_NAME] = "";
	struct sysfs_device dev;
	bool noted;
	int err;

	err = find(text, &dev);
	if (err < 0)
		return err;
	if (!dev.vfio) {
		log_info("%s: not bound to %s, left as it is", dev.addr,
			 sysfs_vfio_driver(dev.addr));
		return 0;
	}
	err = check_unbind(&dev);
	if (err < 0)
		return err;
	noted = note_read(dev.addr, driver);
	if (!noted)
		driver[0] = '\0';
	err = release(&dev);
	if (err < 0)
		return err;
	give_back(&dev, driver, noted);
	note_remove(dev.addr);
	return report_back(&dev, driver);
}

/* ---- all of them -------------------------------------------------------- */

static int for_each(int n, char **addrs, int (*one)(const char *addr))
{
	int i, err, first = 0;

	for (i = 0; i < n; i++) {
		err = one(addrs[i]);
		if (err < 0 && !first)
			first = err;
	}
	return first;
}

int command_bind(int n, char **addrs)
{
	return for_each(n, addrs, bind_one);
}

int command_unbind(int n, char **addrs)
{
	return for_each(n, addrs, unbind_one);
}
