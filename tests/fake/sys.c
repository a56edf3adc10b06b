/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door: vmm/sys.h as the fake kernel opens it. Each call is noted in the
 * journal, may be made to fail, and goes to the object behind the descriptor
 * or the path.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"
#include "vmm/sys.h"
#include "vmm/sysname.h"

#define POPULATE_WRITE 23	/* MADV_..., absent from older C libraries */

/* ---- opening and closing ------------------------------------------------ */

static int open_device_node(const char *path)
{
	if (!world->host.root)
		return -EACCES;
	if (!strcmp(path, "/dev/kvm"))
		return kvm_file_open();
	if (!strcmp(path, "/dev/vfio/vfio"))
		return world->host.compat ? iommufd_open(path, true) :
			container_open();
	if (!strcmp(path, "/dev/vhost-vsock"))
		return vhost_open_node();
	if (!strcmp(path, "/dev/iommu"))
		return iommufd_open(path, false);
	if (!strncmp(path, "/dev/vfio/devices/", 18))
		return cdev_open(path + 18);
	return group_open(path + strlen("/dev/vfio/"));
}

static int open_text(const struct node *node)
{
	int real = memfd_create("text", MFD_CLOEXEC);

	if (real < 0 || write(real, node->data, node->len) < 0)
		abort();
	lseek(real, 0, SEEK_SET);
	return file_new(KIND_FILE, node->path, NULL, real);
}

/* Whether there are files below @path. */
static bool is_dir(const char *path)
{
	size_t len = strlen(path);
	const struct node *node;

	for (node = world->nodes; node; node = node->next)
		if (!strncmp(node->path, path, len) && node->path[len] == '/')
			return true;
	node = fs_find(path);
	return node && node->type == NODE_DIR;
}

static bool parent_there(const char *path)
{
	char parent[256];

	snprintf(parent, sizeof(parent), "%.*s",
		 (int)(strrchr(path, '/') - path), path);
	return is_dir(parent);
}

static int do_open(const char *path, int flags)
{
	struct node *node;

	if (!strcmp(path, "/proc/self/pagemap"))
		return pagemap_open();
	pci_sysfs();
	node = fs_find(path);
	if (!node && is_dir(path))
		return -EISDIR;
	if (!node && flags & O_CREAT) {
		if (!parent_there(path))
			return -ENOENT;
		fs_set(path, NODE_TEXT, "", 0, false);
		node = fs_find(path);
	}
	if (!node)
		return -ENOENT;
	if (node->type == NODE_DEV)
		return open_device_node(path);
	if (node->type != NODE_TEXT)
		return -EISDIR;
	if (flags & O_TRUNC)
		fs_set(path, NODE_TEXT, "", 0, node->made);
	return open_text(fs_find(path));
}

int sys_open(const char *path, int flags, int mode)
{
	if (!strncmp(path, "/tmp/", 5) || !strncmp(path, "/proc/self/fd/", 14))
		return LINUX(open(path, flags | O_CLOEXEC, mode));
	return CALL(EMFILE, do_open(path, flags), "open %s", path);
}

/* What must not happen before this descriptor is closed. */
static void check_close(const struct file *file)
{
	const struct group *group = file->obj;

	if (file->fds > 1)
		return;
	if (file->kind == KIND_GROUP && group->devices)
		violation("%s is closed while a device of it is open",
			  file->name);
	if (file->kvm_held)
		violation("%s is closed, but KVM still holds it", file->name);
}

static int do_close(int fd, struct file *file)
{
	check_close(file);
	world->fds[fd] = NULL;
	file->fds--;
	file_put(file);
	return close(fd);
}

int sys_close(int fd)
{
	struct file *file = file_of(fd);

	if (!file)
		return LINUX(close(fd));
	return CALL(0, do_close(fd, file), "close %s", file->name);
}

