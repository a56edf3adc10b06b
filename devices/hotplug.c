/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices in slots; see hotplug.h. The guest's side of a slot is pci/port.h's.
 *
 * A device is made whole, behind a port where nobody sees it, and then shown.
 * It leaves in the order of the exit: what the guest sees of it goes first, so
 * that nothing is undone that is being done meanwhile; then it is destroyed
 * like any other.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/hotplug.h"
#include "devices/pci/port.h"
#include "devices/vfio/vfio.h"
#include "devices/virtio/create.h"
#include "vmm/control.h"
#include "vmm/events.h"
#include "vmm/hotplug.h"
#include "vmm/json.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

struct slot {
	struct hotplug *hotplug;
	struct device *device;	/* in it, or NULL */
	int timer;		/* till the guest has let go of it, or -1 */
};

struct hotplug {
	struct device ours;
	struct vm *vm;
	struct pci_host *host;
	int fd;			/* a port has something to say */
	char why[160];		/* the first error's text */
	unsigned int nr;
	struct slot slots[PCI_PORTS];
};

/* ---- what is said meanwhile --------------------------------------------- */

static void overhear(void *arg, enum log_kind kind, const char *text)
{
	struct hotplug *h = arg;

	if (kind == LOG_ERR && !*h->why)
		snprintf(h->why, sizeof(h->why), "%s", text);
	log_divert(NULL, NULL);
	if (kind == LOG_ERR)
		log_err("%s", text);
	else if (kind == LOG_HINT)
		log_hint("%s", text);
	else if (kind == LOG_WARN)
		log_warn("%s", text);
	else
		log_info("%s", text);
	log_divert(overhear, h);
}

/* ---- in ----------------------------------------------------------------- */

static int no(struct hotplug *h, int err, const char *why)
{
	snprintf(h->why, sizeof(h->why), "%s", why);
	return err;
}

/* Whoever asks has opened the file: we can open none. */
static int create_disk(struct hotplug *h, const char *value, int fd)
{
	char text[256];

	if (fd < 0)
		return no(h, -EDOM, "disk: no open file came along");
	snprintf(text, sizeof(text), "fd:%d%s", fd,
		 value + strcspn(value, ","));
	return virtio_create(h->vm, h->host, "disk", text);
}

/* @text behind @prefix, or NULL if it begins otherwise. */
static const char *behind(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) ? NULL : text + len;
}

static int create(struct hotplug *h, const char *what, int fd,
		  unsigned int devfn)
{
	const char *value;

	if ((value = behind(what, "vfio=")))
		return vfio_pci_create_at(h->vm, h->host, value, devfn);
	if (IS_ENABLED(CONFIG_VIRTIO_DISK) && (value = behind(what, "disk=")))
		return create_disk(h, value, fd);
	value = behind(what, "net=");
	if (IS_ENABLED(CONFIG_VIRTIO_NET) && value && behind(value, "tap=") &&
	    !behind(value, "tap=fd:"))
		return virtio_create(h->vm, h->host, "net", value);
	return no(h, -EDOM, "not vfio=ADDRESS, disk=FILE or net=tap=NAME");
}

/* The slot has it, in the list of devices it is the newest. */
static int show(struct slot *s)
{
	struct hotplug *h = s->hotplug;
	int err = 0;

	s->device = h->vm->devices;
	if (s->device->ops->run)
		err = s->device->ops->run(s->device);
	if (err >= 0)
		port_show(h->host, s - h->slots);
	else
		device_del(h->vm, s->device);
	if (err < 0)
		s->device = NULL;
	return err;
}

static int add(struct hotplug *h, const char *what, int fd)
{
	struct slot *s = h->slots;
	unsigned int devfn = PCI_FUNCTIONS;
	int err;

	for (; s < h->slots + h->nr && s->device; s++)
		devfn++;
	if (s == h->slots + h->nr)
		return no(h, -EBUSY, "all slots are taken");
	pci_dev_next(h->host, devfn);
	err = create(h, what, fd, devfn);
	pci_dev_next(h->host, 0);
	if (err >= 0)
		err = show(s);
	return err < 0 ? err : s - h->slots + 1;
}

int hotplug_add(struct vm *vm, const char *what, int fd, const char **why)
{
	struct hotplug *h = vm->hotplug;
	int ret;

	*h->why = '\0';
	log_divert(overhear, h);
	ret = add(h, what, fd);
	log_divert(NULL, NULL);
	*why = *h->why ? h->why : err_text(ret);
	return ret;
}

