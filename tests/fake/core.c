/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake kernel's core: open files, the journal, calls made to fail, and
 * what is found at the end; see fake.h and fake_priv.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"
#include "tests/unit/test.h"

struct world *world;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void world_lock(void)
{
	pthread_mutex_lock(&lock);
}

void world_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void *zalloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

void fake_begin(void)
{
	if (world)
		test_failed(__FILE__, __LINE__, "fake_begin() twice");
	world = zalloc(sizeof(*world));
	world->host = (struct fake_host){
		.kvm = true, .legacy = true, .iommufd = true, .cdev = true,
		.map_file = true, .type1v2 = true, .type1 = true,
		.bind_token = true, .dma_buf = true, .vfio = true, .vfio_pci = true,
		.vfio_platform = true,
		.intremap = true,
		.cap_ipc_lock = true, .cap_sys_rawio = true,
		.cap_sys_resource = true, .cap_sys_admin = true,
		.vhost = true,
		.root = true, .noiommu = true, .noiommu_cdev = true,
		.memlock = 8 * MiB, .maps_max = 65535, .page = PAGE,
		.pages = 2 * MiB | GiB, .snoops = true,
		.hole_base = 0xfee00000, .hole_size = 1 * MiB,
		.iova_last = BIT(48) - 1,
		.kvm_irqchip = true, .gsi_max = 4096, .slots_max = 509,
		.gic = 3, .its = true, .sve = true, .pauth = true,
		.pmu = true,
	};
	world->journal_size = 1 << 16;
	world->journal = zalloc(world->journal_size);
}

struct fake_host *fake_host(void)
{
	return &world->host;
}

/* Closes what a test left, so that LeakSanitizer sees the product's alone. */
static void drop_files(void)
{
	int fd;

	for (fd = 0; fd < FDS_MAX; fd++) {
		struct file *file = world->fds[fd];

		if (!file)
			continue;
		world->fds[fd] = NULL;
		close(fd);
		file->fds--;
		file_put(file);
	}
}

void drop_world(void)
{
	drop_files();
	pci_free();
	mm_free();
	fs_free();
	while (world->groups) {
		struct group *group = world->groups;

		world->groups = group->next;
		free(group);
	}
	free(world->failed);
	free(world->journal);
	free(world);
	world = NULL;
}

void fake_end(void)
{
	int faults = fake_check();

	if (faults)
		fprintf(stderr, "the calls were:\n%s", fake_journal());
	drop_world();
	if (faults)
		test_failed(__FILE__, __LINE__, "left behind or violated: %d",
			    faults);
}

unsigned int fake_fds(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < FDS_MAX; fd++)
		n += world->fds[fd] != NULL;
	return n;
}

static int check_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < FDS_MAX; fd++) {
		if (!world->fds[fd])
			continue;
		fprintf(stderr, "fake: fd %d is left open: %s\n", fd,
			world->fds[fd]->name);
		n++;
	}
	return n;
}

static int check_mappings(void)
{
	const struct mapping *m;
	int n = 0;

	for (m = world->mappings; m; m = m->next, n++)
		fprintf(stderr, "fake: 0x%zx bytes are left mapped\n",
			(size_t)(m->end - m->start));
	return n;
}

int fake_check(void)
{
	const struct fake_kvm *kvm;
	int faults = world->violations;

	faults += check_files() + check_mappings();
	if (fake_maps()) {
		fprintf(stderr, "fake: %u DMA mappings are left\n",
			fake_maps());
		faults++;
	}
	for (kvm = world->kvms; kvm; kvm = kvm->next) {
		fprintf(stderr, "fake: a VM is left\n");
		faults++;
	}
	return faults;
}

unsigned int fake_violations(void)
{
	return world->violations;
}

/* ---- journal ------------------------------------------------------------ */

static void journal_add(const char *text)
{
	size_t len = strlen(text);

	if (world->journal_len + len + 1 > world->journal_size) {
		world->journal_size = 2 * (world->journal_size + len);
		world->journal = realloc(world->journal, world->journal_size);
		if (!world->journal)
			abort();
	}
	memcpy(world->journal + world->journal_len, text, len + 1);
	world->journal_len += len;
}

const char *fake_journal(void)
{
	return world->journal;
}

void fake_journal_clear(void)
{
	world->journal_len = 0;
	world->journal[0] = '\0';
}

