/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM without a CPU: memory slots, the routing table, irqfds and the VFIO
 * device. Linux: Documentation/virt/kvm/api.rst,
 * Documentation/virt/kvm/devices/vfio.rst.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"

#define RUN_SIZE (3 * PAGE)

int kvm_file_open(void)
{
	return file_new(KIND_KVM, "/dev/kvm", NULL, -1);
}

static int create_vm(unsigned long type)
{
	struct fake_kvm *kvm = zalloc(sizeof(*kvm));
	int err = kvm_arch_vm_create(kvm, type);

	if (err < 0) {
		free(kvm);
		return err;
	}
	kvm->next = world->kvms;
	world->kvms = kvm;
	return file_new(KIND_VM, "the VM", kvm, -1);
}

static int check_extension(const struct fake_kvm *kvm, unsigned long cap)
{
	int arch = kvm_arch_extension(kvm, cap);

	if (arch >= 0)
		return arch;
	switch (cap) {
	case KVM_CAP_NR_MEMSLOTS:
		return world->host.slots_max;
	case KVM_CAP_IRQ_ROUTING:
		return world->host.gsi_max;
	case KVM_CAP_IRQCHIP:
		return world->host.kvm_irqchip;
	case KVM_CAP_NR_VCPUS:
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID:
		return 64;
	}
	return 1;
}

/* ---- memory slots ------------------------------------------------------- */

static int set_slot(struct fake_kvm *kvm,
		    const struct kvm_userspace_memory_region *arg)
{
	struct slot *slot = &kvm->slots[arg->slot];
	unsigned int i;
	const struct fake_pci *pci;

	if (arg->slot >= world->host.slots_max)
		return -EINVAL;
	if (!arg->memory_size) {
		if (!slot->used)
			return -EINVAL;
		slot->used = false;
		return 0;
	}
	if (slot->used || arg->flags & ~KVM_MEM_READONLY ||
	    !IS_ALIGNED(arg->guest_phys_addr | arg->memory_size |
			arg->userspace_addr, PAGE) ||
	    !range_ok(arg->guest_phys_addr, arg->memory_size))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(kvm->slots); i++)
		if (kvm->slots[i].used &&
		    ranges_overlap(arg->guest_phys_addr, arg->memory_size,
				   kvm->slots[i].gpa, kvm->slots[i].size))
			return -EEXIST;
	if (!mm_covers(arg->userspace_addr, arg->memory_size, &pci))
		violation("a memory slot of memory that is not mapped");
	*slot = (struct slot){ true, arg->guest_phys_addr, arg->memory_size,
			       arg->userspace_addr, arg->flags };
	return 0;
}

bool kvm_uses(uintptr_t start, size_t len)
{
	const struct fake_kvm *kvm;
	unsigned int i;

	for (kvm = world->kvms; kvm; kvm = kvm->next)
		for (i = 0; i < ARRAY_SIZE(kvm->slots); i++)
			if (kvm->slots[i].used &&
			    ranges_overlap(start, len, kvm->slots[i].hva,
					   kvm->slots[i].size))
				return true;
	return false;
}

unsigned int fake_slots(void)
{
	unsigned int i, n = 0;

	for (i = 0; world->kvms && i < ARRAY_SIZE(world->kvms->slots); i++)
		n += world->kvms->slots[i].used;
	return n;
}

void *fake_slot_at(uint64_t gpa)
{
	unsigned int i;

	for (i = 0; world->kvms && i < ARRAY_SIZE(world->kvms->slots); i++) {
		const struct slot *slot = &world->kvms->slots[i];

		if (slot->used && gpa >= slot->gpa &&
		    gpa - slot->gpa < slot->size)
			return (void *)(uintptr_t)(slot->hva +
						   (gpa - slot->gpa));
	}
	return NULL;
}

/* ---- interrupts --------------------------------------------------------- */

static int check_route(const struct fake_kvm *kvm,
		       const struct kvm_irq_routing *table, unsigned int i)
{
	const struct kvm_irq_routing_entry *e = &table->entries[i];
	unsigned int j;

	if (e->gsi >= world->host.gsi_max)
		return -EINVAL;
	if (e->type != KVM_IRQ_ROUTING_MSI && e->type != KVM_IRQ_ROUTING_IRQCHIP)
		return -EINVAL;
	/* An MSI has its GSI to itself; a pin may be on several chips. */
	for (j = 0; j < i; j++)
		if (table->entries[j].gsi == e->gsi &&
		    (e->type == KVM_IRQ_ROUTING_MSI ||
		     table->entries[j].type == KVM_IRQ_ROUTING_MSI))
			return -EINVAL;
	return kvm_arch_check_route(kvm, e);
}

static int set_routes(struct fake_kvm *kvm, const struct kvm_irq_routing *table)
{
	size_t size = table->nr * sizeof(table->entries[0]);
	unsigned int i;
	int err;

	if (!kvm->irqchip || table->flags || table->nr > world->host.gsi_max)
		return -EINVAL;
	for (i = 0; i < table->nr; i++) {
		err = check_route(kvm, table, i);
		if (err < 0)
			return err;
	}
	free(kvm->routes);
	kvm->routes = zalloc(size + 1);
	memcpy(kvm->routes, table->entries, size);
	kvm->nr_routes = table->nr;
	return 0;
}

