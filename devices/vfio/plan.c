/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what the user names to the devices that are assigned: IOMMU groups
 * become their members, and each device gets its place on the guest's bus
 * before the first is opened. PCI Local Bus 3.0 section 6.2.4 (functions).
 *
 * Functions of one host device stay together: where its function 0 is
 * assigned as well, the others sit beside it under the numbers they have, as
 * their drivers expect. Virtual functions are devices of their own and only
 * look like that.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/vfio/vfio.h"
#include "devices/vfio/vfio_priv.h"
#include "vmm/log.h"

#define NOBODY CONFIG_VFIO_MAX

struct plan {
	struct vfio_spec specs[CONFIG_VFIO_MAX];
	unsigned int nr;
	const struct vfio_spec *group;	/* the one being spread out */
};

static int plan_add(struct plan *plan, const struct vfio_spec *spec)
{
	if (plan->nr == CONFIG_VFIO_MAX) {
		log_err("vfio %s: cannot be assigned: more than %d devices",
			spec->addr, CONFIG_VFIO_MAX);
		return -EDOM;
	}
	plan->specs[plan->nr++] = *spec;
	return 0;
}

/* Bridges of the group stay with the host, which is harmless. */
static int add_member(void *arg, const struct sysfs_device *dev)
{
	struct plan *plan = arg;
	struct vfio_spec spec = *plan->group;

	if (sysfs_is_bridge(dev))
		return 0;
	spec.group = -1;
	memcpy(spec.addr, dev->addr, sizeof(spec.addr));
	return plan_add(plan, &spec);
}

static int compare(const void *a, const void *b)
{
	const struct vfio_spec *x = a, *y = b;

	return strcmp(x->addr, y->addr);
}

/* A slot that was asked for is for the first; the others find their own. */
static int add_group(struct plan *plan, const struct vfio_spec *spec)
{
	unsigned int first = plan->nr, i;
	int err;

	plan->group = spec;
	err = sysfs_members(spec->group, add_member, plan);
	if (err == -ENOENT || (err >= 0 && plan->nr == first)) {
		log_err("vfio: group %d: no such group, or no device in it",
			spec->group);
		log_hint("postern devices");
		return -ENODEV;
	}
	if (err < 0)
		return err;
	qsort(plan->specs + first, plan->nr - first, sizeof(*spec), compare);
	for (i = first + 1; i < plan->nr; i++)
		plan->specs[i].devfn = -1;
	return 0;
}

static int parse(struct plan *plan, const char *text)
{
	struct vfio_spec spec;
	int err = vfio_spec_parse(text, &spec);

	if (err < 0)
		return err;
	return spec.group >= 0 ? add_group(plan, &spec) :
				 plan_add(plan, &spec);
}

static unsigned int function_of(const struct vfio_spec *spec)
{
	return spec->addr[strlen(spec->addr) - 1] - '0';
}

/* Function 0 of the device that number @n is another function of. */
static unsigned int leader_of(const struct plan *plan, unsigned int n)
{
	const struct vfio_spec *spec = &plan->specs[n];
	size_t len = strlen(spec->addr) - 1;
	unsigned int i;

	if (sysfs_is_mdev(spec->addr))
		return NOBODY;
	for (i = 0; i < plan->nr && function_of(spec); i++)
		if (!function_of(&plan->specs[i]) &&
		    !strncmp(plan->specs[i].addr, spec->addr, len) &&
		    !sysfs_is_vf(spec->addr))
			return i;
	return NOBODY;
}

static int free_slot(const struct pci_host *host, const struct plan *plan)
{
	bool taken[PCI_SLOTS] = { false };
	unsigned int i;

	for (i = 0; i < plan->nr; i++)
		if (plan->specs[i].devfn >= 0)
			taken[plan->specs[i].devfn >> 3] = true;
	for (i = 1; i < PCI_SLOTS; i++)
		if (!taken[i] && !pci_slot_taken(host, i))
			return i << 3;
	return -1;	/* said when it is plugged in */
}

