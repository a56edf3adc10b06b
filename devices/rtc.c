/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A clock that is the host's plus an offset; see rtc.h. While the guest holds
 * SET, or writes a field, the time is in registers of its own; then they
 * become a new offset.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "devices/rtc.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define RTC_SIZE 128

enum {				/* registers; the alarm's lie between */
	SEC = 0, MIN_ = 2, HOUR = 4, WDAY = 6, MDAY = 7, MONTH = 8, YEAR = 9,
	REG_A = 10, REG_B = 11, REG_C = 12, REG_D = 13,
};

#define A_UIP		0x80	/* an update is about to come */
#define A_DIVIDER	0x26	/* 32.768 kHz crystal, 1024 Hz */
#define B_SET		0x80
#define B_BINARY	0x04
#define B_24H		0x02
#define B_MASK		0x87	/* no interrupts, no square wave */
#define D_VALID		0x80
#define HOUR_PM		0x80	/* in 12-hour mode */

/* UIP rises this long before the second ends. */
#define UIP_NS		244000

struct rtc {
	struct device dev;
	pthread_mutex_t lock;
	uint64_t base;		/* index port */
	int64_t offset;		/* seconds, guest's clock - host's */
	uint8_t index;
	uint8_t ram[RTC_SIZE];	/* registers too */
};

static uint8_t encode(const struct rtc *r, unsigned int n)
{
	return r->ram[REG_B] & B_BINARY ? n : n / 10 << 4 | n % 10;
}

static unsigned int decode(const struct rtc *r, uint8_t reg)
{
	uint8_t b = r->ram[reg];

	return r->ram[REG_B] & B_BINARY ? b : (b >> 4) * 10 + (b & 15);
}