int sys_dup(int fd)
{
	struct file *file = file_of(fd);

	if (!file)
		return LINUX(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	return CALL(EMFILE, file_add_fd(file), "dup %s", file->name);
}

/* ---- ioctl -------------------------------------------------------------- */

static int do_ioctl(struct file *file, unsigned long request, void *arg,
		    unsigned long num)
{
	switch (file->kind) {
	case KIND_KVM:
	case KIND_VM:
	case KIND_VCPU:
	case KIND_KVM_VFIO:
	case KIND_KVM_DEVICE:
		return kvm_ioctl(file, request, arg, num);
	case KIND_CONTAINER:
		return container_ioctl(file, request, arg, num);
	case KIND_GROUP:
		return group_ioctl(file, request, arg);
	case KIND_IOMMUFD:
		return iommufd_ioctl(file->obj, request, arg, num);
	case KIND_DEVICE:
		return device_ioctl(file, request, arg);
	case KIND_VHOST:
		return vhost_ioctl(file->obj, request, arg);
	case KIND_FILE:
	case KIND_EVENTFD:
	case KIND_DMABUF:
	case KIND_PAGEMAP:
		break;
	}
	return -ENOTTY;
}

/* Letting go of a file or of memory: nobody could do without. */
static bool must_work(const char *name)
{
	return strstr(name, "KVM_SET_DEVICE_ATTR group=0x1 attr=0x2") ||
		(strstr(name, "KVM_SET_USER_MEMORY_REGION") &&
		 strstr(name, "memory_size=0x0 ")) ||
		strstr(name, "VFIO_IOMMU_UNMAP_DMA") ||
		strstr(name, "IOMMU_IOAS_UNMAP");
}

static int named_ioctl(int fd, unsigned long request, void *arg,
		       unsigned long num)
{
	struct file *file = file_of(fd);
	char name[200];
	size_t len;

	sys_name(name, sizeof(name), request, arg);
	len = strlen(name);
	world->request = request;
	if (num)
		snprintf(name + len, sizeof(name) - len, " 0x%lx", num);
	if (!file)
		return CALL(EIO, host_ioctl(fd, request, arg, num), "ioctl %s",
			    name);
	return CALL(must_work(name) ? 0 : EIO,
		    do_ioctl(file, request, arg, num), "ioctl %s", name);
}

int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return named_ioctl(fd, request, arg, 0);
}

int sys_ioctl_num(int fd, unsigned long request, unsigned long arg)
{
	return named_ioctl(fd, request, NULL, arg);
}

int sys_run(int fd)
{
	return -EINTR;
}

/* ---- reading and writing ------------------------------------------------ */

static ssize_t write_text(struct file *file, const void *buf, size_t len)
{
	struct node *node = fs_find(file->name);
	char text[256];
	int err;

	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)buf);
	err = pci_sysfs_write(file->name, text);
	if (err < 0)
		return err;
	if (node && !node->made)
		fs_set(file->name, NODE_TEXT, buf, len, false);
	return len;
}

static ssize_t do_write(struct file *file, const void *buf, size_t len)
{
	if (file->kind == KIND_FILE && !file->memfd)
		return write_text(file, buf, len);
	return file->real < 0 ? -EINVAL : LINUX(write(file->real, buf, len));
}

ssize_t sys_write(int fd, const void *buf, size_t len)
{
	struct file *file = file_of(fd);

	if (!file)
		return LINUX(write(fd, buf, len));
	if (file->kind == KIND_FILE && !file->memfd)
		return CALL(EIO, do_write(file, buf, len), "write %s '%.*s'",
			    file->name, (int)strcspn(buf, "\n"),
			    (const char *)buf);
	return CALL(EIO, do_write(file, buf, len), "write %s len=%zu",
		    file->name, len);
}

ssize_t sys_read(int fd, void *buf, size_t len)
{
	struct file *file = file_of(fd);

	if (!file)
		return LINUX(read(fd, buf, len));
	return CALL(EIO, LINUX(read(file->real, buf, len)), "read %s len=%zu",
		    file->name, len);
}

static ssize_t do_pread(struct file *file, void *buf, size_t len,
			uint64_t offset)
{
	if (file->kind == KIND_PAGEMAP)
		return pagemap_read(buf, len, offset);
	return file->kind == KIND_DEVICE ?
		device_read(file->obj, buf, len, offset) :
		LINUX(pread(file->real, buf, len, offset));
}

ssize_t sys_pread(int fd, void *buf, size_t len, uint64_t offset)
{
	struct file *file = file_of(fd);

	if (!file)
		return LINUX(pread(fd, buf, len, offset));
	return CALL(EIO, do_pread(file, buf, len, offset),
		    "pread %s len=%zu offset=0x%llx", file->name, len,
		    (unsigned long long)offset);
}

