/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Config space of an assigned device. Each bit is either the device's own,
 * read from it and written to it, or one of cfg[]'s, which the guest may
 * change as far as wmask[] lets it; hw[] says which. BARs and decoding are
 * the bridge's. PCI Local Bus 3.0 section 6.2; Linux:
 * drivers/vfio/pci/vfio_pci_config.c has what the kernel lets through.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "devices/vfio/vfio_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define CFG_BASIC 256
#define CFG_HEADER 64
#define MULTI_FUNCTION 0x80
#define PCI_D3 3U		/* power state D3hot */

static uint32_t hw_read(const struct vfio_pci *d, unsigned int off,
			unsigned int len)
{
	return vfio_region_read(d->fd, d->cfg_offset + off, len);
}

static void hw_write(const struct vfio_pci *d, unsigned int off, uint32_t val,
		     unsigned int len)
{
	ssize_t n = vfio_region_write(d->fd, d->cfg_offset + off, val, len);

	trace(TRACE_VFIO, "%s: config write 0x%x len=%u <- 0x%x: %d", d->name,
	      off, len, val, (int)n);
}

/* Returns the bytes that could be read from the start, or -errno for none. */
static int read_all(struct vfio_pci *d, unsigned int size)
{
	unsigned int done = 0;
	ssize_t n = 0;

	while (done < size) {
		n = sys_pread(d->fd, d->pci.cfg + done, size - done,
			      d->cfg_offset + done);
		if (n <= 0)
			break;
		done += n;
	}
	return done || n >= 0 ? (int)done : (int)n;
}

