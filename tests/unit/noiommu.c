/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices without an IOMMU, and the x86 machine around them, over the fake
 * kernel: guest RAM is where it is in the host, and nowhere else. Devices that
 * do no DMA are in vfio_no_dma.c.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "arch/x86/board.h"
#include "arch/x86/layout.h"
#include "capture.h"
#include "devices/vfio/command.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/arch.h"
#include "vmm/log.h"
#include "vmm/status.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define DEV "0000:01:00.0"
#define DEV2 "0000:02:00.0"
#define SYS_DEV "/sys/bus/pci/devices/" DEV
#define PAGE (2 * MiB)
#define RAM (32 * MiB)		/* 16 huge pages */
#define PARAM "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

static struct vm vm;
static struct config cfg;
static struct fake_pci *hw;
static uint8_t image[4096];
static enum iommu_choice choice;

static void make_image(void)
{
	struct setup_header *hdr = (void *)(image + 0x1f1);

	image[0x201] = 0x6a;
	hdr->setup_sects = 3;
	hdr->boot_flag = 0xaa55;
	hdr->header = 0x53726448;
	hdr->version = 0x20f;
	hdr->xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
	hdr->pref_address = 16 * MiB;
	hdr->kernel_alignment = 2 * MiB;
	hdr->relocatable_kernel = 1;
	hdr->init_size = 2 * MiB;
	hdr->initrd_addr_max = 0x7fffffff;
	hdr->cmdline_size = 255;
}

/* @nr huge pages from @pa on, each @step after the one before. */
static uint64_t pool[512];
static unsigned int nr_pool;

static void pages(unsigned int nr, uint64_t pa, uint64_t step)
{
	for (; nr--; pa += step)
		pool[nr_pool++] = pa;
	fake_huge_pages(pool, nr_pool);
}

static void build(void)
{
	make_image();
	nr_pool = 0;
	fake_host()->unsafe_noiommu = true;
	fake_blob("/kernel", image, sizeof(image));
	fake_file("/initrd", "an initrd");
	fake_file("/proc/meminfo", "MemTotal:       1048576 kB\n");
	hw = fake_pci_nvme(DEV, -1);
	cfg = (struct config){
		.kernel = "/kernel", .initrd = "/initrd", .append = "words",
		.memory = RAM, .cpus = 1, .vfio = { DEV }, .nr_vfio = 1,
		.noiommu = NOIOMMU_ON, .iommu = choice,
	};
}

static void begin(void)
{
	fake_begin();
	build();
}

static const enum iommu_choice both[] = { IOMMU_LEGACY, IOMMU_IOMMUFD };

#define FOR_BOTH(i) \
	for (unsigned int i = 0; i < 2 && (choice = both[i], \
	     test_note("%s", i ? "iommufd" : "legacy"), true); i++)

/* That no machine comes of it, with exit status @status and @text. */
static void refuse(int status, const char *text, const char *hint)
{
	unsigned int huge = fake_huge_free();
	int err;

	capture_begin(2);
	log_quiet();
	err = vm_create(&vm, &cfg);
	capture_end();
	CHECK(err < 0);
	CHECK_EQ(status_of(err), status);
	if (!said(text) || (hint && !said(hint)))
		test_failed(__FILE__, __LINE__, "not said: %s / %s", text,
			    hint ? hint : "");
	CHECK_EQ(said_lines(), hint ? 2 : 1);
	CHECK_EQ(fake_maps(), 0);
	CHECK_EQ(fake_huge_free(), huge);
	CHECK_EQ(fake_fds(), 0);
}

/* ---- who may, and may not ----------------------------------------------- */

TEST(refused_by_default_and_told_why_and_how)
{
	FOR_BOTH(i) {
		begin();
		cfg.noiommu = NOIOMMU_OFF;
		refuse(STATUS_HOST, "nothing would keep it out of the host's memory, "
		       "and the addresses that a guest gives it are not those of its DMA",
		       "for a guest that is trusted with the host: --noiommu");
		CHECK_EQ(fake_count("open /dev/vfio"), 0);
		fake_end();
	}
}