static ssize_t do_pwrite(struct file *file, const void *buf, size_t len,
			 uint64_t offset)
{
	return file->kind == KIND_DEVICE ?
		device_write(file->obj, buf, len, offset) :
		fs_pwrite(file, buf, len, offset);
}

ssize_t sys_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
	struct file *file = file_of(fd);

	if (!file)
		return LINUX(pwrite(fd, buf, len, offset));
	return CALL(EIO, do_pwrite(file, buf, len, offset),
		    "pwrite %s len=%zu offset=0x%llx", file->name, len,
		    (unsigned long long)offset);
}

/* ---- memory ------------------------------------------------------------- */

static int do_mmap(void **out, void *hint, size_t len, int prot, int flags,
		   int fd, uint64_t offset)
{
	struct file *file = file_of(fd);
	const struct fake_pci *pci = NULL;
	int real = fd, err;
	void *at;

	if (file && file->kind == KIND_DEVICE) {
		err = device_mmap(file->obj, offset, len, &real, &offset);
		if (err < 0)
			return err;
		pci = ((struct vdev *)file->obj)->pci;
	} else if (file) {
		real = file->real;
	}
	err = huge_map(file, offset, len);
	if (err < 0)
		return err;
	at = mmap(hint, len, prot, flags, real, offset);
	if (at == MAP_FAILED)
		return -errno;
	mm_add((uintptr_t)at, len, pci, file && file->memfd ? file : NULL,
	       offset);
	*out = at;
	return 0;
}

int sys_mmap(void **out, void *hint, size_t len, int prot, int flags, int fd,
	     uint64_t offset)
{
	struct file *file = file_of(fd);

	return CALL(ENOMEM, do_mmap(out, hint, len, prot, flags, fd, offset),
		    "mmap %s len=0x%zx offset=0x%llx",
		    file ? file->name : "anonymous", len,
		    (unsigned long long)offset);
}

static int do_munmap(void *addr, size_t len)
{
	if (dma_uses((uintptr_t)addr, len))
		violation("memory is unmapped that a device can reach");
	if (vhost_uses((uintptr_t)addr, len))
		violation("memory is unmapped that a vhost is at work in");
	if (kvm_uses((uintptr_t)addr, len))
		violation("memory is unmapped that the guest can reach");
	mm_remove((uintptr_t)addr, len);
	return LINUX(munmap(addr, len));
}

int sys_munmap(void *addr, size_t len)
{
	return CALL(0, do_munmap(addr, len), "munmap len=0x%zx", len);
}

/* Memory asked for ahead of use would cost a sweep minutes of clearing it. */
static int do_madvise(void *addr, size_t len, int advice)
{
	int err = huge_advise((uintptr_t)addr, len, advice);

	if (advice == MADV_REMOVE && dma_uses((uintptr_t)addr, len))
		violation("memory is given up that a device can reach");
	if (err <= 0 || advice == POPULATE_WRITE)
		return MIN(err, 0);
	return LINUX(madvise(addr, len, advice));
}

int sys_madvise(void *addr, size_t len, int advice)
{
	return CALL(EFAULT, do_madvise(addr, len, advice),
		    "madvise len=0x%zx advice=%d", len, advice);
}

/* Linux need not have huge pages for the fake to hand them out. */
static int do_memfd(const char *name, unsigned int flags)
{
	int real = memfd_create(name, flags & ~MFD_HUGETLB), fd;
	char label[64];

	if (real < 0)
		return -errno;
	snprintf(label, sizeof(label), "memfd:%s", name);
	fd = file_new(KIND_FILE, label, NULL, real);
	world->fds[fd]->memfd = true;
	world->fds[fd]->hugetlb = flags & MFD_HUGETLB;
	return fd;
}

int sys_memfd(const char *name, unsigned int flags)
{
	return CALL(EMFILE, do_memfd(name, flags), "memfd %s flags=0x%x",
		    name, flags);
}

int sys_ftruncate(int fd, uint64_t size)
{
	struct file *file = file_of(fd);

	if (!file)
		return LINUX(ftruncate(fd, size));
	return CALL(ENOSPC, LINUX(ftruncate(file->real, size)),
		    "ftruncate %s size=0x%llx", file->name,
		    (unsigned long long)size);
}

static int do_eventfd(void)
{
	int real = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return real < 0 ? -errno : file_new(KIND_EVENTFD, "eventfd", NULL,
					    real);
}

