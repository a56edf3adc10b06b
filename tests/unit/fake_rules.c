/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake kernel itself: it must notice what it is there to notice, and
 * refuse what Linux refuses, or the tests over it say nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "iommu/uapi.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define DEV "0000:01:00.0"
#define PAGE 4096ULL

static int container, group, device;

static void *memory(size_t size)
{
	void *at;

	CHECK_EQ(sys_mmap(&at, NULL, size, 3, 0x22, -1, 0), 0);
	return at;
}

/* A container with one group in it, by hand. */
static void open_legacy(void)
{
	char name[] = DEV;

	fake_begin();
	fake_pci_nvme(DEV, 1);
	container = sys_open("/dev/vfio/vfio", O_RDWR, 0);
	group = sys_open("/dev/vfio/1", O_RDWR, 0);
	CHECK(container >= 0 && group >= 0);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 3), -EINVAL);
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name), -EINVAL);
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container),
		 -EINVAL);
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name), -EINVAL);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 8), -ENODEV);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 3), 0);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 3), -EINVAL);
}

static int map(uint64_t iova, uint64_t size, void *at, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map arg = {
		.argsz = sizeof(arg), .flags = flags, .iova = iova,
		.size = size, .vaddr = (uintptr_t)at,
	};

	return sys_ioctl(container, VFIO_IOMMU_MAP_DMA, &arg);
}

static int unmap(uint64_t iova, uint64_t size, uint64_t *done)
{
	struct vfio_iommu_type1_dma_unmap arg = {
		.argsz = sizeof(arg), .iova = iova, .size = size,
	};
	int err = sys_ioctl(container, VFIO_IOMMU_UNMAP_DMA, &arg);

	*done = arg.size;
	return err;
}

TEST(mapping_rules_of_the_container)
{
	uint64_t done;
	char *at;

	open_legacy();
	at = memory(8 * PAGE);
	CHECK_EQ(map(0, 4 * PAGE, at, 3), 0);
	CHECK_EQ(map(0, 4 * PAGE, at, 3), -EEXIST);
	CHECK_EQ(map(3 * PAGE, PAGE, at, 3), -EEXIST);
	CHECK_EQ(map(PAGE / 2, PAGE, at, 3), -EINVAL);
	CHECK_EQ(map(8 * PAGE, 0, at, 3), -EINVAL);
	CHECK_EQ(map(8 * PAGE, PAGE, at, 0), -EINVAL);
	CHECK_EQ(map(8 * PAGE, PAGE, at, 8), -EINVAL);
	CHECK_EQ(map(-PAGE, 2 * PAGE, at, 3), -EOVERFLOW);
	CHECK_EQ(map(0xfee00000, PAGE, at, 3), -EINVAL);
	CHECK_EQ(map(BIT(48), PAGE, at, 3), -EINVAL);
	CHECK_EQ(map(8 * PAGE, 9 * PAGE, at, 3), -EFAULT);
	CHECK_EQ(unmap(PAGE, PAGE, &done), -EINVAL);
	CHECK_EQ(unmap(64 * PAGE, PAGE, &done), 0);
	CHECK_EQ(done, 0);
	CHECK_EQ(unmap(0, 8 * PAGE, &done), 0);
	CHECK_EQ(done, 4 * PAGE);
	fake_host()->cap_ipc_lock = false;
	fake_host()->memlock = PAGE;
	CHECK_EQ(map(0, 2 * PAGE, at, 3), -ENOMEM);
	CHECK_EQ(map(0, PAGE, at, 3), 0);
	CHECK_EQ(map(PAGE, PAGE, at, 3), -ENOMEM);
	CHECK_EQ(sys_open("/dev/vfio/1", O_RDWR, 0), -EBUSY);
	sys_close(group);
	CHECK_EQ(fake_maps(), 0);
	sys_close(container);
	sys_munmap(at, 8 * PAGE);
	fake_end();
}

