/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern check for a device: all that sysfs tells of it without its being
 * opened. Linux: Documentation/ABI/testing/sysfs-bus-pci,
 * sysfs-bus-vfio-mdev; PCI Local Bus 3.0 sections 6.2.4, 6.8.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "devices/vfio/check_priv.h"
#include "devices/vfio/spec.h"
#include "vmm/arch.h"
#include "vmm/sys.h"

#define CFG_BASIC 256
#define CAPS_MAX 48
#define RESERVED_MAX 32

static int device_text(const struct sysfs_device *dev, const char *file,
		       char *text, size_t size)
{
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), SYSFS_PCI "devices/%s/%s", dev->addr,
		 file);
	return sysfs_read(path, text, size);
}

/* ---- who it is, and with whom ------------------------------------------- */

/* What @dev is, in @word; a platform device has no numbers. */
static void report_name(struct report *r, const struct sysfs_device *dev,
			const char *word)
{
	if (sysfs_is_platform(dev->addr))
		report_text(r, "name", word);
	else
		report_fmt(r, "name", "%04x:%04x %s", dev->vendor, dev->device,
			   word);
}

static int report_member(void *arg, const struct sysfs_device *member)
{
	struct report *r = arg;

	report_open(r, NULL);
	report_text(r, "address", member->addr);
	report_name(r, member, sysfs_is_bridge(member) ? "bridge" :
		    class_text(member));
	report_text(r, "driver", member->driver[0] ? member->driver : NULL);
	report_close(r);
	return 0;
}

static void report_group(struct report *r, const struct sysfs_device *dev)
{
	char path[SYSFS_PATH], type[SYSFS_NAME];
	struct sysfs_device other;

	if (dev->group < 0) {
		report_text(r, "group", NULL);
		return;
	}
	report_number(r, "group", dev->group);
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/type",
		 dev->group);
	if (sysfs_read(path, type, sizeof(type)) >= 0)
		report_text(r, "group type", type);
	report_list(r, "members");
	sysfs_members(dev->group, report_member, r);
	report_close(r);
	report_flag(r, "viable", dev->vfio && !sysfs_intruder(dev, &other));
}

static void report_iommu(struct report *r, const struct sysfs_device *dev)
{
	char name[SYSFS_NAME], kind[SYSFS_NAME];

	if (sysfs_link(dev->addr, "iommu", name, sizeof(name)) < 0 ||
	    !name[0]) {
		report_text(r, "iommu", NULL);
		return;
	}
	survey_iommu_kind(name, kind, sizeof(kind));
	report_fmt(r, "iommu", "%s (%s)", name, kind);
}

/* ---- what it has -------------------------------------------------------- */

