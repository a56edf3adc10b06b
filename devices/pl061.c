/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PL061; see pl061.h. Lines that the guest makes outputs lead nowhere and
 * read back as they were written.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "devices/pl061.h"
#include "devices/primecell.h"
#include "vmm/log.h"
#include "vmm/vm.h"

enum {				/* registers; data takes all up to DIR */
	DIR = 0x400, IS = 0x404, IBE = 0x408, IEV = 0x40c, IE = 0x410,
	RIS = 0x414, MIS = 0x418, IC = 0x41c, AFSEL = 0x420,
};

#define LINES 8
#define PRESS_MS 100

struct pl061 {
	struct device dev;
	struct vm *vm;
	uint64_t base;
	unsigned int irq;
	uint8_t button;		/* its line, as a bit */
	pthread_mutex_t lock;
	uint8_t out, in;	/* what the lines are driven to, by either end */
	uint8_t dir, is, ibe, iev, ie, ris, afsel;
	int timer;		/* until the button is let go, or -1 */
	int level;		/* of the interrupt line */
};

static uint8_t lines(const struct pl061 *p)
{
	return (p->out & p->dir) | (p->in & ~p->dir);
}

static void update_irq(struct pl061 *p)
{
	int level = (p->ris & p->ie) != 0;

	if (level == p->level)
		return;
	p->level = level;
	irq_line_set(&p->vm->irqs, p->irq, level);
}

/*
 * What the lines were is @was. Levels interrupt while they last; edges are
 * remembered: both with IBE, else the one that IEV says.
 */
static void update(struct pl061 *p, uint8_t was)
{
	uint8_t is = lines(p), changed = is ^ was;
	uint8_t edges = changed & (p->ibe | ~(is ^ p->iev));

	p->ris = (p->ris & ~p->is) | (edges & ~p->is);
	p->ris |= p->is & ~(is ^ p->iev);
	update_irq(p);
}

static uint32_t read_reg(const struct pl061 *p, unsigned int reg)
{
	if (reg < DIR)
		return lines(p) & reg >> 2;
	switch (reg) {
	case DIR:
		return p->dir;
	case IS:
		return p->is;
	case IBE:
		return p->ibe;
	case IEV:
		return p->iev;
	case IE:
		return p->ie;
	case RIS:
		return p->ris;
	case MIS:
		return p->ris & p->ie;
	case AFSEL:
		return p->afsel;
	default:
		return primecell_id(PRIMECELL_PL061, reg);
	}
}

/* Bits 9 to 2 of the address say which lines a write is for. */
static void write_data(struct pl061 *p, unsigned int reg, uint8_t val)
{
	uint8_t mask = reg >> 2;

	p->out = (p->out & ~mask) | (val & mask);
}

static void write_reg(struct pl061 *p, unsigned int reg, uint8_t val)
{
	if (reg < DIR)
		write_data(p, reg, val);
	switch (reg) {
	case DIR:
		p->dir = val;
		break;
	case IS:
		p->ris &= ~p->is;	/* levels are not remembered */
		p->is = val;
		break;
	case IBE:
		p->ibe = val;
		break;
	case IEV:
		p->iev = val;
		break;
	case IE:
		p->ie = val;
		break;
	case IC:
		p->ris &= ~val;
		break;
	case AFSEL:
		p->afsel = val;
		break;
	}
}

static uint64_t pl061_read(void *owner, uint64_t offset, unsigned int len)
{
	struct pl061 *p = owner;
	uint64_t val;

	pthread_mutex_lock(&p->lock);
	val = primecell_read(read_reg(p, ALIGN_DOWN(offset, 4)), offset, len);
	pthread_mutex_unlock(&p->lock);
	return val;
}

static void pl061_write(void *owner, uint64_t offset, uint64_t value,
			unsigned int len)
{
	struct pl061 *p = owner;
	uint8_t was;

	if (!IS_ALIGNED(offset, 4))
		return;
	pthread_mutex_lock(&p->lock);
	was = lines(p);
	write_reg(p, offset, value);
	update(p, was);
	pthread_mutex_unlock(&p->lock);
}

static const struct bus_ops pl061_bus_ops = {
	.read = pl061_read,
	.write = pl061_write,
};

static void drive(struct pl061 *p, uint8_t in)
{
	uint8_t was = lines(p);

	p->in = in;
	update(p, was);
}

static void timer_stop(struct pl061 *p)
{
	if (p->timer >= 0)
		loop_timer_del(&p->vm->loop, p->timer);
	p->timer = -1;
}

static void let_go(void *arg)
{
	struct pl061 *p = arg;

	pthread_mutex_lock(&p->lock);
	timer_stop(p);
	drive(p, 0);
	pthread_mutex_unlock(&p->lock);
}

void pl061_power_button(struct pl061 *p)
{
	pthread_mutex_lock(&p->lock);
	timer_stop(p);
	drive(p, p->button);
	p->timer = loop_timer(&p->vm->loop, PRESS_MS, let_go, p);
	if (p->timer < 0)
		drive(p, 0);
	pthread_mutex_unlock(&p->lock);
}

static void pl061_reset(struct device *dev)
{
	struct pl061 *p = container_of(dev, struct pl061, dev);

	pthread_mutex_lock(&p->lock);
	p->out = p->dir = p->is = p->ibe = p->iev = p->ie = p->afsel = 0;
	p->ris = 0;
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
}

static void pl061_describe(const struct device *dev, struct desc *desc)
{
	const struct pl061 *p = container_of(dev, struct pl061, dev);

	desc->name = "gpio";
	desc->compatible = "arm,pl061";
	desc->primecell = true;
	desc->ranges[desc->nr_ranges++] = (struct desc_range){
		DESC_MMIO, p->base, PRIMECELL_SIZE, false,
	};
	desc->irq = p->irq;
	desc->irq_level = true;
	desc->gpios = LINES;
	desc->power_gpio = __builtin_ctz(p->button);
}

static void pl061_destroy(struct device *dev);

static const struct device_ops pl061_ops = {
	.reset = pl061_reset,
	.destroy = pl061_destroy,
	.describe = pl061_describe,
};

int pl061_create(struct vm *vm, uint64_t base, unsigned int irq,
		 unsigned int button, struct pl061 **out)
{
	struct pl061 *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (!p)
		goto report;
	p->vm = vm;
	p->base = base;
	p->irq = irq;
	p->button = BIT(button);
	p->timer = -1;
	pthread_mutex_init(&p->lock, NULL);
	err = bus_add(&vm->mmio, "gpio", base, PRIMECELL_SIZE, &pl061_bus_ops,
		      p);
	if (err < 0)
		goto free_pl061;
	device_add(vm, &p->dev, "gpio", &pl061_ops);
	*out = p;
	return 0;

free_pl061:
	pthread_mutex_destroy(&p->lock);
	free(p);
report:
	log_err("gpio: cannot be set up: %s", err_text(err));
	return err;
}

static void pl061_destroy(struct device *dev)
{
	struct pl061 *p = container_of(dev, struct pl061, dev);

	timer_stop(p);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
