/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole arm64 machine over the fake kernel: created, reset and destroyed
 * with an assigned device, each of its kernel calls made to fail once; and
 * what its vCPUs are made of.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arch/arm64/board.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/vcpu.h"
#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/arch.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define DEV "0000:01:00.0"
#define SVE BIT(KVM_ARM_VCPU_SVE)
#define PAUTH (BIT(KVM_ARM_VCPU_PTRAUTH_ADDRESS) | \
	       BIT(KVM_ARM_VCPU_PTRAUTH_GENERIC))
#define PMU BIT(KVM_ARM_VCPU_PMU_V3)
#define PSCI BIT(KVM_ARM_VCPU_PSCI_0_2)
#define OFF BIT(KVM_ARM_VCPU_POWER_OFF)
#define CORE(member) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 KVM_REG_ARM_CORE_REG(member))

/* What the main thread does once the guest runs, and a processor; as AS(). */
#define devices_reset(...) AS_VOID(FAKE_MAIN, devices_reset(__VA_ARGS__))
#define arch_vm_reset(...) AS(FAKE_MAIN, arch_vm_reset(__VA_ARGS__))
#define board_load(...) AS(FAKE_MAIN, board_load(__VA_ARGS__))
#define vcpus_reset(...) AS(FAKE_MAIN, vcpus_reset(__VA_ARGS__))
#define vm_destroy(...) AS_VOID(FAKE_MAIN, vm_destroy(__VA_ARGS__))
#define arch_vcpu_exit(...) AS(FAKE_VCPU, arch_vcpu_exit(__VA_ARGS__))

static struct vm vm;
static struct config cfg;

static struct image {
	uint32_t code[2];
	uint64_t text_offset, image_size, flags, reserved[3];
	uint32_t magic, pe_offset;
	uint8_t rest[4096];
} image;

static void build(void)
{
	image = (struct image){
		.code = { 0x14000000 },
		.image_size = 64 * KiB, .magic = 0x644d5241,
	};
	fake_blob("/kernel", &image, sizeof(image));
	fake_file("/initrd", "an initrd");
	fake_file("/proc/meminfo", "MemTotal:       1048576 kB\n");
	fake_pci_nvme(DEV, 1);
	cfg = (struct config){
		.kernel = "/kernel", .initrd = "/initrd", .append = "words",
		.memory = 64 * MiB, .cpus = 2, .vfio = { DEV }, .nr_vfio = 1,
	};
}

static void build_gicv2(void)
{
	build();
	fake_host()->gic = 2;
	cfg.nr_vfio = 0;
	cfg.cpu_features = "pmu=on,sve=off";
}

static int whole_life(void)
{
	int err = vm_create(&vm, &cfg);

	if (err < 0)
		return err;
	vm_destroy(&vm);
	return 0;
}

#define SYS_DEV "/sys/bus/pci/devices/" DEV

/*
 * As in machine.c; and what of arm64's is advice: the caches' sizes, and who
 * tells of what can't be emulated.
 */
static bool survivable(const char *line)
{
	static const char *const lines[] = {
		"ioctl KVM_CHECK_EXTENSION", "ioctl KVM_ENABLE_CAP cap=0xb1",
		"ioctl KVM_GET_ONE_REG id=0x6020000000110",
		"ioctl KVM_GET_ONE_REG id=0x603000000013c801",
		"madvise", "ioctl IOMMU_OPTION",
		"open /proc/meminfo", "pread /proc/meminfo",
		"open " SYS_DEV "/", "read " SYS_DEV "/",
		"listdir " SYS_DEV "/vfio-dev", "stat " SYS_DEV "/vfio-dev/",
		"open /sys/kernel/iommu_groups/1/name", "stat /dev/iommu",
		"mmap anonymous len=0x8000 ", "mmap VFIO device",
		"ioctl VFIO_DEVICE_GET_REGION_INFO argsz=0x20 index=0x6",
		"ioctl VFIO_DEVICE_GET_IRQ_INFO",
		"ioctl VFIO_DEVICE_FEATURE flags=0x1000b", /* dma-buf */
		"pwrite VFIO device " DEV " len=2 offset=0x70000000004",
		/* whether it lives after its last reset */
		"pread VFIO device " DEV " len=4 offset=0x70000000000",
		"pread VFIO device " DEV " len=4 offset=0x70000000008",
		"ioctl VFIO_DEVICE_RESET", "ioctl VFIO_DEVICE_DETACH_IOMMUFD_PT",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strncmp(line, lines[i], strlen(lines[i])))
			return true;
	return false;
}