/* Where capability @id is, or 0; the list may be a circle. */
static unsigned int find_cap(const uint8_t *cfg, uint8_t id)
{
	unsigned int n, at = cfg[PCI_CAPABILITY_LIST] & ~3U;

	if (!(cfg[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return 0;
	for (n = 0; n < CAPS_MAX && at >= PCI_STD_HEADER_SIZEOF; n++) {
		if (cfg[at] == id)
			return at;
		at = cfg[at + 1] & ~3U;
	}
	return 0;
}

static void report_interrupts(struct report *r, const struct sysfs_device *dev)
{
	uint8_t cfg[CFG_BASIC] = { 0 };
	ssize_t len = sysfs_config(dev, cfg, sizeof(cfg));
	unsigned int at;

	report_words(r, "interrupts");
	if (cfg[PCI_INTERRUPT_PIN])
		report_word(r, "INT%c", 'A' - 1 + cfg[PCI_INTERRUPT_PIN] % 8);
	at = find_cap(cfg, PCI_CAP_ID_MSI);
	if (at)
		report_word(r, "%u MSI", 1U << (pci_get(cfg, at + 2, 2) >> 1 & 7));
	at = find_cap(cfg, PCI_CAP_ID_MSIX);
	if (at)
		report_word(r, "%u MSI-X",
			    (pci_get(cfg, at + 2, 2) & PCI_MSIX_FLAGS_QSIZE) + 1);
	if (len < (ssize_t)sizeof(cfg))
		report_word(r, "others only root is shown");
	report_words_end(r);
}

/* A list of words with blanks between; kernels before 5.15 have no such file. */
static void report_resets(struct report *r, const struct sysfs_device *dev)
{
	char text[SYSFS_NAME], *word, *rest = text;
	int err = device_text(dev, "reset_method", text, sizeof(text));

	report_words(r, "resets");
	while (err >= 0 && (word = strsep(&rest, " ")))
		if (*word)
			report_word(r, "%s", word);
	report_words_end(r);
	if (err < 0 || !text[0])
		log_warn("%s: the kernel knows no way to reset it: the next user finds it as "
			 "the guest left it",
			 dev->addr);
}

static int report_type(void *arg, const char *name)
{
	report_word(arg, "%s", name);
	return 0;
}

static void report_mediated(struct report *r, const struct sysfs_device *dev)
{
	char path[SYSFS_PATH];

	snprintf(path, sizeof(path), SYSFS_PCI "devices/%s/mdev_supported_types",
		 dev->addr);
	report_words(r, "mediated types");
	sys_listdir(path, report_type, r);
	report_words_end(r);
}

/* ---- addresses ---------------------------------------------------------- */

static void report_holes(struct report *r, const struct iommu_range *ranges,
			 unsigned int nr)
{
	uint64_t at = 0;
	unsigned int i;

	report_words(r, "holes");
	for (i = 0; i < nr; i++) {
		if (ranges[i].first > at)
			report_word(r, "0x%llx-0x%llx", (unsigned long long)at,
				    (unsigned long long)ranges[i].first - 1);
		at = ranges[i].last + 1;
	}
	if (at)
		report_word(r, "0x%llx-0x%llx", (unsigned long long)at,
			    (unsigned long long)UINT64_MAX);
	report_words_end(r);
}

void check_ranges(struct check *c, const struct iommu_range *ranges,
		  unsigned int nr)
{
	struct mem_region ram[BOARD_RAM_MAX];
	struct report *r = &c->report;
	unsigned int i, n = board_ram(c->cfg, ram);

	report_words(r, "ranges");
	for (i = 0; i < nr; i++)
		report_word(r, "0x%llx-0x%llx",
			    (unsigned long long)ranges[i].first,
			    (unsigned long long)ranges[i].last);
	report_words_end(r);
	report_holes(r, ranges, nr);
	for (i = 0; i < n; i++)
		check_err(c, survey_reach(ranges, nr, &ram[i]));
}

static void check_reserved(struct check *c, const struct sysfs_device *dev)
{
	struct iommu_reserved reserved[RESERVED_MAX];
	struct iommu_range ranges[RESERVED_MAX + 1];
	struct report *r = &c->report;
	int i, nr;

	if (dev->group < 0 || dev->noiommu)
		return;
	nr = survey_reserved(dev->group, reserved, RESERVED_MAX);
	if (nr < 0) {
		report_text(r, "reserved", "not known");
		return;
	}
	report_words(r, "reserved");
	for (i = 0; i < nr; i++)
		report_word(r, "0x%llx-0x%llx %s",
			    (unsigned long long)reserved[i].range.first,
			    (unsigned long long)reserved[i].range.last,
			    reserved[i].kind);
	report_words_end(r);
	check_ranges(c, ranges, survey_free(reserved, nr, ranges));
}

/* ---- the whole ---------------------------------------------------------- */

static void report_way(struct check *c, const struct sysfs_device *dev)
{
	struct report *r = &c->report;
	char path[SYSFS_PATH];
	const char *name, *why;

	name = survey_choice(c->cfg, dev, &why);
	survey_node(c->cfg, dev, path);
	if (!dev->vfio)
		name = NULL;
	report_text(r, "backend", name);
	if (name)
		report_text(r, "reason", why);
	else
		report_fmt(r, "reason", "not bound to %s",
			   sysfs_vfio_driver(dev->addr));
	report_text(r, "node", path[0] ? path : NULL);
}

static void report_pci(struct check *c, const struct sysfs_device *dev)
{
	struct report *r = &c->report;

	report_interrupts(r, dev);
	report_resets(r, dev);
	check_bars(c, dev);
	report_flag(r, "virtual function", sysfs_is_vf(dev->addr));
	report_mediated(r, dev);
}

static void report_device(struct check *c, const struct sysfs_device *dev)
{
	struct report *r = &c->report;

	report_name(r, dev, class_text(dev));
	report_text(r, "driver", dev->driver[0] ? dev->driver : NULL);
	report_group(r, dev);
	report_iommu(r, dev);
	report_flag(r, "noiommu mode", dev->noiommu);
	report_way(c, dev);
	if (sysfs_is_mdev(dev->addr))
		return;
	if (!sysfs_is_platform(dev->addr))
		report_pci(c, dev);
	check_reserved(c, dev);
}

/* What --noiommu would change for a device that no IOMMU is in front of. */
static void report_without(struct check *c, const struct sysfs_device *dev)
{
	unsigned int said = c->nr_problems;
	struct config cfg = *c->cfg;
	struct report *r = &c->report;
	const struct problem *p;
	int err;

	if (!IS_ENABLED(CONFIG_VFIO_NOIOMMU) ||
	    (dev->group >= 0 && !dev->noiommu)) {
		report_text(r, "without an iommu", NULL);
		return;
	}
	cfg.noiommu = cfg.noiommu ? cfg.noiommu : NOIOMMU_ON;
	err = survey_device(&cfg, dev->addr);
	check_err(c, err);
	p = c->nr_problems > said ? &c->problems[said] : NULL;
	report_open(r, "without an iommu");
	report_flag(r, "possible", err >= 0);
	report_text(r, "reason", err < 0 && p ? p->text :
		    "a guest that is trusted with this host: --noiommu");
	report_text(r, "remedy", err < 0 && p && p->remedy[0] ? p->remedy :
		    NULL);
	report_close(r);
	check_drop(c, said);
}

/* A group's name is here only if it has no devices. */
static int look(struct check *c, const char *addr)
{
	unsigned int none = 0;

	return strncmp(addr, "group:", 6) ? survey_device(c->cfg, addr) :
		vfio_spec_spread(addr, NULL, &none, 0);
}

void check_device(struct check *c, const char *addr)
{
	struct report *r = &c->report;
	struct sysfs_device dev;
	bool known, none;
	int err;

	report_open(r, NULL);
	report_text(r, "address", addr);
	if (sysfs_device(addr, &dev) >= 0) {
		report_device(c, &dev);
		report_without(c, &dev);
	}
	err = look(c, addr);
	check_err(c, err);
	if (err >= 0 && c->cfg->try_attach && c->kvm)
		check_try(c, &dev);
	else if (c->cfg->try_attach)
		report_text(r, "attached", NULL);
	known = check_known(c);
	report_text(r, "lacks", known ? "a backend that can be used" : NULL);
	none = !check_problems(c, &c->devices);
	report_flag(r, "assignable", none && !known);
	report_close(r);
}
