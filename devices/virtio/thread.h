/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread with an event loop of its own, for queues that have much to do. Their
 * callbacks run on it, as others do on the main thread.
 */
#ifndef DEVICES_VIRTIO_THREAD_H
#define DEVICES_VIRTIO_THREAD_H

#include <pthread.h>

#include "vmm/loop.h"

struct virtio_thread {
	struct loop loop;
	pthread_t thread;
};

/* virtio_thread_create - NULL after printing why, in the name of @name. */
struct virtio_thread *virtio_thread_create(const char *name);
/* virtio_thread_destroy - end it and wait for it; NULL is none. */
void virtio_thread_destroy(struct virtio_thread *t);

#endif