/* ---- out ---------------------------------------------------------------- */

static void stop_waiting(struct slot *s, int status, const char *why)
{
	struct hotplug *h = s->hotplug;

	if (s->timer >= 0)
		loop_timer_del(&h->vm->loop, s->timer);
	s->timer = -1;
	control_done(h->vm, s - h->slots + 1, status, why);
}

static void take_out(struct slot *s)
{
	struct hotplug *h = s->hotplug;
	unsigned int n = s - h->slots;
	char name[64];

	snprintf(name, sizeof(name), "%s", s->device->name);
	port_hide(h->host, n);
	device_del(h->vm, s->device);
	s->device = NULL;
	log_info("slot %u: %s is removed", n + 1, name);
	events_removed(h->vm, name);
	stop_waiting(s, STATUS_OK, NULL);
}

static void ports_ready(void *arg)
{
	struct hotplug *h = arg;
	uint64_t count;
	unsigned int n;

	sys_read(h->fd, &count, sizeof(count));
	for (n = 0; n < h->nr; n++)
		if (h->slots[n].device && port_left(h->host, n))
			take_out(&h->slots[n]);
}

static void timed_out(void *arg)
{
	struct slot *s = arg;
	struct hotplug *h = s->hotplug;
	unsigned int n = s - h->slots;

	if (port_left(h->host, n)) {
		take_out(s);
		return;
	}
	port_unask(h->host, n);
	log_warn("slot %u: the guest has not let go of %s", n + 1,
		 s->device->name);
	stop_waiting(s, STATUS_TIMEOUT, "the guest has not let go of it");
}

static struct slot *find(struct hotplug *h, const char *id)
{
	unsigned int n;
	char number[12];

	for (n = 0; n < h->nr; n++) {
		snprintf(number, sizeof(number), "%u", n + 1);
		if (h->slots[n].device &&
		    (!strcmp(id, number) ||
		     !strcmp(id, h->slots[n].device->name)))
			return &h->slots[n];
	}
	return NULL;
}

int hotplug_remove(struct vm *vm, const char *id, unsigned int seconds,
		   const char **why)
{
	struct hotplug *h = vm->hotplug;
	struct slot *s = find(h, id);

	*why = "no such device in a slot";
	if (!s)
		return -ENODEV;
	if (s->timer < 0)
		s->timer = loop_timer(&vm->loop, seconds * 1000, timed_out, s);
	*why = "no timer is to be had";
	if (s->timer < 0)
		return s->timer;
	port_ask(h->host, s - h->slots);
	return s - h->slots + 1;
}

void hotplug_status(struct vm *vm, struct json *json)
{
	struct hotplug *h = vm->hotplug;
	char number[12];
	unsigned int n;

	json_open(json, "slots");
	for (n = 0; n < h->nr; n++) {
		snprintf(number, sizeof(number), "%u", n + 1);
		json_text(json, number, h->slots[n].device ?
			  h->slots[n].device->name : NULL);
	}
	json_close(json);
}

/* ---- life --------------------------------------------------------------- */

/* What was in the slots is gone: it came after us. */
static void hotplug_destroy(struct device *device)
{
	struct hotplug *h = container_of(device, struct hotplug, ours);
	unsigned int n;

	for (n = 0; n < h->nr; n++)
		if (h->slots[n].timer >= 0)
			loop_timer_del(&h->vm->loop, h->slots[n].timer);
	loop_del(&h->vm->loop, h->fd);
	sys_close(h->fd);
	h->vm->hotplug = NULL;
	free(h);
}

static const struct device_ops hotplug_ops = { .destroy = hotplug_destroy };

static int watch(struct hotplug *h)
{
	int err = h->fd = sys_eventfd();

	if (err < 0)
		return err;
	err = loop_add(&h->vm->loop, h->fd, ports_ready, h);
	if (err < 0)
		sys_close(h->fd);
	return err;
}

int hotplug_create(struct vm *vm, struct pci_host *host)
{
	struct hotplug *h;
	int err;

	if (!vm->cfg->hotplug)
		return 0;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->vm = vm;
	h->host = host;
	err = watch(h);
	if (err < 0) {
		free(h);
		return err;
	}
	for (; h->nr < vm->cfg->hotplug; h->nr++)
		h->slots[h->nr] = (struct slot){ .hotplug = h, .timer = -1 };
	vm->hotplug = h;
	device_add(vm, &h->ours, "hotplug", &hotplug_ops);
	return pci_ports_create(vm, host, h->fd);
}
