/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop of the main thread: file descriptors and one-shot timers.
 * Watches may be added and deleted from any thread; callbacks run on the main
 * thread only.
 */
#ifndef VMM_LOOP_H
#define VMM_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef void loop_cb(void *arg);

#define LOOP_WATCHES 128

struct loop_watch {
	int fd;			/* -1: free */
	loop_cb *cb;
	void *arg;
};

struct loop {
	pthread_mutex_t lock;
	int epoll_fd;
	int wake_fd;
	_Atomic bool quit;
	struct loop_watch watches[LOOP_WATCHES];
};

int loop_create(struct loop *loop);
void loop_destroy(struct loop *loop);

/* loop_add - call @cb(@arg) whenever @fd is readable. -ENOSPC: table full. */
int loop_add(struct loop *loop, int fd, loop_cb *cb, void *arg);
void loop_del(struct loop *loop, int fd);

/*
 * loop_timer - a timerfd that calls @cb after @ms milliseconds, once. Returns
 * the fd; give it to loop_timer_del() whether or not it has fired.
 */
int loop_timer(struct loop *loop, unsigned int ms, loop_cb *cb, void *arg);
void loop_timer_del(struct loop *loop, int fd);

/* loop_run - dispatch until loop_quit(); may be run again after that. */
int loop_run(struct loop *loop);
/* loop_quit - make loop_run() return; any thread, also before it runs. */
void loop_quit(struct loop *loop);

#endif
