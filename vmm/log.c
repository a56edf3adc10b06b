/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages: each is formatted into a buffer on the stack and leaves with one
 * write, so that lines of several threads do not mix. The state is one
 * struct: which traces are on, and whether a progress line is begun.
 */
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/log.h"

#define NSEC_PER_SEC 1000000000ULL

static struct {
	_Atomic bool quiet;
	_Atomic bool progress;		/* an unfinished line is on screen */
	_Atomic uint64_t progress_at;
	unsigned int traces;		/* BIT(enum trace_category) */
	uint64_t start;
	log_sink *sink;			/* or NULL: standard error */
	void *sink_arg;
	pthread_t sink_thread;
} log_state;

static const char *const trace_names[TRACE_NR] = {
	[TRACE_MMIO] = "mmio",
	[TRACE_IRQ] = "irq",
	[TRACE_VFIO] = "vfio",
	[TRACE_MEM] = "mem",
	[TRACE_SYS] = "sys",
	[TRACE_PCI] = "pci",
	[TRACE_VCPU] = "vcpu",
};

/*
 * In raw mode the terminal does not return the carriage on a line feed, so
 * lines on a terminal end in both; a file gets plain lines.
 */
static void put_line(const char *prefix, const char *fmt, va_list args)
{
	char line[1024];
	size_t room = sizeof(line) - 2, len = 0;
	int n;

	if (atomic_exchange(&log_state.progress, false))
		line[len++] = '\r';
	len += snprintf(line + len, room - len, "%s", prefix);
	n = vsnprintf(line + len, room - len, fmt, args);
	if (n > 0)
		len = MIN(len + (size_t)n, room - 1);
	if (isatty(STDERR_FILENO))
		line[len++] = '\r';
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return;	/* nobody left to tell */
}

static void put(enum log_kind kind, const char *fmt, va_list args)
{
	static const char *const prefixes[] = {
		[LOG_ERR] = "postern: ",
		[LOG_HINT] = "postern: hint: ",
		[LOG_WARN] = "postern: warning: ",
		[LOG_INFO] = "postern: ",
	};
	char text[1024];

	if ((IS_ENABLED(CONFIG_DEVCMD) || IS_ENABLED(CONFIG_HOTPLUG)) &&
	    log_state.sink &&
	    pthread_equal(log_state.sink_thread, pthread_self())) {
		vsnprintf(text, sizeof(text), fmt, args);
		log_state.sink(log_state.sink_arg, kind, text);
	} else if (kind != LOG_INFO || !log_state.quiet) {
		put_line(prefixes[kind], fmt, args);
	}
}

#define PUT(kind, fmt) \
	do { \
		va_list args; \
		va_start(args, fmt); \
		put(kind, fmt, args); \
		va_end(args); \
	} while (0)

void log_err(const char *fmt, ...)
{
	PUT(LOG_ERR, fmt);
}

void log_hint(const char *fmt, ...)
{
	PUT(LOG_HINT, fmt);
}

void log_warn(const char *fmt, ...)
{
	PUT(LOG_WARN, fmt);
}

void log_info(const char *fmt, ...)
{
	PUT(LOG_INFO, fmt);
}

void log_divert(log_sink *sink, void *arg)
{
	log_state.sink = sink;
	log_state.sink_arg = arg;
	log_state.sink_thread = pthread_self();
}

void log_quiet(void)
{
	log_state.quiet = true;
}

uint64_t time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void log_progress(const char *what, uint64_t done, uint64_t total,
		  uint64_t start)
{
	uint64_t now = time_now();
	char line[128];
	int len;

	if (now - start < NSEC_PER_SEC || !isatty(STDERR_FILENO))
		return;
	if (done < total && now - log_state.progress_at < NSEC_PER_SEC / 10)
		return;
	log_state.progress_at = now;
	log_state.progress = done < total;
	len = snprintf(line, sizeof(line), "\rpostern: %s: %llu of %llu MiB%s",
		       what, (unsigned long long)(done / MiB),
		       (unsigned long long)(total / MiB),
		       done < total ? "" : "\r\n");
	if (len > 0 && write(STDERR_FILENO, line, len) < 0)
		return;
}

/* The words an errno has in manuals, from libc's table, first letter small. */
const char *err_text(int err)
{
	static const struct {
		int err;
		const char *text;
	} texts[] = {
		{ EPERM, "operation not permitted" },
		{ ENOENT, "no such file" },
		{ EIO, "input/output error" },
		{ ENXIO, "no such device or address" },
		{ E2BIG, "argument too long" },
		{ EBADF, "bad file descriptor" },
		{ EAGAIN, "resource temporarily unavailable" },
		{ ENOMEM, "out of memory" },
		{ EACCES, "permission denied" },
		{ EFAULT, "bad address" },
		{ EBUSY, "busy" },
		{ EEXIST, "already there" },
		{ ENODEV, "no such device" },
		{ ENOTDIR, "not a directory" },
		{ EISDIR, "is a directory" },
		{ EINVAL, "invalid argument" },
		{ EMFILE, "too many open files" },
		{ ENFILE, "too many open files in the system" },
		{ ENOTTY, "not known to this kernel" },
		{ EFBIG, "file too large" },
		{ ENOSPC, "no space left" },
		{ EPIPE, "broken pipe" },
		{ EDOM, "value out of its domain" },
		{ ERANGE, "out of range" },
		{ ENOSYS, "not in this kernel" },
		{ ENOEXEC, "not a usable image" },
		{ EOVERFLOW, "value too large" },
		{ EOPNOTSUPP, "not supported" },
		{ EADDRINUSE, "address in use" },
		{ ETIMEDOUT, "timed out" },
		{ EBADFD, "file descriptor of the wrong kind" },
	};
	unsigned int i;

	if (err < 0)
		err = -err;
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].err == err)
			return texts[i].text;
	return "unknown error";
}

static int trace_set_one(const char *name, size_t len)
{
	unsigned int i;

	if (len == 3 && !memcmp(name, "all", 3)) {
		log_state.traces = BIT(TRACE_NR) - 1;
		return 0;
	}
	for (i = 0; i < TRACE_NR; i++) {
		if (strlen(trace_names[i]) != len ||
		    memcmp(trace_names[i], name, len))
			continue;
		log_state.traces |= BIT(i);
		return 0;
	}
	return -EDOM;
}

int trace_set(const char *list)
{
	int err = 0;

	if (!IS_ENABLED(CONFIG_TRACE))
		return -EDOM;
	log_state.start = time_now();
	while (!err && *list) {
		size_t len = strcspn(list, ",");

		err = trace_set_one(list, len);
		list += len;
		list += *list == ',';
	}
	return err;
}

bool trace_enabled(enum trace_category category)
{
	return log_state.traces & BIT(category);
}

void trace_print(enum trace_category category, const char *fmt, ...)
{
	uint64_t t = time_now() - log_state.start;
	char prefix[64];
	va_list args;

	snprintf(prefix, sizeof(prefix), "%llu.%06llu %d %s: ",
		 (unsigned long long)(t / NSEC_PER_SEC),
		 (unsigned long long)(t % NSEC_PER_SEC / 1000), gettid(),
		 trace_names[category]);
	va_start(args, fmt);
	put_line(prefix, fmt, args);
	va_end(args);
}