static uint8_t encode_hour(const struct rtc *r, unsigned int hour)
{
	if (r->ram[REG_B] & B_24H)
		return encode(r, hour);
	return encode(r, (hour + 11) % 12 + 1) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned int decode_hour(struct rtc *r)
{
	uint8_t raw = r->ram[HOUR];
	unsigned int hour;

	if (r->ram[REG_B] & B_24H)
		return decode(r, HOUR);
	r->ram[HOUR] &= ~HOUR_PM;
	hour = decode(r, HOUR) % 12;
	r->ram[HOUR] = raw;
	return raw & HOUR_PM ? hour + 12 : hour;
}

static struct timespec host_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

/* The time of now into the registers, unless the guest is setting them. */
static void clock_to_regs(struct rtc *r)
{
	time_t now = host_now().tv_sec + r->offset;
	struct tm tm;

	if (r->ram[REG_B] & B_SET || !gmtime_r(&now, &tm))
		return;
	r->ram[SEC] = encode(r, tm.tm_sec);
	r->ram[MIN_] = encode(r, tm.tm_min);
	r->ram[HOUR] = encode_hour(r, tm.tm_hour);
	r->ram[WDAY] = encode(r, tm.tm_wday + 1);
	r->ram[MDAY] = encode(r, tm.tm_mday);
	r->ram[MONTH] = encode(r, tm.tm_mon + 1);
	r->ram[YEAR] = encode(r, tm.tm_year % 100);
	r->ram[RTC_CENTURY] = encode(r, tm.tm_year / 100 + 19);
}

/* Nonsense in a field (the 40th of May) counts on, as timegm() does. */
static void regs_to_clock(struct rtc *r)
{
	struct tm tm = {
		.tm_sec = decode(r, SEC),
		.tm_min = decode(r, MIN_),
		.tm_hour = decode_hour(r),
		.tm_mday = decode(r, MDAY),
		.tm_mon = (int)decode(r, MONTH) - 1,
		.tm_year = decode(r, YEAR) +
			   100 * ((int)decode(r, RTC_CENTURY) - 19),
	};

	r->offset = timegm(&tm) - host_now().tv_sec;
}

static bool is_time(unsigned int reg)
{
	return reg == SEC || reg == MIN_ || reg == HOUR ||
	       (reg >= WDAY && reg <= YEAR) || reg == RTC_CENTURY;
}

static uint8_t read_reg(struct rtc *r, unsigned int reg)
{
	if (is_time(reg))
		clock_to_regs(r);
	if (reg == REG_A && !(r->ram[REG_B] & B_SET) &&
	    host_now().tv_nsec >= 1000000000 - UIP_NS)
		return r->ram[REG_A] | A_UIP;
	return r->ram[reg];
}

static void write_time(struct rtc *r, unsigned int reg, uint8_t val)
{
	clock_to_regs(r);
	r->ram[reg] = val;
	if (!(r->ram[REG_B] & B_SET))
		regs_to_clock(r);
}

static void write_mode(struct rtc *r, uint8_t val)
{
	uint8_t was = r->ram[REG_B];

	/* Registers are in the old format until the new one is known. */
	clock_to_regs(r);
	if (was & B_SET && !(val & B_SET)) {
		r->ram[REG_B] = val & B_MASK;
		regs_to_clock(r);
	}
	r->ram[REG_B] = val & B_MASK;
}

static void write_reg(struct rtc *r, unsigned int reg, uint8_t val)
{
	if (is_time(reg))
		write_time(r, reg, val);
	else if (reg == REG_A)
		r->ram[REG_A] = val & ~A_UIP;
	else if (reg == REG_B)
		write_mode(r, val);
	else if (reg != REG_C && reg != REG_D)
		r->ram[reg] = val;
}

static uint64_t rtc_read(void *owner, uint64_t offset, unsigned int len)
{
	struct rtc *r = owner;
	uint64_t val = 0xff;	/* the index can't be read back */

	if (len == 2)
		return 0xffff;
	pthread_mutex_lock(&r->lock);
	if (offset == 1)
		val = read_reg(r, r->index);
	pthread_mutex_unlock(&r->lock);
	return val;
}

/* 16 bits at the index port are index and data, as the PC's bus splits it. */
static void rtc_write(void *owner, uint64_t offset, uint64_t value,
		      unsigned int len)
{
	struct rtc *r = owner;

	pthread_mutex_lock(&r->lock);
	if (offset == 0)
		r->index = value & (RTC_SIZE - 1); /* bit 7 masks NMI */
	if (offset == 1)
		write_reg(r, r->index, value);
	else if (len == 2)
		write_reg(r, r->index, value >> 8);
	pthread_mutex_unlock(&r->lock);
}

static const struct bus_ops rtc_bus_ops = {
	.read = rtc_read,
	.write = rtc_write,
};

/* A battery keeps time and RAM, and so most of the chip, over a reset. */
static void rtc_reset(struct device *dev)
{
	struct rtc *r = container_of(dev, struct rtc, dev);

	r->index = 0;
}

static void rtc_describe(const struct device *dev, struct desc *desc)
{
	const struct rtc *r = container_of(dev, struct rtc, dev);

	desc->name = "RTC";
	desc->acpi_hid = "PNP0B00";
	desc->ranges[desc->nr_ranges++] = (struct desc_range){
		DESC_PIO, r->base, 2, false,
	};
}

static void rtc_destroy(struct device *dev);

static const struct device_ops rtc_ops = {
	.reset = rtc_reset,
	.destroy = rtc_destroy,
	.describe = rtc_describe,
};

int rtc_create(struct vm *vm, uint64_t base)
{
	struct rtc *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		goto report;
	r->base = base;
	r->ram[REG_A] = A_DIVIDER;
	r->ram[REG_B] = B_24H;
	r->ram[REG_D] = D_VALID;
	pthread_mutex_init(&r->lock, NULL);
	err = bus_add(&vm->pio, "rtc", base, 2, &rtc_bus_ops, r);
	if (err < 0)
		goto free_rtc;
	device_add(vm, &r->dev, "rtc", &rtc_ops);
	return 0;

free_rtc:
	pthread_mutex_destroy(&r->lock);
	free(r);
report:
	log_err("rtc: cannot be set up: %s", err_text(err));
	return err;
}

static void rtc_destroy(struct device *dev)
{
	struct rtc *r = container_of(dev, struct rtc, dev);

	pthread_mutex_destroy(&r->lock);
	free(r);
}
