/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands that look after the host and its devices: postern check,
 * devices, bind and unbind.
 */
#ifndef DEVICES_VFIO_COMMAND_H
#define DEVICES_VFIO_COMMAND_H

#include <errno.h>
#include "vmm/config.h"
#include "vmm/status.h"
#include "vmm/util.h"

#if IS_ENABLED(CONFIG_DEVCMD)
/*
 * command_check - print to standard output, as text or with cfg->json as JSON,
 * what this host can do, and what stands in the way of assigning the @n
 * devices at @addrs with the memory of @cfg; each problem with its remedy.
 * Nothing is changed, except that with cfg->try_attach the devices are
 * attached, which resets them, and let go. Returns the exit status: what a
 * guest with these devices would fail with, 0 if nothing is known.
 */
int command_check(const struct config *cfg, int n, char **addrs);

/*
 * command_devices - print the host's PCI devices, bridges left out, and those
 * platform devices that VFIO has or that an IOMMU is in front of; or just the
 * @n at @addrs, to standard output: a table, or with cfg->json an array
 * of objects. With cfg->verbose each row is followed by the device's
 * capabilities and what a guest would see of them.
 */
int command_devices(const struct config *cfg, int n, char **addrs);

/*
 * command_bind - hand each device to VFIO's driver. Which driver it had is
 * noted in /run/postern, and where VFIO does not take the device, it gets that
 * driver back. A device that VFIO has already is left alone.
 *
 * command_unbind - the reverse: the driver noted gets the device, or where
 * there is no note, whichever driver the kernel finds.
 *
 * Both do what they can for all @n addresses, print their errors and return
 * the first.
 */
int command_bind(int n, char **addrs);
int command_unbind(int n, char **addrs);
#else
static inline int command_check(const struct config *cfg, int n, char **addrs)
{
	(void)cfg;
	(void)n;
	(void)addrs;
	return STATUS_USAGE;
}

static inline int command_devices(const struct config *cfg, int n,
				  char **addrs)
{
	(void)cfg;
	(void)n;
	(void)addrs;
	return -ENOSYS;
}

static inline int command_bind(int n, char **addrs)
{
	(void)n;
	(void)addrs;
	return -ENOSYS;
}

static inline int command_unbind(int n, char **addrs)
{
	return command_bind(n, addrs);
}
#endif

#endif
