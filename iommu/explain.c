/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for what goes wrong between a device and its DMA space; see
 * explain.h.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>

#include "iommu/explain.h"
#include "iommu/memlock.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

int explain_noiommu_off(const char *addr, int mode)
{
	const char *any = addr ? addr : "devices";

	if (mode > 0)
		return 0;
	if (mode < 0) {
		log_err("%s: cannot be assigned without an IOMMU: this kernel's VFIO "
			"has no such mode (CONFIG_VFIO_NOIOMMU)",
			any);
		return -ENOSYS;
	}
	log_err("%s: cannot be assigned without an IOMMU: VFIO is not to have "
		"such devices",
		any);
	log_hint("echo Y > " SYSFS_NOIOMMU "%s%s", addr ? "; postern bind " : "",
		 addr ? addr : "");
	return -ENODEV;
}

static int explain_driver(const struct sysfs_device *dev, unsigned int noiommu)
{
	const char *vfio = sysfs_vfio_driver(dev->addr);
	int mode = 1;

	if (IS_ENABLED(CONFIG_VFIO_NOIOMMU) && noiommu && dev->group < 0)
		mode = sysfs_param(SYSFS_NOIOMMU);
	if (sysfs_is_bridge(dev)) {
		log_err("%s: cannot be assigned: it is a bridge", dev->addr);
		return -EOPNOTSUPP;
	}
	if (mode <= 0)
		return explain_noiommu_off(dev->addr, mode);
	if (dev->driver[0])
		log_err("%s: cannot be assigned: it is bound to the driver %s, not to %s",
			dev->addr, dev->driver, vfio);
	else
		log_err("%s: cannot be assigned: no driver has it, %s must",
			dev->addr, vfio);
	log_hint("postern bind %s", dev->addr);
	return -EBUSY;
}

static void hint_iommu(bool without)
{
	log_hint("switch the IOMMU on in the firmware, and with intel_iommu=on on "
		 "the host's kernel command line%s",
		 IS_ENABLED(CONFIG_VFIO_NOIOMMU) && without ?
		 "; for a guest that is trusted with the host: --noiommu" : "");
}

int explain_no_isolation(const struct sysfs_device *dev)
{
	if (dev->noiommu)
		log_err("%s: cannot be assigned: it is in VFIO's noiommu mode: nothing "
			"would keep it out of the host's memory, and the addresses "
			"that a guest gives it are not those of its DMA",
			dev->addr);
	else
		log_err("%s: cannot be assigned: it has no IOMMU group: this host has "
			"no IOMMU, or it is off",
			dev->addr);
	hint_iommu(dev->noiommu);
	return -EOPNOTSUPP;
}

int explain_no_iommu(void)
{
	log_err("iommu: this host has none, or it is off");
	hint_iommu(false);
	return -EOPNOTSUPP;
}

/* That there is no IOMMU, and the right to do without; or that there is. */
static int explain_noiommu(const struct sysfs_device *dev)
{
	if (dev->group < 0 && !dev->node[0])
		return explain_no_isolation(dev);
	if (!dev->noiommu) {
		log_err("--noiommu: %s has an IOMMU in front of it", dev->addr);
		log_hint("leave out --noiommu");
		return -EDOM;
	}
	if (sys_capable(CAP_SYS_RAWIO))
		return 0;
	log_err("%s: cannot be assigned without an IOMMU: that takes the superuser "
		"(CAP_SYS_RAWIO)",
		dev->addr);
	return -EPERM;
}

int explain_name(const char *text)
{
	log_err("%s: not a PCI address, such as 0000:01:00.0%s", text,
		IS_ENABLED(CONFIG_VFIO_PLATFORM) ?
		", nor the name of a platform device" : "");
	return -EDOM;
}

int explain_device(const char *node, unsigned int noiommu,
		   struct sysfs_device *dev)
{
	char addr[SYSFS_ADDR];
	int err;

	if (sysfs_name(node, addr) < 0)
		return explain_name(node);
	err = sysfs_device(addr, dev);
	if (err == -ENODEV) {
		log_err("%s: no such device on this host", addr);
		if (sysfs_is_mdev(addr))
			log_hint("as root: echo %s > /sys/class/mdev_bus/PARENT/"
				 "mdev_supported_types/TYPE/create",
				 addr);
		else
			log_hint("postern devices");
		return err;
	}
	if (err < 0)
		return explain_call(dev, "cannot read its sysfs folder", err);
	if (!dev->vfio)
		return explain_driver(dev, noiommu);
	if (IS_ENABLED(CONFIG_VFIO_NOIOMMU) && noiommu)
		return explain_noiommu(dev);
	if (dev->noiommu || (dev->group < 0 && !dev->node[0]))
		return explain_no_isolation(dev);
	return 0;
}

int explain_in_use(const struct sysfs_device *dev)
{
	char who[SYSFS_NAME + 16];

	if (sysfs_holder(dev, who, sizeof(who)))
		log_err("%s: already in use: by process %s", dev->addr, who);
	else
		log_err("%s: already in use: another process has its group or device node open",
			dev->addr);
	return -EBUSY;
}

