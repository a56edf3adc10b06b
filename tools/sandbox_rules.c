/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules that all architectures share; see sandbox.h. Compiled with the
 * kernel headers of the architecture that is built for, as the numbers of
 * some requests have the size of a structure in them.
 *
 * A thread has the filters of the thread that started it as well as its own,
 * so the main thread's has what all others need.
 */
#include <linux/iommufd.h>
#include <linux/kvm.h>
#include <linux/vfio.h>

#include <asm/ioctls.h>

#include "iommu/uapi.h"
#include "tools/sandbox.h"

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
	{ .call = NULL },
};