/* The line that @at is in, and where the next one begins. */
static const char *next_line(const char *at)
{
	const char *end = strchr(at, '\n');

	return end ? end + 1 : at + strlen(at);
}

unsigned int fake_count(const char *text)
{
	const char *at = world->journal;
	unsigned int n = 0;

	while ((at = strstr(at, text))) {
		n++;
		at = next_line(at);
	}
	return n;
}

bool fake_order(const char *first, ...)
{
	const char *at = world->journal, *text;
	va_list args;
	bool found = true;

	va_start(args, first);
	for (text = first; text && found; text = va_arg(args, const char *)) {
		at = strstr(at, text);
		found = at != NULL;
		if (found)
			at = next_line(at);
		else
			fprintf(stderr, "fake: not in this order: %s\n", text);
	}
	va_end(args);
	if (!found)
		fprintf(stderr, "the calls were:\n%s", world->journal);
	return found;
}

void violation(const char *fmt, ...)
{
	char text[300], line[320];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(line, sizeof(line), "VIOLATION: %s\n", text);
	fprintf(stderr, "fake: violation: %s\n", text);
	journal_add(line);
	world->violations++;
}

/* ---- calls made to fail ------------------------------------------------- */

void fake_fail_nth(unsigned int nth, int err)
{
	world->calls = 0;
	world->fail_nth = nth;
	world->fail_err = err;
	world->fail_text[0] = '\0';
	free(world->failed);
	world->failed = NULL;
}

void fake_fail_call(const char *text, int err)
{
	fake_fail_nth(0, err);
	snprintf(world->fail_text, sizeof(world->fail_text), "%s", text);
}

const char *fake_failed(void)
{
	return world->failed;
}

int call_begin(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(world->call, sizeof(world->call), fmt, args);
	va_end(args);
	sandbox_judge(world->call);
	if (!err)
		return 0;
	world->calls++;
	if (world->failed ||
	    !(world->calls == world->fail_nth ||
	      (world->fail_text[0] &&
	       strstr(world->call, world->fail_text))))
		return 0;
	world->failed = strdup(world->call);
	return -(world->fail_err ? world->fail_err : err);
}

long call_end(long ret)
{
	char line[400];

	snprintf(line, sizeof(line), "%s -> %ld\n", world->call, ret);
	journal_add(line);
	return ret;
}

/* ---- open files --------------------------------------------------------- */

struct file *file_of(int fd)
{
	return world && fd >= 0 && fd < FDS_MAX ? world->fds[fd] : NULL;
}

struct file *file_of_kind(int fd, enum kind kind)
{
	struct file *file = file_of(fd);

	return file && file->kind == kind ? file : NULL;
}

void file_hold(struct file *file)
{
	file->holds++;
}

static void release(struct file *file)
{
	switch (file->kind) {
	case KIND_CONTAINER:
		container_release(file->obj);
		break;
	case KIND_GROUP:
		group_release(file->obj);
		break;
	case KIND_IOMMUFD:
		iommufd_release(file->obj);
		break;
	case KIND_DMABUF:
		free(file->obj);
		break;
	case KIND_DEVICE:
		device_release(file->obj);
		break;
	case KIND_KVM:
	case KIND_VM:
	case KIND_VCPU:
	case KIND_KVM_VFIO:
	case KIND_KVM_DEVICE:
		kvm_release(file);
		break;
	case KIND_FILE:
		huge_release(file);
		break;
	case KIND_VHOST:
		vhost_release(file->obj);
		break;
	case KIND_EVENTFD:
	case KIND_PAGEMAP:
		break;
	}
}

void file_put(struct file *file)
{
	if (--file->holds)
		return;
	release(file);
	if (file->real >= 0)
		close(file->real);
	free(file);
}

/* @real, or for what is no file of Linux's an eventfd, which never speaks. */
int file_add_fd(struct file *file)
{
	int fd;

	fd = file->real >= 0 ? dup(file->real) : eventfd(0, EFD_CLOEXEC);
	if (fd < 0 || fd >= FDS_MAX || world->fds[fd])
		abort();
	world->fds[fd] = file;
	file->fds++;
	file_hold(file);
	return fd;
}

int file_new(enum kind kind, const char *name, void *obj, int real)
{
	struct file *file = zalloc(sizeof(*file));

	file->kind = kind;
	file->obj = obj;
	file->real = real;
	snprintf(file->name, sizeof(file->name), "%s", name);
	return file_add_fd(file);
}
