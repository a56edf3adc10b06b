/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See thread.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/virtio/thread.h"
#include "vmm/log.h"
#include "vmm/sandbox.h"
#include "vmm/sys.h"

static void *run(void *arg)
{
	struct virtio_thread *t = arg;

	sys_thread_name(t->name);
	sandbox_thread(t->cfg, SANDBOX_IO);
	loop_run(&t->loop);
	return NULL;
}

struct virtio_thread *virtio_thread_create(const struct config *cfg,
					   const char *name)
{
	struct virtio_thread *t = calloc(1, sizeof(*t));
	int err = t ? loop_create(&t->loop) : -ENOMEM;

	if (err < 0) {
		log_err("%s: cannot prepare a thread: %s", name, err_text(err));
		free(t);
		return NULL;
	}
	t->cfg = cfg;
	t->name = name;
	return t;
}

int virtio_thread_run(struct virtio_thread *t)
{
	int err = -pthread_create(&t->thread, NULL, run, t);

	t->started = !err;
	if (err < 0)
		log_err("%s: cannot start a thread: %s", t->name,
			err_text(err));
	return err;
}

void virtio_thread_destroy(struct virtio_thread *t)
{
	if (!t)
		return;
	loop_quit(&t->loop);
	if (t->started)
		pthread_join(t->thread, NULL);
	loop_destroy(&t->loop);
	free(t);
}