int sys_eventfd(void)
{
	return CALL(EMFILE, do_eventfd(), "eventfd");
}

/* ---- files' facts ------------------------------------------------------- */

static int do_fstat(const struct file *file, struct stat *st)
{
	if (file->real < 0) {
		memset(st, 0, sizeof(*st));
		st->st_mode = S_IFCHR | 0600;
		return 0;
	}
	if (fstat(file->real, st) < 0)
		return -errno;
	if (file->hugetlb)
		st->st_blksize = HUGE;
	return 0;
}

int sys_fstat(int fd, struct stat *st)
{
	struct file *file = file_of(fd);

	if (!file)
		return LINUX(fstat(fd, st));
	return CALL(EIO, do_fstat(file, st), "fstat %s", file->name);
}

static int do_stat(const char *path, struct stat *st)
{
	char plain[256];
	const struct node *node;
	size_t len;

	pci_sysfs();
	memset(st, 0, sizeof(*st));
	snprintf(plain, sizeof(plain), "%s", path);
	len = strlen(plain);
	while (len > 1 && plain[len - 1] == '/')
		plain[--len] = '\0';
	node = fs_find(plain);
	st->st_mode = S_IFDIR | 0755;
	if (is_dir(plain))
		return 0;
	if (!node)
		return -ENOENT;
	st->st_mode = node->type == NODE_DEV ? S_IFCHR | 0600 :
		S_IFREG | 0644;
	st->st_size = node->len;
	return 0;
}

int sys_stat(const char *path, struct stat *st)
{
	if (!strncmp(path, "/tmp/", 5))
		return LINUX(stat(path, st));
	return CALL(EACCES, do_stat(path, st), "stat %s", path);
}

static int do_readlink(const char *path, char *buf, size_t size)
{
	const struct node *node;

	pci_sysfs();
	node = fs_find(path);
	if (!node)
		return -ENOENT;
	if (node->type != NODE_LINK)
		return -EINVAL;
	snprintf(buf, size, "%s", node->data);
	return strlen(buf);
}

int sys_readlink(const char *path, char *buf, size_t size)
{
	return CALL(EACCES, do_readlink(path, buf, size), "readlink %s", path);
}

static int do_mkdir(const char *path)
{
	pci_sysfs();
	if (fs_find(path) || is_dir(path))
		return -EEXIST;
	if (!parent_there(path))
		return -ENOENT;
	fake_dir(path);
	return 0;
}

int sys_mkdir(const char *path, int mode)
{
	(void)mode;
	return CALL(EACCES, do_mkdir(path), "mkdir %s", path);
}

static int do_unlink(const char *path)
{
	if (!fs_find(path))
		return -ENOENT;
	fake_remove(path);
	return 0;
}

int sys_unlink(const char *path)
{
	return !strncmp(path, "/tmp/", 5) ? LINUX(unlink(path)) :
		CALL(EACCES, do_unlink(path), "unlink %s", path);
}

/* ---- listing ------------------------------------------------------------ */

struct names {
	char (*at)[64];
	unsigned int nr;
};

static void add_name(struct names *names, const char *name, size_t len)
{
	unsigned int i;
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	for (i = 0; i < names->nr; i++)
		if (!strcmp(names->at[i], word))
			return;
	names->at = realloc(names->at, (names->nr + 1) * sizeof(word));
	if (!names->at)
		abort();
	strcpy(names->at[names->nr++], word);
}

static int do_list(const char *path, struct names *names)
{
	size_t len = strlen(path);
	const struct node *node;
	const char *rest;

	pci_sysfs();
	if (!is_dir(path))
		return fs_find(path) ? -ENOTDIR : -ENOENT;
	for (node = world->nodes; node; node = node->next) {
		rest = node->path + len + 1;
		if (!strncmp(node->path, path, len) && node->path[len] == '/')
			add_name(names, rest, strcspn(rest, "/"));
	}
	return 0;
}

int sys_listdir(const char *path, int (*each)(void *arg, const char *name),
		void *arg)
{
	struct names names = { 0 };
	unsigned int i;
	int ret;

	ret = CALL(EACCES, do_list(path, &names), "listdir %s", path);
	for (i = 0; i < names.nr && !ret; i++)
		ret = each(arg, names.at[i]);
	free(names.at);
	return ret;
}
