/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI's fixed registers; see pm.h. Guests may access them in any width, so
 * reads assemble an image of the block and writes are taken byte by byte.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/layout.h"
#include "arch/x86/pm.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define PM_TIMER_HZ	3579545
#define PWRBTN		BIT(8)	/* in status and enable */
#define STS_MASK	0x8f31	/* status bits that there are */
#define EN_MASK		0x0721	/* enable bits that there are */
#define SCI_EN		BIT(0)
#define CNT_MASK	0x1c03	/* what control keeps: SLP_TYP, BM_RLD, SCI */
#define SLP_EN_HIGH	0x20	/* in control's high byte */
#define SLP_TYP_HIGH(b)	((b) >> 2 & 7)

struct pm {
	struct device dev;
	struct vm *vm;
	pthread_mutex_t lock;
	uint16_t sts, en, cnt;
};

static void update_sci(struct pm *pm)
{
	irq_line_set(&pm->vm->irqs, X86_SCI_IRQ, (pm->sts & pm->en) != 0);
}

static uint32_t timer(void)
{
	uint64_t ns = time_now();

	return ns / 1000000000 * PM_TIMER_HZ +
	       ns % 1000000000 * PM_TIMER_HZ / 1000000000;
}

static uint64_t pm_read(void *owner, uint64_t offset, unsigned int len)
{
	uint8_t image[PM_SIZE] = { 0 };
	struct pm *pm = owner;
	uint32_t now = timer();
	uint64_t val = 0;

	pthread_mutex_lock(&pm->lock);
	memcpy(image + PM1_STS, &pm->sts, 2);
	memcpy(image + PM1_EN, &pm->en, 2);
	memcpy(image + PM1_CNT, &pm->cnt, 2);
	pthread_mutex_unlock(&pm->lock);
	memcpy(image + PM_TMR, &now, 4);
	memcpy(&val, image + offset, len);
	return val;
}

/* @high is control's high byte, with SLP_EN set. */
static void sleep_now(struct pm *pm, uint8_t high)
{
	if (SLP_TYP_HIGH(high) == PM_SLP_TYP_S5)
		vm_stop(pm->vm, STATUS_OK);
	else
		trace(TRACE_VCPU, "pm: no sleep type %u", SLP_TYP_HIGH(high));
}

static void write_byte(struct pm *pm, unsigned int reg, uint8_t b)
{
	unsigned int shift = 8 * (reg & 1);
	uint16_t keep = 0xff00 >> shift, bits = b << shift;

	switch (reg & ~1U) {
	case PM1_STS:
		pm->sts &= ~bits;
		break;
	case PM1_EN:
		pm->en = ((pm->en & keep) | bits) & EN_MASK;
		break;
	case PM1_CNT:
		pm->cnt = (((pm->cnt & keep) | bits) & CNT_MASK) | SCI_EN;
		if (shift && b & SLP_EN_HIGH)
			sleep_now(pm, b);
		break;
	case PM_RESET:
		if (!shift && b == PM_RESET_VALUE)
			vm_reset(pm->vm);
		break;
	}
}

static void pm_write(void *owner, uint64_t offset, uint64_t value,
		     unsigned int len)
{
	struct pm *pm = owner;
	unsigned int i;

	pthread_mutex_lock(&pm->lock);
	for (i = 0; i < len; i++)
		write_byte(pm, offset + i, value >> (8 * i));
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

static const struct bus_ops pm_bus_ops = {
	.read = pm_read,
	.write = pm_write,
};

void pm_power_button(struct pm *pm)
{
	pthread_mutex_lock(&pm->lock);
	pm->sts |= PWRBTN;
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

static void pm_reset(struct device *dev)
{
	struct pm *pm = container_of(dev, struct pm, dev);

	pthread_mutex_lock(&pm->lock);
	pm->sts = 0;
	pm->en = 0;
	pm->cnt = SCI_EN;
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

/* The ports are taken; drivers learn from FADT what they are. */
static void pm_describe(const struct device *dev, struct desc *desc)
{
	desc->name = "PM";
	desc->acpi_hid = "PNP0C02";
	desc->ranges[desc->nr_ranges++] = (struct desc_range){
		DESC_PIO, X86_PM_PORT, PM_SIZE, false,
	};
}

static void pm_destroy(struct device *dev);

static const struct device_ops pm_ops = {
	.reset = pm_reset,
	.destroy = pm_destroy,
	.describe = pm_describe,
};

int pm_create(struct vm *vm, struct pm **out)
{
	struct pm *pm = calloc(1, sizeof(*pm));
	int err = -ENOMEM;

	if (!pm)
		goto report;
	pm->vm = vm;
	pm->cnt = SCI_EN;
	pthread_mutex_init(&pm->lock, NULL);
	err = bus_add(&vm->pio, "pm", X86_PM_PORT, PM_SIZE, &pm_bus_ops, pm);
	if (err < 0)
		goto free_pm;
	device_add(vm, &pm->dev, "pm", &pm_ops);
	*out = pm;
	return 0;

free_pm:
	pthread_mutex_destroy(&pm->lock);
	free(pm);
report:
	log_err("pm: cannot be set up: %s", err_text(err));
	return err;
}

static void pm_destroy(struct device *dev)
{
	struct pm *pm = container_of(dev, struct pm, dev);

	pthread_mutex_destroy(&pm->lock);
	free(pm);
}
