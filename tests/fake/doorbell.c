/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two eventfds between a guest and a device of ours: its doorbells
 * (KVM_IOEVENTFD), and interrupts by an irqfd that nobody but us signals. Linux:
 * Documentation/virt/kvm/api.rst.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"

static struct doorbell **find(struct fake_kvm *kvm, uint64_t addr)
{
	struct doorbell **at = &kvm->doorbells;

	while (*at && (*at)->addr != addr)
		at = &(*at)->next;
	return at;
}

static void drop(struct doorbell **at)
{
	struct doorbell *bell = *at;

	*at = bell->next;
	file_put(bell->eventfd);
	free(bell);
}

int doorbell_set(struct fake_kvm *kvm, const void *arg)
{
	const struct kvm_ioeventfd *req = arg;
	struct file *file = file_of_kind(req->fd, KIND_EVENTFD);
	struct doorbell **at = find(kvm, req->addr), *bell;

	if (!file || req->len || req->flags & ~KVM_IOEVENTFD_FLAG_DEASSIGN)
		return -EINVAL;
	if (req->flags & KVM_IOEVENTFD_FLAG_DEASSIGN) {
		if (!*at || (*at)->eventfd != file)
			return -ENOENT;
		drop(at);
		return 0;
	}
	if (*at)
		return -EEXIST;
	bell = zalloc(sizeof(*bell));
	*bell = (struct doorbell){ file, req->addr, kvm->doorbells };
	kvm->doorbells = bell;
	file_hold(file);
	return 0;
}

void doorbells_free(struct fake_kvm *kvm)
{
	while (kvm->doorbells)
		drop(&kvm->doorbells);
}

bool fake_ring(uint64_t addr)
{
	static const uint64_t one = 1;
	struct doorbell *bell = *find(world->kvms, addr);

	return bell && write(bell->eventfd->real, &one, sizeof(one)) > 0;
}

unsigned int fake_doorbells(void)
{
	const struct doorbell *bell;
	unsigned int n = 0;

	for (bell = world->kvms->doorbells; bell; bell = bell->next)
		n++;
	return n;
}

bool fake_interrupt(struct fake_msg *msg)
{
	const struct irqfd *irqfd;
	uint64_t count;

	for (irqfd = world->kvms->irqfds; irqfd; irqfd = irqfd->next)
		if (read(irqfd->eventfd->real, &count, sizeof(count)) > 0)
			return kvm_deliver(irqfd->eventfd, msg);
	return false;
}

void fake_ack(unsigned int gsi)
{
	kvm_ack(gsi, NULL);
}
