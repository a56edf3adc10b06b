/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a machine, from the first file descriptor to the last; see
 * vm.h. The order of vm_create() is the order of dependence, and
 * vm_destroy() is its mirror.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "vmm/arch.h"
#include "vmm/control.h"
#include "vmm/events.h"
#include "vmm/log.h"
#include "vmm/sandbox.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

static int machine_create(struct vm *vm)
{
	int err;

	err = arch_vm_create(vm);
	if (err < 0)
		return err;
	err = board_create(vm);
	if (err < 0)
		goto destroy_arch;
	err = vcpus_create(vm);
	if (err < 0)
		goto destroy_board;
	bus_freeze(&vm->mmio);
	bus_freeze(&vm->pio);
	err = board_load(vm);
	if (err < 0)
		goto destroy_vcpus;
	err = vcpus_reset(vm);
	if (err < 0)
		goto destroy_vcpus;
	return 0;

destroy_vcpus:
	vcpus_destroy(vm);
destroy_board:
	board_destroy(vm);
destroy_arch:
	arch_vm_destroy(vm);
	return err;
}

static void machine_destroy(struct vm *vm)
{
	board_destroy(vm);
	vcpus_destroy(vm);
	arch_vm_destroy(vm);
}

int vm_create(struct vm *vm, const struct config *cfg)
{
	int err;

	memset(vm, 0, sizeof(*vm));
	vm->cfg = cfg;
	err = events_create(vm);
	if (err < 0)
		return err;
	err = kvm_open(&vm->kvm, "/dev/kvm");
	if (err < 0)
		goto destroy_events;
	err = loop_create(&vm->loop);
	if (err < 0)
		goto close_kvm;
	mem_create(&vm->mem);
	mem_listen(&vm->mem, &vm->kvm.slots);
	bus_create(&vm->mmio, "mmio");
	bus_create(&vm->pio, "pio");
	err = machine_create(vm);
	if (err < 0)
		goto destroy_loop;
	err = control_create(vm);
	if (err < 0)
		goto destroy_machine;
	return 0;

destroy_machine:
	machine_destroy(vm);
destroy_loop:
	mem_unlisten(&vm->mem, &vm->kvm.slots);
	mem_destroy(&vm->mem);
	loop_destroy(&vm->loop);
close_kvm:
	kvm_close(&vm->kvm);
destroy_events:
	events_stop(vm, status_of(err));
	events_destroy(vm);
	return err;
}

void vm_destroy(struct vm *vm)
{
	control_destroy(vm);
	machine_destroy(vm);
	mem_unlisten(&vm->mem, &vm->kvm.slots);
	mem_destroy(&vm->mem);
	loop_destroy(&vm->loop);
	kvm_close(&vm->kvm);
	events_destroy(vm);
}

void vm_stop(struct vm *vm, int status)
{
	int was = vm->state;

	while (was != VM_STOPPING)
		if (atomic_compare_exchange_weak(&vm->state, &was,
						 VM_STOPPING)) {
			vm->status = status;
			loop_quit(&vm->loop);
			return;
		}
}

void vm_reset(struct vm *vm)
{
	int running = VM_RUNNING;

	if (vm->cfg->once)
		vm_stop(vm, STATUS_RESET);
	else if (atomic_compare_exchange_strong(&vm->state, &running,
						VM_RESETTING))
		loop_quit(&vm->loop);
}

/* What ends a run from the outside: signals and time. */
struct outside {
	struct vm *vm;
	int signal_fd;
	int stop_timer;		/* after the power button, or -1 */
	int timeout_timer;	/* --timeout, or -1 */
	int signal;		/* the first that came */
};

static void stop_timer_fired(void *arg)
{
	struct outside *out = arg;

	log_warn("the guest has not powered off within %u s: stopping it",
		 out->vm->cfg->stop_timeout);
	vm_stop(out->vm, STATUS_SIGNAL + out->signal);
}

static void timeout_fired(void *arg)
{
	struct outside *out = arg;

	log_err("timeout: the guest is still running after %u s",
		out->vm->cfg->timeout);
	vm_stop(out->vm, STATUS_TIMEOUT);
}

