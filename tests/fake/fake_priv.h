/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the fake kernel share. One world at a time, behind one
 * lock, which every sys_ call holds; functions here are called with it held.
 */
#ifndef TESTS_FAKE_FAKE_PRIV_H
#define TESTS_FAKE_FAKE_PRIV_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/fake/fake.h"
#include "vmm/util.h"

#define PAGE 4096ULL
#define HUGE (2 * MiB)
#define FDS_MAX 8192
#define IRQ_INDEXES 5		/* INTx, MSI, MSI-X, ERR, REQ */
#define IRQ_VECTORS 2048

enum kind {
	KIND_FILE,	/* a copy of a text, or a memfd */
	KIND_EVENTFD,
	KIND_KVM,
	KIND_VM,
	KIND_VCPU,
	KIND_KVM_VFIO,
	KIND_KVM_DEVICE,	/* any other: the architecture's */
	KIND_CONTAINER,
	KIND_GROUP,
	KIND_IOMMUFD,
	KIND_DEVICE,
	KIND_DMABUF,
	KIND_PAGEMAP,
	KIND_VHOST,
};

/*
 * An open file, as Linux's struct file: shared by duplicates, held by other
 * objects, gone when the last hold is.
 */
struct file {
	enum kind kind;
	unsigned int holds;	/* descriptors and objects that keep it */
	unsigned int fds;	/* descriptors alone */
	char name[160];		/* path, or what it is */
	int real;		/* a descriptor of the fake's own, or -1 */
	bool hugetlb;		/* KIND_FILE: a memfd with huge pages */
	bool memfd;
	struct huge_page *pages; /* of a memfd with such, nr_pages */
	unsigned int nr_pages;
	bool kvm_held;		/* told to KVM, not taken back */
	void *obj;		/* by kind */
};

/* DMA mappings of a container or an address space. */
struct dma_map {
	uint64_t iova;
	uint64_t size;
	uintptr_t hva;		/* 0: mapped by file */
	unsigned int pin;	/* the same for all that share pages */
	struct dma_map *next;
	const struct fake_pci *pci; /* whose memory it is; NULL: RAM */
	bool revoked;		/* by a dma-buf, and lost: leads nowhere */
};

/* Behind KIND_DMABUF: a part of a BAR. */
struct dmabuf {
	const struct fake_pci *pci;
	uint64_t size;
};

struct dma_space {
	struct dma_map *maps;
	unsigned int attached;	/* groups or devices */
	bool by_process;	/* whose the locked memory is, else the user's */
	unsigned int apart;	/* what is attached, see struct fake_pci */
	bool noiommu;		/* they are in noiommu mode */
	struct dma_space *next;	/* all of the world */
};

struct container {
	struct dma_space *space;
	int type;		/* 0: no IOMMU set */
	bool noiommu;		/* its groups are VFIO's own */
	unsigned int groups;
};

struct group {
	int id;
	bool open;
	struct container *container;
	struct file *iommufd;	/* in its place */
	struct file *container_file;
	unsigned int devices;	/* open device files */
	struct group *next;
};

struct ioas {
	uint32_t id;
	struct dma_space *space;
	struct ioas *next;
};

struct iommufd {
	uint32_t last_id;
	struct ioas *ioas;
	struct ioas *compat;	/* that containers' calls mean, or NULL */
	bool noiommu;		/* its groups are VFIO's own */
	bool by_process;
};

/* Behind KIND_DEVICE: a device opened by group or by its own node. */
struct vdev {
	struct fake_pci *pci;
	struct file *group;	/* opened through, or NULL */
	struct file *iommufd;	/* bound to, or NULL */
	struct ioas *ioas;	/* attached to, or NULL */
	bool ready;		/* device ioctls work */
	bool cdev;
};

struct vector {
	struct file *eventfd;	/* NULL: none */
	int fd;			/* as it was given */
};

struct fake_pci_priv {
	struct vdev *opener;	/* who has it ready */
	bool started;		/* config space as VFIO shows it is made */
	uint8_t ids[4];		/* which VFIO has from when it was opened */
	uint8_t wmask[4096];
	uint64_t bar_addr[6];
	int bar_fd[6];
	unsigned int enabled[IRQ_INDEXES];
	struct vector vectors[IRQ_INDEXES][IRQ_VECTORS];
	struct vector unmask[IRQ_INDEXES]; /* unmasks a level when signalled */
	bool masked[IRQ_INDEXES]; /* a level, since it fired */
	unsigned int last_cap, last_ecap, next_cap, next_ecap;
};

