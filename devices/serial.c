/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550A; see serial.h. The line has no speed: a byte written is sent, and
 * the transmitter is busy only while the console has no room.
 *
 * The far end respects RTS: nothing arrives until the guest has opened the
 * port. Without that, what a user types or pipes in early would fall victim
 * to the FIFO clearing and register draining of drivers that are still
 * setting up. A driver that never touches RTS is known by its polling.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "devices/serial.h"
#include "vmm/console.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define SERIAL_SIZE 8

enum {				/* registers */
	RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR,
};

#define IER_RX		0x01
#define IER_THRE	0x02
#define IER_LINE	0x04
#define IER_MODEM	0x08
#define IIR_NONE	0x01
#define IIR_MODEM	0x00
#define IIR_THRE	0x02
#define IIR_RX		0x04
#define IIR_LINE	0x06
#define IIR_TIMEOUT	0x0c
#define IIR_FIFO	0xc0
#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define LCR_DLAB	0x80
#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_LOOP	0x10
#define LSR_DATA	0x01
#define LSR_OVERRUN	0x02
#define LSR_THR_EMPTY	0x60	/* holding register and shifter */
#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80

#define FIFO_SIZE 16		/* each way; CONSOLE_ROOM is no less */
#define POLLS 64		/* of LSR in a row make a polling driver */
#define CLOCK_HZ 1843200
#define DIVISOR 12		/* 9600 baud */

struct serial {
	struct device dev;
	struct vm *vm;
	struct serial_config cfg;
	pthread_mutex_t lock;

	uint8_t ier, fcr, lcr, mcr, msr, scr;
	uint16_t divisor;
	bool overrun;
	bool busy;		/* the console has no room for a FIFO's worth */
	bool thre;		/* its interrupt is pending */
	unsigned int polls;
	uint8_t fifo[FIFO_SIZE];
	unsigned int fifo_at, fifo_len;
	int level;		/* of the interrupt line */
};

/* When the transmitter says that it is empty, it takes a FIFO's worth. */
_Static_assert(CONSOLE_ROOM >= FIFO_SIZE, "room for a transmit FIFO");