static void signal_arrived(void *arg)
{
	struct outside *out = arg;
	struct signalfd_siginfo info;
	struct vm *vm = out->vm;

	if (sys_read(out->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (out->signal || !vm->cfg->stop_timeout) {
		vm_stop(vm, STATUS_SIGNAL + info.ssi_signo);
		return;
	}
	out->signal = info.ssi_signo;
	if (vm_paused(vm))
		vm_resume(vm);
	log_info("%s: asking the guest to power off; a second signal stops it",
		 info.ssi_signo == SIGINT ? "SIGINT" :
		 info.ssi_signo == SIGHUP ? "SIGHUP" : "SIGTERM");
	out->stop_timer = loop_timer(&vm->loop, vm->cfg->stop_timeout * 1000,
				     stop_timer_fired, out);
	board_power_button(vm);
}

static int outside_open(struct outside *out, struct vm *vm)
{
	sigset_t set;
	int err;

	*out = (struct outside){
		.vm = vm, .stop_timer = -1, .timeout_timer = -1,
	};
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	out->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (out->signal_fd < 0)
		return -errno;
	err = loop_add(&vm->loop, out->signal_fd, signal_arrived, out);
	if (err < 0) {
		sys_close(out->signal_fd);
		return err;
	}
	if (vm->cfg->timeout)
		out->timeout_timer = loop_timer(&vm->loop,
						vm->cfg->timeout * 1000,
						timeout_fired, out);
	return 0;
}

static void outside_close(struct outside *out)
{
	if (out->timeout_timer >= 0)
		loop_timer_del(&out->vm->loop, out->timeout_timer);
	if (out->stop_timer >= 0)
		loop_timer_del(&out->vm->loop, out->stop_timer);
	loop_del(&out->vm->loop, out->signal_fd);
	sys_close(out->signal_fd);
}

static int machine_reset(struct vm *vm)
{
	int resetting = VM_RESETTING, err;

	devices_reset(vm);
	err = arch_vm_reset(vm);
	if (!err)
		err = board_load(vm);
	if (!err)
		err = vcpus_reset(vm);
	if (err < 0)
		vm_stop(vm, status_of(err));
	if (IS_ENABLED(CONFIG_CONTROL))
		vm->resets++;
	events_plain(vm, "reset");
	atomic_compare_exchange_strong(&vm->state, &resetting, VM_RUNNING);
	return err;
}

static int run_once(struct vm *vm)
{
	int err = vm_paused(vm) ? 0 : vcpus_start(vm);

	if (err < 0)
		return err;
	err = loop_run(&vm->loop);
	if (err < 0)
		vm_stop(vm, STATUS_INTERNAL);
	vcpus_stop(vm);
	return err;
}

static int run(struct vm *vm)
{
	struct outside out;
	int err;

	err = outside_open(&out, vm);
	if (err < 0) {
		log_err("cannot watch for signals: %s", err_text(err));
		return status_of(err);
	}
	err = sandbox_enter(vm);
	if (err >= 0)
		err = devices_run(vm);
	if (err < 0)
		vm_stop(vm, status_of(err));
	while (!err && vm->state != VM_STOPPING) {
		err = run_once(vm);
		if (!err && vm->state == VM_RESETTING)
			err = machine_reset(vm);
	}
	outside_close(&out);
	return vm->status;
}

void vm_pause(struct vm *vm)
{
	if (vm->paused)
		return;
	vm->paused = true;
	vcpus_stop(vm);
	events_plain(vm, "paused");
}

int vm_resume(struct vm *vm)
{
	if (!vm->paused)
		return 0;
	vm->paused = false;
	events_plain(vm, "resumed");
	return vcpus_start(vm);
}

int vm_run(struct vm *vm)
{
	int status;

	if (IS_ENABLED(CONFIG_CONTROL))
		vm->started = time_now();
	events_started(vm);
	status = run(vm);
	events_stop(vm, status);
	return status;
}
