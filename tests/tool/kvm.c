/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A KVM without a processor, for the tests of the program as a whole: linked
 * around the real vmm/sys.c, it lets every call go to Linux, which refuses
 * KVM's, and then answers these itself. So all but the guest is real: threads,
 * signals, files, sockets, system calls and what a sandbox makes of them.
 *
 * What the guest does is in the environment, POSTERN_GUEST: words that the
 * first processor goes through one after the other,
 *
 *	say=TEXT	on the serial port, then a newline
 *	exit=N		to the exit device
 *	wait		for the host's interrupt, from the power button
 *	off, reset	by ACPI
 *	triple		a triple fault
 *	panic		as KVM_SYSTEM_EVENT_CRASH
 *	bad		an exit that nobody knows
 *	flood		writes to a port that nobody has, without an end
 *	write=A:LEN:V	LEN bytes of V to address A, both in hex
 *	hang		until it is reset or stopped, and then what follows
 *	call=N		system call N, as if the VMM were taken over
 *	spin		for ever
 *
 * and at their end it spins. Other processors wait.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "arch/x86/layout.h"
#include "arch/x86/pm.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define RUN_SIZE 12288
#define FDS 1024
#define CPUS 64

enum kind { NONE, KVM, VM, VCPU };

static struct {
	enum kind kind[FDS];
	struct kvm_run *runs[FDS];
	int vcpu0;
	const char *at;		/* in POSTERN_GUEST */
	const char *text;	/* of say= */
	bool line;		/* its newline is still to come */
	_Atomic bool interrupt;
} stub = { .vcpu0 = -1 };

int __real_sys_open(const char *path, int flags, int mode);
int __real_sys_close(int fd);
int __real_sys_ioctl(int fd, unsigned long request, void *arg);
int __real_sys_ioctl_num(int fd, unsigned long request, unsigned long arg);
int __real_sys_mmap(void **out, void *hint, size_t len, int prot, int flags,
		    int fd, uint64_t offset);
int __real_sys_run(int fd);
int __wrap_sys_open(const char *path, int flags, int mode);
int __wrap_sys_close(int fd);
int __wrap_sys_ioctl(int fd, unsigned long request, void *arg);
int __wrap_sys_ioctl_num(int fd, unsigned long request, unsigned long arg);
int __wrap_sys_mmap(void **out, void *hint, size_t len, int prot, int flags,
		    int fd, uint64_t offset);
int __wrap_sys_run(int fd);

static int new_fd(enum kind kind)
{
	int fd = sys_memfd("stub", 0);

	if (fd >= FDS || sys_ftruncate(fd, RUN_SIZE) < 0)
		return -EMFILE;
	stub.kind[fd] = kind;
	return fd;
}

static enum kind kind_of(int fd)
{
	return fd >= 0 && fd < FDS ? stub.kind[fd] : NONE;
}

int __wrap_sys_open(const char *path, int flags, int mode)
{
	if (strcmp(path, "/dev/kvm"))
		return __real_sys_open(path, flags, mode);
	if (getenv("POSTERN_NO_KVM"))
		return -atoi(getenv("POSTERN_NO_KVM"));
	return new_fd(KVM);
}

int __wrap_sys_close(int fd)
{
	if (kind_of(fd) != NONE)
		stub.kind[fd] = NONE;
	return __real_sys_close(fd);
}

int __wrap_sys_mmap(void **out, void *hint, size_t len, int prot, int flags,
		    int fd, uint64_t offset)
{
	int err = __real_sys_mmap(out, hint, len, prot, flags, fd, offset);

	if (!err && kind_of(fd) == VCPU)
		stub.runs[fd] = *out;
	return err;
}

/* ---- requests ----------------------------------------------------------- */

static int supported_cpuid(struct kvm_cpuid2 *table)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .eax = 0xb },
		{ .function = 1, .ebx = 0xff000000 },
		{ .function = 0xb, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX },
		{ .function = 0x80000008, .eax = 40 },
	};

	memcpy(table->entries, entries, sizeof(entries));
	table->nent = ARRAY_SIZE(entries);
	return 0;
}

static int capability(unsigned long cap)
{
	switch (cap) {
	case KVM_CAP_NR_MEMSLOTS:
		return 64;
	case KVM_CAP_MAX_VCPUS:
		return CPUS;
	case KVM_CAP_IRQ_ROUTING:
		return 4096;
	}
	return 1;
}

static int create_vcpu(unsigned long id)
{
	int fd = new_fd(VCPU);

	if (!id) {
		stub.vcpu0 = fd;
		stub.at = getenv("POSTERN_GUEST");
	}
	return fd;
}