static unsigned int fifo_depth(const struct serial *s)
{
	return s->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

/* How many received bytes raise the interrupt at once. */
static unsigned int rx_trigger(const struct serial *s)
{
	static const uint8_t level[] = { 1, 4, 8, 14 };

	return s->fcr & FCR_ENABLE ? level[s->fcr >> 6] : 1;
}

/*
 * The source of highest priority. The line has no speed, so a few bytes that
 * wait below the trigger level have always waited long enough.
 */
static uint8_t pending(const struct serial *s)
{
	if (s->ier & IER_LINE && s->overrun)
		return IIR_LINE;
	if (s->ier & IER_RX && s->fifo_len)
		return s->fifo_len >= rx_trigger(s) ? IIR_RX : IIR_TIMEOUT;
	if (s->ier & IER_THRE && s->thre)
		return IIR_THRE;
	if (s->ier & IER_MODEM && s->msr & 0x0f)
		return IIR_MODEM;
	return IIR_NONE;
}

static void update_irq(struct serial *s)
{
	int level = pending(s) != IIR_NONE;

	if (level == s->level)
		return;
	s->level = level;
	irq_line_set(&s->vm->irqs, s->cfg.irq, level);
}

static void receive(struct serial *s, uint8_t c)
{
	if (s->fifo_len == fifo_depth(s)) {
		s->overrun = true;
		return;
	}
	s->fifo[(s->fifo_at + s->fifo_len++) % FIFO_SIZE] = c;
}

/* Take from the console what fits. */
static void pull(struct serial *s)
{
	int c;

	if (s->mcr & MCR_LOOP || (!(s->mcr & MCR_RTS) && s->polls < POLLS))
		return;
	while (s->fifo_len < fifo_depth(s)) {
		c = console_getc(s->cfg.console);
		if (c < 0)
			break;
		receive(s, c);
	}
}

static void transmit(struct serial *s, uint8_t c)
{
	s->thre = false;
	if (s->mcr & MCR_LOOP)
		receive(s, c);
	else
		s->busy = !console_putc(s->cfg.console, c);
	s->thre = !s->busy;
}

static void console_input(void *owner)
{
	struct serial *s = owner;

	pthread_mutex_lock(&s->lock);
	pull(s);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static void console_room(void *owner)
{
	struct serial *s = owner;

	pthread_mutex_lock(&s->lock);
	s->busy = false;
	s->thre = true;
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static const struct console_ops console_ops = {
	.input = console_input,
	.room = console_room,
};

/*
 * Modem status: the far end is there and ready, or, in loopback, what the
 * guest's own outputs say. The low half notes what has changed.
 */
static void update_msr(struct serial *s)
{
	uint8_t now = MSR_DCD | MSR_DSR | MSR_CTS, changed;

	if (s->mcr & MCR_LOOP)
		now = (s->mcr & MCR_RTS ? MSR_CTS : 0) |
		      (s->mcr & MCR_DTR ? MSR_DSR : 0) |
		      (s->mcr & 0x0c) << 4;
	changed = (s->msr ^ now) >> 4;
	/* Of the ring indicator only the end counts. */
	if (now & MSR_RI)
		changed &= ~(MSR_RI >> 4);
	s->msr = now | (s->msr & 0x0f) | changed;
}

static uint8_t read_rbr(struct serial *s)
{
	uint8_t c = 0;

	if (s->lcr & LCR_DLAB)
		return s->divisor;
	if (s->fifo_len) {
		c = s->fifo[s->fifo_at];
		s->fifo_at = (s->fifo_at + 1) % FIFO_SIZE;
		s->fifo_len--;
	}
	pull(s);
	return c;
}

static uint8_t read_iir(struct serial *s)
{
	uint8_t iir = pending(s);

	if (iir == IIR_THRE)
		s->thre = false;
	return iir | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t read_lsr(struct serial *s)
{
	uint8_t lsr;

	if (!s->fifo_len && !s->busy && s->polls < POLLS)
		s->polls++;
	pull(s);
	lsr = (s->fifo_len ? LSR_DATA : 0) | (s->overrun ? LSR_OVERRUN : 0) |
	      (s->busy ? 0 : LSR_THR_EMPTY);
	s->overrun = false;
	return lsr;
}

static uint8_t read_msr(struct serial *s)
{
	uint8_t msr = s->msr;

	s->msr &= 0xf0;
	return msr;
}

static uint8_t read_reg(struct serial *s, unsigned int reg)
{
	switch (reg) {
	case RBR_THR:
		return read_rbr(s);
	case IER:
		return s->lcr & LCR_DLAB ? s->divisor >> 8 : s->ier;
	case IIR_FCR:
		return read_iir(s);
	case LCR:
		return s->lcr;
	case MCR:
		return s->mcr;
	case LSR:
		return read_lsr(s);
	case MSR:
		return read_msr(s);
	default:
		return s->scr;
	}
}

static void write_ier(struct serial *s, uint8_t val)
{
	/* Enabling it while the transmitter is empty makes it pending. */
	if (val & ~s->ier & IER_THRE && !s->busy)
		s->thre = true;
	s->ier = val & 0x0f;
}

static void write_fcr(struct serial *s, uint8_t val)
{
	if ((s->fcr ^ val) & FCR_ENABLE || val & FCR_CLEAR_RX)
		s->fifo_len = 0;
	s->fcr = val & FCR_ENABLE ? val & 0xc1 : 0;
	pull(s);
}

static void write_mcr(struct serial *s, uint8_t val)
{
	s->mcr = val & 0x1f;
	update_msr(s);
	pull(s);
}

static void write_thr(struct serial *s, uint8_t val)
{
	if (s->polls < POLLS)
		s->polls = 0;	/* it polled to send, not to receive */
	transmit(s, val);
}

static void write_reg(struct serial *s, unsigned int reg, uint8_t val)
{
	switch (reg) {
	case RBR_THR:
		if (s->lcr & LCR_DLAB)
			s->divisor = (s->divisor & 0xff00) | val;
		else
			write_thr(s, val);
		break;
	case IER:
		if (s->lcr & LCR_DLAB)
			s->divisor = (s->divisor & 0x00ff) | val << 8;
		else
			write_ier(s, val);
		break;
	case IIR_FCR:
		write_fcr(s, val);
		break;
	case LCR:
		s->lcr = val;
		break;
	case MCR:
		write_mcr(s, val);
		break;
	case SCR:
		s->scr = val;
		break;
	}
}

/* A wider access than a byte is as many, as on the PC's 8-bit bus. */
static uint64_t serial_read(void *owner, uint64_t offset, unsigned int len)
{
	struct serial *s = owner;
	uint64_t val = 0;
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < len; i++)
		val |= (uint64_t)read_reg(s, offset + i) << (8 * i);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
	return val;
}

static void serial_write(void *owner, uint64_t offset, uint64_t value,
			 unsigned int len)
{
	struct serial *s = owner;
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < len; i++)
		write_reg(s, offset + i, value >> (8 * i));
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static const struct bus_ops serial_bus_ops = {
	.read = serial_read,
	.write = serial_write,
};

static void power_on(struct serial *s)
{
	s->ier = s->fcr = s->lcr = s->mcr = s->scr = 0;
	s->msr = MSR_DCD | MSR_DSR | MSR_CTS;
	s->divisor = DIVISOR;
	s->overrun = false;
	s->thre = false;
	s->polls = 0;
	s->fifo_len = 0;
}

static void serial_reset(struct device *dev)
{
	struct serial *s = container_of(dev, struct serial, dev);

	pthread_mutex_lock(&s->lock);
	power_on(s);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static void serial_describe(const struct device *dev, struct desc *desc)
{
	const struct serial *s = container_of(dev, struct serial, dev);

	desc->name = s->cfg.name;
	desc->compatible = "ns16550a";
	desc->acpi_hid = "PNP0501";
	desc->ranges[desc->nr_ranges++] = (struct desc_range){
		s->cfg.kind, s->cfg.base, SERIAL_SIZE, false,
	};
	desc->irq = s->cfg.irq;
	if (IS_ENABLED(CONFIG_LIBFDT))
		desc->clock_hz = CLOCK_HZ;
}

static void serial_destroy(struct device *dev);

static const struct device_ops serial_ops = {
	.reset = serial_reset,
	.destroy = serial_destroy,
	.describe = serial_describe,
};

int serial_create(struct vm *vm, const struct serial_config *cfg)
{
	struct bus *bus = cfg->kind == DESC_PIO ? &vm->pio : &vm->mmio;
	struct serial *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!s)
		goto report;
	s->vm = vm;
	s->cfg = *cfg;
	power_on(s);
	pthread_mutex_init(&s->lock, NULL);
	err = bus_add(bus, cfg->name, cfg->base, SERIAL_SIZE, &serial_bus_ops,
		      s);
	if (err < 0)
		goto free_serial;
	console_connect(cfg->console, &console_ops, s);
	device_add(vm, &s->dev, cfg->name, &serial_ops);
	return 0;

free_serial:
	pthread_mutex_destroy(&s->lock);
	free(s);
report:
	log_err("%s: cannot be set up: %s", cfg->name, err_text(err));
	return err;
}

static void serial_destroy(struct device *dev)
{
	struct serial *s = container_of(dev, struct serial, dev);

	console_connect(s->cfg.console, NULL, NULL);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
