/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PL011; see pl011.h. The line has no speed: a character written is sent,
 * and the transmit FIFO fills only while the console has no room.
 *
 * The far end respects RTS, as that of devices/serial.c does and for the same
 * reason: nothing arrives before the guest has opened the port. A driver that
 * never touches RTS is known by its polling.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "devices/pl011.h"
#include "devices/primecell.h"
#include "vmm/console.h"
#include "vmm/log.h"
#include "vmm/vm.h"

enum {				/* registers */
	DR = 0x00, RSR = 0x04, FR = 0x18, ILPR = 0x20, IBRD = 0x24,
	FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38,
	RIS = 0x3c, MIS = 0x40, ICR = 0x44, DMACR = 0x48,
};

#define DR_OVERRUN	BIT(11)
#define RSR_OVERRUN	BIT(3)
#define FR_CTS		BIT(0)
#define FR_DSR		BIT(1)
#define FR_DCD		BIT(2)
#define FR_BUSY		BIT(3)
#define FR_RX_EMPTY	BIT(4)
#define FR_TX_FULL	BIT(5)
#define FR_RX_FULL	BIT(6)
#define FR_TX_EMPTY	BIT(7)
#define FR_RI		BIT(8)
#define LCR_FIFOS	BIT(4)
#define CR_ENABLE	BIT(0)
#define CR_LOOP		BIT(7)
#define CR_TX		BIT(8)
#define CR_RX		BIT(9)
#define CR_DTR		BIT(10)
#define CR_RTS		BIT(11)
#define CR_OUT1		BIT(12)
#define CR_OUT2		BIT(13)
#define CR_MASK		0xff87
#define INT_MODEM	0x00f	/* RI, CTS, DCD, DSR */
#define INT_RX		BIT(4)
#define INT_TX		BIT(5)
#define INT_RX_TIMEOUT	BIT(6)
#define INT_OVERRUN	BIT(10)
#define INT_ALL		0x7ff

#define FIFO_SIZE 16		/* each way; CONSOLE_ROOM is no less */
#define POLLS 64		/* of FR in a row make a polling driver */

struct pl011 {
	struct device dev;
	struct vm *vm;
	struct pl011_config cfg;
	pthread_mutex_t lock;

	uint16_t cr, imsc, ris, ibrd;
	uint8_t ilpr, fbrd, lcr_h, ifls, dmacr;
	bool overrun;
	bool busy;		/* the console has no room for a FIFO's worth */
	unsigned int polls;
	uint8_t fifo[FIFO_SIZE];
	unsigned int fifo_at, fifo_len;
	int level;		/* of the interrupt line */
};

/* When the transmitter says that it is empty, it takes a FIFO's worth. */
_Static_assert(CONSOLE_ROOM >= FIFO_SIZE, "room for a transmit FIFO");

static unsigned int fifo_depth(const struct pl011 *p)
{
	return p->lcr_h & LCR_FIFOS ? FIFO_SIZE : 1;
}

