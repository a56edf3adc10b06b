/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of postern check share: check.c (the host), check_device.c
 * (a device as it is), check_try.c (a device attached for a moment), and
 * fit.c (its BARs in the guest's address space).
 *
 * The rules are not here: each is asked of the code that would refuse in
 * earnest, and what it says in doing so is collected as problem and remedy.
 */
#ifndef DEVICES_VFIO_CHECK_PRIV_H
#define DEVICES_VFIO_CHECK_PRIV_H

#include "devices/pci/pci.h"
#include "devices/vfio/report.h"
#include "iommu/survey.h"
#include "vmm/vm.h"

struct problem {
	char text[400];
	char remedy[200];	/* "": none known */
	int err;		/* 0: only a warning; OPEN: not said yet */
};

/* A part of the device's address space, as sysfs has it. */
struct fit {
	struct pci_dev devs[CONFIG_VFIO_MAX];
	unsigned int nr;
};

struct check {
	const struct config *cfg;
	struct report report;
	struct problem *problems;	/* of the part under way */
	unsigned int nr_problems;
	int guests, devices;		/* exit status, for either purpose */
	struct vm vm;
	bool kvm;			/* vm.kvm is open */
	struct survey_backend chosen;	/* for a device that lacks nothing */
	char lacks[400];		/* what it said if it can't be used */
	char names[2 * CONFIG_VFIO_MAX][SYSFS_ADDR]; /* groups spread out */
	unsigned int nr_names;
	struct iommu *iommu;		/* with --try */
	int fds[CONFIG_VFIO_MAX];
	unsigned int nr_fds;
	struct fit fit;
};

/* check_err - @err of a call that has printed why; 0 or more is no problem. */
void check_err(struct check *c, int err);
/*
 * check_problems - report the problems so far, and count them against
 * @status, c->guests or c->devices. Returns the status of these alone.
 */
int check_problems(struct check *c, int *status);
/* check_drop - forget all but the first @nr of them. */
void check_drop(struct check *c, unsigned int nr);

/* check_known - drop what was told of the backend already; whether it was. */
bool check_known(struct check *c);

/* check_device - all about the device at @addr, or a group that is none. */
void check_device(struct check *c, const char *addr);

/*
 * check_try - attach @dev, report what only the kernel knows then, and keep
 * it until check_try_end().
 */
void check_try(struct check *c, const struct sysfs_device *dev);
void check_try_end(struct check *c);

/* check_bars - report the BARs of @dev, and whether the guest has room. */
void check_bars(struct check *c, const struct sysfs_device *dev);

/* check_ranges - report @ranges, and whether RAM lies within. */
void check_ranges(struct check *c, const struct iommu_range *ranges,
		  unsigned int nr);

/* class_text - what devices of @dev's class are, in words. */
const char *class_text(const struct sysfs_device *dev);

#endif
