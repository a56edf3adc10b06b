/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Assigned devices: real ones, handed to the guest through VFIO. Linux:
 * Documentation/driver-api/vfio.rst.
 */
#ifndef DEVICES_VFIO_VFIO_H
#define DEVICES_VFIO_VFIO_H

#include <errno.h>
#include <stdint.h>

#include "vmm/log.h"
#include "vmm/util.h"

struct vm;
struct pci_host;

#ifdef CONFIG_VFIO_PCI
/*
 * vfio_pci_create - assign the PCI device that @spec names to the guest and
 * put it on @host's bus. @spec is an option's value, "ADDRESS[,KEY=VALUE]...";
 * the address's domain may be left out. "group:N" instead of an address names
 * all devices of an IOMMU group. Keys: slot=N, the guest's slot (1 to
 * 31; the next free one otherwise); rom=off, or rom=FILE in place of the
 * device's own; reset=auto|flr|bus|none; power=on|auto; vf-token=UUID. The
 * first device opens vm->iommu and has guest RAM mapped, so RAM is in place
 * before; the last one's destroy closes it. Prints its errors: -EDOM for a bad
 * @spec, -ENODEV where the device's config space makes no sense.
 */
int vfio_pci_create(struct vm *vm, struct pci_host *host, const char *spec);
/*
 * vfio_pci_create_all - the same for all of vm->cfg->vfio, which are given
 * their places together: functions of one device share a slot.
 */
int vfio_pci_create_all(struct vm *vm, struct pci_host *host);
/*
 * vfio_pci_create_at - the same for one device, at @devfn of the bus, which may
 * be behind a port; vCPUs may run. -EDOM for a group, or without an IOMMU.
 */
int vfio_pci_create_at(struct vm *vm, struct pci_host *host, const char *spec,
		       int devfn);
#else
static inline int vfio_pci_create_at(struct vm *vm, struct pci_host *host,
				     const char *spec, int devfn)
{
	log_err("vfio: %s: this binary was built without CONFIG_VFIO_PCI",
		spec);
	return -EDOM;
}

static inline int vfio_pci_create(struct vm *vm, struct pci_host *host,
				  const char *spec)
{
	(void)vm;
	(void)host;
	log_err("vfio: %s: this binary was built without CONFIG_VFIO_PCI",
		spec);
	return -EDOM;
}

static inline int vfio_pci_create_all(struct vm *vm, struct pci_host *host)
{
	(void)vm;
	(void)host;
	return 0;
}
#endif

/* Where in the guest platform devices find room. */
struct platform_layout {
	uint64_t base;		/* for registers */
	uint64_t size;
	unsigned int line;	/* the first that is free for them */
	unsigned int nr_lines;
};

/*
 * vfio_platform_create_all - assign the platform and AMBA devices that
 * vm->cfg->vfio_platform names, each "DEVICE[,dt=PATH|label=NAME]", and give
 * their registers and interrupts places in the order in which they are
 * named. RAM is in place before. Each adds itself to the device tree: as the
 * host's own node has it, the node at PATH of the host's tree, or the node
 * that an overlay of the user's has labelled NAME. Prints its errors: -EDOM
 * for a bad value, -ERANGE where there is no room.
 */
int vfio_platform_create_all(struct vm *vm,
			     const struct platform_layout *layout);

#if IS_ENABLED(CONFIG_VFIO_NOIOMMU)
/*
 * vfio_locate - iommu_locate() by way of the first device that is to be
 * assigned; before RAM is created.
 */
int vfio_locate(struct vm *vm, void *hva, uint64_t size, uint64_t page,
		uint64_t *pa);
#endif

#endif
