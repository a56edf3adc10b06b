/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processors in the device tree. Linux:
 * Documentation/devicetree/bindings/arm/cpus.yaml, cpu/cpu-topology.txt;
 * Devicetree Specification 0.4, sections 3.8 and 3.9.
 *
 * A processor says how large its caches are, not with whom it shares them.
 * The tree has the first two levels as each one's own and all above as
 * everybody's, which is how today's processors have it.
 */
#include <stdio.h>

#include "arch/arm64/dt.h"
#include "arch/arm64/vcpu.h"
#include "vmm/vm.h"

#define OWN_LEVELS 2

struct caches {
	struct vcpu_cache list[VCPU_CACHES];
	unsigned int nr;
	unsigned int levels;
};

static void read_caches(struct caches *c, const struct vcpu *vcpu)
{
	unsigned int i;

	c->nr = vcpu_caches(vcpu, c->list);
	c->levels = 0;
	for (i = 0; i < c->nr; i++)
		c->levels = MAX(c->levels, c->list[i].level);
}

static void put_size(struct dt *dt, const char *prefix, const char *what,
		     uint32_t val)
{
	char name[32];

	snprintf(name, sizeof(name), "%scache-%s", prefix, what);
	dt_u32(dt, name, val);
}

static void put_cache(struct dt *dt, const struct vcpu_cache *cache)
{
	const char *prefix = cache->type == VCPU_CACHE_INSTRUCTION ? "i-" :
			     cache->type == VCPU_CACHE_DATA ? "d-" : "";

	put_size(dt, prefix, "size", cache->size);
	put_size(dt, prefix, "line-size", cache->line);
	put_size(dt, prefix, "sets", cache->sets);
	if (cache->type == VCPU_CACHE_UNIFIED)
		dt_empty(dt, "cache-unified");
}

/* The phandle of what is behind @level of processor @cpu. */
static uint32_t next_level(unsigned int level, unsigned int cpu)
{
	return level < OWN_LEVELS ? DT_CPU_CACHE + cpu : DT_CACHE + level -
							 OWN_LEVELS;
}

static void put_level(struct dt *dt, const struct caches *c,
		      unsigned int level, unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (c->list[i].level == level)
			put_cache(dt, &c->list[i]);
	if (level < c->levels)
		dt_u32(dt, "next-level-cache", next_level(level, cpu));
}

static void put_cache_node(struct dt *dt, const struct caches *c,
			   unsigned int level, unsigned int cpu)
{
	dt_begin(dt, "l%u-cache", level);
	dt_string(dt, "compatible", "cache");
	dt_u32(dt, "cache-level", level);
	dt_u32(dt, "phandle", next_level(level - 1, cpu));
	put_level(dt, c, level, cpu);
	dt_end(dt);
}

static void put_cpu(struct dt *dt, const struct vm *vm, unsigned int cpu)
{
	uint32_t mpidr = vcpu_mpidr(&vm->vcpus[cpu]);
	struct caches caches;
	char label[16];

	read_caches(&caches, &vm->vcpus[cpu]);
	snprintf(label, sizeof(label), "cpu%u", cpu);
	dt_begin(dt, "cpu@%x", mpidr);
	dt_label(dt, label, DT_CPU + cpu);
	dt_string(dt, "device_type", "cpu");
	dt_string(dt, "compatible", "arm,armv8");
	dt_u32(dt, "reg", mpidr);
	dt_string(dt, "enable-method", "psci");
	put_level(dt, &caches, 1, cpu);
	if (caches.levels >= OWN_LEVELS)
		put_cache_node(dt, &caches, OWN_LEVELS, cpu);
	dt_end(dt);
}

static void put_map(struct dt *dt, const struct vm *vm)
{
	unsigned int i;

	dt_begin(dt, "cpu-map");
	dt_begin(dt, "cluster0");
	for (i = 0; i < vm->nr_vcpus; i++) {
		dt_begin(dt, "core%u", i);
		dt_u32(dt, "cpu", DT_CPU + i);
		dt_end(dt);
	}
	dt_end(dt);
	dt_end(dt);
}

void dt_cpus(struct dt *dt, const struct vm *vm)
{
	struct caches caches;
	unsigned int i;

	dt_begin(dt, "cpus");
	dt_u32(dt, "#address-cells", 1);
	dt_u32(dt, "#size-cells", 0);
	for (i = 0; i < vm->nr_vcpus; i++)
		put_cpu(dt, vm, i);
	read_caches(&caches, &vm->vcpus[0]);
	for (i = OWN_LEVELS + 1; i <= caches.levels; i++)
		put_cache_node(dt, &caches, i, 0);
	put_map(dt, vm);
	dt_end(dt);
}
