/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread with an event loop of its own, for queues that have much to do. Their
 * callbacks run on it, as others do on the main thread.
 */
#ifndef DEVICES_VIRTIO_THREAD_H
#define DEVICES_VIRTIO_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "vmm/loop.h"

struct config;

struct virtio_thread {
	struct loop loop;
	const struct config *cfg;
	const char *name;
	pthread_t thread;
	bool started;
};

/*
 * virtio_thread_create - its loop, to which can be added from now on. NULL after
 * printing why, in the name of @name, which stays; the thread is called so.
 */
struct virtio_thread *virtio_thread_create(const struct config *cfg,
					   const char *name);
/* virtio_thread_run - start it, in the sandbox. Prints its errors. */
int virtio_thread_run(struct virtio_thread *t);
/* virtio_thread_destroy - end it and wait for it; NULL is none. */
void virtio_thread_destroy(struct virtio_thread *t);

#endif