int config_load(struct vfio_pci *d)
{
	struct vfio_region_info *info;
	int got = region_query(d, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	if (got >= 0) {
		d->cfg_offset = info->offset;
		got = read_all(d, MIN(info->size, PCI_CFG_SIZE));
		free(info);
	}
	if (got < 0) {
		log_err("vfio %s: cannot read config space: %s", d->name,
			err_text(got));
		return got;
	}
	/* Some mediated devices' drivers leave out what they have no use for. */
	if (got < (sysfs_is_mdev(d->name) ? CFG_HEADER : CFG_BASIC)) {
		log_err("vfio %s: config space ends at byte %d", d->name, got);
		return -ENODEV;
	}
	d->cfg_size = got < PCI_CFG_SIZE ? CFG_BASIC : PCI_CFG_SIZE;
	if (pci_get(d->pci.cfg, PCI_VENDOR_ID, 2) == UINT16_MAX) {
		log_err("vfio %s: the device does not answer", d->name);
		log_hint("it may need a reset, or power: echo 1 > /sys/bus/pci/devices/%s/reset",
			 d->name);
		return -ENODEV;
	}
	if ((d->pci.cfg[PCI_HEADER_TYPE] & 0x7f) != PCI_HEADER_TYPE_NORMAL) {
		log_err("vfio %s: is a bridge, which can't be assigned",
			d->name);
		return -ENODEV;
	}
	return 0;
}

/* The bit that lets the guest have the device do DMA, if it may. */
static uint16_t master(const struct vfio_pci *d)
{
	return config_noiommu(d->vm->cfg) == NOIOMMU_DEVICE_ONLY ? 0 :
		PCI_COMMAND_MASTER;
}

/* The header proper; fields not named here stay as the device has them. */
static void header_build(struct vfio_pci *d)
{
	uint8_t *cfg = d->pci.cfg, *wmask = d->pci.wmask;
	unsigned int reg;

	pci_put(cfg, PCI_COMMAND, 0, 2);
	pci_put(wmask, PCI_COMMAND, master(d) | PCI_COMMAND_SPECIAL |
		PCI_COMMAND_INVALIDATE | PCI_COMMAND_PARITY |
		PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE, 2);
	/* Status: errors are the device's, to be cleared by writing ones. */
	pci_put(d->hw, PCI_STATUS, UINT16_MAX & ~(PCI_STATUS_CAP_LIST |
		(d->irqs.intx.pin ? 0 : PCI_STATUS_INTERRUPT)), 2);
	cfg[PCI_STATUS] = cfg[PCI_CAPABILITY_LIST] ? PCI_STATUS_CAP_LIST : 0;
	cfg[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL |
			       (d->spec.multi ? MULTI_FUNCTION : 0);
	cfg[PCI_BIST] = 0;
	for (reg = PCI_BASE_ADDRESS_0; reg <= PCI_CARDBUS_CIS; reg += 4)
		pci_put(cfg, reg, 0, 4);
	pci_put(cfg, PCI_ROM_ADDRESS, 0, 4);
	pci_put(cfg, PCI_CAPABILITY_LIST + 1, 0, 3);
	pci_put(cfg, 0x38, 0, 4);
	cfg[PCI_INTERRUPT_LINE] = 0;
	cfg[PCI_INTERRUPT_PIN] = d->irqs.intx.pin;
	wmask[PCI_INTERRUPT_LINE] = 0xff;
	wmask[PCI_CACHE_LINE_SIZE] = wmask[PCI_LATENCY_TIMER] = 0xff;
}

int config_build(struct vfio_pci *d)
{
	int err;

	/* Registers that no capability describes are the device's. */
	memset(d->hw + 0x40, 0xff, CFG_BASIC - 0x40);
	err = caps_build(d);
	if (err < 0)
		return err;
	intx_probe(d);
	header_build(d);
	memcpy(d->initial, d->pci.cfg, sizeof(d->initial));
	return 0;
}

void config_reset(struct vfio_pci *d)
{
	memcpy(d->pci.cfg, d->initial, sizeof(d->initial));
	config_command(d, PCI_COMMAND_INTX_DISABLE);
}

void config_command(struct vfio_pci *d, uint16_t bits)
{
	if (!d->irqs.intx.pin)
		bits |= PCI_COMMAND_INTX_DISABLE;
	if (!master(d))
		bits &= ~PCI_COMMAND_MASTER;
	hw_write(d, PCI_COMMAND, bits, 2);
}

/*
 * Let the host save what power it can, or no more. While it does, mmapped
 * BARs are gone; in D3 the guest has none.
 */
static void set_low_power(struct vfio_pci *d, bool on)
{
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_SET |
			 (on ? VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY :
			       VFIO_DEVICE_FEATURE_LOW_POWER_EXIT),
	};
	int err;

	if (d->low_power == on || !d->spec.low_power)
		return;
	err = sys_ioctl(d->fd, VFIO_DEVICE_FEATURE, &feature);
	trace(TRACE_VFIO, "%s: low power %s: %d", d->name, on ? "on" : "off",
	      err);
	d->low_power = on && err >= 0;
	if (err >= 0)
		return;
	log_warn("vfio %s: cannot save power: %s", d->name, err_text(err));
	d->spec.low_power = false;
}

void config_quiet(struct vfio_pci *d)
{
	uint16_t bits = pci_get(d->pci.cfg, PCI_COMMAND, 2);

	set_low_power(d, false);
	config_command(d, (bits & ~PCI_COMMAND_MASTER) |
			  PCI_COMMAND_INTX_DISABLE);
}

/*
 * The power state that the guest has put the device into. While the host
 * saves power it has its own way to, and shows the device in D0 to who looks.
 */
static uint32_t power_state(const struct vfio_pci *d)
{
	return d->low_power ? PCI_D3 :
	       hw_read(d, d->pm + PCI_PM_CTRL, 1) & PCI_PM_CTRL_STATE_MASK;
}

/* @val with the power state in it, where that is among the bytes read. */
static uint32_t show_power(const struct vfio_pci *d, unsigned int off,
			   uint32_t val, unsigned int len)
{
	unsigned int reg = d->pm + PCI_PM_CTRL;

	if (d->low_power && pci_covers(off, len, reg, 1))
		val |= PCI_D3 << (reg - off) * 8;
	return val;
}

uint32_t vfio_cfg_read(struct pci_dev *pci, unsigned int off,
		       unsigned int len)
{
	struct vfio_pci *d = container_of(pci, struct vfio_pci, pci);
	uint32_t mask = pci_get(d->hw, off, len), val;

	pthread_mutex_lock(&d->lock);
	msi_cfg_read(&d->irqs.msi, off, len);
	val = pci_get(pci->cfg, off, len);
	pthread_mutex_unlock(&d->lock);
	if (mask)
		val = (val & ~mask) | (hw_read(d, off, len) & mask);
	return show_power(d, off, val, len);
}

/* Bytes that are the device's, by one write if all are. */
static void pass(struct vfio_pci *d, unsigned int off, uint32_t val,
		 unsigned int len)
{
	unsigned int i, step = len;

	val &= pci_get(d->hw, off, len);
	for (i = 0; i < len; i++)
		if (!d->hw[off + i])
			step = 1;
	for (i = 0; i < len; i += step)
		if (d->hw[off + i])
			hw_write(d, off + i, val >> i * 8, step);
}

/*
 * In D3 the device decodes nothing, and the kernel takes away its mappings:
 * the guest must lose them first. @val: the power state to be entered.
 */
static void power_before(struct vfio_pci *d, uint32_t val)
{
	if ((val & PCI_PM_CTRL_STATE_MASK) == PCI_D3)
		pci_dev_sleep(&d->pci, true);
	else
		set_low_power(d, false);
}

static void power_after(struct vfio_pci *d)
{
	bool asleep = power_state(d) == PCI_D3;

	pci_dev_sleep(&d->pci, asleep);
	set_low_power(d, asleep);
}

/* Bit @bit of byte @reg is set by a write of @len bytes at @off. */
static bool sets(unsigned int off, uint32_t val, unsigned int len,
		 unsigned int reg, uint8_t bit)
{
	return pci_covers(off, len, reg, 1) && val >> (reg - off) * 8 & bit;
}

/* Whether the guest asks for a function level reset. */
static bool asks_reset(const struct vfio_pci *d, unsigned int off,
		       uint32_t val, unsigned int len)
{
	return (d->express &&
		sets(off, val, len, d->express + PCI_EXP_DEVCTL + 1,
		     PCI_EXP_DEVCTL_BCR_FLR >> 8)) ||
	       (d->af && sets(off, val, len, d->af + PCI_AF_CTRL,
			      PCI_AF_CTRL_FLR));
}

/*
 * The kernel does the reset, and has the device afterwards as it was; the
 * guest expects one that was just switched on.
 */
static void guest_reset(struct vfio_pci *d, unsigned int off, uint32_t val,
			unsigned int len)
{
	trace(TRACE_VFIO, "%s: the guest resets it", d->name);
	pci_dev_clear(&d->pci);
	pthread_mutex_lock(&d->lock);
	config_quiet(d);
	vectors_off(d);
	msix_reset(&d->irqs.msix);
	pass(d, off, val, len);
	config_reset(d);
	pthread_mutex_unlock(&d->lock);
}

void vfio_cfg_write(struct pci_dev *pci, unsigned int off, uint32_t val,
		    unsigned int len)
{
	struct vfio_pci *d = container_of(pci, struct vfio_pci, pci);
	bool power = d->pm && off == d->pm + PCI_PM_CTRL;

	if (asks_reset(d, off, val, len)) {
		guest_reset(d, off, val, len);
		return;
	}
	if (power)
		power_before(d, val);
	pthread_mutex_lock(&d->lock);
	pci_cfg_put(pci, off, val, len);
	if (pci_covers(off, len, PCI_COMMAND, 2))
		config_command(d, pci_get(pci->cfg, PCI_COMMAND, 2));
	pass(d, off, val, len);
	msi_cfg_written(&d->irqs.msi, off, len);
	msix_cfg_written(&d->irqs.msix, off, len);
	if (pci_covers(off, len, PCI_COMMAND, 2))
		irqs_command(d);
	pthread_mutex_unlock(&d->lock);
	if (power)
		power_after(d);
}
