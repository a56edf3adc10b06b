/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GIC over the fake kernel: which version is taken, where its parts are,
 * what a reset leaves, and the ways of an MSI.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "arch/arm64/board.h"
#include "arch/arm64/layout.h"
#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/arch.h"
#include "vmm/sys.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define SETSPI (ARM64_GIC_V2M + 0x40)
#define V2M_FIRST (32 + ARM64_V2M_LINE)
#define DIST KVM_DEV_ARM_VGIC_GRP_DIST_REGS
#define REDIST KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
#define CPU KVM_DEV_ARM_VGIC_GRP_CPU_REGS
#define ICC KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS

static struct vm vm;
static struct config cfg;
static struct gic *gic;

static int create(void)
{
	int err;

	memset(&vm, 0, sizeof(vm));
	vm.cfg = &cfg;
	err = kvm_open(&vm.kvm, "/dev/kvm");
	if (err < 0)
		return err;
	bus_create(&vm.mmio, "mmio");
	err = arch_vm_create(&vm);
	if (err < 0) {
		kvm_close(&vm.kvm);
		return err;
	}
	gic = &vm.board->gic;
	return 0;
}

static void destroy(void)
{
	vcpus_destroy(&vm);
	arch_vm_destroy(&vm);
	kvm_close(&vm.kvm);
}

static void begin(unsigned int version)
{
	fake_begin();
	fake_host()->gic = version;
	cfg = (struct config){ .cpus = 3 };
	CHECK_EQ(create(), 0);
}

/* The same, up to where a guest could run. */
static void begin_started(unsigned int version)
{
	begin(version);
	CHECK_EQ(vcpus_create(&vm), 0);
}

static void end(void)
{
	destroy();
	fake_end();
}

TEST(a_gicv3_is_preferred)
{
	begin(3);
	CHECK_EQ(gic->version, 3);
	CHECK_EQ(gic->dist.base, ARM64_GIC_DIST);
	CHECK_EQ(gic->cpu.base, ARM64_GIC_REDIST(3));
	CHECK_EQ(gic->cpu.size, 3 * 128 * KiB);
	CHECK_EQ(gic->its.base, ARM64_GIC_ITS);
	CHECK_EQ(gic->v2m.size, 0);
	CHECK(vm.irqs.msi_devid);
	CHECK_EQ(vm.irqs.first_msi, ARM64_LINES);
	CHECK_EQ(fake_count("KVM_CREATE_DEVICE type=0x5"), 0);
	end();
}

TEST(a_gicv2_will_do)
{
	begin(2);
	CHECK_EQ(gic->version, 2);
	CHECK_EQ(gic->dist.base, ARM64_GIC_DIST);
	CHECK_EQ(gic->cpu.base, ARM64_GIC_CPU);
	CHECK_EQ(gic->its.size, 0);
	CHECK_EQ(gic->v2m.base, ARM64_GIC_V2M);
	CHECK_EQ(gic->v2m_line, ARM64_V2M_LINE);
	CHECK(!vm.irqs.msi_devid);
	end();
}

TEST(there_must_be_one)
{
	fake_begin();
	fake_host()->gic = 0;
	capture_begin(2);
	CHECK_EQ(create(), -ENODEV);
	CHECK_STR(capture_end(),
		  "postern: gic: this host's KVM has no GICv3 and no GICv2\n");
	fake_host()->gic = 3;
	fake_host()->its = false;
	capture_begin(2);
	CHECK_EQ(create(), -EOPNOTSUPP);
	CHECK_STR(capture_end(),
		  "postern: gic: cannot create an ITS: no such device\n");
	fake_end();
}

/* Nothing overlaps another, of what the guest may address. */
TEST(parts_have_places_of_their_own)
{
	unsigned int version, i, j;

	for (version = 2; version <= 3; version++) {
		begin(version);
		cfg.cpus = 64;
		const struct gic_range *parts[] = {
			&gic->dist, &gic->cpu, &gic->its, &gic->v2m,
		};

		for (i = 0; i < ARRAY_SIZE(parts); i++)
			for (j = 0; j < i; j++)
				CHECK(!parts[i]->size || !parts[j]->size ||
				      !ranges_overlap(parts[i]->base,
						      parts[i]->size,
						      parts[j]->base,
						      parts[j]->size));
		cfg.cpus = 3;
		end();
	}
}

TEST(a_line_is_a_shared_interrupt)
{
	begin_started(3);
	irq_line_set(&vm.irqs, 0, 1);
	irq_line_set(&vm.irqs, ARM64_LINES - 1, 0);
	CHECK_EQ(fake_count("KVM_IRQ_LINE irq=0x1000020 level=0x1 -> 0"), 1);
	CHECK_EQ(fake_count("KVM_IRQ_LINE irq=0x100011f level=0x0 -> 0"), 1);
	end();
}