/* Those with a slot to be in come first; who follows another, last. */
static void place(const struct pci_host *host, struct plan *plan)
{
	unsigned int leader[CONFIG_VFIO_MAX], i;

	for (i = 0; i < plan->nr; i++) {
		leader[i] = leader_of(plan, i);
		if (leader[i] == NOBODY && plan->specs[i].devfn < 0)
			plan->specs[i].devfn = free_slot(host, plan);
	}
	for (i = 0; i < plan->nr; i++) {
		struct vfio_spec *spec = &plan->specs[i], *zero;

		if (leader[i] == NOBODY)
			continue;
		zero = &plan->specs[leader[i]];
		if (spec->devfn >= 0 && spec->devfn != zero->devfn)
			continue;	/* asked to be elsewhere */
		spec->devfn = zero->devfn < 0 ? -1 :
			zero->devfn | (int)function_of(spec);
		zero->multi = spec->multi = true;
	}
}

static int plan_run(struct vm *vm, struct pci_host *host,
		    const char *const *texts, unsigned int nr)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	unsigned int i;
	int err = 0;

	if (!plan)
		return -ENOMEM;
	for (i = 0; i < nr && err >= 0; i++)
		err = parse(plan, texts[i]);
	if (err >= 0)
		place(host, plan);
	for (i = 0; i < plan->nr && err >= 0; i++)
		err = vfio_pci_add(vm, host, &plan->specs[i]);
	free(plan);
	return err;
}

int vfio_pci_create(struct vm *vm, struct pci_host *host, const char *spec)
{
	return plan_run(vm, host, &spec, 1);
}

int vfio_pci_create_all(struct vm *vm, struct pci_host *host)
{
	return plan_run(vm, host, vm->cfg->vfio, vm->cfg->nr_vfio);
}

int vfio_pci_create_at(struct vm *vm, struct pci_host *host, const char *text,
		       int devfn)
{
	struct vfio_spec spec;
	int err = vfio_spec_parse(text, &spec);

	if (err < 0)
		return err;
	if (spec.group >= 0 || spec.devfn >= 0 || config_noiommu(vm->cfg)) {
		log_err("vfio: %s: while the guest runs there can be no %s",
			text, spec.group >= 0 ? "groups" : spec.devfn >= 0 ?
			"slot=" : "--noiommu");
		return -EDOM;
	}
	spec.devfn = devfn;
	return vfio_pci_add(vm, host, &spec);
}

int vfio_spec_spread(const char *text, char (*addrs)[SYSFS_ADDR],
		     unsigned int *nr, unsigned int room)
{
	struct plan *plan;
	unsigned int i;
	int err;

	if (!IS_ENABLED(CONFIG_DEVCMD))
		return -ENOSYS;
	plan = calloc(1, sizeof(*plan));
	if (!plan)
		return -ENOMEM;
	err = parse(plan, text);
	if (err >= 0 && plan->nr > room) {
		log_err("%s: more than %d devices", text, CONFIG_VFIO_MAX);
		err = -EDOM;
	}
	for (i = 0; i < plan->nr && err >= 0; i++)
		memcpy(addrs[(*nr)++], plan->specs[i].addr, SYSFS_ADDR);
	free(plan);
	return err;
}

int vfio_pci_first(const struct config *cfg, char name[SYSFS_ADDR])
{
	struct plan *plan;
	int err;

	if (!IS_ENABLED(CONFIG_VFIO_NOIOMMU))
		return -ENOSYS;
	plan = calloc(1, sizeof(*plan));
	if (!plan)
		return -ENOMEM;
	err = parse(plan, cfg->vfio[0]);
	if (err >= 0)
		memcpy(name, plan->specs[0].addr, SYSFS_ADDR);
	free(plan);
	return err;
}