TEST(a_whole_machine_lives_and_leaves_nothing)
{
	fake_begin();
	build();
	CHECK_EQ(whole_life(), 0);
	fake_end();
}

TEST(a_whole_machine_survives_every_failing_call)
{
	CHECK(fake_sweep(build, whole_life, survivable) >= 100);
}

TEST(so_does_one_with_a_gicv2_and_a_monitor)
{
	CHECK(fake_sweep(build_gicv2, whole_life, survivable) >= 50);
}

/* The GIC has to know all vCPUs, and each monitor the GIC. */
TEST(the_machine_is_made_in_kvms_order)
{
	fake_begin();
	build();
	cfg.cpu_features = "pmu=on";
	CHECK_EQ(whole_life(), 0);
	CHECK(fake_order("KVM_CREATE_VM 0x28", "KVM_CREATE_DEVICE type=0x7",
			 "KVM_CREATE_DEVICE type=0x8",
			 "KVM_SET_GSI_ROUTING nr=0x100",
			 "KVM_CREATE_VCPU", "KVM_ARM_VCPU_INIT",
			 "KVM_ARM_VCPU_FINALIZE feature=0x4",
			 "KVM_CREATE_VCPU", "KVM_ARM_VCPU_INIT",
			 "KVM_SET_DEVICE_ATTR group=0x4 attr=0x0",
			 "KVM_SET_DEVICE_ATTR group=0x0 attr=0x1", NULL));
	fake_end();
}

static void create(const char *features)
{
	cfg.cpu_features = features;
	CHECK_EQ(vm_create(&vm, &cfg), 0);
}

TEST(vcpus_have_what_the_host_has)
{
	fake_begin();
	build();
	create(NULL);
	CHECK_EQ(fake_vcpu_features(0), PSCI | SVE | PAUTH);
	CHECK_EQ(fake_vcpu_features(1), PSCI | SVE | PAUTH | OFF);
	CHECK(!vm_has_pmu(&vm));
	CHECK_EQ(vm_ipa_bits(&vm), FAKE_PHYS_BITS);
	vm_destroy(&vm);
	fake_host()->sve = fake_host()->pauth = false;
	create(NULL);
	CHECK_EQ(fake_vcpu_features(0), PSCI);
	vm_destroy(&vm);
	fake_end();
}

TEST(vcpus_have_what_they_are_told_to_have)
{
	fake_begin();
	build();
	create("sve=off,pauth=off");
	CHECK_EQ(fake_vcpu_features(1), PSCI | OFF);
	CHECK_EQ(fake_count("KVM_ARM_VCPU_FINALIZE"), 0);
	vm_destroy(&vm);
	create("pmu=on,sve=off");
	CHECK_EQ(fake_vcpu_features(0), PSCI | PAUTH | PMU);
	CHECK(vm_has_pmu(&vm));
	vm_destroy(&vm);
	create("sve=off,sve=on");
	CHECK_EQ(fake_vcpu_features(0), PSCI | SVE | PAUTH);
	vm_destroy(&vm);
	fake_end();
}

TEST(features_that_are_not_there_are_refused)
{
	static const char *const mistakes[] = {
		"", "sve", "sve=", "sve=yes", "mte=on", "sve=on,", ",sve=on",
		"sve=on,pmu", "sv=on", "sve=onn", "=on",
	};
	unsigned int i;

	fake_begin();
	build();
	for (i = 0; i < ARRAY_SIZE(mistakes); i++) {
		test_note("'%s'", mistakes[i]);
		cfg.cpu_features = mistakes[i];
		CHECK_EQ(whole_life(), -EDOM);
	}
	fake_host()->sve = fake_host()->pmu = false;
	cfg.cpu_features = "sve=on";
	capture_begin(2);
	CHECK_EQ(whole_life(), -EOPNOTSUPP);
	CHECK_STR(capture_end(), "postern: --cpu-features: this host's KVM has no sve\n");
	cfg.cpu_features = "pmu=on";
	CHECK_EQ(whole_life(), -EOPNOTSUPP);
	cfg.cpu_features = "pmu=off,sve=off";
	CHECK_EQ(whole_life(), 0);
	fake_end();
}

