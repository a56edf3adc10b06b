/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern devices: what devices this host has, and which of them can be
 * assigned as they are. All is read from sysfs and /proc; no device is opened.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vfio/command.h"
#include "devices/vfio/report.h"
#include "devices/vfio/check_priv.h"
#include "devices/vfio/vfio_priv.h"
#include "iommu/sysfs.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

/*
 * Base class and subclass; a subclass of 0xff stands for the rest of its
 * base class. PCI Code and ID Assignment Specification 1.11, chapter 1.
 */
static const struct {
	uint8_t base;
	uint8_t sub;
	const char *text;
} classes[] = {
	{ 0x01, 0x00, "SCSI controller" },
	{ 0x01, 0x01, "IDE controller" },
	{ 0x01, 0x04, "RAID controller" },
	{ 0x01, 0x06, "SATA controller" },
	{ 0x01, 0x07, "SAS controller" },
	{ 0x01, 0x08, "NVMe controller" },
	{ 0x01, 0xff, "storage controller" },
	{ 0x02, 0x00, "Ethernet controller" },
	{ 0x02, 0x07, "InfiniBand controller" },
	{ 0x02, 0xff, "network controller" },
	{ 0x03, 0x00, "VGA display" },
	{ 0x03, 0x02, "3D controller" },
	{ 0x03, 0xff, "display controller" },
	{ 0x04, 0x01, "audio device" },
	{ 0x04, 0x03, "audio device" },
	{ 0x04, 0xff, "multimedia device" },
	{ 0x05, 0xff, "memory controller" },
	{ 0x07, 0x00, "serial port" },
	{ 0x07, 0xff, "communication controller" },
	{ 0x08, 0x05, "SD host controller" },
	{ 0x08, 0xff, "system peripheral" },
	{ 0x09, 0xff, "input controller" },
	{ 0x0c, 0x03, "USB controller" },
	{ 0x0c, 0x05, "SMBus controller" },
	{ 0x0c, 0xff, "serial bus controller" },
	{ 0x0d, 0xff, "wireless controller" },
	{ 0x10, 0xff, "encryption controller" },
	{ 0x11, 0xff, "signal processor" },
	{ 0x12, 0xff, "processing accelerator" },
};

const char *class_text(const struct sysfs_device *dev)
{
	uint8_t base = dev->class >> 16, sub = dev->class >> 8;
	size_t i;

	if (sysfs_is_mdev(dev->addr))
		return "mediated device";
	if (sysfs_is_platform(dev->addr))
		return "platform device";
	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].base == base &&
		    (classes[i].sub == sub || classes[i].sub == 0xff))
			return classes[i].text;
	return "device";
}

struct list {
	char (*addrs)[SYSFS_ADDR];
	size_t nr;
};

static int add_addr(void *arg, const char *name)
{
	struct list *list = arg;
	char addr[SYSFS_ADDR];
	void *more;

	if (sysfs_name(name, addr) < 0)
		return 0;
	more = realloc(list->addrs, (list->nr + 1) * sizeof(addr));
	if (!more)
		return -ENOMEM;
	list->addrs = more;
	memcpy(list->addrs[list->nr++], addr, sizeof(addr));
	return 0;
}

/* A system on a chip has hundreds; most could never be assigned. */
static int add_platform(void *arg, const char *name)
{
	struct sysfs_device dev;
	char addr[SYSFS_ADDR];

	if (sysfs_name(name, addr) < 0 || !sysfs_is_platform(addr) ||
	    sysfs_device(addr, &dev) < 0 || (dev.group < 0 && !dev.vfio))
		return 0;
	return add_addr(arg, name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int read_list(struct list *list)
{
	int err = sys_listdir(SYSFS_PCI "devices", add_addr, list);

	/* Not every system on a chip has PCI. */
	if (err < 0 && !(IS_ENABLED(CONFIG_VFIO_PLATFORM) && err == -ENOENT)) {
		log_err("devices: cannot list %s: %s", SYSFS_PCI "devices",
			err_text(err));
		return err == -ENOENT ? -ENODEV : err;
	}
	/* Few hosts have any, and most not even the folder. */
	if (IS_ENABLED(CONFIG_VFIO_MDEV))
		sys_listdir(SYSFS_MDEV "devices", add_addr, list);
	if (IS_ENABLED(CONFIG_VFIO_PLATFORM)) {
		sys_listdir(SYSFS_PLATFORM "devices", add_platform, list);
		sys_listdir(SYSFS_AMBA "devices", add_platform, list);
	}
	if (list->nr)
		qsort(list->addrs, list->nr, sizeof(*list->addrs), compare);
	return 0;
}

/* One word for programs and a few for people. */
struct state {
	const char *word;
	char text[160];
};

static void vfio_state(const struct sysfs_device *dev, struct state *state)
{
	struct sysfs_device other;
	char who[SYSFS_NAME + 16];

	if (dev->noiommu) {
		state->word = "noiommu";
		snprintf(state->text, sizeof(state->text), "noiommu mode%s",
			 IS_ENABLED(CONFIG_VFIO_NOIOMMU) ?
			 ", needs --noiommu" : "");
	} else if (sysfs_holder(dev, who, sizeof(who))) {
		state->word = "in-use";
		snprintf(state->text, sizeof(state->text), "in use by %s",
			 who);
	} else if (sysfs_intruder(dev, &other)) {
		state->word = "shared";
		snprintf(state->text, sizeof(state->text),
			 "shares its group with %s (%s)", other.addr,
			 other.driver);
	} else {
		state->word = "assignable";
		snprintf(state->text, sizeof(state->text), "assignable");
	}
}

static void read_state(const struct sysfs_device *dev, struct state *state)
{
	if (dev->vfio) {
		vfio_state(dev, state);
	} else if (dev->group < 0) {
		state->word = "no-iommu";
		snprintf(state->text, sizeof(state->text), "no IOMMU");
	} else if (dev->driver[0]) {
		state->word = "bound";
		snprintf(state->text, sizeof(state->text), "bound to %s",
			 dev->driver);
	} else {
		state->word = "unbound";
		snprintf(state->text, sizeof(state->text), "no driver");
	}
}

/* What a platform device is, as its node of the device tree says. */
static void compatible(const struct sysfs_device *dev, char *text, size_t size)
{
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), "%sdevices/%s/of_node/compatible",
		 sysfs_bus(dev->addr), dev->addr);
	if (sysfs_read(path, text, size) < 0 || !text[0])
		snprintf(text, size, "%s", class_text(dev));
}

