/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A clock that is the host's plus an offset, in seconds; see pl031.h.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "devices/pl031.h"
#include "devices/primecell.h"
#include "vmm/log.h"
#include "vmm/vm.h"

enum {				/* registers */
	DR = 0x00, MR = 0x04, LR = 0x08, CR = 0x0c, IMSC = 0x10, RIS = 0x14,
	MIS = 0x18, ICR = 0x1c,
};

#define WAIT_MAX 1000000U	/* seconds; a timer counts milliseconds */

struct pl031 {
	struct device dev;
	struct vm *vm;
	uint64_t base;
	unsigned int irq;
	pthread_mutex_t lock;
	uint32_t offset;	/* guest's clock - host's, modulo 2^32 */
	uint32_t match, load;
	uint8_t imsc, ris;
	int timer;		/* until match, or -1 */
	int level;		/* of the interrupt line */
};

static uint32_t now(const struct pl031 *p)
{
	struct timespec host;

	clock_gettime(CLOCK_REALTIME, &host);
	return (uint32_t)host.tv_sec + p->offset;
}

/* Until the host's next second begins, in milliseconds, rounded up. */
static unsigned int rest_of_second(void)
{
	struct timespec host;

	clock_gettime(CLOCK_REALTIME, &host);
	return (1000000000 - host.tv_nsec) / 1000000 + 1;
}

static void update_irq(struct pl031 *p)
{
	int level = p->ris & p->imsc;

	if (level == p->level)
		return;
	p->level = level;
	irq_line_set(&p->vm->irqs, p->irq, level);
}

static void timer_stop(struct pl031 *p)
{
	if (p->timer >= 0)
		loop_timer_del(&p->vm->loop, p->timer);
	p->timer = -1;
}

static void timer_fired(void *arg);

/* Wait for the match, which is in the future and not in this second. */
static void timer_start(struct pl031 *p)
{
	uint32_t wait = MIN(p->match - now(p), WAIT_MAX);

	timer_stop(p);
	p->timer = loop_timer(&p->vm->loop,
			      (wait - 1) * 1000 + rest_of_second(),
			      timer_fired, p);
}

static void check_match(struct pl031 *p)
{
	int32_t wait = p->match - now(p);

	if (wait <= 0) {
		timer_stop(p);
		p->ris |= !wait;
	} else {
		timer_start(p);
	}
}

/* It may fire late, and the guest may have written MR since. */
static void timer_fired(void *arg)
{
	struct pl031 *p = arg;

	pthread_mutex_lock(&p->lock);
	if (p->timer >= 0 && (int32_t)(p->match - now(p)) <= 0) {
		timer_stop(p);
		p->ris = 1;
	} else if (p->timer >= 0) {
		timer_start(p);
	}
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
}

static uint32_t read_reg(struct pl031 *p, unsigned int reg)
{
	switch (reg) {
	case DR:
		return now(p);
	case MR:
		return p->match;
	case LR:
		return p->load;
	case CR:
		return 1;	/* it can't be stopped */
	case IMSC:
		return p->imsc;
	case RIS:
		return p->ris;
	case MIS:
		return p->ris & p->imsc;
	default:
		return primecell_id(PRIMECELL_PL031, reg);
	}
}

static void write_reg(struct pl031 *p, unsigned int reg, uint32_t val)
{
	switch (reg) {
	case MR:
		p->match = val;
		check_match(p);
		break;
	case LR:
		p->load = val;
		p->offset += val - now(p);
		if (p->timer >= 0)
			check_match(p);
		break;
	case IMSC:
		p->imsc = val & 1;
		break;
	case ICR:
		p->ris &= ~val & 1;
		break;
	}
}

static uint64_t pl031_read(void *owner, uint64_t offset, unsigned int len)
{
	struct pl031 *p = owner;
	uint64_t val;

	pthread_mutex_lock(&p->lock);
	val = primecell_read(read_reg(p, ALIGN_DOWN(offset, 4)), offset, len);
	pthread_mutex_unlock(&p->lock);
	return val;
}

static void pl031_write(void *owner, uint64_t offset, uint64_t value,
			unsigned int len)
{
	struct pl031 *p = owner;

	if (!IS_ALIGNED(offset, 4))
		return;
	pthread_mutex_lock(&p->lock);
	write_reg(p, offset, value);
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
}

static const struct bus_ops pl031_bus_ops = {
	.read = pl031_read,
	.write = pl031_write,
};

/* A battery keeps the time over a reset. */
static void pl031_reset(struct device *dev)
{
	struct pl031 *p = container_of(dev, struct pl031, dev);

	pthread_mutex_lock(&p->lock);
	timer_stop(p);
	p->match = p->load = p->imsc = p->ris = 0;
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
}

static void pl031_describe(const struct device *dev, struct desc *desc)
{
	const struct pl031 *p = container_of(dev, struct pl031, dev);

	desc->name = "rtc";
	desc->compatible = "arm,pl031";
	desc->primecell = true;
	desc->ranges[desc->nr_ranges++] = (struct desc_range){
		DESC_MMIO, p->base, PRIMECELL_SIZE, false,
	};
	desc->irq = p->irq;
	desc->irq_level = true;
}

static void pl031_destroy(struct device *dev);

static const struct device_ops pl031_ops = {
	.reset = pl031_reset,
	.destroy = pl031_destroy,
	.describe = pl031_describe,
};

int pl031_create(struct vm *vm, uint64_t base, unsigned int irq)
{
	struct pl031 *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (!p)
		goto report;
	p->vm = vm;
	p->base = base;
	p->irq = irq;
	p->timer = -1;
	pthread_mutex_init(&p->lock, NULL);
	err = bus_add(&vm->mmio, "rtc", base, PRIMECELL_SIZE, &pl031_bus_ops,
		      p);
	if (err < 0)
		goto free_pl031;
	device_add(vm, &p->dev, "rtc", &pl031_ops);
	return 0;

free_pl031:
	pthread_mutex_destroy(&p->lock);
	free(p);
report:
	log_err("rtc: cannot be set up: %s", err_text(err));
	return err;
}

static void pl031_destroy(struct device *dev)
{
	struct pl031 *p = container_of(dev, struct pl031, dev);

	timer_stop(p);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
