/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options that add paravirtual devices; devices/virtio/create.c has a
 * constructor for each.
 */
#include "vmm/options_priv.h"

#define RUN_WITH(symbol) .commands = IS_ENABLED(symbol) ? RUN : 0

const struct option options_virtio[] = {
	{ "console", 0, KIND_VIRTIO, "TO[,name=NAME]",
	  "a console, or a named port, at stdio, pty, fd:N, file= or socket=",
	  RUN_WITH(CONFIG_VIRTIO_CONSOLE) },
	{ "disk", 0, KIND_VIRTIO, "FILE[,KEY]...",
	  "a disk: ro, direct, serial=TEXT, queues=N; may be repeated",
	  RUN_WITH(CONFIG_VIRTIO_DISK) },
	{ "net", 0, KIND_VIRTIO, "TO[,KEY]...",
	  "a network card at tap=NAME, tap=fd:N or passt=SOCKET: mac=, queues=, vhost",
	  RUN_WITH(CONFIG_VIRTIO_NET) },
	{ "rng", 0, KIND_VIRTIO, NULL, "give the guest entropy of the host's",
	  RUN_WITH(CONFIG_VIRTIO_RNG) },
	{ .name = NULL },
};