struct slot {
	bool used;
	uint64_t gpa, size, hva;
	uint32_t flags;
};

struct irqfd {
	struct file *eventfd;
	struct file *resample;
	uint32_t gsi;
	struct irqfd *next;
};

struct doorbell {
	struct file *eventfd;
	uint64_t addr;
	struct doorbell *next;
};

struct kvm_create_device;
struct kvm_irq_routing_entry;
struct vfio_iommu_type1_info;

struct fake_kvm {
	struct slot slots[512];
	struct kvm_irq_routing_entry *routes;
	unsigned int nr_routes;
	struct irqfd *irqfds;
	struct doorbell *doorbells;
	struct file *vfio_files[64];
	bool vfio_device;
	bool irqchip;
	unsigned int nr_vcpus;	/* created so far */
	void *arch;		/* the architecture's own */
	struct fake_kvm *next;
};

struct fake_vcpu {
	struct fake_kvm *kvm;
	unsigned int id;
	void *arch;
};

enum node_type { NODE_DIR, NODE_TEXT, NODE_LINK, NODE_DEV };

struct node {
	char *path;
	unsigned int hash;	/* of the path */
	enum node_type type;
	bool made;		/* by the world itself, see pci_sysfs() */
	char *data;
	size_t len;
	struct node *next;
};

struct mapping {
	uintptr_t start;
	uintptr_t end;
	const struct fake_pci *pci; /* whose BAR; NULL: RAM */
	struct file *file;	/* a memfd, held, or NULL */
	uint64_t offset;	/* of start in it */
	struct mapping *next;
};

struct world {
	struct fake_host host;
	int as;			/* enum fake_as */
	unsigned long request;	/* of an ioctl, that is being asked for */
	struct file *fds[FDS_MAX];
	struct node *nodes;
	struct mapping *mappings;
	struct dma_space *spaces;
	struct group *groups;
	struct fake_kvm *kvms;
	struct fake_pci *pcis;
	struct vhost *vhost;	/* the open one, or NULL */
	unsigned int next_vfio;
	unsigned int next_pin;
	int next_noiommu;	/* groups that VFIO makes */
	uint64_t huge[512];	/* the pool of huge pages */
	bool huge_taken[512];
	bool huge_set;
	unsigned int nr_huge, huge_reserved;

	char *journal;
	size_t journal_len, journal_size;
	char call[320];		/* the one under way */
	unsigned int fail_nth, calls;
	int fail_err;
	char fail_text[128];
	char *failed;
	unsigned int violations;
};

/* core.c */
extern struct world *world;
void world_lock(void);
void world_unlock(void);
/*
 * call_begin - note a call in words. Returns 0, or the -errno it must fail
 * with at once; @err is what fits. call_end - journal it with its result,
 * which is passed on.
 */
