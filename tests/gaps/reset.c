/* SPDX-License-Identifier: BSD-2-Clause */
/* What a reset of a whole bus asks for as a proof that all of it is one's own. */
#include <errno.h>

#include <linux/vfio.h>

#include "gaps.h"

static int try_function(struct space *s)
{
	space_ready(s, EDU);
	return CALL(s, s->fd[EDU], VFIO_DEVICE_RESET, NULL);
}

static int try_info(struct space *s)
{
	union {
		struct vfio_pci_hot_reset_info info;
		char room[1024];
	} arg = { .info.argsz = sizeof(arg) };

	space_ready(s, EDU);
	must(s, CALL(s, s->fd[EDU], VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &arg));
	if (!(arg.info.flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID))
		return say(s, "groups");
	return say(s, arg.info.flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED ?
		   "devices,owned" : "devices");
}

/* reset_with: a node is the proof, or nothing is. */
static int reset_with(struct space *s, int count)
{
	struct {
		struct vfio_pci_hot_reset head;
		int32_t node;
	} arg = { .head = { .argsz = sizeof(arg), .count = count } };

	space_ready(s, EDU);
	arg.node = s->node[EDU];
	return CALL(s, s->fd[EDU], VFIO_DEVICE_PCI_HOT_RESET, &arg);
}

static int try_with_node(struct space *s)
{
	return reset_with(s, 1);
}

static int try_with_nothing(struct space *s)
{
	return reset_with(s, 0);
}

const struct scenario reset_scenarios[] = {
	{ "reset", "reset the function", SAFE, try_function },
	{ "hot-reset-info", "what a bus reset says is concerned", SAFE,
	  try_info },
	{ "hot-reset-node", "reset the bus, with the node as a proof", SAFE,
	  try_with_node },
	{ "hot-reset-nothing", "reset the bus, with no proof but the iommufd",
	  SAFE, try_with_nothing },
	{ 0 },
};