static struct irqfd **find_irqfd(struct fake_kvm *kvm,
				 const struct file *eventfd)
{
	struct irqfd **at = &kvm->irqfds;

	while (*at && (*at)->eventfd != eventfd)
		at = &(*at)->next;
	return at;
}

static void drop_irqfd(struct irqfd **at)
{
	struct irqfd *irqfd = *at;

	*at = irqfd->next;
	file_put(irqfd->eventfd);
	if (irqfd->resample)
		file_put(irqfd->resample);
	free(irqfd);
}

static int assign_irqfd(struct fake_kvm *kvm, struct file *file,
			const struct kvm_irqfd *arg)
{
	struct file *resample = NULL;
	struct irqfd *irqfd;

	if (arg->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		resample = file_of_kind(arg->resamplefd, KIND_EVENTFD);
		if (!resample)
			return -EINVAL;
		file_hold(resample);
	}
	if (*find_irqfd(kvm, file)) {
		if (resample)
			file_put(resample);
		return -EBUSY;
	}
	irqfd = zalloc(sizeof(*irqfd));
	*irqfd = (struct irqfd){ file, resample, arg->gsi, kvm->irqfds };
	kvm->irqfds = irqfd;
	file_hold(file);
	return 0;
}

static int set_irqfd(struct fake_kvm *kvm, const struct kvm_irqfd *arg)
{
	struct file *file = file_of(arg->fd);
	struct irqfd **at;

	if (!kvm->irqchip || arg->gsi >= world->host.gsi_max ||
	    arg->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (!file)
		return -EBADF;
	if (file->kind != KIND_EVENTFD)
		return -EINVAL;
	if (!(arg->flags & KVM_IRQFD_FLAG_DEASSIGN))
		return kvm_arch_irqs_ready(kvm) ?
			assign_irqfd(kvm, file, arg) : -EAGAIN;
	at = find_irqfd(kvm, file);
	if (*at && (*at)->gsi == arg->gsi)
		drop_irqfd(at);
	return 0;
}

unsigned int fake_irqfds(void)
{
	const struct irqfd *irqfd;
	unsigned int n = 0;

	if (world->kvms)
		for (irqfd = world->kvms->irqfds; irqfd; irqfd = irqfd->next)
			n++;
	return n;
}

unsigned int fake_routes(void)
{
	return world->kvms ? world->kvms->nr_routes : 0;
}

static bool route(const struct fake_kvm *kvm, uint32_t gsi,
		  struct fake_msg *msg)
{
	unsigned int i;

	for (i = 0; i < kvm->nr_routes; i++) {
		const struct kvm_irq_routing_entry *e = &kvm->routes[i];

		if (e->gsi != gsi)
			continue;
		*msg = (struct fake_msg){ .gsi = gsi, .pin = true };
		msg->line = e->u.irqchip.pin;
		if (e->type != KVM_IRQ_ROUTING_MSI)
			return true;
		msg->line = 0;
		msg->pin = false;
		msg->address = e->u.msi.address_lo |
			(uint64_t)e->u.msi.address_hi << 32;
		msg->data = e->u.msi.data;
		msg->devid = e->flags & KVM_MSI_VALID_DEVID ?
			e->u.msi.devid : 0;
		return true;
	}
	return false;
}

bool kvm_deliver(struct file *eventfd, struct fake_msg *msg)
{
	struct irqfd *irqfd;

	if (!world->kvms)
		return false;
	irqfd = *find_irqfd(world->kvms, eventfd);
	return irqfd && route(world->kvms, irqfd->gsi, msg);
}

bool kvm_ack(uint32_t gsi, const struct file *resample)
{
	const struct irqfd *irqfd;
	uint64_t one = 1;

	if (!world->kvms)
		return false;
	for (irqfd = world->kvms->irqfds; irqfd; irqfd = irqfd->next) {
		if (irqfd->gsi != gsi || !irqfd->resample)
			continue;
		if (irqfd->resample == resample)
			return true;
		/* For whoever else reads it. */
		if (write(irqfd->resample->real, &one, sizeof(one)) < 0)
			abort();
	}
	return false;
}

/* ---- the VFIO device ---------------------------------------------------- */

static int create_device(struct fake_kvm *kvm, struct kvm_create_device *arg)
{
	if (arg->type != KVM_DEV_TYPE_VFIO)
		return kvm_arch_device_create(kvm, arg);
	if (arg->flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	if (kvm->vfio_device)
		return -EBUSY;
	kvm->vfio_device = true;
	arg->fd = file_new(KIND_KVM_VFIO, "KVM's VFIO device", kvm, -1);
	return 0;
}

static struct file **find_vfio(struct fake_kvm *kvm, const struct file *file)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kvm->vfio_files); i++)
		if (kvm->vfio_files[i] == file)
			return &kvm->vfio_files[i];
	return NULL;
}