static void print_row(const struct sysfs_device *dev, const struct state *state)
{
	char group[12] = "-", name[64];

	if (dev->group >= 0)
		snprintf(group, sizeof(group), "%d", dev->group);
	/* What a mediated device is like is known when it is opened. */
	if (sysfs_is_mdev(dev->addr))
		snprintf(name, sizeof(name), "%s", class_text(dev));
	else if (sysfs_is_platform(dev->addr))
		compatible(dev, name, sizeof(name));
	else
		snprintf(name, sizeof(name), "%04x:%04x %s", dev->vendor,
			 dev->device, class_text(dev));
	printf("%-12s  %-34s  %5s  %-12s  %s\n", dev->addr, name, group,
	       dev->driver[0] ? dev->driver : "-", state->text);
}

static void print_object(const struct sysfs_device *dev,
			 const struct state *state)
{
	char text[64];

	printf("{\"address\": \"%s\", \"name\": \"%s\", ", dev->addr,
	       class_text(dev));
	if (sysfs_is_platform(dev->addr)) {
		compatible(dev, text, sizeof(text));
		printf("\"compatible\": ");
		report_quote(text);
		printf(", ");
	} else {
		printf("\"vendor\": \"%04x\", \"device\": \"%04x\", \"class\": \"%06x\", ",
		       dev->vendor, dev->device, dev->class);
	}
	if (dev->group >= 0)
		printf("\"group\": %d, ", dev->group);
	else
		printf("\"group\": null, ");
	printf("\"driver\": ");
	if (dev->driver[0])
		report_quote(dev->driver);
	else
		printf("null");
	printf(", \"state\": \"%s\", \"detail\": ", state->word);
	report_quote(state->text);
	putchar('}');
}

static void print_caps(const struct sysfs_device *dev)
{
	uint8_t cfg[PCI_CFG_SIZE] = { 0 };
	ssize_t len = sysfs_config(dev, cfg, sizeof(cfg));

	if (len < 256)
		log_warn("%s: cannot read its config space: %s", dev->addr,
			 len < 0 ? err_text(len) : "run it as root");
	else
		caps_print(cfg, len);
}

static void print_one(const struct sysfs_device *dev,
		      const struct config *cfg, size_t *n)
{
	struct state state;

	read_state(dev, &state);
	if (cfg->json) {
		printf((*n)++ ? ",\n " : "[");
		print_object(dev, &state);
		return;
	}
	print_row(dev, &state);
	if (cfg->verbose && !sysfs_is_platform(dev->addr))
		print_caps(dev);
}

static void print_all(const struct list *list, const struct config *cfg)
{
	struct sysfs_device dev;
	size_t i, n = 0;

	if (!cfg->json)
		printf("%-12s  %-34s  %5s  %-12s  %s\n", "ADDRESS", "NAME",
		       "GROUP", "DRIVER", "STATE");
	for (i = 0; i < list->nr; i++)
		/* A device may be pulled out meanwhile. */
		if (sysfs_device(list->addrs[i], &dev) >= 0 &&
		    !sysfs_is_bridge(&dev))
			print_one(&dev, cfg, &n);
	if (cfg->json)
		printf(n ? "]\n" : "[]\n");
}

/* Those that were named, which must be there. */
static int name_list(struct list *list, int n, char **addrs)
{
	struct sysfs_device dev;
	char addr[SYSFS_ADDR];
	int i, err = 0;

	for (i = 0; i < n && err >= 0; i++) {
		err = survey_name(addrs[i], addr);
		if (err < 0)
			return err;
		err = sysfs_device(addr, &dev);
		if (err == -ENODEV)
			log_err("%s: no such device on this host", addr);
		if (err >= 0)
			err = add_addr(list, addr);
	}
	return err;
}

int command_devices(const struct config *cfg, int n, char **addrs)
{
	struct list list = { 0 };
	int err = n ? name_list(&list, n, addrs) : read_list(&list);

	if (err >= 0)
		print_all(&list, cfg);
	free(list.addrs);
	if (err >= 0 && (fflush(stdout) == EOF || ferror(stdout))) {
		log_err("devices: cannot write to standard output");
		return -EIO;
	}
	return err;
}