/* Sixteen to a cluster: the sixteenth is the first of the next. */
TEST(vcpus_have_affinities)
{
	fake_begin();
	build();
	cfg.cpus = 64;
	cfg.nr_vfio = 0;
	create(NULL);
	CHECK_EQ(vcpu_mpidr(&vm.vcpus[0]), 0);
	CHECK_EQ(vcpu_mpidr(&vm.vcpus[15]), 0xf);
	CHECK_EQ(vcpu_mpidr(&vm.vcpus[16]), 0x100);
	CHECK_EQ(vcpu_mpidr(&vm.vcpus[63]), 0x30f);
	vm_destroy(&vm);
	fake_end();
}

static void check_cache(const struct vcpu_cache *cache, unsigned int level,
			enum vcpu_cache_type type, uint32_t size,
			uint32_t sets)
{
	CHECK_EQ(cache->level, level);
	CHECK_EQ(cache->type, type);
	CHECK_EQ(cache->line, 64);
	CHECK_EQ(cache->size, size);
	CHECK_EQ(cache->sets, sets);
}

TEST(caches_are_what_kvm_says)
{
	struct vcpu_cache caches[VCPU_CACHES];

	fake_begin();
	build();
	fake_host()->cache_sizes = true;
	create(NULL);
	CHECK_EQ(vcpu_caches(&vm.vcpus[1], caches), 3);
	check_cache(&caches[0], 1, VCPU_CACHE_INSTRUCTION, 32 * KiB, 256);
	check_cache(&caches[1], 1, VCPU_CACHE_DATA, 32 * KiB, 128);
	check_cache(&caches[2], 2, VCPU_CACHE_UNIFIED, MiB, 1024);
	fake_host()->cache_sizes = false;
	CHECK_EQ(vcpu_caches(&vm.vcpus[0], caches), 3);
	check_cache(&caches[0], 1, VCPU_CACHE_INSTRUCTION, 0, 0);
	check_cache(&caches[2], 2, VCPU_CACHE_UNIFIED, 0, 0);
	vm_destroy(&vm);
	fake_end();
}

TEST(the_first_vcpu_enters_at_the_kernel)
{
	fake_begin();
	build();
	create(NULL);
	CHECK_EQ(fake_vcpu_reg(0, CORE(regs.pc)), vm.board->entry.pc);
	CHECK_EQ(fake_vcpu_reg(0, CORE(regs.regs[0])), vm.board->entry.x0);
	CHECK_EQ(fake_vcpu_reg(1, CORE(regs.pc)), 0);
	CHECK(vm.board->entry.pc >= ARM64_RAM_BASE);
	vm_destroy(&vm);
	fake_end();
}

TEST(a_reset_resets_the_device_and_loads_the_kernel_again)
{
	uint64_t pc;

	fake_begin();
	build();
	create(NULL);
	pc = vm.board->entry.pc;
	memset(mem_at(&vm.mem, pc, 16), 0, 16);
	fake_journal_clear();
	devices_reset(&vm);
	CHECK_EQ(arch_vm_reset(&vm), 0);
	CHECK_EQ(board_load(&vm), 0);
	CHECK_EQ(vcpus_reset(&vm), 0);
	CHECK_EQ(*(uint32_t *)mem_at(&vm.mem, pc, 4), 0x14000000);
	CHECK(fake_order("VFIO_DEVICE_RESET",
			 "KVM_SET_DEVICE_ATTR group=0x4 attr=0x4",
			 "KVM_ARM_VCPU_INIT", "KVM_SET_ONE_REG", NULL));
	CHECK_EQ(fake_pci_find(DEV)->resets, 1);
	CHECK_EQ(fake_vcpu_inits(0), 3);
	CHECK_EQ(fake_vcpu_inits(1), 3);
	CHECK_EQ(fake_vcpu_features(1) & OFF, OFF);
	CHECK_EQ(fake_vcpu_reg(0, CORE(regs.pc)), pc);
	vm_destroy(&vm);
	fake_end();
}

static bool says(const char *text, const char *what)
{
	return strstr(text, what);
}

