/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resetting an assigned device: by the function's own reset, by one of the
 * whole bus where all that is on it is ours, or not at all, as the user says
 * and the kernel can. Afterwards it must answer. Linux:
 * include/uapi/linux/vfio.h, VFIO_DEVICE_RESET, VFIO_DEVICE_PCI_HOT_RESET.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "devices/vfio/vfio_priv.h"
#include "iommu/iommu.h"
#include "vmm/log.h"
#include "vmm/sys.h"

/*
 * Without any, the kernel does what it can at close. That the bus has others'
 * devices on it is no fault, unless a reset of the bus was asked for.
 */
static int reset(struct vfio_pci *d)
{
	int err;

	switch (d->spec.reset) {
	case VFIO_RESET_NONE:
		return 0;
	case VFIO_RESET_FUNCTION:
		return d->can_reset ? vfio_reset(d->fd) : -EOPNOTSUPP;
	case VFIO_RESET_BUS:
		return iommu_bus_reset(d->vm->iommu, d->fd);
	case VFIO_RESET_AUTO:
		break;
	}
	if (d->can_reset)
		return vfio_reset(d->fd);
	err = iommu_bus_reset(d->vm->iommu, d->fd);
	trace(TRACE_VFIO, "%s: bus reset: %d", d->name, err);
	return 0;
}

/* What the numbers mean of a reset. */
static const char *reset_text(int err)
{
	switch (err) {
	case -EBUSY:
		return "devices of others share its bus";
	case -EOPNOTSUPP:
		return "it has no reset of its own";
	case -ENODEV:
		return "its bus has no reset";
	case -ENOTTY:
		return "it was not back in time";
	default:
		return err_text(err);
	}
}

void hardware_reset(struct vfio_pci *d)
{
	int err = reset(d);

	if (err < 0)
		log_warn("vfio %s: cannot reset it: %s", d->name,
			 reset_text(err));
}

static uint32_t ask(const struct vfio_pci *d, unsigned int reg)
{
	return vfio_region_read(d->fd, d->cfg_offset + reg, 4);
}

/*
 * Vendor and device are the kernel's to tell, whatever has become of the
 * hardware; its class comes from itself.
 */
bool device_answers(const struct vfio_pci *d)
{
	return ask(d, PCI_VENDOR_ID) == pci_get(d->initial, PCI_VENDOR_ID, 4) &&
	       ask(d, PCI_CLASS_REVISION) != UINT32_MAX;
}
