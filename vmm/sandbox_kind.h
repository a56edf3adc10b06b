/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of threads that a sandbox tells apart.
 */
#ifndef VMM_SANDBOX_KIND_H
#define VMM_SANDBOX_KIND_H

enum sandbox_kind {
	SANDBOX_MAIN,	/* event loop, reset and end: what all others may, too */
	SANDBOX_VCPU,
	SANDBOX_IO,	/* a device's own */
	SANDBOX_PLUG,	/* no kind: what the main thread may beyond, with slots */
	SANDBOX_KINDS
};

#endif
