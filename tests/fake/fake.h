/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small kernel in memory, linked in place of vmm/sys.c: files, sysfs, KVM,
 * VFIO, both IOMMU interfaces and PCI devices, with the real kernel's rules
 * and error numbers (Linux: Documentation/driver-api/vfio.rst,
 * Documentation/userspace-api/iommufd.rst, Documentation/virt/kvm/api.rst).
 *
 * It keeps a journal of every call, in the words of `--trace sys`; it notes a
 * violation where a call is allowed but ruins something (a group closed while
 * its device is open, memory unmapped that a device can still reach); it can
 * make the nth call fail; and at the end it knows what was left behind.
 *
 * File descriptors are real ones, so that poll and epoll work on eventfds and
 * pipes; what they stand for is the fake's own. Descriptors that the fake did
 * not make (0, 1, 2, a test's own) are passed on to Linux.
 *
 * A test looks like this:
 *
 *	fake_begin();
 *	fake_pci_nvme("0000:01:00.0", 1);
 *	... call product code, look at fake_journal() ...
 *	fake_end();		every leak and violation fails the test
 */
#ifndef TESTS_FAKE_FAKE_H
#define TESTS_FAKE_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vm;
struct config;
struct fake_pci_priv;

/* ---- the world ---------------------------------------------------------- */

/*
 * What this kernel is like. fake_begin() fills in a friendly one; change it
 * before (or between) calls of product code.
 */
struct fake_host {
	bool kvm;		/* /dev/kvm is there */
	bool legacy;		/* CONFIG_VFIO_CONTAINER and VFIO_GROUP */
	bool compat;		/* CONFIG_IOMMUFD_VFIO_CONTAINER instead */
	bool groups;		/* CONFIG_VFIO_GROUP without either */
	bool iommufd;		/* CONFIG_IOMMUFD */
	bool cdev;		/* CONFIG_VFIO_DEVICE_CDEV */
	bool type1v2, type1, spapr; /* kinds that the container has */
	bool map_file;		/* IOMMU_IOAS_MAP_FILE (6.13) */
	bool bind_token;	/* nodes take VF tokens (6.17) */
	bool dma_buf;		/* VFIO_DEVICE_FEATURE_DMA_BUF (6.19) */
	bool vfio;		/* VFIO itself is loaded */
	bool vfio_pci;		/* the vfio-pci driver is loaded */
	bool vfio_platform;	/* and those of other buses */
	bool reset_required;	/* vfio-platform takes what it can reset */
	bool intremap;		/* interrupts are isolated */
	bool cap_ipc_lock;
	bool cap_sys_resource;
	bool cap_sys_rawio;
	bool cap_sys_admin;	/* pagemap tells addresses */
	bool root;		/* may open nodes of mode 0600 and 0660 */
	uint64_t memlock;	/* RLIMIT_MEMLOCK, bytes; UINT64_MAX: none */
	uint64_t mlocked;	/* bytes that the process has locked before, */
	uint64_t others_locked;	/* and the user's other processes */
	uint32_t maps_max;	/* dma_entry_limit of the container */
	uint64_t page;		/* smallest that the IOMMU maps */
	uint64_t pages;		/* the other sizes, as bits */
	bool no_pgsizes;	/* the container does not tell of them */
	bool snoops;		/* it enforces coherency */
	bool dirty;		/* it tracks what is written */
	uint64_t hole_base;	/* IOVAs that the IOMMU keeps for itself, */
	uint64_t hole_size;	/* the x86 MSI window by default; 0: none */
	uint64_t iova_last;	/* highest IOVA, 48 bits by default */
	bool busy_domain;	/* group ownership refused: EBUSY */
	bool rmrr;		/* firmware wants a 1:1 region: EINVAL */
	bool no_coherency;	/* IOMMU can't enforce coherency: EINVAL */
	bool noiommu;		/* CONFIG_VFIO_NOIOMMU */
	bool noiommu_cdev;	/* and with it device nodes (7.3) */
	bool unsafe_noiommu;	/* vfio.enable_unsafe_noiommu_mode */
	bool huge_moves;	/* a huge page moves once it is mapped again */
	bool uring;		/* io_uring is Linux's own, else there is none */
	bool kvm_irqchip;	/* KVM_CREATE_IRQCHIP is there */
	unsigned int gsi_max;	/* KVM_CAP_IRQ_ROUTING */
	unsigned int slots_max;	/* KVM_CAP_NR_MEMSLOTS */
	/* arm64 */
	unsigned int gic;	/* version that KVM has, 0: none */
	bool its;
	bool sve, pauth, pmu;
	bool cache_sizes;	/* KVM tells of them (before 6.3) */
};

/*
 * fake_begin - a fresh world: a friendly host, no devices, an empty journal.
 * fake_end - drop the world; where fake_check() finds something, the running
 * test fails.
 */
void fake_begin(void);
void fake_end(void);
struct fake_host *fake_host(void);

/*
 * fake_check - 0 when nothing is left behind: fds, mappings, DMA mappings,
 * pins, irqfds; and no violation was seen. Else prints each on stderr and
 * returns their number. Does not change anything.
 */
int fake_check(void);
/* fake_violations - how often something ruinous was done so far. */
unsigned int fake_violations(void);
/* fake_fds, fake_maps - open file descriptors; DMA mappings now in place. */
unsigned int fake_fds(void);
unsigned int fake_maps(void);
/* fake_pinned - bytes that are mapped for devices, each page once. */
uint64_t fake_pinned(void);
/* fake_dma_at - whether a device can reach @iova. */
bool fake_dma_at(uint64_t iova);

/*
 * fake_huge_pages - the pool of huge pages, by their addresses in the host,
 * in the order in which they are handed out. Without, it has no end.
 * fake_huge_free - how many of them are left. fake_phys - where the huge page
 * behind @at is, 0: it is none.
 */
void fake_huge_pages(const uint64_t *pa, unsigned int nr);
unsigned int fake_huge_free(void);
uint64_t fake_phys(const void *at);

/*
 * fake_file - a plain file (its folders come by themselves), or a new text.
 * fake_blob - the same of any bytes. Paths below /tmp/ that the world has not
 * are Linux's.
 */
void fake_file(const char *path, const char *text);
void fake_blob(const char *path, const void *data, size_t len);
void fake_link(const char *path, const char *target);
void fake_dir(const char *path);
void fake_remove(const char *path);
/* fake_text - what the file holds now, or NULL where there is none. */
const char *fake_text(const char *path);
/* fake_link_at - where the link points, or NULL. */
const char *fake_link_at(const char *path);

/* ---- the journal and failing calls -------------------------------------- */

/* fake_journal - all lines so far, each ended by a newline. */
const char *fake_journal(void);
void fake_journal_clear(void);
/* fake_count - journal lines that contain @text. */
unsigned int fake_count(const char *text);
/*
 * fake_order - whether lines containing each of the texts (ended by NULL)
 * follow in this order, each after the one before.
 */
bool fake_order(const char *first, ...);

/*
 * fake_fail_nth - make the @nth call from now (1: the next) fail. @err: the
 * errno it fails with, 0: one that fits the call. close, munmap, DMA
 * unmapping, and KVM's letting go of a VFIO file or of memory are not counted
 * and never fail. 0 as @nth: no more.
 */
void fake_fail_nth(unsigned int nth, int err);
/* fake_failed - the journal line of the call that was made to fail, or NULL. */
const char *fake_failed(void);
/*
 * fake_fail_call - make the next call whose journal line contains @text fail
 * with errno @err.
 */
void fake_fail_call(const char *text, int err);

/*
 * fake_sweep - run @run with its 1st, 2nd, 3rd ... call failing, until one run
 * has fewer calls than that. Each time: a fresh world, @build, @run must
 * return a negative errno (or 0 where @tolerates says, of the failed call's
 * journal line, that it may be survived; never a positive number), nothing is
 * left behind, and @run again, undisturbed, returns 0. Returns the number of
 * calls made to fail, or -1 after printing what was wrong.
 */
int fake_sweep(void (*build)(void), int (*run)(void),
	       bool (*tolerates)(const char *line));

/*
 * fake_as - whose calls they are from now on; what the sandbox does not allow
 * them is a violation. FAKE_PLUG is the main thread of a machine with slots.
 * Returns whose they were. AS() - those of one expression.
 */
enum fake_as { FAKE_NOBODY, FAKE_MAIN, FAKE_VCPU, FAKE_IO, FAKE_PLUG };
int fake_as(int whose);
#define AS(whose, expression) \
	({ \
		int was_ = fake_as(whose); \
		__typeof__(expression) ret_ = (expression); \
		fake_as(was_); \
		ret_; \
	})
#define AS_VOID(whose, expression) \
	({ \
		int was_ = fake_as(whose); \
		expression; \
		fake_as(was_); \
	})

/*
 * fake_bpf - what a seccomp filter answers. fake_allows - whether that of @kind
 * (enum sandbox_kind) allows system call @nr with that second argument.
 */
struct sock_filter;
struct seccomp_data;
uint32_t fake_bpf(const struct sock_filter *insns, unsigned int nr,
		  const struct seccomp_data *data);
bool fake_allows(int kind, long nr, uint64_t arg1);
/* AUDIT_ARCH_AARCH64, AUDIT_ARCH_X86_64 */
#define FAKE_AUDIT_ARCH (IS_ENABLED(CONFIG_ARM64) ? 0xc00000b7U : 0xc000003eU)

/* fake_send_at_most - a socket takes so many bytes at a time; 0: any number. */
void fake_send_at_most(size_t len);

/* ---- PCI devices -------------------------------------------------------- */

struct fake_pci_bar {
	uint64_t size;		/* 0: not there */
	bool io;
	bool mem64;		/* takes the next index too */
	bool prefetch;
};

/* Registers and state of one device; made by fake_pci(). */
struct fake_pci {
	char addr[40];		/* "0000:01:00.0", or a UUID */
	bool mdev;		/* a mediated device: no IOMMU behind it */
	const char *bus;	/* "platform" or "amba"; NULL: another */
	char driver[32];	/* "" for none */
	char native[32];	/* the driver that drivers_probe gives it */
	char override[32];
	int group;		/* IOMMU group, -1: none */
	unsigned int apart;	/* unlike ones can't share an address space */
	bool noiommu;		/* VFIO's own group, while bound to it */
	unsigned int nr;	/* of vfioN, while bound to vfio-pci */
	bool no_probe;		/* vfio-pci's probe fails */
	const char *token;	/* VF token, a UUID in small letters; NULL: none */
	bool present;

	/* Change before the device is opened. */
	uint8_t cfg[4096];	/* as the hardware has it */
	unsigned int cfg_size;	/* 256 or 4096 */
	struct fake_pci_bar bars[6];
	uint64_t rom_size;
	unsigned int msi;	/* vectors of each kind; 0: no such */
	unsigned int msix;
	bool intx;
	bool err_irq, req_irq;
	bool can_reset;
	bool no_bus_reset;
	bool no_unmask_fd;	/* INTx isn't unmasked by eventfd */
	bool noresize;		/* vectors can't be added singly */
	bool no_mmap;		/* BARs can't be mmapped */
	bool small_mmap;	/* the page of a smaller BAR can */
	unsigned int msix_limit; /* vectors the host grants, 0: all */
	/* Of a platform device: regions are bars[], interrupts these. */
	unsigned int nr_regions, nr_irqs;
	bool level[5];		/* else edge */
	bool readonly;		/* its registers */
	uint32_t odd_flags;	/* of it, that VFIO says instead of its own */
	uint32_t odd_count;	/* of each interrupt, instead of 1 */
	bool shared_irqs;	/* the kernel can't request them: EBUSY */

	/* Look at these. */
	unsigned int resets;	/* by VFIO_DEVICE_RESET, or by FLR */
	unsigned int bus_resets; /* by VFIO_DEVICE_PCI_HOT_RESET */
	unsigned int opens;
	bool low_power;
	bool open;
	uint8_t *bar_mem[6];	/* contents of BARs, shared by mmap */
	struct fake_pci_priv *priv;
	struct fake_pci *next;
};

/*
 * fake_pci - plug in a device: sysfs, its IOMMU group, bound to @driver (NULL:
 * none; "vfio-pci": its VFIO nodes appear). @addr "0000:01:00.0"; @group -1:
 * no IOMMU, so that vfio-pci takes it in noiommu mode only. An endpoint of
 * class @class (0x010802: NVMe) with no BAR, no capability.
 */
struct fake_pci *fake_pci(const char *addr, uint16_t vendor, uint16_t device,
			  uint32_t class, int group, const char *driver);
/*
 * fake_pci_nvme - a device like an NVMe disk, bound to vfio-pci: BAR 0 of
 * 16 KiB, 64-bit; PCIe capability; MSI-X with 65 vectors, table at BAR 0
 * offset 0x2000, PBA at 0x3000; FLR; power management.
 */
struct fake_pci *fake_pci_nvme(const char *addr, int group);
/*
 * fake_mdev - a mediated device like the kernel's sample mtty: a BAR of 8
 * ports, INTx that is unmasked by ioctl, 255 bytes of config space, no
 * capability, no reset.
 */
struct fake_pci *fake_mdev(const char *uuid, int group);
/*
 * fake_platform - a device on @bus, "platform" or "amba": a page of registers
 * and a level interrupt, and a reset. Its node of the device tree is for the
 * test to make, below fake_of_node().
 */
struct fake_pci *fake_platform(const char *name, const char *bus, int group,
			       const char *driver);
/* fake_of_node - make property @name, @len bytes, of @pci's node. */
void fake_of_node(const struct fake_pci *pci, const char *name,
		  const void *data, size_t len);
/* fake_pci_bind - as the kernel would: nodes come and go. NULL: unbind. */
void fake_pci_bind(struct fake_pci *pci, const char *driver);
/* fake_pci_find - by address, or NULL. */
struct fake_pci *fake_pci_find(const char *addr);

/* fake_rom_byte - what every device's ROM holds at @off. */
static inline uint8_t fake_rom_byte(uint64_t off)
{
	return off < 2 ? (off ? 0xaa : 0x55) : off * 7;
}

/* Build config space. All offsets in bytes, values little-endian. */
void fake_cfg16(struct fake_pci *pci, unsigned int off, uint16_t value);
void fake_cfg32(struct fake_pci *pci, unsigned int off, uint32_t value);
uint16_t fake_cfg_get16(const struct fake_pci *pci, unsigned int off);
uint32_t fake_cfg_get32(const struct fake_pci *pci, unsigned int off);
/* fake_bar - give BAR @index; size a power of two. */
void fake_bar(struct fake_pci *pci, unsigned int index, uint64_t size,
	      bool io, bool mem64, bool prefetch);
/*
 * fake_cap - append a capability @id of @len bytes (header included) to the
 * list, zeroed but for its header; returns its offset.
 */
unsigned int fake_cap(struct fake_pci *pci, uint8_t id, unsigned int len);
/* fake_ecap - the same for an extended capability. */
unsigned int fake_ecap(struct fake_pci *pci, uint16_t id, uint8_t version,
		       unsigned int len);
/* fake_cap_msi - MSI with @vectors (1..32), optionally 64-bit and maskable. */
unsigned int fake_cap_msi(struct fake_pci *pci, unsigned int vectors,
			  bool addr64, bool maskable);
/* fake_cap_msix - MSI-X with @vectors (1..2048) and where its tables lie. */
unsigned int fake_cap_msix(struct fake_pci *pci, unsigned int vectors,
			   unsigned int table_bar, uint32_t table_off,
			   unsigned int pba_bar, uint32_t pba_off);
/* fake_cap_pcie - PCI Express capability of an endpoint, with FLR. */
unsigned int fake_cap_pcie(struct fake_pci *pci);

/*
 * fake_device_fd - an fd that speaks the VFIO device ioctls of @pci, as
 * iommu_attach() would return, without any IOMMU. Close it with sys_close().
 */
int fake_device_fd(struct fake_pci *pci);

/* ---- interrupts --------------------------------------------------------- */

/*
 * fake_irq_fd - the eventfd that VFIO holds for @vector of interrupt @index
 * (VFIO_PCI_MSIX_IRQ_INDEX...), -1 where enabled without one, -2 where not
 * enabled.
 */
int fake_irq_fd(const struct fake_pci *pci, unsigned int index,
		unsigned int vector);
/* fake_irq_enabled - vectors enabled of @index: 0 when the kind is off. */
unsigned int fake_irq_enabled(const struct fake_pci *pci, unsigned int index);

struct fake_msg {
	uint64_t address;	/* MSI */
	uint32_t data;
	uint32_t devid;
	uint32_t gsi;
	bool pin;		/* a line, not an MSI */
	unsigned int line;	/* of the interrupt controller, with pin */
};

/*
 * fake_irq_fire - the device raises the vector. Returns 1 and fills @msg when
 * an irqfd takes it to the guest; 0 when an eventfd was signalled that no
 * irqfd watches; -ENOENT when the vector is not enabled; -EAGAIN for INTx
 * that is disabled in the command register, or that has fired and was not
 * acknowledged.
 */
int fake_irq_fire(struct fake_pci *pci, unsigned int index,
		  unsigned int vector, struct fake_msg *msg);
/*
 * fake_intx_ack - the guest acknowledges line @gsi; whether that reaches the
 * device's INTx (or a platform device's level) and has it unmasked. Where VFIO
 * does not listen, the eventfd is signalled for whoever does.
 */
bool fake_intx_ack(struct fake_pci *pci, unsigned int gsi);
/* fake_eventfd_fire - @fd is signalled; whether an irqfd has it, as @msg. */
bool fake_eventfd_fire(int fd, struct fake_msg *msg);
/* fake_irqfds, fake_routes - irqfds attached; entries of the routing table. */
unsigned int fake_irqfds(void);
unsigned int fake_routes(void);
/*
 * fake_slots - KVM memory slots in use. fake_slot_at - the host address that
 * the guest sees at @gpa, or NULL.
 */
unsigned int fake_slots(void);
void *fake_slot_at(uint64_t gpa);

/*
 * fake_apic_id - what the @nth call of KVM_SET_CPUID2 has told the vCPU of its
 * APIC ID, by leaf 1; -1: there was none such.
 */
int fake_apic_id(unsigned int nth);
#define FAKE_PHYS_BITS 40	/* of a guest-physical address, says KVM */

/*
 * fake_gic_reg - whether a register of the GIC was written, by attribute
 * @attr of @group (KVM_DEV_ARM_VGIC_GRP_...), and with what at last.
 * fake_vcpu_reg - what register @id of vCPU @nth holds, by KVM_GET_ONE_REG.
 * fake_vcpu_inits - how often KVM_ARM_VCPU_INIT was called for it.
 * fake_vcpu_features - and with which features.
 */
bool fake_gic_reg(unsigned int group, uint64_t attr, uint64_t *value);
uint64_t fake_vcpu_reg(unsigned int nth, uint64_t id);
unsigned int fake_vcpu_inits(unsigned int nth);
uint32_t fake_vcpu_features(unsigned int nth);

/*
 * fake_ring - the guest writes to @addr; whether there is a doorbell, which is
 * rung then. fake_doorbells - how many there are.
 */
bool fake_ring(uint64_t addr);
unsigned int fake_doorbells(void);
/*
 * fake_interrupt - what was signalled on an eventfd that an irqfd takes to the
 * guest, the last attached first, is delivered; false: there was nothing.
 */
bool fake_interrupt(struct fake_msg *msg);
/* fake_ack - the guest acknowledges line @gsi: who resamples it is told. */
void fake_ack(unsigned int gsi);

/* ---- a VM around it ----------------------------------------------------- */

/*
 * fake_vm_create - what vm_create() does up to the first device, without
 * vCPUs and board: KVM, buses, interrupts with 24 pins and MSIs above, and
 * @ram bytes of RAM at 0 in one region. Returns 0 or -errno.
 */
int fake_vm_create(struct vm *vm, const struct config *cfg, uint64_t ram);
void fake_vm_destroy(struct vm *vm);
/* fake_chip_create - some interrupt controller in the VM behind @vm_fd. */
int fake_chip_create(int vm_fd);
void fake_chip_destroy(void);

#endif
