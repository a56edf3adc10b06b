/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/kvm and memory slots; see kvm.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>

#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define KVM_VERSION 12	/* the only one there has ever been */

static const struct {
	int cap;
	const char *name;
} kvm_required[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	{ KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM" },
};

const char *kvm_cap_name(unsigned int i)
{
	return i < ARRAY_SIZE(kvm_required) ? kvm_required[i].name : NULL;
}

int kvm_cap(const struct kvm *kvm, int cap)
{
	int ret = sys_ioctl_num(kvm->vm_fd >= 0 ? kvm->vm_fd : kvm->fd,
				KVM_CHECK_EXTENSION, cap);

	return ret > 0 ? ret : 0;
}

static int take_slot(struct kvm *kvm)
{
	unsigned int i;

	for (i = 0; i < kvm->max_slots; i++) {
		if (!kvm->slot_used[i]) {
			kvm->slot_used[i] = 1;
			return i;
		}
	}
	return -ENOSPC;
}

static int slot_add(struct mem_listener *listener, struct mem_region *region)
{
	struct kvm *kvm = container_of(listener, struct kvm, slots);
	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = region->gpa,
		.memory_size = region->size,
		.userspace_addr = (uintptr_t)region->hva,
		.flags = region->flags & MEM_READONLY ? KVM_MEM_READONLY : 0,
	};
	int nr, err;

	nr = take_slot(kvm);
	if (nr < 0) {
		log_err("memory: %s: no KVM memory slot left of %u",
			region->name, kvm->max_slots);
		return nr;
	}
	slot.slot = nr;
	err = sys_ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot);
	if (err < 0) {
		log_err("memory: %s: KVM refuses the slot at 0x%llx: %s",
			region->name, (unsigned long long)region->gpa,
			err_text(err));
		kvm->slot_used[nr] = 0;
		return err;
	}
	region->slot = nr;
	return 0;
}

static void slot_del(struct mem_listener *listener, struct mem_region *region)
{
	struct kvm *kvm = container_of(listener, struct kvm, slots);
	struct kvm_userspace_memory_region slot = {
		.slot = region->slot,
		.guest_phys_addr = region->gpa,
	};

	if (region->slot < 0)
		return;
	sys_ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot);
	kvm->slot_used[region->slot] = 0;
	region->slot = -1;
}

static int check_required(const struct kvm *kvm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kvm_required); i++) {
		if (kvm_cap(kvm, kvm_required[i].cap))
			continue;
		log_err("kvm: this host's KVM lacks %s", kvm_required[i].name);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int report_open(const char *path, int err)
{
	log_err("kvm: cannot open %s: %s", path, err_text(err));
	switch (err) {
	case -EACCES:
	case -EPERM:
		log_hint("be root, or join the group that owns %s", path);
		return -EACCES;
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		log_hint(IS_ENABLED(CONFIG_ARM64) ?
			 "boot a kernel with CONFIG_KVM, by firmware that starts it in EL2" :
			 "modprobe kvm_intel (or kvm_amd); is virtualization on in the firmware?");
		return -ENODEV;
	}
	return err;
}

/* On arm64, how many bits guest-physical addresses have: what there are. */
static unsigned long vm_type(const struct kvm *kvm)
{
	if (!IS_ENABLED(CONFIG_ARM64))
		return 0;
	return KVM_VM_TYPE_ARM_IPA_SIZE(kvm_cap(kvm, KVM_CAP_ARM_VM_IPA_SIZE));
}

static int create_vm(struct kvm *kvm)
{
	int version = sys_ioctl_num(kvm->fd, KVM_GET_API_VERSION, 0);

	if (version != KVM_VERSION) {
		log_err("kvm: API version %d, not %d", version, KVM_VERSION);
		return -EOPNOTSUPP;
	}
	kvm->vm_fd = sys_ioctl_num(kvm->fd, KVM_CREATE_VM, vm_type(kvm));
	if (kvm->vm_fd < 0) {
		log_err("kvm: cannot create a VM: %s", err_text(kvm->vm_fd));
		return kvm->vm_fd;
	}
	return 0;
}

int kvm_open(struct kvm *kvm, const char *path)
{
	int err, size;

	memset(kvm, 0, sizeof(*kvm));
	kvm->vm_fd = kvm->vfio_fd = -1;
	kvm->fd = sys_open(path, O_RDWR, 0);
	if (kvm->fd < 0)
		return report_open(path, kvm->fd);
	err = create_vm(kvm);
	if (err < 0)
		goto close_kvm;
	err = check_required(kvm);
	if (err < 0)
		goto close_vm;
	size = sys_ioctl_num(kvm->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < 0) {
		err = size;
		goto close_vm;
	}
	kvm->run_size = size;
	kvm->max_slots = MIN(kvm_cap(kvm, KVM_CAP_NR_MEMSLOTS), KVM_SLOTS_MAX);
	kvm->slots = (struct mem_listener){
		.name = "kvm",
		.add = slot_add,
		.del = slot_del,
	};
	return 0;

close_vm:
	sys_close(kvm->vm_fd);
close_kvm:
	sys_close(kvm->fd);
	return err;
}

void kvm_close(struct kvm *kvm)
{
	if (kvm->vfio_fd >= 0)
		sys_close(kvm->vfio_fd);
	sys_close(kvm->vm_fd);
	sys_close(kvm->fd);
}

static int vfio_attr(struct kvm *kvm, int fd, uint64_t attr)
{
	int32_t arg = fd;
	struct kvm_device_attr req = {
		.group = KVM_DEV_VFIO_FILE,
		.attr = attr,
		.addr = (uintptr_t)&arg,
	};

	return sys_ioctl(kvm->vfio_fd, KVM_SET_DEVICE_ATTR, &req);
}

int kvm_vfio_add(struct kvm *kvm, int fd)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_VFIO };
	int err;

	if (kvm->vfio_fd < 0) {
		err = sys_ioctl(kvm->vm_fd, KVM_CREATE_DEVICE, &dev);
		if (err < 0)
			return err;
		kvm->vfio_fd = dev.fd;
	}
	return vfio_attr(kvm, fd, KVM_DEV_VFIO_FILE_ADD);
}

void kvm_vfio_del(struct kvm *kvm, int fd)
{
	vfio_attr(kvm, fd, KVM_DEV_VFIO_FILE_DEL);
}

int kvm_doorbell(struct kvm *kvm, uint64_t addr, int fd, bool on)
{
	/* A length of 0 is any, and the sooner recognised. */
	struct kvm_ioeventfd req = {
		.addr = addr,
		.fd = fd,
		.flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return sys_ioctl(kvm->vm_fd, KVM_IOEVENTFD, &req);
}
