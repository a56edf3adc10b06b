/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See pvpanic.h. One register: what it can be told is read from it, and what
 * has happened is written to it.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "devices/pci/pci.h"
#include "devices/pvpanic.h"
#include "vmm/events.h"
#include "vmm/log.h"

#define IDENTITY 0x00111b36	/* device, vendor */
#define CLASS 0x08800001	/* a system device like no other; revision */
#define BAR_SIZE 16

#define PANICKED 1
#define CRASH_LOADED 2		/* a kernel for this case sees to it */
#define SHUTDOWN 4

struct pvpanic {
	struct device dev;
	struct pci_dev pci;
	struct vm *vm;
	_Atomic bool told;	/* that it has crashed, since its start */
};

static uint64_t pvpanic_read(struct pci_dev *pci, unsigned int bar,
			     uint64_t off, unsigned int len)
{
	return off ? 0 : PANICKED | CRASH_LOADED | SHUTDOWN;
}

static void tell(struct pvpanic *p, const char *kind)
{
	if (atomic_exchange(&p->told, true))
		return;
	log_info("the guest says: %s", kind);
	events_plain(p->vm, kind);
}

static void pvpanic_write(struct pci_dev *pci, unsigned int bar, uint64_t off,
			  uint64_t val, unsigned int len)
{
	struct pvpanic *p = container_of(pci, struct pvpanic, pci);

	if (off)
		return;
	if (val & PANICKED) {
		tell(p, "panic");
		vm_stop(p->vm, STATUS_PANIC);
	} else if (val & CRASH_LOADED) {
		tell(p, "crash-loaded");
	} else if (val & SHUTDOWN) {
		vm_stop(p->vm, STATUS_OK);
	}
}

static const struct pci_dev_ops pvpanic_pci_ops = {
	.bar_read = pvpanic_read,
	.bar_write = pvpanic_write,
};

static void pvpanic_reset(struct device *dev)
{
	struct pvpanic *p = container_of(dev, struct pvpanic, dev);

	pci_dev_reset(&p->pci);
	p->told = false;
}

static void pvpanic_destroy(struct device *dev)
{
	struct pvpanic *p = container_of(dev, struct pvpanic, dev);

	pci_dev_del(&p->pci);
	free(p);
}

static const struct device_ops pvpanic_ops = {
	.reset = pvpanic_reset,
	.destroy = pvpanic_destroy,
};

int pvpanic_create(struct vm *vm, struct pci_host *host)
{
	struct pvpanic *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (p) {
		p->vm = vm;
		p->pci.name = "pvpanic";
		p->pci.ops = &pvpanic_pci_ops;
		p->pci.bars[0].size = BAR_SIZE;
		pci_put(p->pci.cfg, PCI_VENDOR_ID, IDENTITY, 4);
		pci_put(p->pci.cfg, PCI_REVISION_ID, CLASS, 4);
		err = pci_dev_add(host, &p->pci, -1);
	}
	if (err < 0) {
		log_err("pvpanic: cannot be set up: %s", err_text(err));
		free(p);
		return err;
	}
	device_add(vm, &p->dev, "pvpanic", &pvpanic_ops);
	return 0;
}