/* An iommufd as container looks at nothing before a device is opened. */
TEST(mapping_rules_of_an_iommufd_as_container)
{
	struct iommu_vfio_ioas get = { .size = sizeof(get) };
	char name[] = DEV;
	uint64_t done;
	char *at;

	fake_begin();
	fake_pci_nvme(DEV, 1);
	at = memory(8 * PAGE);
	container = sys_open("/dev/iommu", O_RDWR, 0);
	group = sys_open("/dev/vfio/1", O_RDWR, 0);
	CHECK_EQ(sys_ioctl(container, IOMMU_VFIO_IOAS, &get), -ENODEV);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 3), -ENODEV);
	CHECK_EQ(map(0, PAGE, at, 3), -ENODEV);
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	CHECK_EQ(sys_ioctl(container, IOMMU_VFIO_IOAS, &get), 0);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 3), 0);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 3), 0);
	CHECK_EQ(sys_ioctl_num(container, VFIO_SET_IOMMU, 8), -EINVAL);
	fake_host()->cap_ipc_lock = false;
	fake_host()->memlock = 4 * PAGE;
	CHECK_EQ(map(0xfee00000, 8 * PAGE, at, 3), 0);
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name),
		 -EADDRINUSE);
	CHECK_EQ(unmap(0xfee00000, 8 * PAGE, &done), 0);
	CHECK_EQ(map(0, 8 * PAGE, at, 3), 0);
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name), -ENOMEM);
	CHECK_EQ(unmap(PAGE, PAGE, &done), -ENOENT);
	CHECK_EQ(unmap(64 * PAGE, PAGE, &done), 0);
	CHECK_EQ(done, 0);
	CHECK_EQ(unmap(0, 8 * PAGE, &done), 0);
	fake_host()->intremap = false;
	CHECK_EQ(sys_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name), -EPERM);
	sys_close(group);
	sys_close(container);
	sys_munmap(at, 8 * PAGE);
	fake_end();
}

static int ioas_map(int fd, uint32_t ioas, uint64_t iova, uint64_t len,
		    void *at, uint32_t flags)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg), .flags = flags, .ioas_id = ioas,
		.user_va = (uintptr_t)at, .length = len, .iova = iova,
	};

	return sys_ioctl(fd, IOMMU_IOAS_MAP, &arg);
}

TEST(mapping_rules_of_iommufd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_unmap um = { .size = sizeof(um) };
	uint32_t id;
	char *at;
	int fd;

	fake_begin();
	at = memory(8 * PAGE);
	fd = sys_open("/dev/iommu", O_RDWR, 0);
	CHECK_EQ(sys_ioctl(fd, IOMMU_IOAS_ALLOC, &alloc), 0);
	id = alloc.out_ioas_id;
	CHECK_EQ(ioas_map(fd, id + 1, 0, PAGE, at, 7), -ENOENT);
	CHECK_EQ(ioas_map(fd, id, 0, PAGE, at, 15), -EOPNOTSUPP);
	CHECK_EQ(ioas_map(fd, id, 0, PAGE, at, 1), -EINVAL);
	CHECK_EQ(ioas_map(fd, id, 0, 4 * PAGE, at, 7), 0);
	CHECK_EQ(ioas_map(fd, id, PAGE, PAGE, at, 7), -EEXIST);
	CHECK_EQ(ioas_map(fd, id, -PAGE, 2 * PAGE, at, 7), -EOVERFLOW);
	um.ioas_id = id;
	um.iova = PAGE;
	um.length = PAGE;
	CHECK_EQ(sys_ioctl(fd, IOMMU_IOAS_UNMAP, &um), -ENOENT);
	um.iova = 8 * PAGE;
	um.length = PAGE;
	CHECK_EQ(sys_ioctl(fd, IOMMU_IOAS_UNMAP, &um), -ENOENT);
	um.iova = 0;
	um.length = UINT64_MAX;
	CHECK_EQ(sys_ioctl(fd, IOMMU_IOAS_UNMAP, &um), 0);
	CHECK_EQ(um.length, 4 * PAGE);
	sys_close(fd);
	sys_munmap(at, 8 * PAGE);
	fake_end();
}

static int dma_buf(int fd, uint32_t bar, uint64_t off, uint64_t len)
{
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf buf;
		struct vfio_region_dma_range range;
	} arg = {
		{ sizeof(arg), VFIO_DEVICE_FEATURE_GET |
			       VFIO_DEVICE_FEATURE_DMA_BUF },
		{ .region_index = bar, .open_flags = O_RDWR | O_CLOEXEC,
		  .nr_ranges = 1 },
		{ off, len },
	};

	return sys_ioctl(fd, VFIO_DEVICE_FEATURE, &arg);
}

static int map_bar(int fd, uint32_t ioas, int buf)
{
	struct iommu_ioas_map_file arg = {
		.size = sizeof(arg), .flags = 7, .ioas_id = ioas, .fd = buf,
		.length = PAGE, .iova = PAGE,
	};

	return sys_ioctl(fd, IOMMU_IOAS_MAP_FILE, &arg);
}