/* Signals of @msi, when a device raises it. */
static struct fake_msg send(const struct msi *msi)
{
	int gsi = irq_msi_add(&vm.irqs, msi), fd = sys_eventfd();
	struct fake_msg msg;

	CHECK(gsi >= ARM64_LINES && fd >= 0);
	CHECK_EQ(irq_fd_attach(&vm.irqs, gsi, fd, -1), 0);
	CHECK(fake_eventfd_fire(fd, &msg));
	irq_fd_detach(&vm.irqs, gsi, fd);
	irq_msi_del(&vm.irqs, gsi);
	sys_close(fd);
	return msg;
}

TEST(the_its_is_told_who_sends)
{
	struct msi msi = {
		.address = ARM64_GIC_ITS + 0x10040, .data = 5, .devid = 0x18,
	};
	struct fake_msg msg;

	begin_started(3);
	msg = send(&msi);
	CHECK(!msg.pin);
	CHECK_EQ(msg.address, msi.address);
	CHECK_EQ(msg.data, 5);
	CHECK_EQ(msg.devid, 0x18);
	end();
}

TEST(an_msi_of_the_v2m_frame_is_a_line)
{
	struct msi msi = { .address = SETSPI, .data = V2M_FIRST };
	struct fake_msg msg;

	begin_started(2);
	msg = send(&msi);
	CHECK(msg.pin);
	CHECK_EQ(msg.line, ARM64_V2M_LINE);
	msi.data = V2M_FIRST + ARM64_V2M_LINES - 1;
	msg = send(&msi);
	CHECK(msg.pin);
	CHECK_EQ(msg.line, ARM64_V2M_LINE + ARM64_V2M_LINES - 1);
	end();
}

/* KVM knows no such MSI, and drops it; the routes of others must stay. */
TEST(what_is_not_of_the_frame_is_no_line)
{
	struct msi msis[] = {
		{ .address = SETSPI, .data = V2M_FIRST - 1 },
		{ .address = SETSPI, .data = V2M_FIRST + ARM64_V2M_LINES },
		{ .address = SETSPI, .data = ~0U },
		{ .address = SETSPI + 4, .data = V2M_FIRST },
		{ .address = 0, .data = V2M_FIRST },
	};
	unsigned int i;

	begin_started(2);
	for (i = 0; i < ARRAY_SIZE(msis); i++) {
		test_note("%u", i);
		CHECK(!send(&msis[i]).pin);
	}
	end();
}

TEST(a_processor_may_write_the_frame)
{
	begin_started(2);
	CHECK_EQ(bus_read(&vm.mmio, ARM64_GIC_V2M + 8, 4),
		 V2M_FIRST << 16 | ARM64_V2M_LINES);
	CHECK_EQ(bus_read(&vm.mmio, ARM64_GIC_V2M + 0xfcc, 4), 0);
	fake_journal_clear();
	bus_write(&vm.mmio, SETSPI, V2M_FIRST + 1, 4);
	CHECK(fake_order("irq=0x1000051 level=0x1", "irq=0x1000051 level=0x0",
			 NULL));
	fake_journal_clear();
	bus_write(&vm.mmio, SETSPI, V2M_FIRST - 1, 4);
	bus_write(&vm.mmio, SETSPI, V2M_FIRST + ARM64_V2M_LINES, 4);
	bus_write(&vm.mmio, SETSPI, ~0ULL, 8);
	bus_write(&vm.mmio, SETSPI - 4, V2M_FIRST, 4);
	CHECK_EQ(fake_count("KVM_IRQ_LINE"), 0);
	end();
}

/* KVM forgets with the GIC's start what routes it was given before. */
TEST(routes_outlive_the_start)
{
	struct msi msi = { .address = 0x8090040, .data = 1, .devid = 8 };

	begin(3);
	CHECK(irq_msi_add(&vm.irqs, &msi) >= 0);
	CHECK_EQ(irq_commit(&vm.irqs), 0);
	CHECK_EQ(vcpus_create(&vm), 0);
	CHECK_EQ(fake_routes(), ARM64_LINES + 1);
	end();
}

static uint64_t reg(unsigned int group, uint64_t attr)
{
	uint64_t value;

	test_note("group %u attribute 0x%llx", group, (unsigned long long)attr);
	CHECK(fake_gic_reg(group, attr, &value));
	return value;
}

static const unsigned int last = ARM64_LINES + 32 - 1;

