/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See i6300esb.h. The first stage would interrupt, which no driver uses; at the
 * end of the second the guest is reset. A paused guest cannot pat, so its stage
 * begins anew.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "devices/i6300esb.h"
#include "devices/pci/pci.h"
#include "vmm/events.h"
#include "vmm/log.h"

#define IDENTITY 0x25ab8086	/* device, vendor */
#define CLASS 0x08800000	/* a system device like no other; revision */
#define BAR_SIZE 16

/* Config space. */
#define CONFIG 0x60
#define CONFIG_MASK 0x27
#define CONFIG_FINE 4		/* ticks of 32 cycles, not of 32768 */
#define CONFIG_NO_RESET 0x20
#define LOCK 0x68
#define LOCK_LOCK 1		/* nothing in it changes until a reset */
#define LOCK_ENABLE 2
#define LOCK_FREE 4		/* begins anew where it would end */

/* The BAR: a stage's ticks each, then: */
#define RELOAD 12
#define RELOAD_AGAIN BIT(8)
#define RELOAD_FIRED BIT(9)	/* it has; written, no longer */
/* Two writes to it let the next one, to any register, through. */
#define UNLOCK_1 0x80
#define UNLOCK_2 0x86

#define TICKS_MAX 0xfffffU
#define CYCLE_HZ 33000000	/* PCI's clock */

struct i6300esb {
	struct device dev;
	struct pci_dev pci;
	struct vm *vm;
	pthread_mutex_t lock;
	int timer;		/* -1: none */
	unsigned int stage;	/* under way: 0, 1 */
	uint64_t end;		/* of it, time_now() */
	uint32_t ticks[2];
	unsigned int unlocked;	/* writes of the two that came */
	bool fired;
};

/* ---- time ---------------------------------------------------------------- */

static void timer_stop(struct i6300esb *w)
{
	if (w->timer >= 0)
		loop_timer_del(&w->vm->loop, w->timer);
	w->timer = -1;
}

static void stage_ended(void *arg);

static void stage_start(struct i6300esb *w, unsigned int stage)
{
	unsigned int shift = w->pci.cfg[CONFIG] & CONFIG_FINE ? 5 : 15;
	uint64_t ms = ((uint64_t)w->ticks[stage] << shift) * 1000 / CYCLE_HZ + 1;

	timer_stop(w);
	w->stage = stage;
	w->end = time_now() + ms * 1000000;
	w->timer = loop_timer(&w->vm->loop, ms, stage_ended, w);
	if (w->timer < 0)
		log_warn("watchdog: cannot have a timer: %s",
			 err_text(w->timer));
}

static void bark(struct i6300esb *w)
{
	const struct config *cfg = w->vm->cfg;

	log_warn("watchdog: the guest has stopped patting it");
	events_plain(w->vm, "watchdog");
	w->fired = true;
	if (cfg->once || cfg->watchdog == WATCHDOG_STOP)
		vm_stop(w->vm, STATUS_WATCHDOG);
	else
		vm_reset(w->vm);
}

static void stage_ended(void *arg)
{
	struct i6300esb *w = arg;

	pthread_mutex_lock(&w->lock);
	/* A timer that was on its way may come for one that is no more. */
	if (w->timer < 0 || time_now() < w->end)
		goto unlock;
	if (vm_paused(w->vm)) {
		stage_start(w, w->stage);
	} else if (!w->stage) {
		stage_start(w, 1);
	} else {
		timer_stop(w);
		if (!(w->pci.cfg[CONFIG] & CONFIG_NO_RESET))
			bark(w);
		else if (w->pci.cfg[LOCK] & LOCK_FREE)
			stage_start(w, 0);
	}
unlock:
	pthread_mutex_unlock(&w->lock);
}

/* ---- registers ----------------------------------------------------------- */

