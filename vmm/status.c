/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table from error numbers to exit statuses; see status.h.
 */
#include <errno.h>

#include "vmm/status.h"

int status_of(int err)
{
	switch (-err) {
	case EDOM:
		return STATUS_USAGE;
	case ENOEXEC:
		return STATUS_IMAGE;
	case ENOENT:
	case EISDIR:
	case ENOTDIR:
		return STATUS_NOFILE;
	case ENODEV:
	case ENXIO:
	case EBUSY:
	case ENOSYS:
	case EOPNOTSUPP:
	case ENOTTY:
	case ERANGE:
		return STATUS_HOST;
	case ENOTRECOVERABLE:
		return STATUS_INTERNAL;
	case EPERM:
	case EACCES:
		return STATUS_PERMISSION;
	default:
		return err < 0 ? STATUS_KERNEL : STATUS_OK;
	}
}
