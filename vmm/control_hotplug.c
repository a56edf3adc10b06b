/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands about devices that come and go; see hotplug.h.
 */
#include <stdlib.h>
#include <string.h>

#include "vmm/control_priv.h"
#include "vmm/hotplug.h"
#include "vmm/vm.h"

#define REMOVE_SECONDS 30
#define REMOVE_SECONDS_MAX 86400

static bool has_slots(struct vm *vm, struct reply *reply, const char *args)
{
	if (!vm->hotplug)
		reply_error(reply, STATUS_HOST, "no slots: run with --hotplug N");
	else if (!*args)
		reply_error(reply, STATUS_USAGE, "which device?");
	return !reply->error;
}

void control_add(struct vm *vm, struct reply *reply, char *args)
{
	const char *why;
	int ret;

	if (!has_slots(vm, reply, args))
		return;
	ret = hotplug_add(vm, args, reply->fd, &why);
	if (ret < 0)
		reply_error(reply, status_of(ret), why);
	else
		json_number(&reply->json, "slot", ret);
}

void control_remove(struct vm *vm, struct reply *reply, char *args)
{
	char *seconds = strchr(args, ' ');
	unsigned long n = REMOVE_SECONDS;
	const char *why;
	int ret;

	if (!has_slots(vm, reply, args))
		return;
	if (seconds) {
		*seconds++ = '\0';
		n = strtoul(seconds, NULL, 10);
	}
	if (!n || n > REMOVE_SECONDS_MAX) {
		reply_error(reply, STATUS_USAGE, "seconds: 1 to 86400");
		return;
	}
	ret = hotplug_remove(vm, args, n, &why);
	if (ret < 0)
		reply_error(reply, status_of(ret), why);
	else
		reply->later = ret;
}
