/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which host addresses product code has mapped. The memory itself is
 * Linux's.
 */
#include <stdlib.h>

#include "tests/fake/fake_priv.h"

void mm_add(uintptr_t start, size_t len, const struct fake_pci *pci,
	    struct file *file, uint64_t offset)
{
	struct mapping *m = zalloc(sizeof(*m));

	mm_remove(start, len);
	m->start = start;
	m->end = start + ALIGN_UP(len, PAGE);
	m->pci = pci;
	m->file = file;
	m->offset = offset;
	if (file)
		file_hold(file);
	m->next = world->mappings;
	world->mappings = m;
}

/* Cut [start, end) out of @m; returns false when nothing of it is left. */
static bool cut(struct mapping *m, uintptr_t start, uintptr_t end)
{
	struct mapping *tail;

	if (m->start < start && m->end > end) {
		tail = zalloc(sizeof(*tail));
		*tail = *m;
		tail->start = end;
		tail->offset += end - m->start;
		if (m->file)
			file_hold(m->file);
		m->next = tail;
		m->end = start;
	} else if (m->start < start) {
		m->end = start;
	} else if (m->end > end) {
		m->offset += end - m->start;
		m->start = end;
	} else {
		return false;
	}
	return true;
}

static void mapping_free(struct mapping *m)
{
	if (m->file)
		file_put(m->file);
	free(m);
}

void mm_remove(uintptr_t start, size_t len)
{
	uintptr_t end = start + ALIGN_UP(len, PAGE);
	struct mapping **at = &world->mappings, *m;

	while ((m = *at)) {
		if (m->end <= start || m->start >= end ||
		    cut(m, start, end)) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		mapping_free(m);
	}
}

const struct mapping *mm_find(uintptr_t addr)
{
	const struct mapping *m;

	for (m = world->mappings; m; m = m->next)
		if (addr >= m->start && addr < m->end)
			return m;
	return NULL;
}

bool mm_covers(uintptr_t start, size_t len, const struct fake_pci **pci)
{
	uintptr_t at = start;
	const struct mapping *m;

	*pci = NULL;
	while (at < start + len) {
		m = mm_find(at);
		if (!m)
			return false;
		if (m->pci)
			*pci = m->pci;
		at = m->end;
	}
	return true;
}

void mm_free(void)
{
	while (world->mappings) {
		struct mapping *m = world->mappings;

		world->mappings = m->next;
		mapping_free(m);
	}
}