/* Nobody should make huge pages for a device that can't be assigned. */
TEST(vfio_must_be_told_to_have_such_devices)
{
	begin();
	fake_pci_bind(hw, NULL);
	fake_host()->unsafe_noiommu = false;
	refuse(STATUS_HOST, DEV ": cannot be assigned without an IOMMU: VFIO is not to",
	       "hint: echo Y > " PARAM "; postern bind " DEV);
	fake_host()->unsafe_noiommu = true;
	refuse(STATUS_HOST, "no driver has it", "hint: postern bind " DEV);
	fake_end();
}

TEST(bind_says_what_vfio_must_be_told)
{
	char dev[] = DEV, *args[] = { dev };

	begin();
	fake_pci_bind(hw, "nvme");
	fake_host()->unsafe_noiommu = false;
	capture_begin(2);
	CHECK(command_bind(1, args) < 0);
	capture_end();
	CHECK(said("vfio-pci does not take it: it has no IOMMU"));
	CHECK(said("echo Y > " PARAM));
	CHECK_STR(hw->driver, "nvme");
	fake_host()->unsafe_noiommu = true;
	CHECK_EQ(command_bind(1, args), 0);
	CHECK_STR(hw->driver, "vfio-pci");
	fake_end();
}

TEST(the_parameter_may_have_been_taken_back)
{
	begin();
	choice = cfg.iommu = IOMMU_LEGACY;
	pages(16, 32 * MiB, PAGE);
	fake_host()->unsafe_noiommu = false;
	refuse(STATUS_HOST, "without noiommu mode (enable_unsafe_noiommu_mode)",
	       NULL);
	fake_end();
}

TEST(a_kernel_without_noiommu_mode)
{
	begin();
	fake_pci_bind(hw, NULL);
	fake_host()->noiommu = false;
	refuse(STATUS_HOST, "this kernel's VFIO has no such mode (CONFIG_VFIO_NOIOMMU)",
	       NULL);
	fake_end();
}

TEST(it_takes_the_superuser)
{
	FOR_BOTH(i) {
		begin();
		pages(16, 32 * MiB, PAGE);
		fake_host()->cap_sys_rawio = false;
		refuse(STATUS_PERMISSION, "takes the superuser (CAP_SYS_RAWIO)",
		       NULL);
		fake_end();
	}
}

/* Then pagemap's frame numbers are 0; the device node asks for less. */
TEST(pagemap_tells_the_superuser_only)
{
	FOR_BOTH(i) {
		begin();
		pages(16, 32 * MiB, PAGE);
		fake_host()->cap_sys_admin = false;
		if (choice == IOMMU_LEGACY) {
			refuse(STATUS_PERMISSION, "/proc/self/pagemap tells the superuser only "
			       "(CAP_SYS_ADMIN)", NULL);
		} else {
			CHECK_EQ(vm_create(&vm, &cfg), 0);
			vm_destroy(&vm);
		}
		fake_end();
	}
}

TEST(a_device_with_an_iommu_needs_no_noiommu)
{
	FOR_BOTH(i) {
		begin();
		hw->present = false;
		fake_pci_nvme(DEV2, 7);
		cfg.vfio[0] = DEV2;
		refuse(STATUS_USAGE, "--noiommu: " DEV2 " has an IOMMU in front of it",
		       "leave out --noiommu");
		fake_end();
	}
}

/* ---- memory where it is ------------------------------------------------- */

/* Every page of RAM that devices may be told of is where the guest has it. */
static uint64_t check_places(void)
{
	const struct mem_region *r;
	uint64_t bytes = 0, off;

	for (r = vm.mem.ram; r; r = r->next_ram) {
		if (r->flags & MEM_NO_DMA)
			continue;
		for (off = 0; off < r->size; off += PAGE)
			CHECK_EQ(fake_phys((char *)r->hva + off),
				 r->gpa + off);
		CHECK(fake_slot_at(r->gpa) == r->hva);
		bytes += r->size;
	}
	return bytes;
}

static unsigned int pieces(void)
{
	return vm.board->frags.nr;
}

