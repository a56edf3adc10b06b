/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of the sandbox: which system calls each kind of thread may make
 * once all is open, and which flow needs it. tools/sandbox.c makes filters of
 * them; tests hold them against what is called.
 */
#ifndef TOOLS_SANDBOX_H
#define TOOLS_SANDBOX_H

#include "vmm/sandbox_kind.h"
#include "vmm/util.h"

struct rule {
	const char *call;	/* as libseccomp knows it */
	const char *name;	/* of an ioctl's request, or NULL */
	unsigned int request;
	unsigned int kinds;	/* BIT(enum sandbox_kind) */
	const char *flow;
};

/*
 * Flows that tests go through: "tool" by tests/tool, "unit" by the unit tests
 * over the fake kernel. Any other word says why none can, on every host.
 */
#define CALL(call_, kinds_, flow_) \
	{ .call = #call_, .kinds = kinds_, .flow = flow_ }
#define IOCTL(request_, kinds_, flow_) \
	{ .call = "ioctl", .name = #request_, .request = request_, \
	  .kinds = kinds_, .flow = flow_ }

#define MAIN BIT(SANDBOX_MAIN)
#define VCPU BIT(SANDBOX_VCPU)
#define IO BIT(SANDBOX_IO)
#define ALL (MAIN | VCPU | IO)
#define PLUG BIT(SANDBOX_PLUG)

/* Each ends with a call of NULL; the second is the architecture's. */
extern const struct rule sandbox_rules[];
extern const struct rule sandbox_arch_rules[];

#endif