/* How many received characters raise the interrupt. */
static unsigned int rx_trigger(const struct pl011 *p)
{
	static const uint8_t level[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	return p->lcr_h & LCR_FIFOS ? level[p->ifls >> 3 & 7] : 1;
}

static void update_irq(struct pl011 *p)
{
	int level = (p->ris & p->imsc) != 0;

	if (level == p->level)
		return;
	p->level = level;
	irq_line_set(&p->vm->irqs, p->cfg.irq, level);
}

/*
 * Characters that wait below the trigger level have always waited long
 * enough, as the line has no speed.
 */
static void update_rx(struct pl011 *p)
{
	p->ris &= ~(INT_RX | INT_RX_TIMEOUT);
	if (p->fifo_len)
		p->ris |= INT_RX_TIMEOUT;
	if (p->fifo_len >= rx_trigger(p))
		p->ris |= INT_RX;
}

static void receive(struct pl011 *p, uint8_t c)
{
	if (p->fifo_len == fifo_depth(p)) {
		p->overrun = true;
		p->ris |= INT_OVERRUN;
		return;
	}
	p->fifo[(p->fifo_at + p->fifo_len++) % FIFO_SIZE] = c;
}

static bool is_open(const struct pl011 *p)
{
	uint16_t open = CR_ENABLE | CR_RX | CR_RTS;

	return !(p->cr & CR_LOOP) &&
	       ((p->cr & open) == open || p->polls == POLLS);
}

/* Take from the console what fits. */
static void pull(struct pl011 *p)
{
	int c;

	if (!is_open(p))
		return;
	while (p->fifo_len < fifo_depth(p)) {
		c = console_getc(p->cfg.console);
		if (c < 0)
			break;
		receive(p, c);
	}
	update_rx(p);
}

/*
 * Firmware and early consoles write without switching anything on, which
 * most machines let them.
 */
static void transmit(struct pl011 *p, uint8_t c)
{
	if (p->polls < POLLS)
		p->polls = 0;	/* it polled to send, not to receive */
	p->ris &= ~INT_TX;
	if (p->cr & CR_LOOP)
		receive(p, c);
	else
		p->busy = !console_putc(p->cfg.console, c);
	if (!p->busy)
		p->ris |= INT_TX;
	update_rx(p);
}

static void console_input(void *owner)
{
	struct pl011 *p = owner;

	pthread_mutex_lock(&p->lock);
	pull(p);
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
}

static void console_room(void *owner)
{
	struct pl011 *p = owner;

	pthread_mutex_lock(&p->lock);
	p->busy = false;
	p->ris |= INT_TX;
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
}

static const struct console_ops console_ops = {
	.input = console_input,
	.room = console_room,
};

static uint32_t read_dr(struct pl011 *p)
{
	uint32_t c = 0;

	if (p->fifo_len) {
		c = p->fifo[p->fifo_at];
		p->fifo_at = (p->fifo_at + 1) % FIFO_SIZE;
		p->fifo_len--;
	}
	if (p->overrun)
		c |= DR_OVERRUN;
	p->overrun = false;
	pull(p);
	update_rx(p);
	return c;
}

/* Modem lines: the far end is there and ready, or what the guest's outputs say. */
static uint32_t modem(const struct pl011 *p)
{
	if (!(p->cr & CR_LOOP))
		return FR_CTS | FR_DSR | FR_DCD;
	return (p->cr & CR_RTS ? FR_CTS : 0) | (p->cr & CR_DTR ? FR_DSR : 0) |
	       (p->cr & CR_OUT1 ? FR_DCD : 0) | (p->cr & CR_OUT2 ? FR_RI : 0);
}

static uint32_t read_fr(struct pl011 *p)
{
	uint32_t fr = modem(p);

	if (!p->fifo_len && !p->busy && p->polls < POLLS)
		p->polls++;
	pull(p);
	if (!p->fifo_len)
		fr |= FR_RX_EMPTY;
	if (p->fifo_len == fifo_depth(p))
		fr |= FR_RX_FULL;
	return fr | (p->busy ? FR_TX_FULL | FR_BUSY : FR_TX_EMPTY);
}

static uint32_t read_reg(struct pl011 *p, unsigned int reg)
{
	switch (reg) {
	case DR:
		return read_dr(p);
	case RSR:
		return p->overrun ? RSR_OVERRUN : 0;
	case FR:
		return read_fr(p);
	case ILPR:
		return p->ilpr;
	case IBRD:
		return p->ibrd;
	case FBRD:
		return p->fbrd;
	case LCR_H:
		return p->lcr_h;
	case CR:
		return p->cr;
	case IFLS:
		return p->ifls;
	case IMSC:
		return p->imsc;
	case RIS:
		return p->ris;
	case MIS:
		return p->ris & p->imsc;
	case DMACR:
		return p->dmacr;
	default:
		return primecell_id(PRIMECELL_PL011, reg);
	}
}

/* A change of the FIFOs' state drops what was in them. */
static void write_lcr_h(struct pl011 *p, uint8_t val)
{
	if ((p->lcr_h ^ val) & LCR_FIFOS)
		p->fifo_len = 0;
	p->lcr_h = val;
	pull(p);
	update_rx(p);
}

static void write_cr(struct pl011 *p, uint16_t val)
{
	p->cr = val & CR_MASK;
	pull(p);
}

/* What still holds after it has been acknowledged comes again at once. */
static void write_icr(struct pl011 *p, uint16_t val)
{
	p->ris &= ~(val & INT_ALL);
	update_rx(p);
}

static void write_reg(struct pl011 *p, unsigned int reg, uint32_t val)
{
	switch (reg) {
	case DR:
		transmit(p, val);
		break;
	case RSR:
		p->overrun = false;
		break;
	case ILPR:
		p->ilpr = val;
		break;
	case IBRD:
		p->ibrd = val;
		break;
	case FBRD:
		p->fbrd = val & 0x3f;
		break;
	case LCR_H:
		write_lcr_h(p, val);
		break;
	case CR:
		write_cr(p, val);
		break;
	case IFLS:
		p->ifls = val & 0x3f;
		update_rx(p);
		break;
	case IMSC:
		p->imsc = val & INT_ALL;
		break;
	case ICR:
		write_icr(p, val);
		break;
	case DMACR:
		p->dmacr = val & 7;
		break;
	}
}

static uint64_t pl011_read(void *owner, uint64_t offset, unsigned int len)
{
	struct pl011 *p = owner;
	uint64_t val;

	pthread_mutex_lock(&p->lock);
	val = primecell_read(read_reg(p, ALIGN_DOWN(offset, 4)), offset, len);
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
	return val;
}

/* Registers are written whole, or their low bits. */
static void pl011_write(void *owner, uint64_t offset, uint64_t value,
			unsigned int len)
{
	struct pl011 *p = owner;

	if (!IS_ALIGNED(offset, 4))
		return;
	pthread_mutex_lock(&p->lock);
	write_reg(p, offset, value);
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
}

static const struct bus_ops pl011_bus_ops = {
	.read = pl011_read,
	.write = pl011_write,
};

static void power_on(struct pl011 *p)
{
	p->cr = CR_TX | CR_RX;
	p->ifls = 2 << 3 | 2;
	p->imsc = p->ris = p->ibrd = 0;
	p->ilpr = p->fbrd = p->lcr_h = p->dmacr = 0;
	p->overrun = false;
	p->polls = 0;
	p->fifo_len = 0;
}

static void pl011_reset(struct device *dev)
{
	struct pl011 *p = container_of(dev, struct pl011, dev);

	pthread_mutex_lock(&p->lock);
	power_on(p);
	update_irq(p);
	pthread_mutex_unlock(&p->lock);
}

static void pl011_describe(const struct device *dev, struct desc *desc)
{
	const struct pl011 *p = container_of(dev, struct pl011, dev);

	desc->name = p->cfg.name;
	desc->compatible = "arm,pl011";
	desc->primecell = true;
	desc->clock_hz = PRIMECELL_CLOCK_HZ;
	desc->ranges[desc->nr_ranges++] = (struct desc_range){
		DESC_MMIO, p->cfg.base, PRIMECELL_SIZE, false,
	};
	desc->irq = p->cfg.irq;
	desc->irq_level = true;
}

static void pl011_destroy(struct device *dev);

static const struct device_ops pl011_ops = {
	.reset = pl011_reset,
	.destroy = pl011_destroy,
	.describe = pl011_describe,
};

int pl011_create(struct vm *vm, const struct pl011_config *cfg)
{
	struct pl011 *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (!p)
		goto report;
	p->vm = vm;
	p->cfg = *cfg;
	power_on(p);
	pthread_mutex_init(&p->lock, NULL);
	err = bus_add(&vm->mmio, cfg->name, cfg->base, PRIMECELL_SIZE,
		      &pl011_bus_ops, p);
	if (err < 0)
		goto free_pl011;
	console_connect(cfg->console, &console_ops, p);
	device_add(vm, &p->dev, cfg->name, &pl011_ops);
	return 0;

free_pl011:
	pthread_mutex_destroy(&p->lock);
	free(p);
report:
	log_err("%s: cannot be set up: %s", cfg->name, err_text(err));
	return err;
}

static void pl011_destroy(struct device *dev)
{
	struct pl011 *p = container_of(dev, struct pl011, dev);

	console_connect(p->cfg.console, NULL, NULL);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
