/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts: the owner of KVM's whole GSI routing table. Lines are the pins
 * of the in-kernel interrupt controller, with fixed numbers; message-signalled
 * interrupts take GSIs above them. Linux: Documentation/virt/kvm/api.rst,
 * KVM_SET_GSI_ROUTING, KVM_IRQFD, KVM_IRQ_LINE.
 */
#ifndef VMM_IRQ_H
#define VMM_IRQ_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/util.h"

/*
 * What KVM_IRQ_LINE calls line 0: on arm64 the first shared interrupt, number
 * 32, behind its kind.
 */
#if IS_ENABLED(CONFIG_ARM64)
#define IRQ_LINE_0 (KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | 32)
#else
#define IRQ_LINE_0 0
#endif

struct kvm;

/* A message-signalled interrupt as a device would write it. */
struct msi {
	uint64_t address;
	uint32_t data;
	uint32_t devid;		/* requester id: bus << 8 | devfn */
};

/*
 * Where lines do the work of MSIs (CONFIG_MSI_PINS): what is written to
 * @address raises line @gsi if it is @data, the next if it is @data + 1.
 */
struct msi_pins {
	uint64_t address;
	uint32_t data;
	unsigned int gsi;
	unsigned int nr;	/* 0: no such lines */
};

struct irqs {
	pthread_mutex_t lock;
	struct kvm *kvm;
	struct kvm_irq_routing_entry *routes;	/* fixed pins first */
	unsigned int nr_pins;	/* of routes, the entries for pins */
	unsigned int nr;	/* entries in use, pins included */
	unsigned int max;
	unsigned int first_msi;	/* lowest GSI for MSIs */
	uint8_t *used;		/* per GSI from first_msi: taken */
	unsigned int max_msi;
	bool dirty;		/* routes differ from what KVM has */
	bool msi_devid;		/* MSIs carry the requester id (arm64 ITS) */
	struct msi_pins pins;	/* the interrupt controller's, set by it */
};

/*
 * irqs_create - valid after kvm_open(). @pins: the fixed routes of the
 * interrupt controller, copied; may be NULL with @nr_pins 0. MSIs get GSIs
 * from @first_msi up to KVM's limit.
 */
int irqs_create(struct irqs *irqs, struct kvm *kvm,
		const struct kvm_irq_routing_entry *pins, unsigned int nr_pins,
		unsigned int first_msi);
void irqs_destroy(struct irqs *irqs);

/* irq_line_set - drive pin @gsi to @level. From any thread. */
void irq_line_set(struct irqs *irqs, unsigned int gsi, int level);

/*
 * irq_msi_add - a new GSI (returned) that delivers @msi; -ENOSPC when there
 * are no more. KVM is told at the next irq_fd_attach() or irq_commit(), so
 * that adding many costs one call.
 */
int irq_msi_add(struct irqs *irqs, const struct msi *msi);
/* irq_msi_update - @gsi delivers @msi from now on; KVM is told at once. */
int irq_msi_update(struct irqs *irqs, unsigned int gsi, const struct msi *msi);
/* irq_msi_del - give @gsi back; its irqfds detached before. */
void irq_msi_del(struct irqs *irqs, unsigned int gsi);
/* irq_commit - tell KVM of routes added since. */
int irq_commit(struct irqs *irqs);

/*
 * irq_fd_attach - from now on a signal on eventfd @trigger raises @gsi inside
 * the kernel. With @resample >= 0 the interrupt is level: KVM lowers it and
 * signals @resample when the guest has acknowledged it.
 */
int irq_fd_attach(struct irqs *irqs, unsigned int gsi, int trigger,
		  int resample);
void irq_fd_detach(struct irqs *irqs, unsigned int gsi, int trigger);

#endif
