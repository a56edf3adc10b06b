/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exit statuses, the same on every architecture and in every command,
 * and the one table that makes a status of an error number.
 */
#ifndef VMM_STATUS_H
#define VMM_STATUS_H

enum status {
	STATUS_OK = 0,		/* powered off, or 0 to the exit device */
	STATUS_GUEST_MAX = 63,	/* 1..63: written to the exit device */
	STATUS_USAGE = 64,	/* usage or configuration error */
	STATUS_IMAGE = 65,	/* a given image is not usable */
	STATUS_NOFILE = 66,	/* a given file can't be opened */
	STATUS_HOST = 69,	/* this host can't run it */
	STATUS_INTERNAL = 70,	/* our own fault */
	STATUS_KERNEL = 71,	/* the kernel refused what should have worked */
	STATUS_PERMISSION = 77,	/* nodes, memlock */
	STATUS_RESET = 80,	/* guest reset with --once */
	STATUS_PANIC = 81,	/* guest panicked (pvpanic) */
	STATUS_WATCHDOG = 82,	/* watchdog fired */
	STATUS_TIMEOUT = 83,	/* --timeout ran out */
	STATUS_CRASH = 84,	/* triple fault, unhandled exit */
	STATUS_DEVICE_LOST = 85, /* an assigned device was lost */
	STATUS_SIGNAL = 128,	/* + the signal that stopped it by force */
};

/*
 * status_of - the exit status for @err (-errno, or >= 0 for STATUS_OK).
 *
 * Who reports an error picks the number so that it lands right:
 *   -EDOM                             an option's value         64
 *   -ENOEXEC                          an image's contents       65
 *   -ENOENT -EISDIR -ENOTDIR          a file                    66
 *   -ENODEV -ENXIO -EBUSY -ENOSYS
 *   -EOPNOTSUPP -ENOTTY -ERANGE       what the host has not got 69
 *   -ENOTRECOVERABLE                  our own fault             70
 *   -EPERM -EACCES                    permission                77
 *   anything else                     the kernel refused        71
 */
int status_of(int err);

#endif