static void write_config(unsigned int off, uint16_t value)
{
	CHECK_EQ(sys_pwrite(device, &value, 2, (7ULL << 40) + off), 2);
}

static unsigned int find_cap(const struct fake_pci *pci, uint8_t id)
{
	unsigned int at = pci->cfg[PCI_CAPABILITY_LIST];

	while (pci->cfg[at] != id)
		at = pci->cfg[at + 1];
	return at;
}

enum loss { BY_RESET, BY_FLR, BY_COMMAND, BY_SLEEP, LOSSES };

static void lose(const struct fake_pci *pci, enum loss how)
{
	if (how == BY_RESET)
		CHECK_EQ(sys_ioctl(device, VFIO_DEVICE_RESET, NULL), 0);
	else if (how == BY_FLR)
		write_config(find_cap(pci, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL,
			     PCI_EXP_DEVCTL_BCR_FLR);
	else if (how == BY_COMMAND)
		write_config(PCI_COMMAND, 0);
	else
		write_config(find_cap(pci, PCI_CAP_ID_PM) + PCI_PM_CTRL, 3);
}

/*
 * As Linux 7.3 has it: a mapping is gone for good when the device stops
 * decoding, sleeps or is reset, and keeps its place until it is unmapped; the
 * dma-buf is good again when the device decodes.
 */
TEST(rules_of_dma_bufs)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_unmap um = { .size = sizeof(um) };
	const struct fake_pci *pci;
	enum loss how;
	int fd, buf;

	fake_begin();
	pci = fake_pci_nvme(DEV, 1);
	device = fake_device_fd(fake_pci_find(DEV));
	fd = sys_open("/dev/iommu", O_RDWR, 0);
	CHECK_EQ(sys_ioctl(fd, IOMMU_IOAS_ALLOC, &alloc), 0);
	CHECK_EQ(dma_buf(device, 0, 0, PAGE / 2), -EINVAL);
	CHECK_EQ(dma_buf(device, 0, 12 * KiB, 8 * KiB), -EINVAL);
	buf = dma_buf(device, 0, 0, PAGE);
	CHECK(buf >= 0);
	um.ioas_id = alloc.out_ioas_id;
	for (how = BY_RESET; how < LOSSES; how++) {
		CHECK_EQ(map_bar(fd, um.ioas_id, buf), 0);
		CHECK(fake_dma_at(PAGE));
		lose(pci, how);
		CHECK(!fake_dma_at(PAGE));
		um.iova = um.length = PAGE;
		if (how == BY_COMMAND || how == BY_SLEEP)
			CHECK_EQ(map_bar(fd, um.ioas_id, buf), -ENODEV);
		write_config(find_cap(pci, PCI_CAP_ID_PM) + PCI_PM_CTRL, 0);
		write_config(PCI_COMMAND, PCI_COMMAND_MEMORY);
		CHECK(!fake_dma_at(PAGE));
		CHECK_EQ(map_bar(fd, um.ioas_id, buf), -EEXIST);
		CHECK_EQ(sys_ioctl(fd, IOMMU_IOAS_UNMAP, &um), 0);
	}
	/* Two were asked for while others were let to it. */
	CHECK_EQ(fake_violations(), 2);
	sys_close(buf);
	sys_close(fd);
	sys_close(device);
}

