/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A folder of the host's for the guest: a virtiofsd that is started for it, which
 * ends when its socket does. VIRTIO 1.2 section 5.11.
 *
 * virtiofsd takes no socket that is connected, only one on which it can wait for
 * that. So there is one for a moment, for its owner only, and the first to
 * connect to it are we.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "devices/virtio/kinds.h"
#include "devices/virtio/vhost_user.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define DAEMON "virtiofsd"
#define PLACE "/usr/libexec"	/* Debian's, in no PATH */

struct share {
	char *dir, *tag;
	bool ro;
};

/* From PATH, or where Debian has it. Prints its errors. */
static int start_daemon(const struct share *s, int listener)
{
	const char *at = getenv("PATH"), *last = PLACE;
	char path[256];
	char *argv[] = { path, "--fd=3", "--log-level=error", "--shared-dir",
			 s->dir, s->ro ? "--readonly" : NULL, NULL };
	int len, err;

	do {
		if (!at) {
			at = last;
			last = NULL;
		}
		len = strcspn(at, ":");
		snprintf(path, sizeof(path), "%.*s/" DAEMON, len, at);
		err = sys_spawn(argv, listener);
		at = at[len] ? at + len + 1 : NULL;
	} while (err < 0 && (at || last));
	if (err >= 0)
		return err;
	log_err("--share: cannot run " DAEMON ": %s", err_text(err));
	if (err == -ENOENT)
		log_hint("apt-get install " DAEMON);
	return err == -ENOENT ? -ENODEV : err;
}

/* The socket that leads to it, or -errno, printed. */
static int reach_daemon(const struct share *s)
{
	int listener, fd, err;
	char path[40];
	uint64_t n;

	if (sys_random(&n, sizeof(n)) < 0)
		return -EIO;
	snprintf(path, sizeof(path), "/tmp/postern-%016llx",
		 (unsigned long long)n);
	err = listener = sys_unix_listen(path);
	if (err < 0) {
		log_err("--share: cannot make a socket at %s: %s", path,
			err_text(err));
		return err;
	}
	err = fd = sys_unix_connect(path);
	sys_unlink(path);
	if (err >= 0)
		err = start_daemon(s, listener);
	sys_close(listener);
	if (err < 0 && fd >= 0)
		sys_close(fd);
	return err < 0 ? err : fd;
}

static const char *parse(struct share *s, char *text)
{
	char *key, *value, *slash;

	s->dir = strsep(&text, ",");
	slash = strrchr(s->dir, '/');
	s->tag = slash ? slash + 1 : s->dir;
	while ((key = strsep(&text, ","))) {
		if (!strcmp(key, "ro"))
			s->ro = true;
		else if ((value = (char *)virtio_option(key, "tag")))
			s->tag = value;
		else
			return "not tag= or ro";
	}
	return vuser_tag_ok(s->tag) ? NULL : "tag: 1 to 36 characters";
}

static int check_dir(const char *dir)
{
	struct stat st;
	int err = sys_stat(dir, &st);

	if (err >= 0 && !S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	if (err < 0)
		log_err("--share: %s: %s", dir, err_text(err));
	return err;
}

int share_create(struct vm *vm, struct pci_host *host, const char *value)
{
	struct vuser_spec spec = {
		.option = "share", .what = value, .kind = "fs",
	};
	char *text = strdup(value);
	struct share s = { .ro = false };
	const char *wrong;
	int err = -ENOMEM;

	if (!text)
		return err;
	wrong = parse(&s, text);
	spec.tag = s.tag;
	if (wrong) {
		log_err("--share: '%s': %s", value, wrong);
		err = -EDOM;
	} else {
		err = check_dir(s.dir);
	}
	if (err >= 0)
		err = spec.fd = reach_daemon(&s);
	if (err >= 0)
		err = vuser_add(vm, host, &spec);
	free(text);
	return err;
}