static int vfio_add(struct fake_kvm *kvm, struct file *file)
{
	struct file **at = find_vfio(kvm, NULL);
	const struct vdev *vdev = file->obj;

	if (find_vfio(kvm, file))
		return -EEXIST;
	if (file->kind == KIND_DEVICE && vdev->ready)
		violation("KVM is told of %s after it was bound", file->name);
	*at = file;
	file_hold(file);
	file->kvm_held = true;
	return 0;
}

static int vfio_del(struct fake_kvm *kvm, struct file *file)
{
	struct file **at = find_vfio(kvm, file);

	if (!at)
		return -ENOENT;
	if (file->kind == KIND_GROUP && ((struct group *)file->obj)->devices)
		violation("KVM lets go of %s, whose device is open",
			  file->name);
	*at = NULL;
	file->kvm_held = false;
	file_put(file);
	return 0;
}

static int vfio_attr(struct fake_kvm *kvm, const struct kvm_device_attr *arg)
{
	struct file *file;

	if (arg->group != KVM_DEV_VFIO_FILE)
		return -ENXIO;
	file = file_of(*(int32_t *)(uintptr_t)arg->addr);
	if (!file)
		return -EBADF;
	if (file->kind != KIND_GROUP &&
	    !(file->kind == KIND_DEVICE && ((struct vdev *)file->obj)->cdev))
		return -EINVAL;
	if (arg->attr == KVM_DEV_VFIO_FILE_ADD)
		return vfio_add(kvm, file);
	return arg->attr == KVM_DEV_VFIO_FILE_DEL ? vfio_del(kvm, file) :
		-ENXIO;
}

/* ---- ioctls ------------------------------------------------------------- */

static int create_vcpu(struct fake_kvm *kvm, unsigned int id)
{
	struct fake_vcpu *vcpu = zalloc(sizeof(*vcpu));
	int real, err;

	vcpu->kvm = kvm;
	vcpu->id = id;
	err = kvm_arch_vcpu_create(vcpu);
	if (err < 0) {
		free(vcpu);
		return err;
	}
	real = memfd_create("vcpu", MFD_CLOEXEC);
	if (real < 0 || ftruncate(real, RUN_SIZE) < 0)
		abort();
	kvm->nr_vcpus++;
	return file_new(KIND_VCPU, "a vCPU", vcpu, real);
}

static int vm_ioctl(struct fake_kvm *kvm, unsigned long request, void *arg,
		    unsigned long num)
{
	switch (request) {
	case KVM_CREATE_VCPU:
		return create_vcpu(kvm, num);
	case KVM_SET_USER_MEMORY_REGION:
		return set_slot(kvm, arg);
	case KVM_SET_GSI_ROUTING:
		return set_routes(kvm, arg);
	case KVM_IRQFD:
		return set_irqfd(kvm, arg);
	case KVM_IOEVENTFD:
		return doorbell_set(kvm, arg);
	case KVM_CREATE_DEVICE:
		return create_device(kvm, arg);
	}
	return kvm_arch_vm_ioctl(kvm, request, arg);
}

int kvm_ioctl(struct file *file, unsigned long request, void *arg,
	      unsigned long num)
{
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return check_extension(file->kind == KIND_VM ? file->obj : NULL,
				       num);
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CREATE_VM:
		return create_vm(num);
	case KVM_GET_VCPU_MMAP_SIZE:
		return RUN_SIZE;
	}
	switch (file->kind) {
	case KIND_VM:
		return vm_ioctl(file->obj, request, arg, num);
	case KIND_VCPU:
		return kvm_arch_vcpu_ioctl(file->obj, request, arg);
	case KIND_KVM_DEVICE:
		return kvm_arch_device_ioctl(file, request, arg);
	case KIND_KVM_VFIO:
		return request == KVM_SET_DEVICE_ATTR ?
			vfio_attr(file->obj, arg) : -ENOTTY;
	default:
		return kvm_arch_vm_ioctl(NULL, request, arg);
	}
}

static void vm_release(struct fake_kvm *kvm)
{
	struct fake_kvm **at = &world->kvms;
	unsigned int i;

	while (kvm->irqfds)
		drop_irqfd(&kvm->irqfds);
	doorbells_free(kvm);
	for (i = 0; i < ARRAY_SIZE(kvm->vfio_files); i++) {
		if (!kvm->vfio_files[i])
			continue;
		kvm->vfio_files[i]->kvm_held = false;
		file_put(kvm->vfio_files[i]);
	}
	while (*at != kvm)
		at = &(*at)->next;
	*at = kvm->next;
	kvm_arch_vm_release(kvm);
	free(kvm->routes);
	free(kvm);
}

void kvm_release(struct file *file)
{
	if (file->kind == KIND_VM)
		vm_release(file->obj);
	if (file->kind == KIND_KVM_DEVICE)
		kvm_arch_device_release(file);
	if (file->kind == KIND_VCPU) {
		kvm_arch_vcpu_release(file->obj);
		free(file->obj);
	}
}