/* KVM takes no irqfd before the GIC works: so not when it is created. */
TEST(a_platform_device_is_wired_when_the_gic_works)
{
	struct fake_pci *rtc;
	struct fake_msg msg;
	unsigned int i;

	fake_begin();
	build();
	rtc = fake_platform("9010000.pl031", "amba", 2, "vfio-amba");
	fake_of_node(rtc, "compatible", "arm,pl031\0arm,primecell", 24);
	cfg.vfio_platform[0] = "9010000.pl031";
	cfg.nr_vfio_platform = IS_ENABLED(CONFIG_VFIO_PLATFORM);
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	for (i = 0; i < 2 && cfg.nr_vfio_platform; i++) {
		CHECK(fake_slot_at(ARM64_PLATFORM_BASE));
		CHECK_EQ(fake_irq_fire(rtc, 0, 0, &msg), 1);
		CHECK_EQ(msg.gsi, ARM64_PLATFORM_LINE);
		CHECK(fake_intx_ack(rtc, ARM64_PLATFORM_LINE));
		devices_reset(&vm);
		CHECK_EQ(fake_irq_fire(rtc, 0, 0, &msg), -ENOENT);
		CHECK_EQ(arch_vm_reset(&vm), 0);
		CHECK_EQ(board_load(&vm), 0);
	}
	vm_destroy(&vm);
	fake_end();
}

TEST(what_kvm_cannot_emulate_is_told)
{
	struct vcpu *vcpu;
	const char *text;

	fake_begin();
	build();
	create(NULL);
	vcpu = &vm.vcpus[0];
	vcpu->run->exit_reason = KVM_EXIT_ARM_NISV;
	vcpu->run->arm_nisv.fault_ipa = 0x9000018;
	vcpu->run->arm_nisv.esr_iss = 0x46;
	capture_begin(2);
	CHECK(arch_vcpu_exit(vcpu));
	text = capture_end();
	CHECK(says(text, "vcpu 0: KVM cannot emulate the guest's instruction, "
			 "which accesses 0x9000018, "));
	CHECK(says(text, "vcpu 0: pc 00000000"));
	CHECK(says(text, "x29 "));
	CHECK(says(text, " far "));
	CHECK_EQ(vm.state, VM_STOPPING);
	CHECK_EQ(vm.status, STATUS_CRASH);
	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	CHECK(!arch_vcpu_exit(vcpu));
	vm_destroy(&vm);
	fake_end();
}

TEST(a_crash_is_told_with_the_registers)
{
	static char line[8192];
	char name[16];
	ssize_t len;
	int fds[2];

	fake_begin();
	build();
	CHECK_EQ(pipe(fds), 0);
	snprintf(name, sizeof(name), "fd:%d", fds[1]);
	cfg.events = name;
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	vm.vcpus[0].run->exit_reason = KVM_EXIT_ARM_NISV;
	capture_begin(2);
	CHECK(arch_vcpu_exit(&vm.vcpus[0]));
	capture_end();
	vm_destroy(&vm);
	len = read(fds[0], line, sizeof(line) - 1);
	CHECK(len > 0);
	line[len > 0 ? len : 0] = '\0';
	CHECK(strstr(line, "{\"event\": \"device\""));
	CHECK(strstr(line, "\"id\": \"1b36:0010\", \"guest\": \"00:01.0\"}\n"));
	CHECK(strstr(line, "\"why\": \"an instruction that KVM cannot emulate\""));
	CHECK(strstr(line, "\"registers\": {\"pc\": \"0x"));
	CHECK(strstr(line, "\"far_el1\": \"0x0\", \"x0\": "));
	CHECK(strstr(line, "\"x30\": \"0x0\"}}\n"));
	CHECK_EQ(close(fds[0]), 0);
	fake_end();
}

TEST(memory_must_be_addressable)
{
	fake_begin();
	build();
	fake_file("/proc/meminfo", "MemTotal:       8589934592 kB\n");
	cfg.nr_vfio = 0;
	cfg.memory = BIT(FAKE_PHYS_BITS);
	CHECK_EQ(whole_life(), -ERANGE);
	CHECK_EQ(fake_count("memfd"), 0);
	cfg.memory = BIT(FAKE_PHYS_BITS - 1);
	CHECK_EQ(whole_life(), 0);
	fake_end();
}

TEST(a_gicv2_has_eight_vcpus_at_most)
{
	fake_begin();
	build();
	fake_host()->gic = 2;
	cfg.cpus = 9;
	capture_begin(2);
	CHECK_EQ(whole_life(), -ERANGE);
	CHECK(says(capture_end(), "cpus: 9 asked for, this host's KVM has at most 8"));
	cfg.cpus = 8;
	CHECK_EQ(whole_life(), 0);
	fake_end();
}