int call_begin(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
long call_end(long ret);
/* The body of a call: the lock, the journal, and failing. */
#define CALL(err, body, ...) \
	({ \
		long ret_; \
		world_lock(); \
		ret_ = call_begin(err, __VA_ARGS__); \
		if (!ret_) \
			ret_ = (body); \
		ret_ = call_end(ret_); \
		world_unlock(); \
		ret_; \
	})

/* sandbox_judge - whether who fake_as() says may make this call. */
void sandbox_judge(const char *line);
void violation(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* LINUX - a call that is Linux's own to answer; -errno. */
#define LINUX(call) \
	({ \
		long r_ = (call); \
		r_ < 0 ? -(long)errno : r_; \
	})
/* file_new - an open file and its first descriptor, returned; -errno. */
int file_new(enum kind kind, const char *name, void *obj, int real);
/* file_add_fd - one more descriptor of @file, returned. */
int file_add_fd(struct file *file);
struct file *file_of(int fd);
struct file *file_of_kind(int fd, enum kind kind);
void file_hold(struct file *file);
void file_put(struct file *file);
void *zalloc(size_t size);
/* drop_world - forget everything, checked or not. */
void drop_world(void);

/* fs.c */
struct node *fs_find(const char *path);
void fs_set(const char *path, enum node_type type, const void *data,
	    size_t len, bool made);
/* Into an open file, and for who opens it next, if that is not longer by it. */
ssize_t fs_pwrite(const struct file *file, const void *data, size_t len,
		  uint64_t offset);
void fs_drop_made(void);
void fs_free(void);
/* Whether it is a text of "Y" or "1": a module parameter. */
bool fs_param(const char *path);

/* mm.c */
/* @file, from @offset on: what is mapped, or NULL. */
void mm_add(uintptr_t start, size_t len, const struct fake_pci *pci,
	    struct file *file, uint64_t offset);
const struct mapping *mm_find(uintptr_t addr);
void mm_remove(uintptr_t start, size_t len);
/* Whether all of it is mapped; @pci: whose BAR a part of it is, or NULL. */
bool mm_covers(uintptr_t start, size_t len, const struct fake_pci **pci);
void mm_free(void);

/* huge.c */
void huge_sysfs(void (*put)(const char *path, const char *text));
int huge_map(struct file *file, uint64_t off, uint64_t len);
int huge_advise(uintptr_t at, uint64_t len, int advice);
void huge_release(struct file *file);
/* Where the huge page at @va is in the host; false: it is none, or not yet. */
bool huge_phys(uintptr_t va, uint64_t *pa);
int pagemap_open(void);
ssize_t pagemap_read(uint64_t *entries, size_t len, uint64_t off);

/* dma.c */
struct dma_space *dma_space_new(void);
void dma_space_free(struct dma_space *space);
int dma_map(struct dma_space *space, uint64_t iova, uint64_t size,
	    uintptr_t hva, bool by_file, bool device_ok);
/* dma_map_bar - a part of a BAR of @pci, by dma-buf. */
int dma_map_bar(struct dma_space *space, uint64_t iova, uint64_t size,
		const struct fake_pci *pci);
/* Removes what lies within; -ENOENT: nothing; -EINVAL: would cut one. */
int dma_unmap(struct dma_space *space, uint64_t iova, uint64_t size,
	      uint64_t *unmapped);
bool dma_conflict(const struct dma_space *space);
/*
 * A device, or its group, joins: -EINVAL where it can't be with what is
 * attached, -EADDRINUSE where mappings are in its way, -ENOMEM where what was
 * noted only can't be locked now.
 */
int dma_attach(struct dma_space *space, const struct fake_pci *pci);
/* The same range of @from, which must be one mapping, with its pages. */
int dma_copy(struct dma_space *space, uint64_t iova, uint64_t size,
	     const struct dma_space *from, uint64_t from_iova);
/* What the process has locked, or the user's processes. */
uint64_t dma_locked(bool by_process);
/* The ranges allowed: writes at most two, returns how many there are. */
unsigned int dma_ranges(uint64_t first[2], uint64_t last[2]);
/*
 * @pci is reset or stops decoding: what is mapped of it by dma-buf is lost
 * for good, and keeps its addresses until it is unmapped.
 */
void dma_revoke(const struct fake_pci *pci);
/* dma_stop - that was asked for, with others still let to it: a violation. */
void dma_stop(const struct fake_pci *pci);
/* Whether [start, start + len) is memory that a device can reach. */
bool dma_uses(uintptr_t start, size_t len);

/* vhost.c */
int vhost_open_node(void);
void vhost_release(struct vhost *vhost);
int vhost_ioctl(struct vhost *vhost, unsigned long request, void *arg);
/* Whether one is at work in memory of [start, start + len). */
bool vhost_uses(uintptr_t start, size_t len);

/* container.c */
int container_open(void);
int group_open(const char *name);
void container_release(struct container *container);
void group_release(struct group *group);
int container_ioctl(struct file *file, unsigned long request, void *arg,
		    unsigned long num);
int group_ioctl(struct file *file, unsigned long request, void *arg);
struct group *group_find(int id);
/* Whether it is one that VFIO made. */
bool group_noiommu(int id);
/* -EBUSY and the like where the group's DMA can't be ours. */
int group_claim(int id);
/* What VFIO_IOMMU_GET_INFO answers, with room as @arg says. */
int type1_info(struct vfio_iommu_type1_info *arg, bool attached,
	       uint32_t maps);

/* compat.c */
/* The compat address space, made with the first group; -errno. */
int compat_join(struct iommufd *iommufd, bool noiommu);
/* A device of a group whose container is an iommufd is opened: 0 or -errno. */
int compat_open(struct file *iommufd, struct fake_pci *pci,
		struct ioas **ioas);
int compat_ioctl(struct iommufd *iommufd, unsigned long request, void *arg,
		 unsigned long num);
/* iommufd.c */
int iommufd_open(const char *path, bool by_process);
struct ioas *ioas_new(struct iommufd *iommufd);
/* -EPERM: interrupts are not isolated. Else what group_claim() says. */
int iommufd_claim(const struct fake_pci *pci);
void iommufd_release(struct iommufd *iommufd);
int iommufd_ioctl(struct iommufd *iommufd, unsigned long request, void *arg,
		  unsigned long num);
int cdev_open(const char *name);
int cdev_ioctl(struct file *file, unsigned long request, void *arg);
void cdev_detach(struct vdev *vdev);

/* device.c */
int device_open(struct fake_pci *pci, struct file *group, bool cdev);
void device_start(struct vdev *vdev);
void device_release(struct vdev *vdev);
int device_ioctl(struct file *file, unsigned long request, void *arg);
ssize_t device_read(struct vdev *vdev, void *buf, size_t len, uint64_t off);
ssize_t device_write(struct vdev *vdev, const void *buf, size_t len,
		     uint64_t off);
int device_mmap(struct vdev *vdev, uint64_t off, size_t len, int *fd,
		uint64_t *fd_off);
/* Whoever asked for it: nothing decides against it any more. */
void function_reset(struct fake_pci *pci);
/* irqs.c */
/* Whether interrupt @index is a level, which is masked when it fires. */
bool irq_level(const struct fake_pci *pci, unsigned int index);
unsigned int irq_count(const struct fake_pci *pci, unsigned int index);
int irq_set(struct fake_pci *pci, void *arg);
void irq_disable_all(struct fake_pci *pci);
/* config.c */
/* Where the nth capability is, 0: there are not so many. */
unsigned int config_cap(const struct fake_pci *pci, unsigned int nth);
void config_start(struct fake_pci *pci);
/* Whether its memory BARs answer: told to decode, and awake. */
bool config_decodes(const struct fake_pci *pci);
void config_read(struct fake_pci *pci, unsigned int off, uint8_t *data,
		 size_t len);
void config_write(struct fake_pci *pci, unsigned int off, const uint8_t *data,
		  size_t len);

/* pci.c */
/* Whether its driver is one of VFIO's. */
bool pci_is_vfio(const struct fake_pci *pci);
/* Which of VFIO's drivers is for its bus. */
const char *pci_vfio_driver(const struct fake_pci *pci);
/* pci_token - whether who gives @token (NULL: none) may open @pci. */
int pci_token(const struct fake_pci *pci, const char *token);
void pci_sysfs(void);
/* A write to a file of sysfs; 0: not one that does anything. */
int pci_sysfs_write(const char *path, const char *text);
void pci_free(void);
struct fake_pci *pci_by_node(const char *name);

/* host.c */
int host_ioctl(int fd, unsigned long request, void *arg, unsigned long num);

/* doorbell.c */
int doorbell_set(struct fake_kvm *kvm, const void *arg);
void doorbells_free(struct fake_kvm *kvm);

/* kvm.c */
int kvm_file_open(void);
int kvm_ioctl(struct file *file, unsigned long request, void *arg,
	      unsigned long num);
void kvm_release(struct file *file);
bool kvm_uses(uintptr_t start, size_t len);
/* Where an interrupt on this eventfd goes: false if no irqfd has it. */
bool kvm_deliver(struct file *eventfd, struct fake_msg *msg);
/* The guest acknowledges line @gsi; whether @resample is told of it. */
bool kvm_ack(uint32_t gsi, const struct file *resample);

/*
 * kvm_x86.c, kvm_arm64.c: what KVM has of each. kvm_arch_extension() says -1
 * of what is none of theirs. Of /dev/kvm itself, @kvm is NULL.
 */
int kvm_arch_extension(const struct fake_kvm *kvm, unsigned long cap);
int kvm_arch_vm_create(struct fake_kvm *kvm, unsigned long type);
void kvm_arch_vm_release(struct fake_kvm *kvm);
int kvm_arch_vm_ioctl(struct fake_kvm *kvm, unsigned long request, void *arg);
int kvm_arch_vcpu_create(struct fake_vcpu *vcpu);
void kvm_arch_vcpu_release(struct fake_vcpu *vcpu);
int kvm_arch_vcpu_ioctl(struct fake_vcpu *vcpu, unsigned long request,
			void *arg);
int kvm_arch_device_create(struct fake_kvm *kvm, struct kvm_create_device *arg);
int kvm_arch_device_ioctl(struct file *file, unsigned long request, void *arg);
void kvm_arch_device_release(struct file *file);
/* Whether the interrupt controller takes irqfds by now. */
bool kvm_arch_irqs_ready(const struct fake_kvm *kvm);
/* 0, or why KVM has no such route. */
int kvm_arch_check_route(const struct fake_kvm *kvm,
			 const struct kvm_irq_routing_entry *e);

#endif
