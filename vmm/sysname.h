/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for ioctl requests, shared by `--trace sys` and by the fake kernel's
 * journal: the request's name in the kernel's headers and the few numbers
 * that tell one call from another.
 *
 * The names are in one table per kernel interface, each in its own file, so
 * that a program built without an interface does not know its words either.
 */
#ifndef VMM_SYSNAME_H
#define VMM_SYSNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/util.h"

/* A number to show: @size bytes at @offset of the argument. */
struct sys_field {
	char name[16];		/* a pointer to it would take more; "": no field */
	uint8_t offset;
	uint8_t size;
};

/* One request. Tables end with a NULL name. */
struct sys_word {
	unsigned long request;
	const char *name;
	/*
	 * Some numbers mean different things to different files. Where set,
	 * whether the first 32 bits of the argument, its size, are right.
	 */
	bool (*fits)(uint32_t argsz);
	struct sys_field fields[4];
};

#define SYS_FIELD(type, member) \
	{ #member, offsetof(struct type, member), \
	  sizeof(((struct type *)0)->member) }

extern const struct sys_word sys_words_kvm[];
extern const struct sys_word sys_words_arch[];
extern const struct sys_word sys_words_vfio[];
extern const struct sys_word sys_words_group[];
extern const struct sys_word sys_words_container[];
extern const struct sys_word sys_words_iommufd[];

#if IS_ENABLED(CONFIG_TRACE)
/*
 * sys_name - write the words for @request with @arg, which may be NULL, into
 * @buf: "VFIO_IOMMU_MAP_DMA iova=0x0 size=0x8000000". A request that no
 * table has is written as a number. Does not change @arg.
 */
void sys_name(char *buf, size_t size, unsigned long request, const void *arg);
#else
static inline void sys_name(char *buf, size_t size, unsigned long request,
			    const void *arg)
{
	(void)arg;
	snprintf(buf, size, "0x%lx", request);
}
#endif

#endif
