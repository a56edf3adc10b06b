/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A little vhost-user back end, on a thread of its own at the other end of a
 * socket: it answers what it is asked, or does not, and gives back each chain
 * with its writable buffers filled. QEMU: docs/interop/vhost-user.rst.
 */
#ifndef TESTS_UNIT_BACKEND_H
#define TESTS_UNIT_BACKEND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BACK_RINGS 4
#define BACK_FILL 0x5a

enum {
	B_GET_FEATURES = 1, B_SET_FEATURES = 2, B_SET_OWNER = 3,
	B_SET_MEM_TABLE = 5, B_SET_VRING_NUM = 8, B_SET_VRING_ADDR = 9,
	B_SET_VRING_BASE = 10, B_GET_VRING_BASE = 11, B_SET_VRING_KICK = 12,
	B_SET_VRING_CALL = 13, B_GET_PROTOCOL = 15, B_SET_PROTOCOL = 16,
	B_GET_QUEUE_NUM = 17, B_SET_VRING_ENABLE = 18, B_GET_CONFIG = 24,
};

#define B_PROTOCOL (1ULL << 30)
#define B_MQ 1
#define B_ACK 8
#define B_CONFIG 512

/* What it does when it is asked one certain thing. */
enum wrong {
	W_NOTHING,	/* what it should */
	W_SILENT,
	W_HANG_UP,
	W_SHORT,	/* half of an answer, and hangs up */
	W_TRICKLE,	/* half of an answer, and no more */
	W_LONG,		/* an answer of more bytes */
	W_EMPTY,	/* an answer of none */
	W_OTHER,	/* the answer to another request */
	W_FLAGS,	/* a request, not an answer */
	W_REFUSE,	/* it says no, once */
	W_NR
};

struct back {
	/* Before it starts. */
	uint64_t features, protocol, queues;
	uint8_t config[256];
	enum wrong wrong;
	uint32_t at;		/* the request at which it is */

	/* Look at these when it is quiet. */
	char asked[4096];	/* requests, in decimal, each behind a space */
	uint64_t accepted;	/* features */
	uint64_t protocol_on;
	unsigned int regions, fds;
	uint64_t ram_size;

	int fd, peer;		/* its end; the other, for spec's fd:N */
	int wake[2];
	pthread_t thread;
	struct back_ring {
		int kick, call;
		unsigned int num;
		bool on;
		uint64_t desc, avail, used;
		uint16_t seen;
	} rings[BACK_RINGS];
};

/*
 * back_begin - a friendly one, not yet at work. back_start - at work; the socket
 * @fd is its, or with -1 one end of a pair whose other is back->peer. back_end -
 * ended, by whoever.
 */
void back_begin(struct back *b);
void back_start(struct back *b, int fd);
void back_end(struct back *b);
/* back_asked - how often for @request; with all that has come until now. */
unsigned int back_asked(struct back *b, uint32_t request);

#endif