static void config_write(struct pci_dev *pci, unsigned int off, uint32_t val,
			 unsigned int len)
{
	struct i6300esb *w = container_of(pci, struct i6300esb, pci);
	uint8_t was = pci->cfg[LOCK];

	pthread_mutex_lock(&w->lock);
	pci_cfg_put(pci, off, val, len);
	if (pci->cfg[LOCK] & LOCK_LOCK)
		pci->wmask[LOCK] = 0;
	if (!(pci->cfg[LOCK] & LOCK_ENABLE))
		timer_stop(w);
	else if (!(was & LOCK_ENABLE))
		stage_start(w, 0);
	pthread_mutex_unlock(&w->lock);
}

static uint64_t esb_read(struct pci_dev *pci, unsigned int bar, uint64_t off,
			 unsigned int len)
{
	struct i6300esb *w = container_of(pci, struct i6300esb, pci);

	if (off == RELOAD)
		return w->fired ? RELOAD_FIRED : 0;
	return off == 0 || off == 4 ? w->ticks[off / 4] : 0;
}

static void put(struct i6300esb *w, uint64_t off, uint32_t val)
{
	if (off == 0 || off == 4)
		w->ticks[off / 4] = val & TICKS_MAX;
	if (off != RELOAD)
		return;
	if (val & RELOAD_FIRED)
		w->fired = false;
	if (val & RELOAD_AGAIN && w->pci.cfg[LOCK] & LOCK_ENABLE)
		stage_start(w, 0);
}

static void esb_write(struct pci_dev *pci, unsigned int bar, uint64_t off,
		      uint64_t val, unsigned int len)
{
	struct i6300esb *w = container_of(pci, struct i6300esb, pci);

	pthread_mutex_lock(&w->lock);
	if (off == RELOAD && val == UNLOCK_1) {
		w->unlocked = 1;
	} else if (off == RELOAD && val == UNLOCK_2 && w->unlocked == 1) {
		w->unlocked = 2;
	} else {
		if (w->unlocked == 2)
			put(w, off, val);
		w->unlocked = 0;
	}
	pthread_mutex_unlock(&w->lock);
}

static const struct pci_dev_ops esb_pci_ops = {
	.cfg_write = config_write,
	.bar_read = esb_read,
	.bar_write = esb_write,
};

/* ---- life ---------------------------------------------------------------- */

/* That it has fired is what the next start is to know. */
static void power_on(struct i6300esb *w)
{
	timer_stop(w);
	w->ticks[0] = w->ticks[1] = TICKS_MAX;
	w->unlocked = 0;
	pci_put(w->pci.cfg, CONFIG, 0, 2);
	w->pci.cfg[LOCK] = 0;
	w->pci.wmask[LOCK] = LOCK_LOCK | LOCK_ENABLE | LOCK_FREE;
}

static void esb_reset(struct device *dev)
{
	struct i6300esb *w = container_of(dev, struct i6300esb, dev);

	pci_dev_reset(&w->pci);
	pthread_mutex_lock(&w->lock);
	power_on(w);
	pthread_mutex_unlock(&w->lock);
}

static void esb_destroy(struct device *dev)
{
	struct i6300esb *w = container_of(dev, struct i6300esb, dev);

	timer_stop(w);
	pci_dev_del(&w->pci);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static const struct device_ops esb_ops = {
	.reset = esb_reset,
	.destroy = esb_destroy,
};

int i6300esb_create(struct vm *vm, struct pci_host *host)
{
	struct i6300esb *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (w) {
		w->vm = vm;
		w->timer = -1;
		w->pci.name = "watchdog";
		w->pci.ops = &esb_pci_ops;
		w->pci.bars[0].size = BAR_SIZE;
		pci_put(w->pci.cfg, PCI_VENDOR_ID, IDENTITY, 4);
		pci_put(w->pci.cfg, PCI_REVISION_ID, CLASS, 4);
		w->pci.wmask[CONFIG] = CONFIG_MASK;
		power_on(w);
		err = pci_dev_add(host, &w->pci, -1);
	}
	if (err < 0) {
		log_err("watchdog: cannot be set up: %s", err_text(err));
		free(w);
		return err;
	}
	pthread_mutex_init(&w->lock, NULL);
	device_add(vm, &w->dev, "watchdog", &esb_ops);
	return 0;
}