TEST(a_device_node_does_nothing_before_it_is_bound)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int fd;

	fake_begin();
	fake_pci_nvme(DEV, 1);
	fd = sys_open("/dev/vfio/devices/vfio0", O_RDWR, 0);
	CHECK_EQ(sys_ioctl(fd, VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	sys_close(fd);
	fake_end();
}

/* ---- what must be noticed ----------------------------------------------- */

TEST(notices_what_is_left)
{
	void *at;
	int fd;

	fake_begin();
	CHECK_EQ(fake_check(), 0);
	fd = sys_eventfd();
	CHECK_EQ(fake_check(), 1);
	at = memory(PAGE);
	CHECK_EQ(fake_check(), 2);
	sys_close(fd);
	sys_munmap(at, PAGE);
	CHECK_EQ(fake_check(), 0);
	fake_end();
}

TEST(notices_wrong_order)
{
	char name[] = DEV;
	void *at;

	open_legacy();
	at = memory(PAGE);
	CHECK_EQ(fake_violations(), 0);
	device = sys_ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	CHECK(device >= 0);
	CHECK_EQ(fake_violations(), 1);	/* KVM does not know */
	CHECK_EQ(map(0, PAGE, at, 3), 0);
	sys_munmap(at, PAGE);
	CHECK_EQ(fake_violations(), 2);	/* the device can still reach it */
	sys_close(group);
	CHECK_EQ(fake_violations(), 3);	/* its device is open */
	fake_cfg16(fake_pci_find(DEV), PCI_COMMAND, PCI_COMMAND_MASTER);
	sys_close(device);
	CHECK_EQ(fake_violations(), 4);	/* it masters the bus */
	CHECK(fake_check() > 0);
	/* fake_end() would fail this test, and rightly so */
}

TEST(fails_the_call_it_is_told_to)
{
	fake_begin();
	fake_fail_nth(2, 0);
	sys_close(sys_eventfd());
	CHECK_EQ(sys_eventfd(), -EMFILE);
	CHECK_STR(fake_failed(), "eventfd");
	sys_close(sys_eventfd());
	fake_fail_call("/dev/kvm", EPERM);
	sys_close(sys_eventfd());
	CHECK_EQ(sys_open("/dev/kvm", O_RDWR, 0), -EPERM);
	sys_close(sys_open("/dev/kvm", O_RDWR, 0));
	CHECK_EQ(fake_count("close eventfd -> 0"), 3);
	fake_end();
}

static int leaks_when_it_fails(void)
{
	int a = sys_eventfd(), b;

	if (a < 0)
		return a;
	b = sys_eventfd();
	if (b < 0)
		return b;
	sys_close(a);
	sys_close(b);
	return 0;
}

static int ignores_failure(void)
{
	int a = sys_eventfd();

	if (a >= 0)
		sys_close(a);
	return 0;
}

static int answers_with_errno(void)
{
	int a = sys_eventfd();

	if (a < 0)
		return -a;
	sys_close(a);
	return 0;
}

static int does_it_right(void)
{
	int a = sys_eventfd();

	return a < 0 ? a : sys_close(a);
}

static void nothing(void)
{
}

TEST(a_sweep_finds_bad_error_paths)
{
	CHECK_EQ(fake_sweep(nothing, leaks_when_it_fails, NULL), -1);
	CHECK_EQ(fake_sweep(nothing, ignores_failure, NULL), -1);
	CHECK_EQ(fake_sweep(nothing, answers_with_errno, NULL), -1);
	CHECK_EQ(fake_sweep(nothing, does_it_right, NULL), 1);
}

/* ---- KVM ---------------------------------------------------------------- */

TEST(memory_slots_do_not_overlap)
{
	struct kvm_userspace_memory_region slot = { .memory_size = 4 * PAGE };
	int kvm, vm;
	void *at;

	fake_begin();
	at = memory(4 * PAGE);
	slot.userspace_addr = (uintptr_t)at;
	kvm = sys_open("/dev/kvm", O_RDWR, 0);
	vm = sys_ioctl_num(kvm, KVM_CREATE_VM, 0);
	CHECK_EQ(sys_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), 0);
	slot.slot = 1;
	slot.guest_phys_addr = 3 * PAGE;
	CHECK_EQ(sys_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), -EEXIST);
	slot.guest_phys_addr = 4 * PAGE;
	CHECK_EQ(sys_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), 0);
	CHECK_EQ(fake_slots(), 2);
	CHECK(fake_slot_at(4 * PAGE) == at);
	CHECK(!fake_slot_at(8 * PAGE));
	sys_close(vm);
	sys_close(kvm);
	sys_munmap(at, 4 * PAGE);
	fake_end();
}

TEST(an_eventfd_has_one_irqfd)
{
	struct kvm_irqfd irqfd = { .gsi = 30 };
	int kvm, vm;

	fake_begin();
	kvm = sys_open("/dev/kvm", O_RDWR, 0);
	vm = sys_ioctl_num(kvm, KVM_CREATE_VM, 0);
	irqfd.fd = sys_eventfd();
	CHECK_EQ(sys_ioctl(vm, KVM_IRQFD, &irqfd), -EINVAL);
	CHECK_EQ(fake_chip_create(vm), 0);
	CHECK_EQ(sys_ioctl(vm, KVM_IRQFD, &irqfd), 0);
	CHECK_EQ(sys_ioctl(vm, KVM_IRQFD, &irqfd), -EBUSY);
	CHECK_EQ(fake_irqfds(), 1);
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	CHECK_EQ(sys_ioctl(vm, KVM_IRQFD, &irqfd), 0);
	CHECK_EQ(fake_irqfds(), 0);
	fake_chip_destroy();
	sys_close(irqfd.fd);
	sys_close(vm);
	sys_close(kvm);
	fake_end();
}

