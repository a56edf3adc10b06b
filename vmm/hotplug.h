/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that come and go while the guest runs, for who controls it. What a
 * device is only devices/ know, which have what is declared here
 * (devices/hotplug.c); vm->hotplug is there with --hotplug, or NULL.
 *
 * Main thread, while vm_run() is on; never from within a device's callback.
 */
#ifndef VMM_HOTPLUG_H
#define VMM_HOTPLUG_H

struct vm;
struct json;

/*
 * hotplug_add - make the device of @what, "vfio=ADDRESS[,KEY=VALUE]...",
 * "disk=FILE[,KEY]..." or "net=tap=NAME[,KEY]..." as the option of that name has
 * it, and put it into a free slot. A disk's file is @fd, whatever its name; the
 * caller closes it. Returns the slot's number, from 1 on; or -errno, with the
 * reason in *@why, which is good until the next call.
 */
int hotplug_add(struct vm *vm, const char *what, int fd, const char **why);

/*
 * hotplug_remove - ask the guest to let go of the device in slot @id, a number
 * or the device's name, and give it back when it has. Returns the slot's
 * number: control_done() tells how it went, after @seconds at most, with
 * STATUS_TIMEOUT if the guest has not; the device stays then. -errno as above.
 */
int hotplug_remove(struct vm *vm, const char *id, unsigned int seconds,
		   const char **why);

/* hotplug_status - what is in the slots: the member "slots" of @json. */
void hotplug_status(struct vm *vm, struct json *json);

#endif
