/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sandbox; see sandbox.h. The filters come from tools/sandbox.c and trap
 * what they do not allow: the signal's handler says what it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/arch.h"
#include "vmm/control.h"
#include "vmm/log.h"
#include "vmm/sandbox.h"
#include "vmm/sandbox_priv.h"
#include "vmm/sys.h"
#include "vmm/term.h"
#include "vmm/vm.h"

/* ---- a call that is not allowed ----------------------------------------- */

/* All of this runs in a signal's handler. */
struct text {
	char buf[160];
	unsigned int len;
};

static void put(struct text *t, const char *words)
{
	while (*words && t->len < sizeof(t->buf))
		t->buf[t->len++] = *words++;
}

static void put_number(struct text *t, unsigned long n, unsigned int base)
{
	char digits[24], *at = digits + sizeof(digits);

	*--at = '\0';
	do
		*--at = "0123456789abcdef"[n % base];
	while (n /= base);
	put(t, at);
}

static const char *call_name(unsigned int nr)
{
	const char *name = sandbox_names;

	if (nr >= sandbox_nr_names)
		return "";
	while (nr--)
		name += strlen(name) + 1;
	return name;
}

static void refused(int sig, siginfo_t *info, void *context)
{
	struct text t = { .len = 0 };

	term_restore();
	put(&t, "postern: sandbox: a call that is not allowed: ");
	put(&t, call_name(info->si_syscall));
	put(&t, " (");
	put_number(&t, info->si_syscall, 10);
	put(&t, ")");
	if (info->si_syscall == SYS_ioctl) {
		put(&t, " 0x");
		put_number(&t, (unsigned int)arch_trap_arg(context, 1), 16);
	}
	put(&t, "\npostern: hint: --sandbox off, and please report it\n");
	sys_write(STDERR_FILENO, t.buf, t.len);
	sys_end(STATUS_INTERNAL);
}

/* ---- filters ------------------------------------------------------------ */

/* With --sandbox log, what would be trapped is let through and noted. */
static void only_log(struct sock_filter *insns, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (insns[i].code == (BPF_RET | BPF_K) &&
		    insns[i].k != SECCOMP_RET_ALLOW)
			insns[i].k = SECCOMP_RET_LOG;
}

void sandbox_join(struct sock_filter *out, const struct sandbox_filter *first,
		  const struct sandbox_filter *second)
{
	unsigned int i;

	for (i = 0; i < first->nr; i++) {
		out[i] = first->insns[i];
		if (out[i].code == (BPF_RET | BPF_K) &&
		    out[i].k != SECCOMP_RET_ALLOW)
			out[i] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
							      first->nr - 1 - i);
	}
	memcpy(out + first->nr, second->insns, second->nr * sizeof(*out));
}

static int set_filter(const struct config *cfg, enum sandbox_kind kind)
{
	static const struct sandbox_filter none;
	const struct sandbox_filter *filter = &sandbox_filters[kind], *more =
		kind == SANDBOX_MAIN && config_ports(cfg) ?
		&sandbox_filters[SANDBOX_PLUG] : &none;
	struct sock_fprog prog = { .len = more->nr + filter->nr };
	int err;

	prog.filter = malloc(prog.len * sizeof(*prog.filter));
	if (!prog.filter)
		return -ENOMEM;
	sandbox_join(prog.filter, more, filter);
	if (cfg->sandbox == SANDBOX_LOG)
		only_log(prog.filter, filter->nr);
	err = sys_seccomp(&prog);
	free(prog.filter);
	return err;
}

void sandbox_thread(const struct config *cfg, enum sandbox_kind kind)
{
	int err;

	if (cfg->sandbox == SANDBOX_OFF)
		return;
	err = set_filter(cfg, kind);
	if (err < 0)
		log_warn("sandbox: a thread keeps more rights than it needs: %s",
			 err_text(err));
}

/* ---- files -------------------------------------------------------------- */

#define IOCTL_DEV BIT(15)	/* LANDLOCK_ACCESS_FS_IOCTL_DEV, Linux 6.10 */

static uint64_t fs_rights(int abi)
{
	static const unsigned int bits[] = { 0, 13, 14, 15, 15, 16 };

	return BIT(bits[MIN(abi, 5)]) - 1;
}

/* What lies beneath @path stays within reach, as far as @rights go. */
static int keep(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = rights,
		.parent_fd = sys_open(path, O_PATH, 0),
	};
	int err;

	if (beneath.parent_fd < 0)
		return 0;	/* nor will it be */
	err = sys_landlock_add(ruleset, &beneath);
	sys_close(beneath.parent_fd);
	return err;
}