int __wrap_sys_ioctl_num(int fd, unsigned long request, unsigned long arg)
{
	int ret = __real_sys_ioctl_num(fd, request, arg);

	if (kind_of(fd) == NONE)
		return ret;
	switch (request) {
	case KVM_GET_API_VERSION:
		return 12;
	case KVM_CREATE_VM:
		return new_fd(VM);
	case KVM_CREATE_VCPU:
		return create_vcpu(arg);
	case KVM_CHECK_EXTENSION:
		return capability(arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return RUN_SIZE;
	}
	return 0;
}

int __wrap_sys_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = __real_sys_ioctl(fd, request, arg);

	if (kind_of(fd) == NONE)
		return ret;
	if (_IOC_DIR(request) == _IOC_READ)
		memset(arg, 0, _IOC_SIZE(request));
	switch (request) {
	case KVM_GET_SUPPORTED_CPUID:
		return supported_cpuid(arg);
	case KVM_IRQ_LINE:
		if (((struct kvm_irq_level *)arg)->irq == X86_SCI_IRQ &&
		    ((struct kvm_irq_level *)arg)->level)
			stub.interrupt = true;
		break;
	case KVM_GET_MSR_INDEX_LIST:
		((struct kvm_msr_list *)arg)->nmsrs = 1;
		break;
	case KVM_GET_REGS:
		((struct kvm_regs *)arg)->rip = 0x1234;
		break;
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return ((struct kvm_msrs *)arg)->nmsrs;
	}
	return 0;
}

/* ---- the guest ---------------------------------------------------------- */

static int out(struct kvm_run *run, uint16_t port, uint32_t value, int size)
{
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = KVM_EXIT_IO_OUT;
	run->io.port = port;
	run->io.size = size;
	run->io.count = 1;
	run->io.data_offset = 4096;
	memcpy((char *)run + 4096, &value, size);
	return 0;
}

/* Asleep until @until is set or the VMM wants the thread back. */
static int sleep_until(struct kvm_run *run, _Atomic bool *until)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	struct timespec when;

	while (!*(volatile uint8_t *)&run->immediate_exit) {
		if (until && *until)
			return 0;
		clock_gettime(CLOCK_REALTIME, &when);
		when.tv_nsec += 2000000;
		if (when.tv_nsec >= 1000000000) {
			when.tv_nsec -= 1000000000;
			when.tv_sec++;
		}
		pthread_mutex_lock(&lock);
		pthread_cond_timedwait(&never, &lock, &when);
		pthread_mutex_unlock(&lock);
	}
	return -EINTR;
}

static bool is(const char *word)
{
	size_t len = strlen(word);

	if (strncmp(stub.at, word, len))
		return false;
	return word[len - 1] == '=' || !stub.at[len] || stub.at[len] == ' ';
}

static const char *value(void)
{
	return strchr(stub.at, '=') + 1;
}

static void next(void)
{
	stub.at += strcspn(stub.at, " ");
	stub.at += strspn(stub.at, " ");
}

static int say(struct kvm_run *run)
{
	char c = *stub.text;

	if (c && c != ' ') {
		stub.text++;
		return out(run, X86_COM1_PORT, c, 1);
	}
	stub.text = NULL;
	next();
	return out(run, X86_COM1_PORT, '\n', 1);
}

static int ended(struct kvm_run *run, unsigned int reason)
{
	run->exit_reason = reason;
	next();
	return 0;
}

static int write_memory(struct kvm_run *run)
{
	unsigned long long addr, val;
	unsigned int len;

	if (sscanf(value(), "%llx:%u:%llx", &addr, &len, &val) != 3)
		abort();
	run->mmio.phys_addr = addr;
	run->mmio.len = len;
	run->mmio.is_write = 1;
	memcpy(run->mmio.data, &val, sizeof(run->mmio.data));
	return ended(run, KVM_EXIT_MMIO);
}

static int hang(struct kvm_run *run)
{
	int err = sleep_until(run, NULL);

	next();
	return err;
}

static int wait_for_button(struct kvm_run *run)
{
	int err;

	if (!stub.line) {
		stub.line = true;
		return out(run, X86_PM_PORT + PM1_EN, 0x100, 2);
	}
	err = sleep_until(run, &stub.interrupt);
	if (err)
		return err;
	stub.line = false;
	next();
	return out(run, X86_PM_PORT + PM1_STS, 0x100, 2);
}

static int step(struct kvm_run *run)
{
	if (stub.text)
		return say(run);
	if (is("say=")) {
		stub.text = value();
		return say(run);
	}
	if (is("wait"))
		return wait_for_button(run);
	if (is("exit="))
		return out(run, X86_EXIT_PORT, atoi(value()), 1);
	if (is("off"))
		return out(run, X86_PM_PORT + PM1_CNT,
			   (PM_SLP_TYP_S5 << 2 | 0x20) << 8, 2);
	if (is("reset")) {
		next();
		return out(run, X86_PM_PORT + PM_RESET, PM_RESET_VALUE, 1);
	}
	if (is("write="))
		return write_memory(run);
	if (is("hang"))
		return hang(run);
	if (is("triple"))
		return ended(run, KVM_EXIT_SHUTDOWN);
	if (is("panic")) {
		run->system_event.type = KVM_SYSTEM_EVENT_CRASH;
		return ended(run, KVM_EXIT_SYSTEM_EVENT);
	}
	if (is("bad"))
		return ended(run, KVM_EXIT_HYPERCALL);
	if (is("flood"))
		return out(run, 0x80, 0, 1);
	if (is("call=")) {
		syscall(atol(value()), -1, -1, -1, -1, -1, -1);
		return ended(run, KVM_EXIT_INTR);
	}
	return sleep_until(run, NULL);
}

int __wrap_sys_run(int fd)
{
	struct kvm_run *run = stub.runs[fd];

	__real_sys_run(fd);
	if (run->immediate_exit)
		return -EINTR;
	if (fd != stub.vcpu0 || !stub.at)
		return sleep_until(run, NULL);
	return step(run);
}
