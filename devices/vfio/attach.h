/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What assigned devices of every kind have in common. Linux:
 * include/uapi/linux/vfio.h; Documentation/virt/kvm/api.rst
 * (KVM_IRQFD_FLAG_RESAMPLE).
 */
#ifndef DEVICES_VFIO_ATTACH_H
#define DEVICES_VFIO_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct vm;

/*
 * vfio_attach - iommu_attach() to the DMA space of @vm, which the first device
 * opens and vfio_detach() of the last one closes. Prints its errors.
 */
int vfio_attach(struct vm *vm, const char *name, const char *token);
void vfio_detach(struct vm *vm, int fd);

/*
 * device_lost - the device is of no more use: say so in the words of @what,
 * and stop the guest with status 85 unless the user wants it to go on.
 */
void device_lost(struct vm *vm, const char *name, const char *what);

/* vfio_reset - the device's own reset; waits while it is busy. -errno. */
int vfio_reset(int fd);

/*
 * vfio_set_eventfd - VFIO_DEVICE_SET_IRQS with @action for vector 0 of @index
 * and @eventfd, -1 for none.
 */
int vfio_set_eventfd(int fd, uint32_t index, uint32_t action,
		     int32_t eventfd);

/*
 * vfio_irqs_none - @action, without data, for the first @count vectors of
 * @index; to trigger none of them is to take the whole kind down.
 */
int vfio_irqs_none(int fd, uint32_t index, uint32_t action, uint32_t count);

/*
 * vfio_region_read - @len bytes, 8 at most, at offset @at of the device's
 * file; all ones if they are not to be had. vfio_region_write - the reverse;
 * returns what pwrite(2) does.
 */
uint64_t vfio_region_read(int fd, uint64_t at, unsigned int len);
ssize_t vfio_region_write(int fd, uint64_t at, uint64_t val,
			  unsigned int len);

/*
 * An interrupt that is wired to a line of the guest's interrupt controller.
 * A level is masked by the host when it fires, and takes two eventfds:
 *
 *	device -> host's handler masks it -> trigger -> KVM raises the line
 *	guest acknowledges -> KVM lowers it -> resample -> host unmasks it
 *
 * Still asserted, it fires again at once, and so the line may be shared.
 */
struct vfio_line {
	int gsi;
	bool level;		/* else edge: no resample */
	int trigger;		/* eventfd that the device signals, -1: off */
	int resample;		/* eventfd that has the host unmask it */
	bool attached;		/* trigger raises gsi inside the kernel */
};

/*
 * line_on - from now on interrupt @index of device @fd reaches the guest
 * without us. -errno; what was done by then is undone by line_off(), which
 * leaves it to the caller to take VFIO's interrupt down before. -ENOTTY: all
 * is done, but VFIO takes no eventfd to unmask it.
 */
int line_on(struct vfio_line *line, struct vm *vm, int fd, uint32_t index);
void line_off(struct vfio_line *line, struct vm *vm);

#endif
