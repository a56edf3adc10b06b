/* SPDX-License-Identifier: BSD-2-Clause */
/* How a device and a space come together, and who may. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "gaps.h"

static int try_attach(struct space *s)
{
	int err = space_open(s);

	return where(s, err < 0 ? err : space_attach(s, EDU));
}

static int try_extensions(struct space *s)
{
	static const int known[] = { VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU,
				     VFIO_DMA_CC_IOMMU, VFIO_NOIOMMU_IOMMU,
				     VFIO_UNMAP_ALL, VFIO_UPDATE_VADDR };
	size_t length = 0;

	if (!s->way->by_group)
		return NOT_HERE;
	space_ready(s, EDU);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (call(s, s->base, VFIO_CHECK_EXTENSION,
			 (void *)(long)known[i], "CHECK_EXTENSION") > 0)
			length += snprintf(s->text + length,
					   sizeof(s->text) - length, "%s%d",
					   length ? "," : "", known[i]);
	}
	return 0;
}

static int coherent(struct space *s)
{
	return must(s, call(s, s->base, VFIO_CHECK_EXTENSION,
			    (void *)VFIO_DMA_CC_IOMMU, "CHECK_EXTENSION"));
}

static int try_coherent_early(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	must(s, space_open(s));
	must(s, space_join(s, EDU));
	must(s, space_choose(s, VFIO_TYPE1v2_IOMMU));
	return say(s, "%d", coherent(s));
}

static int try_coherent(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	space_ready(s, EDU);
	return say(s, "%d", coherent(s));
}

static int try_type_first(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	must(s, space_open(s));
	return space_choose(s, VFIO_TYPE1v2_IOMMU);
}

static int try_type_twice(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	space_ready(s, EDU);
	return space_choose(s, VFIO_TYPE1v2_IOMMU);
}

static int try_type_old(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	must(s, space_open(s));
	must(s, space_join(s, EDU));
	return space_choose(s, VFIO_TYPE1_IOMMU);
}

static int try_type_noiommu(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	must(s, space_open(s));
	must(s, space_join(s, EDU));
	return space_choose(s, VFIO_NOIOMMU_IOMMU);
}

/* Each path has a step without which the device is out of reach. */
static int try_device_first(struct space *s)
{
	struct vfio_device_info arg = { .argsz = sizeof(arg) };
	const struct device *dev = &s->devices[EDU];
	int fd = open(s->way->by_group ? dev->group : dev->cdev, O_RDWR);

	s->call = "open";
	must(s, fd < 0 ? -errno : 0);
	if (s->way->by_group)
		return CALL(s, fd, VFIO_GROUP_GET_DEVICE_FD, (void *)dev->addr);
	return CALL(s, fd, VFIO_DEVICE_GET_INFO, &arg);
}

static int try_device_untyped(struct space *s)
{
	if (!s->way->by_group)
		return NOT_HERE;
	must(s, space_open(s));
	must(s, space_join(s, EDU));
	return space_device(s, EDU);
}

/* As if another process wanted the device by the same path. */
static int try_second_user(struct space *s)
{
	struct space other;
	int err;

	space_ready(s, EDU);
	space_init(&other, s->way, s->devices);
	must(&other, space_open(&other));
	err = space_attach(&other, EDU);
	s->call = other.call;
	return where(s, err);
}

/* other_path: the path that takes the other of a device's nodes. */
static const struct way *other_path(const struct space *s)
{
	const struct way *way;

	for (way = ways; way->name; way++) {
		if (way->by_group != s->way->by_group &&
		    way_here(way, &s->devices[EDU]))
			return way;
	}
	return NULL;
}

static int try_other_path(struct space *s)
{
	const struct way *way = other_path(s);
	struct space other;
	int err;

	if (!way)
		return NOT_HERE;
	space_ready(s, EDU);
	space_init(&other, way, s->devices);
	must(&other, space_open(&other));
	err = space_attach(&other, EDU);
	s->call = other.call;
	return where(s, err);
}