int explain_unloaded(const char *path)
{
	log_err("%s: not there: VFIO is not loaded, or not in this kernel",
		path);
	log_hint("modprobe vfio-pci");
	return -ENODEV;
}

int explain_open(const char *path, const struct sysfs_device *dev, int err)
{
	if (dev && err == -EBUSY)
		return explain_in_use(dev);
	log_err("%s: cannot open: %s", path, err_text(err));
	if (err == -EACCES || err == -EPERM)
		log_hint("as root: chown $USER %s", path);
	/* A node is no file of the user's: its absence is the host's. */
	return err == -ENOENT ? -ENODEV : err;
}

int explain_intruder(const struct sysfs_device *dev)
{
	struct sysfs_device other;

	if (!sysfs_intruder(dev, &other))
		return 0;
	log_err("%s: cannot be assigned: %s, in the same IOMMU group %d, is bound to "
		"the driver %s",
		dev->addr, other.addr, dev->group, other.driver);
	if (sysfs_is_bridge(&other))	/* it does without */
		log_hint("as root: echo %s > " SYSFS_PCI "drivers/%s/unbind",
			 other.addr, other.driver);
	else
		log_hint("postern bind %s", other.addr);
	return -EBUSY;
}

int explain_owner(const struct sysfs_device *dev, int err)
{
	if (err == -EINVAL) {
		log_err("%s: cannot be assigned: the firmware keeps a part of memory for "
			"it (RMRR), or the IOMMU cannot enforce cache coherency; see dmesg",
			dev->addr);
		return -EOPNOTSUPP;
	}
	if (err != -EBUSY && err != -EPERM)
		return explain_call(dev, "cannot take its IOMMU group", err);
	err = explain_intruder(dev);
	return err < 0 ? err : explain_in_use(dev);
}

/*
 * Several causes share these numbers: EPERM is either another owner of the
 * group or interrupts without isolation; EINVAL either another opener of the
 * device or a firmware that keeps memory for it.
 */
int explain_bind(const struct sysfs_device *dev, const char *param, int err)
{
	struct sysfs_device other;
	char who[SYSFS_NAME + 16];

	if ((err == -EINVAL || err == -EPERM) &&
	    sysfs_holder(dev, who, sizeof(who)))
		return explain_in_use(dev);
	if (err == -EPERM && !sysfs_intruder(dev, &other))
		return explain_isolation(dev, param);
	return err == -EADDRINUSE ? explain_reserved(dev) :
		explain_owner(dev, err);
}

/* Whether VFIO has the physical function that @dev is, or is a part of. */
static bool shares_token(const struct sysfs_device *dev)
{
	char path[SYSFS_PATH], name[SYSFS_NAME];
	struct sysfs_device pf;

	snprintf(path, sizeof(path), SYSFS_PCI "devices/%s/sriov_totalvfs",
		 dev->addr);
	if (sysfs_read(path, name, sizeof(name)) >= 0)
		return true;
	return sysfs_link(dev->addr, "physfn", name, sizeof(name)) >= 0 &&
		name[0] && sysfs_device(name, &pf) >= 0 && pf.vfio;
}

int explain_token(const struct sysfs_device *dev, int err)
{
	if (!IS_ENABLED(CONFIG_VFIO_TOKEN))
		return 0;
	if (err == -EACCES && dev->token) {
		log_err("%s: cannot be assigned: the VF token is not that of its "
			"physical function's user",
			dev->addr);
		return err;
	}
	if (err == -EACCES) {
		log_err("%s: cannot be assigned: vfio-pci has its physical function, "
			"whose user must share a VF token",
			dev->addr);
		log_hint("--vfio %s,vf-token=UUID, the same for all functions",
			 dev->addr);
		return err;
	}
	if (err != -EINVAL || !dev->token || shares_token(dev))
		return 0;
	log_err("%s: vf-token: it takes none, as vfio-pci has no physical "
		"function that it belongs to",
		dev->addr);
	return -EDOM;
}

int explain_reserved(const struct sysfs_device *dev)
{
	log_err("%s: cannot be assigned: its IOMMU keeps addresses at which the "
		"guest has memory",
		dev->addr);
	return -ERANGE;
}

int explain_isolation(const struct sysfs_device *dev, const char *param)
{
	log_err("%s: cannot be assigned: this host cannot isolate its interrupts "
		"(no interrupt remapping)",
		dev->addr);
	log_hint("if the guest is trusted: echo Y > %s", param);
	return -EPERM;
}

int explain_call(const struct sysfs_device *dev, const char *what, int err)
{
	log_err("%s: %s: %s", dev->addr, what, err_text(err));
	return err;
}

int explain_map(const char *name, uint64_t iova, uint64_t size, int err,
		bool by_process)
{
	log_err("memory: cannot map %s, 0x%llx-0x%llx, for DMA: %s", name,
		(unsigned long long)iova,
		(unsigned long long)(iova + size - 1), err_text(err));
	/* Enough for us alone, but there may be others. */
	if (err == -ENOMEM)
		memlock_hint(by_process);
	return err;
}
