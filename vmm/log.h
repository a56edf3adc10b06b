/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and traces, all to standard error.
 *
 * A message is `postern: subject: what failed: reason`, lower case, no full
 * stop; after an error at most one hint line with the command to type. A
 * trace is one line an event: seconds since start, thread, category, text;
 * categories are asked for with --trace and vanish without CONFIG_TRACE.
 */
#ifndef VMM_LOG_H
#define VMM_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/util.h"

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * log_err - report that something failed. log_hint - the remedy, right after
 * it. log_warn - something the user should know, though it goes on.
 * log_info - what was decided and why; silent with --quiet.
 * Each call prints one whole line with one write, from any thread.
 */
void log_err(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_hint(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * log_progress - on a terminal, redraw `what: n of m MiB` in place, at most
 * ten times a second, once the work has taken longer than a second. @start
 * is the time_now() at which the work began. A final call with done == total
 * ends the line if one was begun.
 */
void log_progress(const char *what, uint64_t done, uint64_t total,
		  uint64_t start);

enum log_kind { LOG_ERR, LOG_HINT, LOG_WARN, LOG_INFO };

/*
 * log_divert - from now on @sink is told of each of these messages, in place
 * of a line on standard error: for who collects what others have to say.
 * @text has no prefix and is gone when @sink returns. NULL: as before. Of the
 * messages of this thread, and only one thread may do so.
 */
typedef void log_sink(void *arg, enum log_kind kind, const char *text);
void log_divert(log_sink *sink, void *arg);

/* log_quiet - leave out log_info lines from now on. */
void log_quiet(void);

/* time_now - CLOCK_MONOTONIC in nanoseconds. */
uint64_t time_now(void);

/*
 * err_text - the words for @err (-errno or errno), lower case first letter;
 * from a static table, valid for ever, any thread.
 */
const char *err_text(int err);

enum trace_category {
	TRACE_MMIO,	/* accesses that leave for user space */
	TRACE_IRQ,	/* lines, routes, irqfds */
	TRACE_VFIO,	/* config space, BARs, vectors of assigned devices */
	TRACE_MEM,	/* regions, slots, DMA mappings */
	TRACE_SYS,	/* each kernel call, in the fake kernel's words */
	TRACE_PCI,	/* config space and BAR moves of any device */
	TRACE_VCPU,	/* vCPU life cycle and unusual exits */
	TRACE_NR
};

/*
 * trace_set - switch categories on by a comma-separated list ("mmio,irq",
 * "all"). Returns 0, or -EDOM for an unknown name or without CONFIG_TRACE.
 */
int trace_set(const char *list);

/* trace_on - whether @category is on; for work that only a trace needs. */
bool trace_enabled(enum trace_category category);
void trace_print(enum trace_category category, const char *fmt, ...)
	PRINTF_LIKE(2, 3);

#define trace_on(category) \
	(IS_ENABLED(CONFIG_TRACE) && trace_enabled(category))
#define trace(category, ...) \
	do { \
		if (trace_on(category)) \
			trace_print(category, __VA_ARGS__); \
	} while (0)

#endif