/* ---- interrupts of a device --------------------------------------------- */

static int set_irqs(int fd, uint32_t flags, uint32_t start, uint32_t count,
		    const int *fds)
{
	char buf[sizeof(struct vfio_irq_set) + 4 * sizeof(int)];
	struct vfio_irq_set *arg = (void *)buf;

	memset(buf, 0, sizeof(buf));
	*arg = (struct vfio_irq_set){
		.argsz = sizeof(*arg) + (fds ? count * sizeof(int) : 0),
		.flags = flags, .index = VFIO_PCI_MSIX_IRQ_INDEX,
		.start = start, .count = count,
	};
	if (fds)
		memcpy(arg->data, fds, count * sizeof(int));
	return sys_ioctl(fd, VFIO_DEVICE_SET_IRQS, arg);
}

#define EVENTFD (VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define NONE (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER)

TEST(interrupt_rules)
{
	struct fake_pci *pci;
	struct fake_msg msg;
	int fd, fds[2];
	uint64_t n;

	fake_begin();
	pci = fake_pci_nvme(DEV, 1);
	pci->noresize = true;
	fd = fake_device_fd(pci);
	fds[0] = sys_eventfd();
	fds[1] = -1;
	CHECK_EQ(set_irqs(fd, NONE, 0, 0, NULL), -EINVAL);
	CHECK_EQ(set_irqs(fd, EVENTFD, 64, 2, fds), -EINVAL);
	CHECK_EQ(set_irqs(fd, EVENTFD | VFIO_IRQ_SET_DATA_NONE, 0, 2, fds),
		 -EINVAL);
	CHECK_EQ(fake_irq_fire(pci, VFIO_PCI_MSIX_IRQ_INDEX, 0, &msg),
		 -ENOENT);
	CHECK_EQ(set_irqs(fd, EVENTFD, 0, 2, fds), 0);
	CHECK_EQ(fake_irq_enabled(pci, VFIO_PCI_MSIX_IRQ_INDEX), 2);
	CHECK_EQ(fake_irq_fd(pci, VFIO_PCI_MSIX_IRQ_INDEX, 0), fds[0]);
	CHECK_EQ(fake_irq_fd(pci, VFIO_PCI_MSIX_IRQ_INDEX, 1), -1);
	CHECK_EQ(fake_irq_fd(pci, VFIO_PCI_MSIX_IRQ_INDEX, 2), -2);
	CHECK_EQ(fake_irq_fire(pci, VFIO_PCI_MSIX_IRQ_INDEX, 0, &msg), 0);
	CHECK_EQ(sys_read(fds[0], &n, sizeof(n)), 8);
	CHECK_EQ(set_irqs(fd, EVENTFD, 2, 1, fds), -EINVAL);
	CHECK_EQ(set_irqs(fd, NONE, 0, 0, NULL), 0);
	CHECK_EQ(fake_irq_enabled(pci, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	pci->msix_limit = 1;
	CHECK_EQ(set_irqs(fd, EVENTFD, 0, 2, fds), 1);
	pci->noresize = false;
	pci->msix_limit = 0;
	CHECK_EQ(set_irqs(fd, EVENTFD, 0, 1, fds), 0);
	CHECK_EQ(set_irqs(fd, EVENTFD, 1, 1, fds + 1), 0);
	sys_close(fd);
	sys_close(fds[0]);
	fake_end();
}

TEST(registers_do_not_answer_without_decoding)
{
	struct fake_pci *pci;
	uint16_t command = 0;
	uint32_t word;
	int fd;

	fake_begin();
	pci = fake_pci_nvme(DEV, 1);
	fd = fake_device_fd(pci);
	CHECK_EQ(sys_pread(fd, &word, 4, 0), 4);
	CHECK_EQ(sys_pwrite(fd, &command, 2, (7ULL << 40) + PCI_COMMAND), 2);
	CHECK_EQ(sys_pread(fd, &word, 4, 0), -EIO);
	CHECK_EQ(sys_pread(fd, &word, 4, 16 * KiB), -EINVAL);
	sys_close(fd);
	fake_end();
}