TEST(ram_is_where_it_is_in_the_host)
{
	FOR_BOTH(i) {
		begin();
		pages(8, 64 * MiB, PAGE);
		pages(4, 512 * MiB, PAGE);
		pages(8, 6 * GiB, PAGE);
		CHECK_EQ(vm_create(&vm, &cfg), 0);
		CHECK_EQ(check_places(), RAM);
		CHECK_EQ(pieces(), 3);
		CHECK_EQ(fake_huge_free(), 4);
		CHECK_EQ(fake_maps(), choice == IOMMU_LEGACY ? 0 : 3);
		CHECK(vm.board->entry.rip >= 64 * MiB);
		/* the MiB to start from is there, and is no huge page */
		CHECK(mem_at(&vm.mem, 0, MiB));
		CHECK_EQ(fake_phys(mem_at(&vm.mem, 0, MiB)), 0);
		CHECK(!fake_dma_at(0x1000));
		vm_destroy(&vm);
		CHECK_EQ(fake_huge_free(), 20);
		fake_end();
	}
}

TEST(the_warning_is_plain)
{
	begin();
	pages(16, 64 * MiB, PAGE);
	capture_begin(2);
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	capture_end();
	CHECK(said("all of this host's memory is open to the guest"));
	CHECK(said("kernel is tainted"));
	vm_destroy(&vm);
	fake_end();
}

/*
 * Pages that lie where the guest has its holes are kept until others came.
 * One beside a hole was once taken for the continuation of RAM before it.
 */
TEST(pages_in_the_guests_holes_are_not_used)
{
	FOR_BOTH(i) {
		begin();
		pages(4, X86_LOW_RAM_END - 2 * PAGE, PAGE);
		pages(12, 0xfec00000, PAGE);
		pages(6, BIT(36) - GiB - 4 * PAGE, PAGE);
		pages(32, 64 * MiB, 2 * PAGE);
		CHECK_EQ(vm_create(&vm, &cfg), 0);
		CHECK_EQ(check_places(), RAM);
		CHECK(mem_at(&vm.mem, X86_LOW_RAM_END - PAGE, PAGE));
		CHECK(!mem_overlaps(&vm.mem, X86_LOW_RAM_END, GiB));
		CHECK_EQ(fake_huge_free(), nr_pool - 16);
		vm_destroy(&vm);
		fake_end();
	}
}

TEST(memory_below_4g_is_preferred)
{
	begin();
	pages(20, 6 * GiB, PAGE);
	pages(8, 64 * MiB, PAGE);
	pages(8, 128 * MiB, 3 * PAGE);
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(check_places(), RAM);
	CHECK_EQ(pieces(), 9);
	CHECK(vm.board->frags.regions[8].gpa < 4 * GiB);
	CHECK_EQ(vm.board->entry.rip, 64 * MiB + 0x200);
	vm_destroy(&vm);
	fake_end();
}

/* All pages of a large host would have to be cleared. */
TEST(memory_below_4g_is_looked_for_within_limits)
{
	begin();
	pages(300, 6 * GiB, PAGE);
	pages(20, 64 * MiB, PAGE);
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(check_places(), RAM);
	CHECK_EQ(fake_count("advice=9"), 8 * 16 - 16);
	CHECK_EQ(vm.board->entry.rip, 6 * GiB + 0x200);
	vm_destroy(&vm);
	fake_end();
}

TEST(memory_above_4g_alone_will_do)
{
	FOR_BOTH(i) {
		begin();
		pages(20, 6 * GiB, PAGE);
		CHECK_EQ(vm_create(&vm, &cfg), 0);
		CHECK_EQ(check_places(), RAM);
		CHECK_EQ(vm.board->entry.rip, 6 * GiB + 0x200);
		vm_destroy(&vm);
		fake_end();
	}
}

/* ---- memory that is not there ------------------------------------------- */

