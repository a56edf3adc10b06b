/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PL061 and the power button on it, with a timer made up here; and the
 * exit device in memory space.
 */
#include <errno.h>

#include "devices/debugexit.h"
#include "devices/pl061.h"
#include "vmm/vm.h"
#include "test.h"

#define BASE 0x9030000
#define DATA(mask) ((mask) << 2)
#define BUTTON 8		/* pin 3, as a bit */

enum {
	DIR = 0x400, IS = 0x404, IBE = 0x408, IEV = 0x40c, IE = 0x410,
	RIS = 0x414, MIS = 0x418, IC = 0x41c, AFSEL = 0x420,
};

static struct vm vm;
static struct pl061 *gpio;
static int line, timers, no_timer, stopped = -1;
static loop_cb *fired;
static void *fired_arg;

int loop_timer(struct loop *loop, unsigned int ms, loop_cb *cb, void *arg)
{
	if (no_timer)
		return -EMFILE;
	CHECK_EQ(timers++, 0);
	fired = cb;
	fired_arg = arg;
	return 99;
}

void loop_timer_del(struct loop *loop, int fd)
{
	timers--;
}

void irq_line_set(struct irqs *irqs, unsigned int gsi, int level)
{
	CHECK_EQ(gsi, 7);
	CHECK(level != line);
	line = level;
}

void vm_stop(struct vm *v, int status)
{
	stopped = status;
}

static void out(unsigned int reg, uint32_t val)
{
	bus_write(&vm.mmio, BASE + reg, val, 4);
}

static uint32_t in(unsigned int reg)
{
	return bus_read(&vm.mmio, BASE + reg, 4);
}

static void begin(void)
{
	bus_create(&vm.mmio, "mmio");
	CHECK_EQ(pl061_create(&vm, BASE, 7, 3, &gpio), 0);
}

static void end(void)
{
	devices_destroy(&vm);
	CHECK_EQ(timers, 0);
}

TEST(outputs_read_back_and_addresses_mask)
{
	begin();
	CHECK_EQ(in(0xfe0), 0x61);
	CHECK_EQ(in(DATA(0xff)), 0);
	out(DIR, 0xf0);
	out(DATA(0x30), 0xff);
	CHECK_EQ(in(DATA(0xff)), 0x30);
	out(DATA(0x10), 0);
	CHECK_EQ(in(DATA(0xff)), 0x20);
	CHECK_EQ(in(DATA(0x10)), 0);
	out(DATA(0x0f), 0xff);		/* inputs are not the guest's */
	CHECK_EQ(in(DATA(0xff)), 0x20);
	out(DIR, 0xff);
	CHECK_EQ(in(DATA(0xff)), 0x2f);
	out(AFSEL, 0x1ff);
	CHECK_EQ(in(AFSEL), 0xff);
	CHECK_EQ(line, 0);
	end();
}

/* As Linux's gpio-keys has it: both edges. */
TEST(the_button_is_pressed_and_let_go)
{
	begin();
	out(IBE, BUTTON);
	out(IE, BUTTON);
	pl061_power_button(gpio);
	CHECK_EQ(line, 1);
	CHECK_EQ(in(DATA(0xff)), BUTTON);
	CHECK_EQ(in(MIS), BUTTON);
	out(IC, BUTTON);
	CHECK_EQ(line, 0);
	fired(fired_arg);
	CHECK_EQ(timers, 0);
	CHECK_EQ(line, 1);
	CHECK_EQ(in(DATA(0xff)), 0);
	out(IC, 0xff);
	CHECK_EQ(line, 0);
	end();
}

TEST(edges_are_remembered_as_asked_for)
{
	begin();
	out(IE, BUTTON);		/* falling */
	pl061_power_button(gpio);
	CHECK_EQ(line, 0);
	fired(fired_arg);
	CHECK_EQ(line, 1);
	out(IC, BUTTON);
	out(IEV, BUTTON);		/* rising */
	pl061_power_button(gpio);
	CHECK_EQ(line, 1);
	out(IE, 0);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(RIS), BUTTON);
	out(IC, BUTTON);
	fired(fired_arg);
	CHECK_EQ(in(RIS), 0);
	end();
}

TEST(levels_interrupt_while_they_last)
{
	begin();
	out(IS, BUTTON);
	out(IEV, BUTTON);
	out(IE, BUTTON);
	CHECK_EQ(line, 0);
	pl061_power_button(gpio);
	CHECK_EQ(line, 1);
	out(IC, BUTTON);
	CHECK_EQ(line, 1);
	fired(fired_arg);
	CHECK_EQ(line, 0);
	out(IEV, 0);			/* low */
	CHECK_EQ(line, 1);
	out(IS, 0);
	CHECK_EQ(line, 0);
	end();
}

TEST(a_second_press_begins_anew)
{
	begin();
	pl061_power_button(gpio);
	pl061_power_button(gpio);
	CHECK_EQ(in(DATA(0xff)), BUTTON);
	CHECK_EQ(timers, 1);
	no_timer = 1;			/* then it is a short one */
	pl061_power_button(gpio);
	CHECK_EQ(in(DATA(0xff)), 0);
	end();
}

TEST(reset_is_power_on)
{
	begin();
	out(DIR, 0xf0);
	out(DATA(0xff), 0xff);
	out(IEV, BUTTON);
	out(IE, BUTTON);
	pl061_power_button(gpio);
	CHECK_EQ(line, 1);
	devices_reset(&vm);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(DIR), 0);
	CHECK_EQ(in(RIS), 0);
	fired(fired_arg);
	CHECK_EQ(in(DATA(0xff)), 0);
	end();
}

TEST(taken_addresses_are_an_error)
{
	struct pl061 *second;

	begin();
	CHECK(pl061_create(&vm, BASE, 7, 3, &second) < 0);
	end();
}

TEST(an_exit_device_in_memory_space)
{
	struct desc desc = { .irq = -1 };

	bus_create(&vm.mmio, "mmio");
	CHECK_EQ(debugexit_create(&vm, DESC_MMIO, 0x1000), 0);
	vm.devices->ops->describe(vm.devices, &desc);
	CHECK_STR(desc.compatible, "postern,exit");
	CHECK_EQ(desc.ranges[0].base, 0x1000);
	CHECK_EQ(desc.ranges[0].kind, DESC_MMIO);
	CHECK_EQ(bus_read(&vm.mmio, 0x1000, 4), 0);
	bus_write(&vm.mmio, 0x1000, 7, 4);
	CHECK_EQ(stopped, 7);
	bus_write(&vm.mmio, 0x1000, 0x100, 4);
	CHECK_EQ(stopped, 63);
	end();
}
