/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop, on epoll; see loop.h. A watch's index, not its pointer, is
 * what epoll keeps, so that a watch deleted while its event is already on the
 * way is recognised by its fd.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/loop.h"
#include "vmm/sys.h"
#include "vmm/util.h"

static void loop_woken(void *arg)
{
	struct loop *loop = arg;
	uint64_t count;

	sys_read(loop->wake_fd, &count, sizeof(count));
}

int loop_create(struct loop *loop)
{
	unsigned int i;
	int err;

	memset(loop, 0, sizeof(*loop));
	for (i = 0; i < LOOP_WATCHES; i++)
		loop->watches[i].fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	loop->wake_fd = sys_eventfd();
	if (loop->wake_fd < 0) {
		err = loop->wake_fd;
		goto close_epoll;
	}
	pthread_mutex_init(&loop->lock, NULL);
	err = loop_add(loop, loop->wake_fd, loop_woken, loop);
	if (err < 0)
		goto close_wake;
	return 0;

close_wake:
	pthread_mutex_destroy(&loop->lock);
	sys_close(loop->wake_fd);
close_epoll:
	sys_close(loop->epoll_fd);
	return err;
}

void loop_destroy(struct loop *loop)
{
	pthread_mutex_destroy(&loop->lock);
	sys_close(loop->wake_fd);
	sys_close(loop->epoll_fd);
}

static int find_watch(const struct loop *loop, int fd)
{
	int i;

	for (i = 0; i < LOOP_WATCHES; i++)
		if (loop->watches[i].fd == fd)
			return i;
	return -ENOSPC;
}

static int add_locked(struct loop *loop, int fd, uint32_t events, loop_cb *cb,
		      void *arg)
{
	struct epoll_event event = { .events = events };
	int i = find_watch(loop, -1);

	if (i < 0)
		return i;
	event.data.u64 = (uint64_t)i << 32 | (uint32_t)fd;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	loop->watches[i] = (struct loop_watch){ fd, cb, arg };
	return 0;
}

static int add_watch(struct loop *loop, int fd, uint32_t events, loop_cb *cb,
		     void *arg)
{
	int err;

	pthread_mutex_lock(&loop->lock);
	err = add_locked(loop, fd, events, cb, arg);
	pthread_mutex_unlock(&loop->lock);
	return err;
}

int loop_add(struct loop *loop, int fd, loop_cb *cb, void *arg)
{
	return add_watch(loop, fd, EPOLLIN, cb, arg);
}

void loop_del(struct loop *loop, int fd)
{
	int i;

	pthread_mutex_lock(&loop->lock);
	i = find_watch(loop, fd);
	if (i >= 0) {
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		loop->watches[i].fd = -1;
	}
	pthread_mutex_unlock(&loop->lock);
}

int loop_timer(struct loop *loop, unsigned int ms, loop_cb *cb, void *arg)
{
	/* A zero time would disarm it. */
	struct itimerspec when = {
		.it_value.tv_sec = ms / 1000,
		.it_value.tv_nsec = ms % 1000 * 1000000L + 1,
	};
	int fd, err;

	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = timerfd_settime(fd, 0, &when, NULL) < 0 ? -errno : 0;
	if (!err)
		err = add_watch(loop, fd, EPOLLIN | EPOLLONESHOT, cb, arg);
	if (err < 0) {
		sys_close(fd);
		return err;
	}
	return fd;
}

void loop_timer_del(struct loop *loop, int fd)
{
	loop_del(loop, fd);
	sys_close(fd);
}

static void dispatch(struct loop *loop, uint64_t key)
{
	struct loop_watch watch;

	pthread_mutex_lock(&loop->lock);
	watch = loop->watches[key >> 32];
	pthread_mutex_unlock(&loop->lock);
	if (watch.fd == (int)(uint32_t)key)
		watch.cb(watch.arg);
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[16];
	int n, i;

	while (!loop->quit) {
		n = epoll_wait(loop->epoll_fd, events, ARRAY_SIZE(events), -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n && !loop->quit; i++)
			dispatch(loop, events[i].data.u64);
	}
	loop->quit = false;
	return 0;
}

void loop_quit(struct loop *loop)
{
	uint64_t one = 1;

	loop->quit = true;
	sys_write(loop->wake_fd, &one, sizeof(one));
}