TEST(too_few_huge_pages)
{
	FOR_BOTH(i) {
		begin();
		pages(11, 64 * MiB, PAGE);
		refuse(STATUS_HOST, "16 huge pages of 2048 KiB are needed, the host has 11 free",
		       "hint: echo 16 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
		fake_end();
	}
}

TEST(huge_pages_that_are_promised_are_not_free)
{
	begin();
	pages(16, 64 * MiB, PAGE);
	fake_fail_call("mmap memfd:guest-ram", ENOMEM);
	CHECK(vm_create(&vm, &cfg) < 0);
	fake_fail_nth(0, 0);
	CHECK_EQ(fake_huge_free(), 16);
	fake_end();
}

TEST(huge_pages_in_the_wrong_places)
{
	begin();
	pages(5, 64 * MiB, PAGE);
	pages(20, X86_LOW_RAM_END, PAGE);
	refuse(STATUS_HOST, "of 25 free huge pages of 2048 KiB only 5 are where this guest "
	       "can have RAM, 16 are needed",
	       "hint: echo 36 > ");
	fake_end();
}

TEST(huge_pages_too_far_apart)
{
	begin();
	pages(200, 64 * MiB, 3 * PAGE);
	cfg.memory = 256 * MiB;
	refuse(STATUS_HOST, "the largest 64 pieces hold 128 MiB of 256",
	       "hugepages=128 on the host's kernel command line");
	fake_end();
}

TEST(a_size_that_is_no_multiple_of_a_huge_page)
{
	begin();
	pages(20, 64 * MiB, PAGE);
	cfg.memory = RAM + MiB;
	refuse(STATUS_USAGE, "not a multiple of the huge page size, 2048 KiB",
	       NULL);
	fake_end();
}

TEST(no_piece_holds_the_kernel)
{
	begin();
	pages(16, 64 * MiB, 2 * PAGE);
	((struct setup_header *)(image + 0x1f1))->init_size = 3 * MiB;
	fake_blob("/kernel", image, sizeof(image));
	capture_begin(2);
	CHECK_EQ(vm_create(&vm, &cfg), -ENOEXEC);
	capture_end();
	CHECK(said("needs 3 MiB in one piece, at 0x1000000 or above"));
	CHECK(said("hint: huge pages that are reserved when the host starts"));
	fake_end();
}

/* Between being looked at and being mapped for good. */
TEST(a_page_that_moves_is_noticed)
{
	FOR_BOTH(i) {
		begin();
		pages(16, 64 * MiB, PAGE);
		fake_host()->huge_moves = true;
		capture_begin(2);
		log_quiet();
		CHECK_EQ(vm_create(&vm, &cfg), -EFAULT);
		capture_end();
		CHECK(said("ram is at 0x44000000 in the host, and at "
			   "0x4000000 for the guest"));
		CHECK_EQ(fake_maps(), 0);
		fake_end();
	}
}

/* Memory that nothing holds is not locked, either. */
TEST(locked_memory_is_that_of_device_nodes)
{
	FOR_BOTH(i) {
		begin();
		pages(16, 64 * MiB, PAGE);
		fake_host()->cap_ipc_lock = false;
		if (choice == IOMMU_IOMMUFD) {
			refuse(STATUS_PERMISSION, "32768 KiB must be locked for DMA, "
			       "8192 KiB are allowed",
			       "hint: as root: ulimit -l 32768");
		} else {
			CHECK_EQ(vm_create(&vm, &cfg), 0);
			vm_destroy(&vm);
		}
		fake_end();
	}
}

TEST(a_kernel_before_7_3_has_groups_only)
{
	begin();
	pages(16, 64 * MiB, PAGE);
	fake_host()->noiommu_cdev = false;
	cfg.iommu = IOMMU_AUTO;
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	CHECK_EQ(fake_count("open /dev/vfio/noiommu-0"), 3);
	CHECK_EQ(fake_count("open /dev/iommu"), 0);
	vm_destroy(&vm);
	cfg.iommu = IOMMU_IOMMUFD;
	refuse(STATUS_HOST, "no nodes of their own (CONFIG_VFIO_DEVICE_CDEV, "
	       "without an IOMMU from Linux 7.3 on)", NULL);
	fake_end();
}

/* ---- whole lives -------------------------------------------------------- */

static int whole_life(void)
{
	int err = vm_create(&vm, &cfg);

	if (err < 0)
		return err;
	vm_destroy(&vm);
	return 0;
}

static void build_small(void)
{
	build();
	pages(10, 6 * GiB, PAGE);
	pages(10, 64 * MiB, PAGE);
}

/* Beginnings of lines, as in the test of the machine with an IOMMU. */
static bool survivable(const char *line)
{
	static const char *const lines[] = {
		"ioctl KVM_CHECK_EXTENSION", "ioctl KVM_SET_TSC_KHZ",
		"ioctl KVM_GET_MSR_INDEX_LIST", "madvise",
		"open /proc/meminfo", "pread /proc/meminfo",
		"open " SYS_DEV "/", "read " SYS_DEV "/",
		"listdir " SYS_DEV "/vfio-dev", "stat " SYS_DEV "/vfio-dev/",
		/* of two ways to know the mode, one will do */
		"open /sys/kernel/iommu_groups/0/name",
		"read /sys/kernel/iommu_groups/0/name",
		/* what was promised to others matters to them only */
		"open /sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages",
		"read /sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages",
		/* or RAM is what there is by now */
		"open /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
		"read /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
		"mmap anonymous len=0x8000 ", "mmap VFIO device",
		"ioctl VFIO_DEVICE_GET_REGION_INFO argsz=0x20 index=0x6",
		"ioctl VFIO_DEVICE_GET_IRQ_INFO",
		"ioctl VFIO_DEVICE_FEATURE flags=0x1000b", /* dma-buf */
		"pwrite VFIO device " DEV " len=2 offset=0x70000000004",
		/* whether it lives after its last reset */
		"pread VFIO device " DEV " len=4 offset=0x70000000000",
		"pread VFIO device " DEV " len=4 offset=0x70000000008",
		/* whose the container is, and how locked memory counts */
		"stat /dev/vfio/", "ioctl IOMMU_VFIO_IOAS op=0x0",
		"ioctl IOMMU_OPTION",
		"ioctl VFIO_DEVICE_RESET", "ioctl VFIO_DEVICE_DETACH_IOMMUFD_PT",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strncmp(line, lines[i], strlen(lines[i])))
			return true;
	return false;
}

TEST(a_whole_machine_survives_every_failing_call)
{
	FOR_BOTH(i)
		CHECK(fake_sweep(build_small, whole_life, survivable) >= 100);
}

/* Write to the guest's PCI config space, of slot 1. */
static void put(unsigned int off, uint32_t val, unsigned int len)
{
	bus_write(&vm.mmio, X86_ECAM_BASE + (1 << 15) + off, val, len);
}

/* The fake kernel notices a page that is given back while it does. */
TEST(no_page_goes_back_while_a_device_masters_the_bus)
{
	FOR_BOTH(i) {
		begin();
		fake_pci_nvme(DEV2, -1);
		cfg.vfio[cfg.nr_vfio++] = DEV2;
		pages(16, 64 * MiB, PAGE);
		CHECK_EQ(vm_create(&vm, &cfg), 0);
		put(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
		CHECK(fake_cfg_get16(hw, PCI_COMMAND) & PCI_COMMAND_MASTER);
		vm_destroy(&vm);
		CHECK_EQ(fake_huge_free(), 16);
		fake_end();
	}
}

/* Those behind it were never added, so they are not deleted either. */
TEST(a_piece_that_kvm_refuses_takes_back_those_before)
{
	begin();
	pages(8, 64 * MiB, PAGE);
	pages(8, 128 * MiB, PAGE);
	pages(8, 256 * MiB, PAGE);
	cfg.memory = 24 * PAGE;
	fake_fail_call("guest_phys_addr=0x8000000 ", EINVAL);
	CHECK_EQ(vm_create(&vm, &cfg), -EINVAL);
	CHECK(fake_failed());
	CHECK_EQ(fake_slots(), 0);
	CHECK_EQ(fake_maps(), 0);
	CHECK_EQ(fake_fds(), 0);
	fake_end();
}

TEST(a_reset_leaves_memory_where_it_is)
{
	begin();
	pages(16, 64 * MiB, PAGE);
	CHECK_EQ(vm_create(&vm, &cfg), 0);
	devices_reset(&vm);
	CHECK_EQ(arch_vm_reset(&vm), 0);
	CHECK_EQ(board_load(&vm), 0);
	CHECK_EQ(check_places(), RAM);
	CHECK_EQ(vm.board->entry.rip, 64 * MiB + 0x200);
	vm_destroy(&vm);
	fake_end();
}