/* Of one interrupt each: the first and last of shared ones, and a private. */
static void check_irqs(unsigned int group, uint64_t attr, unsigned int irq)
{
	CHECK_EQ(reg(group, attr + 0x180 + irq / 32 * 4), 0xffffffff);
	CHECK_EQ(reg(group, attr + 0x200 + irq / 32 * 4), 0);
	CHECK_EQ(reg(group, attr + 0x280 + irq / 32 * 4), 0xffffffff);
	CHECK_EQ(reg(group, attr + 0x380 + irq / 32 * 4), 0xffffffff);
	CHECK_EQ(reg(group, attr + 0x400 + irq / 4 * 4), 0);
	CHECK_EQ(reg(group, attr + 0xc00 + irq / 16 * 4), 0);
}

TEST(a_reset_leaves_nothing_of_the_guests_in_a_gicv3)
{
	unsigned int cpu;
	uint64_t attr, beyond;

	begin_started(3);
	CHECK_EQ(arch_vm_reset(&vm), 0);
	CHECK_EQ(fake_count("KVM_SET_DEVICE_ATTR group=0x4 attr=0x4 -> 0"), 1);
	CHECK_EQ(reg(DIST, 0), 0);
	check_irqs(DIST, 0, 32);
	check_irqs(DIST, 0, last);
	CHECK_EQ(reg(DIST, 0x80 + 4), 0xffffffff);
	CHECK_EQ(reg(DIST, 0x6000 + 8 * 32), 0);
	CHECK_EQ(reg(DIST, 0x6000 + 8 * last + 4), 0);
	CHECK(!fake_gic_reg(DIST, 0x6000 + 8 * (last + 1), &beyond));
	for (cpu = 0; cpu < 3; cpu++) {
		attr = (uint64_t)cpu << 32;
		CHECK_EQ(reg(REDIST, attr), 0);
		CHECK_EQ(reg(REDIST, attr + 0x70), 0);
		CHECK_EQ(reg(REDIST, attr + 0x7c), 0);
		check_irqs(REDIST, attr + 0x10000, 0);
		CHECK_EQ(reg(REDIST, attr + 0x10100), 0xffff);
		CHECK_EQ(reg(ICC, attr + 0xc664), 0xc00);
		CHECK_EQ(reg(ICC, attr + 0xc230), 0);	/* ICC_PMR_EL1 */
		CHECK_EQ(reg(ICC, attr + 0xc667), 0);	/* ICC_IGRPEN1_EL1 */
		CHECK_EQ(reg(ICC, attr + 0xc648), 0);	/* ICC_AP1R0_EL1 */
	}
	end();
}

TEST(a_reset_leaves_nothing_of_the_guests_in_a_gicv2)
{
	unsigned int cpu;
	uint64_t attr;

	begin_started(2);
	CHECK_EQ(arch_vm_reset(&vm), 0);
	CHECK_EQ(reg(DIST, 0), 0);
	check_irqs(DIST, 0, 32);
	check_irqs(DIST, 0, last);
	CHECK_EQ(reg(DIST, 0x84), 0);
	CHECK_EQ(reg(DIST, 0x800 + last / 4 * 4), 0);
	for (cpu = 0; cpu < 3; cpu++) {
		attr = (uint64_t)cpu << 32;
		check_irqs(DIST, attr, 0);
		CHECK_EQ(reg(DIST, attr + 0x100), 0xffff);
		CHECK_EQ(reg(CPU, attr), 0);
		CHECK_EQ(reg(CPU, attr + 0xd0), 0);
	}
	end();
}

static void build_reset(void)
{
	cfg = (struct config){ .cpus = 1 };
}

static int create_and_reset(void)
{
	int err = create();

	if (err < 0)
		return err;
	err = vcpus_create(&vm);
	if (!err)
		err = arch_vm_reset(&vm);
	destroy();
	return err;
}

/* Registers of priorities that the host's GIC has not got are refused. */
static bool survivable(const char *line)
{
	return !strncmp(line, "ioctl KVM_CHECK_EXTENSION", 25) ||
		!strncmp(line, "ioctl KVM_ENABLE_CAP", 20) ||
		strstr(line, "group=0x6 attr=0xc644") ||
		strstr(line, "group=0x6 attr=0xc645") ||
		strstr(line, "group=0x6 attr=0xc646") ||
		strstr(line, "group=0x6 attr=0xc647") ||
		strstr(line, "group=0x6 attr=0xc648") ||
		strstr(line, "group=0x6 attr=0xc649") ||
		strstr(line, "group=0x6 attr=0xc64a") ||
		strstr(line, "group=0x6 attr=0xc64b");
}

TEST(every_call_of_a_reset_may_fail)
{
	CHECK(fake_sweep(build_reset, create_and_reset, survivable) > 500);
}