/* Where devices are found and opened, for those that come later. */
static int keep_devices(int ruleset, uint64_t handled)
{
	uint64_t node = handled & (LANDLOCK_ACCESS_FS_READ_FILE |
				   LANDLOCK_ACCESS_FS_WRITE_FILE | IOCTL_DEV);
	int err = keep(ruleset, "/sys", LANDLOCK_ACCESS_FS_READ_FILE |
		       LANDLOCK_ACCESS_FS_READ_DIR);

	if (!err)
		err = keep(ruleset, "/dev/vfio", node);
	if (!err)
		err = keep(ruleset, "/dev/iommu", node);
	if (!err && IS_ENABLED(CONFIG_VIRTIO_NET))
		err = keep(ruleset, "/dev/net/tun", node);
	if (!err && IS_ENABLED(CONFIG_VIRTIO_VHOST))
		err = keep(ruleset, "/dev/vhost-net", node);
	return err;
}

/*
 * No file by its name any more, but that the control socket's may go, and
 * those of devices that may come.
 */
static int no_files(const struct vm *vm)
{
	int abi = sys_landlock_create(NULL, 0), fd, err = 0;
	struct landlock_ruleset_attr attr = { 0 };
	struct landlock_path_beneath_attr dir = {
		.allowed_access = LANDLOCK_ACCESS_FS_REMOVE_FILE,
		.parent_fd = control_dir(vm),
	};

	if (abi <= 0)
		return 0;	/* not on this host */
	attr.handled_access_fs = fs_rights(abi);
	if (abi >= 4)
		attr.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP |
			LANDLOCK_ACCESS_NET_CONNECT_TCP;
	fd = sys_landlock_create(&attr, sizeof(attr));
	if (fd < 0)
		return fd;
	if (dir.parent_fd >= 0)
		err = sys_landlock_add(fd, &dir);
	if (!err && config_ports(vm->cfg))
		err = keep_devices(fd, attr.handled_access_fs);
	if (!err)
		err = sys_landlock_restrict(fd);
	sys_close(fd);
	return err;
}

/* ---- another user ------------------------------------------------------- */

/* A number that ends where @end says; false if there is none. */
static bool number(const char *text, const char *end, unsigned int *n)
{
	char *at;

	if (*text < '0' || *text > '9')
		return false;
	*n = strtoul(text, &at, 10);
	return end ? at == end : !*at;
}

/* The two numbers that /etc/passwd has for @name. */
static int look_up(const char *name, unsigned int *uid, unsigned int *gid)
{
	int fd = sys_open("/etc/passwd", O_RDONLY, 0);
	size_t len = strlen(name);
	char text[65536], *at, *line, *x;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = sys_read(fd, text, sizeof(text) - 1);
	sys_close(fd);
	if (n < 0)
		return n;
	text[n] = '\0';
	for (at = text; (line = strsep(&at, "\n"));) {
		if (strncmp(line, name, len) || line[len] != ':')
			continue;
		strsep(&line, ":");
		strsep(&line, ":");
		x = strsep(&line, ":");
		if (x && line && number(x, NULL, uid) &&
		    number(line, strchr(line, ':'), gid))
			return 0;
	}
	return -EDOM;
}

static int parse_user(const char *user, unsigned int *uid, unsigned int *gid)
{
	const char *colon = strchr(user, ':');

	if (!number(user, colon, uid))
		return look_up(user, uid, gid);
	*gid = *uid;
	return !colon || number(colon + 1, NULL, gid) ? 0 : -EDOM;
}

static int become(const char *user, const char *root)
{
	unsigned int uid = 0, gid = 0;
	int err = user ? parse_user(user, &uid, &gid) : 0;

	if (err < 0) {
		log_err("--user: '%s': %s", user,
			err == -EDOM ? "no such user" : err_text(err));
		return err;
	}
	err = root ? sys_chroot(root) : 0;
	if (err < 0) {
		log_err("--chroot: %s: %s", root, err_text(err));
		return err;
	}
	err = user ? sys_setids(uid, gid) : 0;
	if (err < 0)
		log_err("--user: %s: %s", user, err_text(err));
	return err;
}

/* ---- */

static int failed(const char *what, int err)
{
	log_err("sandbox: %s: %s", what, err_text(err));
	log_hint("postern run --sandbox off");
	return err == -EINVAL || err == -ENOSYS ? -EOPNOTSUPP : err;
}

int sandbox_enter(const struct vm *vm)
{
	struct sigaction act = {
		.sa_sigaction = refused, .sa_flags = SA_SIGINFO,
	};
	const struct config *cfg = vm->cfg;
	int err = become(cfg->user, cfg->chroot);

	if (err < 0 || cfg->sandbox == SANDBOX_OFF)
		return err;
	err = sys_no_new_privs();
	if (err < 0)
		return failed("cannot give up new privileges", err);
	err = cfg->sandbox == SANDBOX_ON ? no_files(vm) : 0;
	if (err < 0)
		return failed("landlock", err);
	sigaction(SIGSYS, &act, NULL);
	err = set_filter(cfg, SANDBOX_MAIN);
	return err < 0 ? failed("seccomp", err) : 0;
}
