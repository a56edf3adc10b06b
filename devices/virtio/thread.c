/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See thread.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/virtio/thread.h"
#include "vmm/log.h"

static void *run(void *arg)
{
	struct virtio_thread *t = arg;

	loop_run(&t->loop);
	return NULL;
}

struct virtio_thread *virtio_thread_create(const char *name)
{
	struct virtio_thread *t = calloc(1, sizeof(*t));
	int err = -ENOMEM;

	if (!t)
		goto report;
	err = loop_create(&t->loop);
	if (err < 0)
		goto free_thread;
	err = -pthread_create(&t->thread, NULL, run, t);
	if (err < 0)
		goto destroy_loop;
	return t;

destroy_loop:
	loop_destroy(&t->loop);
free_thread:
	free(t);
report:
	log_err("%s: cannot start a thread: %s", name, err_text(err));
	return NULL;
}

void virtio_thread_destroy(struct virtio_thread *t)
{
	if (!t)
		return;
	loop_quit(&t->loop);
	pthread_join(t->thread, NULL);
	loop_destroy(&t->loop);
	free(t);
}
