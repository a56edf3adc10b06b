/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern ctl: the other end of the control socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "vmm/config.h"
#include "vmm/control.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/status.h"
#include "vmm/sys.h"

#define REFUSED "{\"ok\": false, \"status\": "

/* The words with blanks between, a newline behind. */
static int build(char *line, size_t size, const struct config *cfg, int n,
		 char **words)
{
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++) {
		if (len + strlen(words[i]) + 1 >= size || strchr(words[i], '\n')) {
			log_err("ctl: the command is too long, or no line");
			return -EDOM;
		}
		len += sprintf(line + len, "%s%s", i ? " " : "", words[i]);
	}
	len += snprintf(line + len, size - len, "%s\n",
			cfg->prometheus ? " --prometheus" : "");
	return len < size ? (int)len : -EDOM;
}

/*
 * Files of disks are opened here, by who asks, as the machine can open none:
 * the descriptor, or -1 if the command is another, or -errno.
 */
static int open_disk(int n, char **words, int *fd)
{
	char path[CONTROL_LINE];
	const char *name = n == 2 ? words[1] : "", *keys;

	*fd = -1;
	if (!IS_ENABLED(CONFIG_HOTPLUG) || n != 2 || strcmp(words[0], "add") ||
	    strncmp(name, "disk=", 5))
		return 0;
	name += 5;
	keys = name + strcspn(name, ",");
	snprintf(path, sizeof(path), "%.*s", (int)(keys - name), name);
	*fd = file_open_any(path, strstr(keys, ",ro") ? O_RDONLY : O_RDWR, 0);
	if (*fd < 0)
		log_err("ctl: cannot open %s: %s", path, err_text(*fd));
	return MIN(*fd, 0);
}

static int send_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len; text += n, len -= n) {
		n = sys_write(fd, text, len);
		if (n < 0)
			return n;
	}
	return 0;
}

/* The exit status that a reply stands for; a refusal is said on our side. */
static int judge(const char *line)
{
	const char *error = strstr(line, "\"error\": \"");

	if (strncmp(line, REFUSED, strlen(REFUSED))) {
		fputs(line, stdout);
		return STATUS_OK;
	}
	if (error)
		error += strlen("\"error\": \"");
	log_err("ctl: %.*s", error ? (int)strcspn(error, "\"") : 0, error);
	return strtoul(line + strlen(REFUSED), NULL, 10);
}

/* One line of JSON, or text up to # EOF. */
static int print_reply(FILE *in)
{
	char *line = NULL;
	size_t size = 0;
	bool whole = false;
	int status = STATUS_KERNEL;

	while (!whole && getline(&line, &size, in) > 0) {
		whole = *line == '{' || !strcmp(line, "# EOF\n");
		status = *line == '{' ? judge(line) :
			fputs(line, stdout) < 0 ? STATUS_KERNEL : STATUS_OK;
	}
	free(line);
	if (!whole) {
		log_err("ctl: the other end has hung up");
		status = STATUS_KERNEL;
	}
	return status;
}

static int send_line(int fd, const char *line, size_t len, int with)
{
	struct iovec iov = { (void *)line, len };
	ssize_t n;

	if (!IS_ENABLED(CONFIG_HOTPLUG) || with < 0)
		return send_all(fd, line, len);
	n = sys_sendmsg(fd, &iov, 1, &with, 1);
	return n < 0 ? n : send_all(fd, line + n, len - n);
}

static int talk(int fd, const char *line, size_t len, int with)
{
	FILE *in = fdopen(fd, "r");
	int err, status;

	if (!in) {
		sys_close(fd);
		return STATUS_KERNEL;
	}
	err = send_line(fd, line, len, with);
	if (err < 0)
		log_err("ctl: cannot send: %s", err_text(err));
	status = err < 0 ? status_of(err) : print_reply(in);
	fclose(in);
	if (!status && fflush(stdout) == EOF)
		status = STATUS_KERNEL;
	return status;
}

int control_ctl(const struct config *cfg, int n, char **args)
{
	char line[CONTROL_LINE];
	int fd, len, file;

	if (n < 2) {
		log_err("ctl: no command given");
		log_hint("postern ctl --help");
		return STATUS_USAGE;
	}
	len = build(line, sizeof(line), cfg, n - 1, args + 1);
	if (len < 0)
		return STATUS_USAGE;
	if (open_disk(n - 1, args + 1, &file) < 0)
		return STATUS_NOFILE;
	fd = sys_unix_connect(args[0]);
	if (fd < 0) {
		log_err("ctl: %s: %s", args[0],
			fd == -ECONNREFUSED ? "nobody listens there" :
			err_text(fd));
		return status_of(fd == -ECONNREFUSED ? -ENOENT : fd);
	}
	return talk(fd, line, len, file);
}
