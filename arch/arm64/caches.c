/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a vCPU's cache registers say; see vcpu.h. Since Linux 6.3 KVM tells of
 * the levels and lines only, as a guest may move between processors, and has
 * one set of one way in the place of what it does not tell.
 */
#include <linux/kvm.h>

#include "arch/arm64/vcpu.h"
#include "vmm/util.h"
#include "vmm/vcpu.h"

#define REG_CLIDR_EL1	ARM64_SYS_REG(3, 1, 0, 0, 1)
#define REG_CCSIDR(sel) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX | \
	 KVM_REG_ARM_DEMUX_ID_CCSIDR | (sel))

#define LEVELS		7
#define CTYPE_UNIFIED	4U
#define CSSELR_IND	BIT(0)	/* the instruction cache of a level */

static void measure(const struct vcpu *vcpu, struct vcpu_cache *cache)
{
	uint64_t sel = (cache->level - 1) << 1;
	uint32_t ccsidr, ways;

	if (cache->type == VCPU_CACHE_INSTRUCTION)
		sel |= CSSELR_IND;
	if (vcpu_get_reg(vcpu, REG_CCSIDR(sel), &ccsidr) < 0)
		return;
	cache->line = 16U << (ccsidr & 7);
	ways = (ccsidr >> 3 & 0x3ff) + 1;
	cache->sets = (ccsidr >> 13 & 0x7fff) + 1;
	cache->size = cache->line * ways * cache->sets;
	if (ways == 1 && cache->sets == 1)
		cache->size = cache->sets = 0;
}

unsigned int vcpu_caches(const struct vcpu *vcpu, struct vcpu_cache *caches)
{
	static const enum vcpu_cache_type types[] = {
		VCPU_CACHE_INSTRUCTION, VCPU_CACHE_DATA, VCPU_CACHE_UNIFIED,
	};
	unsigned int level, ctype, i, nr = 0;
	uint64_t clidr;

	if (vcpu_get_reg(vcpu, REG_CLIDR_EL1, &clidr) < 0)
		return 0;
	for (level = 1; level <= LEVELS; level++) {
		ctype = clidr >> 3 * (level - 1) & 7;
		if (ctype > CTYPE_UNIFIED)
			break;
		for (i = 0; i < ARRAY_SIZE(types); i++) {
			if (!(ctype & types[i]))
				continue;
			caches[nr] = (struct vcpu_cache){
				.level = level, .type = types[i],
			};
			measure(vcpu, &caches[nr++]);
		}
	}
	return nr;
}
