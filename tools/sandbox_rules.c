/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules that all architectures share; see sandbox.h. Compiled with the
 * kernel headers of the architecture that is built for, as the numbers of
 * some requests have the size of a structure in them.
 *
 * A thread has the filters of the thread that started it as well as its own,
 * so the main thread's has what all others need.
 */
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/iommufd.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <linux/vhost.h>

#include <asm/ioctls.h>

#include "iommu/uapi.h"
#include "tools/sandbox.h"

/* Neither a unit test nor tests/tool has a driver and a queue's own thread. */
#define VIRTIO "a guest's drivers, as in the bed's case virtio"

/* Names that a C library uses on some architectures, and paths few hosts go. */
#define BED "a device comes, as in the bed's case hotplug"

/* A row that hotplug needs where there is @symbol. */
#define PLUG_IF(symbol, ...) PLUG_PASTE(IS_ENABLED(symbol), __VA_ARGS__)
#define PLUG_PASTE(value, ...) PLUG_PICK(value, __VA_ARGS__)
#define PLUG_PICK(value, ...) PLUG_##value(__VA_ARGS__)
#define PLUG_0(...)
#define PLUG_1(...) ROW_IF(CONFIG_HOTPLUG, __VA_ARGS__)

const struct rule sandbox_rules[] = {
	/* Any thread: memory, locks, messages, and the end. */
	CALL(brk, ALL, "heap"),
	CALL(mmap, ALL, "tool"),
	CALL(munmap, ALL, "heap"),
	CALL(mremap, ALL, "heap"),
	CALL(madvise, ALL, "heap"),
	CALL(futex, ALL, "tool"),
	CALL(read, ALL, "tool"),
	CALL(write, ALL, "tool"),
	CALL(close, ALL, "tool"),
	CALL(rt_sigprocmask, ALL, "tool"),
	CALL(rt_sigreturn, ALL, "tool"),
	CALL(exit, ALL, "tool"),
	CALL(exit_group, ALL, "tool"),
	CALL(poll, ALL, "events to a pipe of another user"),
	CALL(ppoll, ALL, "events to a pipe of another user"),
	CALL(clock_gettime, ALL, "tool"),
	CALL(prctl, ALL, "tool"),	/* its name */
	CALL(sendto, ALL, "tool"),
	CALL(restart_syscall, ALL, "a debugger stops and continues"),
	IOCTL(TIOCGWINSZ, ALL, "tool"),
	IOCTL(TCSETS, ALL, "a terminal, given back"),

	/* What a device does when the guest or the host tells it to. */
	CALL(writev, MAIN, "help on a terminal"),
	CALL(pread64, MAIN | VCPU, "unit"),
	CALL(pwrite64, MAIN | VCPU, "unit"),
	CALL(eventfd2, MAIN | VCPU, "unit"),
	CALL(epoll_ctl, MAIN | VCPU, "tool"),
	CALL(timerfd_settime, MAIN | VCPU, "tool"),
	IOCTL(KVM_RUN, MAIN | VCPU, "tool"),
	IOCTL(KVM_IRQ_LINE, MAIN | VCPU, "tool"),
	IOCTL(KVM_IRQFD, MAIN | VCPU, "unit"),
	IOCTL(KVM_SET_GSI_ROUTING, MAIN | VCPU, "unit"),
	IOCTL(KVM_SET_USER_MEMORY_REGION, MAIN | VCPU, "unit"),

	CALL(capget, MAIN | VCPU, "no more memory may be locked"),
	CALL(prlimit64, MAIN | VCPU, "no more memory may be locked"),

	/* The event loop and clients. */
	CALL(epoll_pwait, MAIN, "tool"),
	CALL(timerfd_create, MAIN, "tool"),
	CALL(accept4, MAIN, "tool"),
	CALL(recvfrom, MAIN, "tool"),
	CALL(getpid, MAIN, "tool"),
	CALL(tkill, MAIN, "tool"),
	CALL(unlinkat, MAIN, "tool"),
	CALL(nanosleep, MAIN, "unit"),

	/* Threads start again after a reset or a pause. */
	CALL(clone, MAIN, "tool"),
	CALL(mprotect, MAIN, "tool"),
	CALL(seccomp, ALL, "tool"),

	/* Assigned devices. */
	ROW_IF(CONFIG_VFIO,
	       IOCTL(VFIO_DEVICE_SET_IRQS, MAIN | VCPU, "unit"))
	ROW_IF(CONFIG_VFIO,
	       IOCTL(VFIO_DEVICE_RESET, MAIN, "unit"))
	ROW_IF(CONFIG_VFIO,
	       IOCTL(VFIO_DEVICE_FEATURE, MAIN | VCPU, "unit"))
	ROW_IF(CONFIG_VFIO,
	       IOCTL(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, MAIN, "unit"))
	ROW_IF(CONFIG_VFIO,
	       IOCTL(VFIO_DEVICE_PCI_HOT_RESET, MAIN, "unit"))
	ROW_IF(CONFIG_VFIO, IOCTL(KVM_SET_DEVICE_ATTR, MAIN, "unit"))
	ROW_IF(CONFIG_VFIO_CONTAINER,
	       IOCTL(VFIO_IOMMU_MAP_DMA, MAIN | VCPU, "unit"))
	ROW_IF(CONFIG_VFIO_CONTAINER,
	       IOCTL(VFIO_IOMMU_UNMAP_DMA, MAIN | VCPU, "unit"))
	ROW_IF(CONFIG_IOMMUFD, IOCTL(IOMMU_IOAS_MAP_FILE, MAIN | VCPU, "unit"))
	ROW_IF(CONFIG_IOMMUFD, IOCTL(IOMMU_IOAS_UNMAP, MAIN | VCPU, "unit"))
	ROW_IF(CONFIG_IOMMUFD,
	       IOCTL(VFIO_DEVICE_DETACH_IOMMUFD_PT, MAIN, "unit"))

	/* Paravirtual devices: what a queue asks for, and who serves it. */
	ROW_IF(CONFIG_VIRTIO_DISK, CALL(preadv, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_DISK, CALL(pwritev, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_DISK, CALL(pread64, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_DISK, CALL(fdatasync, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_DISK, CALL(fallocate, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_DISK, CALL(io_uring_enter, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_DISK, IOCTL(BLKDISCARD, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_DISK, IOCTL(BLKZEROOUT, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_THREAD, CALL(epoll_pwait, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_THREAD, CALL(epoll_ctl, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_THREAD, CALL(timerfd_create, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_THREAD, CALL(timerfd_settime, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_NET, CALL(readv, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_NET, CALL(writev, MAIN | IO, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_NET, IOCTL(TUNSETOFFLOAD, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_NET, IOCTL(TUNSETQUEUE, ALL, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_RNG, CALL(getrandom, MAIN, VIRTIO))
	ROW_IF(CONFIG_VIRTIO, IOCTL(KVM_IOEVENTFD, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_GET_FEATURES, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_SET_FEATURES, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_SET_MEM_TABLE, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_SET_VRING_NUM, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_SET_VRING_BASE, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_SET_VRING_ADDR, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_SET_VRING_KICK, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_SET_VRING_CALL, MAIN | VCPU, VIRTIO))
	ROW_IF(CONFIG_VIRTIO_NET, IOCTL(VHOST_NET_SET_BACKEND, MAIN | VCPU, VIRTIO))

	/* With slots for devices: what opens one, as at the start. */
	ROW_IF(CONFIG_HOTPLUG, CALL(open, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, CALL(openat, PLUG, "unit"))
	ROW_IF(CONFIG_HOTPLUG, CALL(stat, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, CALL(newfstatat, PLUG, "unit"))
	ROW_IF(CONFIG_HOTPLUG, CALL(fstat, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, CALL(access, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, CALL(faccessat, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, CALL(readlink, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, CALL(readlinkat, PLUG, "unit"))
	ROW_IF(CONFIG_HOTPLUG, CALL(getdents64, PLUG, "unit"))
	ROW_IF(CONFIG_HOTPLUG, CALL(fcntl, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, CALL(sched_getaffinity, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, CALL(recvmsg, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_THREAD, CALL(epoll_create1, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_DISK, CALL(io_uring_setup, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_DISK, IOCTL(BLKGETSIZE64, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_DISK, IOCTL(BLKSSZGET, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_DISK, IOCTL(BLKPBSZGET, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_DISK, IOCTL(BLKIOMIN, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_DISK, IOCTL(BLKIOOPT, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_NET, CALL(getrandom, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_NET, IOCTL(TUNSETIFF, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_NET, IOCTL(TUNSETVNETHDRSZ, PLUG, BED))
	PLUG_IF(CONFIG_VIRTIO_VHOST, IOCTL(VHOST_SET_OWNER, PLUG, BED))
	ROW_IF(CONFIG_HOTPLUG, IOCTL(KVM_CREATE_DEVICE, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO, IOCTL(VFIO_DEVICE_GET_INFO, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO, IOCTL(VFIO_DEVICE_GET_REGION_INFO, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO, IOCTL(VFIO_DEVICE_GET_IRQ_INFO, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO_GROUP, IOCTL(VFIO_GROUP_GET_STATUS, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO_GROUP,
		IOCTL(VFIO_GROUP_SET_CONTAINER, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO_GROUP,
		IOCTL(VFIO_GROUP_GET_DEVICE_FD, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO_CONTAINER,
		IOCTL(VFIO_GET_API_VERSION, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO_CONTAINER,
		IOCTL(VFIO_CHECK_EXTENSION, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO_CONTAINER, IOCTL(VFIO_SET_IOMMU, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO, IOCTL(IOMMU_VFIO_IOAS, PLUG, "unit"))
	PLUG_IF(CONFIG_VFIO, IOCTL(IOMMU_OPTION, PLUG, "unit"))
	PLUG_IF(CONFIG_IOMMUFD, IOCTL(IOMMU_IOAS_ALLOC, PLUG, "unit"))
	PLUG_IF(CONFIG_IOMMUFD, IOCTL(IOMMU_IOAS_IOVA_RANGES, PLUG, "unit"))
	PLUG_IF(CONFIG_IOMMUFD, IOCTL(IOMMU_IOAS_MAP, PLUG, "unit"))
	PLUG_IF(CONFIG_IOMMUFD, IOCTL(IOMMU_IOAS_COPY, PLUG, "unit"))
	PLUG_IF(CONFIG_IOMMUFD, IOCTL(VFIO_DEVICE_BIND_IOMMUFD, PLUG, "unit"))
	PLUG_IF(CONFIG_IOMMUFD,
		IOCTL(VFIO_DEVICE_ATTACH_IOMMUFD_PT, PLUG, "unit"))
	{ .call = NULL },
};
