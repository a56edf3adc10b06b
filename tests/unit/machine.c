/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole x86 machine over the fake kernel: created, reset and destroyed
 * with an assigned device, and each of its kernel calls made to fail once.
 */
#include <elf.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/layout.h"
#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/arch.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define DEV "0000:01:00.0"
#define ENTRY 0x200000U

static struct vm vm;
static struct config cfg;

/* The smallest image that boots by PVH: a note and a segment. */
static struct image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr note_ph, load_ph;
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint32_t entry;
	} note;
	uint8_t code[16];
} image;

static void image_fill(void)
{
	image = (struct image){
		.ehdr = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
				     ELFDATA2LSB, EV_CURRENT },
			.e_machine = EM_X86_64,
			.e_phoff = offsetof(struct image, note_ph),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2,
		},
		.note_ph = {
			.p_type = PT_NOTE,
			.p_offset = offsetof(struct image, note),
			.p_filesz = sizeof(image.note),
		},
		.load_ph = {
			.p_type = PT_LOAD,
			.p_offset = offsetof(struct image, code),
			.p_paddr = ENTRY,
			.p_filesz = sizeof(image.code),
			.p_memsz = 0x1000,
		},
		.note = { { 4, 4, 18 }, "Xen", ENTRY },
		.code = { 0xf4 },
	};
}

static void build(void)
{
	image_fill();
	fake_blob("/kernel", &image, sizeof(image));
	fake_file("/initrd", "an initrd");
	fake_file("/proc/meminfo", "MemTotal:       1048576 kB\n");
	fake_pci_nvme(DEV, 1);
	cfg = (struct config){
		.kernel = "/kernel", .initrd = "/initrd", .append = "words",
		.memory = 64 * MiB, .cpus = 2, .vfio = { DEV }, .nr_vfio = 1,
	};
}

static int whole_life(void)
{
	int err = vm_create(&vm, &cfg);

	if (err < 0)
		return err;
	AS_VOID(FAKE_MAIN, vm_destroy(&vm));
	return 0;
}

#define SYS_DEV "/sys/bus/pci/devices/" DEV

/*
 * Advice; what is read only to be told, to choose or to be set again at a
 * guest reset; what a device can do without; and its end, which nothing stops.
 * Beginnings of lines: RAM and vCPUs are mapped too, and may not fail.
 */
static bool survivable(const char *line)
{
	static const char *const lines[] = {
		"ioctl KVM_CHECK_EXTENSION", "ioctl KVM_SET_TSC_KHZ",
		"ioctl KVM_GET_MSR_INDEX_LIST", "madvise", "ioctl IOMMU_OPTION",
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

/*
 * KVM's default TSC frequency may be one that the host has refined since:
 * without scaling, timers of the guest then fire late or never.
 */
TEST(the_tsc_runs_at_the_frequency_known_now)
{
	fake_begin();
	build();
	CHECK_EQ(whole_life(), 0);
	CHECK(fake_order("KVM_SET_TSC_KHZ", "KVM_CREATE_VCPU",
			 "KVM_SET_TSC_KHZ", "KVM_CREATE_VCPU",
			 "KVM_SET_TSC_KHZ", NULL));
	fake_end();
}

/* It is the same for all, and takes KVM a while to find out. */
TEST(kvm_is_asked_for_cpuid_once)
{
	fake_begin();
	build();
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(fake_count("KVM_GET_SUPPORTED_CPUID"), 1);
	CHECK_EQ(fake_count("KVM_SET_CPUID2"), 2);
	CHECK_EQ(fake_apic_id(0), 0);
	CHECK_EQ(fake_apic_id(1), 1);
	AS_VOID(FAKE_MAIN, vm_destroy(&vm));
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

TEST(a_reset_resets_the_device_and_loads_the_kernel_again)
{
	fake_begin();
	build();
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	memset(mem_at(&vm.mem, ENTRY, 16), 0, 16);
	fake_journal_clear();
	AS_VOID(FAKE_MAIN, devices_reset(&vm));
	CHECK_EQ(AS(FAKE_MAIN, arch_vm_reset(&vm)), 0);
	CHECK_EQ(AS(FAKE_MAIN, board_load(&vm)), 0);
	CHECK_EQ(AS(FAKE_MAIN, vcpus_reset(&vm)), 0);
	CHECK_EQ(*(uint8_t *)mem_at(&vm.mem, ENTRY, 1), 0xf4);
	CHECK(fake_order("VFIO_DEVICE_RESET", "KVM_SET_IRQCHIP",
			 "KVM_SET_LAPIC", NULL));
	CHECK_EQ(fake_pci_find(DEV)->resets, 1);
	AS_VOID(FAKE_MAIN, vm_destroy(&vm));
	fake_end();
}

/* ---- CPUID -------------------------------------------------------------- */

static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[256];
} table;

static struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	unsigned int i;

	for (i = 0; i < table.head.nent; i++)
		if (table.entries[i].function == function &&
		    table.entries[i].index == index)
			return &table.entries[i];
	return NULL;
}

static void add(uint32_t function, uint32_t eax, uint32_t ebx, uint32_t ecx)
{
	table.entries[table.head.nent++] = (struct kvm_cpuid_entry2){
		.function = function, .eax = eax, .ebx = ebx, .ecx = ecx,
	};
}

static void fit(unsigned int id, unsigned int cpus)
{
	memset(&table, 0, sizeof(table));
	add(0, 0xd, 0, 0);
	add(1, 0, 0xff0400aa, 1U << 5);
	add(0xb, 0, 0, 0);
	add(0x80000001, 0, 0, 1U << 2);
	add(0x80000008, 0, 0, 0xffff);
	add(0x8000001e, 7, 7, 7);
	cpuid_fit(&table.head, id, cpus, true);
}

TEST(cpuid_numbers_each_processor)
{
	static const struct {
		unsigned int cpus, bits;
	} cases[] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 4, 2 }, { 5, 3 },
		      { 64, 6 } };
	unsigned int i, id;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		id = cases[i].cpus - 1;
		test_note("%u processors", cases[i].cpus);
		fit(id, cases[i].cpus);
		CHECK_EQ(leaf(1, 0)->ebx >> 24, id);
		CHECK_EQ(leaf(1, 0)->ebx & 0xffff, 0xaa);
		CHECK_EQ(leaf(1, 0)->edx >> 28 & 1, cases[i].cpus > 1);
		CHECK_EQ(leaf(0xb, 0)->edx, id);
		CHECK_EQ(leaf(0xb, 0)->ebx, 1);
		CHECK_EQ(leaf(0xb, 1)->eax, cases[i].bits);
		CHECK_EQ(leaf(0xb, 1)->ebx, cases[i].cpus);
		CHECK_EQ(leaf(0xb, 2)->ebx, 0);
		CHECK_EQ(leaf(0x80000008, 0)->ecx,
			 cases[i].bits << 12 | id | 0xf00);
		CHECK_EQ(leaf(0x8000001e, 0)->eax, id);
	}
}

TEST(cpuid_hides_nested_virtualization)
{
	fit(0, 1);
	CHECK_EQ(leaf(1, 0)->ecx & 1U << 5, 0);
	CHECK_EQ(leaf(0x80000001, 0)->ecx & 1U << 2, 0);
	CHECK(leaf(1, 0)->ecx & 1U << 31);
	CHECK(leaf(1, 0)->ecx & 1U << 21);
}
