/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/kvm, the VM's file descriptor, memory slots, and KVM's VFIO device.
 * Linux: Documentation/virt/kvm/api.rst, Documentation/virt/kvm/devices/vfio.rst.
 */
#ifndef VMM_KVM_H
#define VMM_KVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/mem.h"

#define KVM_SLOTS_MAX 512

struct kvm {
	int fd;			/* /dev/kvm */
	int vm_fd;
	int vfio_fd;		/* the KVM VFIO device, -1 until needed */
	size_t run_size;	/* bytes of a vCPU's shared kvm_run */
	unsigned int max_slots;
	uint8_t slot_used[KVM_SLOTS_MAX];
	struct mem_listener slots;
};

/*
 * kvm_open - open /dev/kvm (or @path), check API version and the required
 * capabilities, create the VM. Prints its errors: -ENODEV where there is no
 * KVM, -EACCES with a hint.
 */
int kvm_open(struct kvm *kvm, const char *path);
void kvm_close(struct kvm *kvm);

/* kvm_cap - KVM_CHECK_EXTENSION on the VM: > 0 where there, 0 where not. */
int kvm_cap(const struct kvm *kvm, int cap);

/*
 * kvm_cap_name - the @i-th of the capabilities that kvm_open() insists on, or
 * NULL: there are not so many.
 */
const char *kvm_cap_name(unsigned int i);

/*
 * kvm_vfio_add - tell KVM of a VFIO group or device file, before the device
 * is opened or bound, so that the driver gets to know the VM.
 * kvm_vfio_del - the reverse; the file still open.
 */
int kvm_vfio_add(struct kvm *kvm, int fd);
void kvm_vfio_del(struct kvm *kvm, int fd);

/*
 * kvm_doorbell - from now on (@on), or no longer, a guest's write of any length
 * to the memory at @addr signals eventfd @fd inside the kernel, and does not
 * leave for user space.
 */
int kvm_doorbell(struct kvm *kvm, uint64_t addr, int fd, bool on);

#endif