/* The group leaves the container, or the device the IOAS, while it is open. */
static int try_leave(struct space *s)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };

	space_ready(s, EDU);
	if (s->way->by_group)
		return where(s, CALL(s, s->node[EDU],
				     VFIO_GROUP_UNSET_CONTAINER, NULL));
	return where(s, CALL(s, s->fd[EDU], VFIO_DEVICE_DETACH_IOMMUFD_PT,
			     &arg));
}

/* Both devices in one space; the second by the same steps. */
static int try_two_devices(struct space *s)
{
	space_ready(s, EDU);
	return where(s, space_attach(s, SHM));
}

/* No device but one with virtual functions, or one such, has a token. */
static int try_token(struct space *s)
{
	static const unsigned char token[16] = { 0x12, 0x34 };
	struct vfio_device_bind_iommufd arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_BIND_FLAG_TOKEN,
		.token_uuid_ptr = (uintptr_t)token,
	};
	char name[128];
	int fd;

	must(s, space_open(s));
	if (s->way->by_group) {
		must(s, space_join(s, EDU));
		must(s, space_choose(s, VFIO_TYPE1v2_IOMMU));
		snprintf(name, sizeof(name), "%s vf_token=12340000-0000-0000-0000-000000000000",
			 s->devices[EDU].addr);
		return CALL(s, s->node[EDU], VFIO_GROUP_GET_DEVICE_FD, name);
	}
	fd = open(s->devices[EDU].cdev, O_RDWR);
	s->call = "open";
	must(s, fd < 0 ? -errno : 0);
	arg.iommufd = s->base;
	return CALL(s, fd, VFIO_DEVICE_BIND_IOMMUFD, &arg);
}

const struct scenario attach_scenarios[] = {
	{ "attach", "attach a device", SAFE, try_attach },
	{ "two-devices", "attach another one to the same memory", SAFE,
	  try_two_devices },
	{ "device-first", "reach the device before it has joined anything",
	  SAFE, try_device_first },
	{ "type-first", "choose type1v2 before a group has joined", SAFE,
	  try_type_first },
	{ "type-twice", "choose type1v2 once more", SAFE, try_type_twice },
	{ "type-old", "choose type1, the first version", SAFE, try_type_old },
	{ "type-noiommu", "choose no-IOMMU for a group with an IOMMU", SAFE,
	  try_type_noiommu },
	{ "device-untyped", "get the device without choosing a type", SAFE,
	  try_device_untyped },
	{ "extensions", "numbers that CHECK_EXTENSION knows", SAFE,
	  try_extensions },
	{ "coherent-early", "is DMA coherent? before the device is there",
	  SAFE, try_coherent_early },
	{ "coherent", "is DMA coherent?", SAFE, try_coherent },
	{ "second-user", "attach a device that another process has", SAFE,
	  try_second_user },
	{ "other-path", "the same, by the other one of its nodes", SAFE,
	  try_other_path },
	{ "leave", "leave the memory while the device is open", SAFE,
	  try_leave },
	{ "token", "a VF token for a device that needs none", SAFE, try_token },
	{ 0 },
};

/* attach_with: the parameter is for one attempt. */
static int attach_with(struct space *s, const char *module)
{
	int err = host_set(module, "allow_unsafe_interrupts", "Y");

	if (err == -ENOENT)
		return NOT_HERE;
	s->call = "allow_unsafe_interrupts";
	must(s, err);
	err = try_attach(s);
	host_set(module, "allow_unsafe_interrupts", "N");
	return err;
}

static int try_unsafe_type1(struct space *s)
{
	return attach_with(s, "vfio_iommu_type1");
}

static int try_unsafe_iommufd(struct space *s)
{
	return attach_with(s, "iommufd");
}

const struct scenario unsafe_scenarios[] = {
	{ "unsafe", "attach a device", UNSAFE, try_attach },
	{ "unsafe-type1",
	  "attach with vfio_iommu_type1.allow_unsafe_interrupts=Y", UNSAFE,
	  try_unsafe_type1 },
	{ "unsafe-iommufd", "attach with iommufd.allow_unsafe_interrupts=Y",
	  UNSAFE, try_unsafe_iommufd },
	{ 0 },
};
