/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake kernel's files: a list of paths with a text, a link or a device
 * behind each. Folders are there because something is in them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"

/* Looking is most of what the fake does, so few strings are compared. */
static unsigned int hash_of(const char *path)
{
	unsigned int hash = 0;

	while (*path)
		hash = hash * 31 + (unsigned char)*path++;
	return hash;
}

struct node *fs_find(const char *path)
{
	unsigned int hash = hash_of(path);
	struct node *node;

	for (node = world->nodes; node; node = node->next)
		if (node->hash == hash && !strcmp(node->path, path))
			return node;
	return NULL;
}

static void node_free(struct node *node)
{
	free(node->path);
	free(node->data);
	free(node);
}

void fs_set(const char *path, enum node_type type, const void *data,
	    size_t len, bool made)
{
	struct node *node = fs_find(path);

	if (!node) {
		node = zalloc(sizeof(*node));
		node->path = strdup(path);
		node->hash = hash_of(path);
		node->next = world->nodes;
		world->nodes = node;
	}
	free(node->data);
	node->type = type;
	node->made = made;
	node->len = len;
	node->data = zalloc(len + 1);
	if (len)
		memcpy(node->data, data, len);
}

ssize_t fs_pwrite(const struct file *file, const void *data, size_t len,
		  uint64_t offset)
{
	struct node *node = fs_find(file->name);
	ssize_t n = pwrite(file->real, data, len, offset);

	if (n < 0)
		return -errno;
	if (node && !node->made && offset + n <= node->len)
		memcpy(node->data + offset, data, n);
	return n;
}

static void drop(const char *path, bool made_only)
{
	struct node **at = &world->nodes, *node;

	while ((node = *at)) {
		if (made_only ? node->made : !strcmp(node->path, path)) {
			*at = node->next;
			node_free(node);
		} else {
			at = &node->next;
		}
	}
}

void fs_drop_made(void)
{
	drop(NULL, true);
}

void fs_free(void)
{
	while (world->nodes) {
		struct node *node = world->nodes;

		world->nodes = node->next;
		node_free(node);
	}
}

bool fs_param(const char *path)
{
	const struct node *node = fs_find(path);

	return node && (node->data[0] == 'Y' || node->data[0] == '1');
}

void fake_blob(const char *path, const void *data, size_t len)
{
	fs_set(path, NODE_TEXT, data, len, false);
}

void fake_file(const char *path, const char *text)
{
	fake_blob(path, text, strlen(text));
}

void fake_link(const char *path, const char *target)
{
	fs_set(path, NODE_LINK, target, strlen(target), false);
}

void fake_dir(const char *path)
{
	fs_set(path, NODE_DIR, "", 0, false);
}

void fake_remove(const char *path)
{
	drop(path, false);
}

const char *fake_text(const char *path)
{
	const struct node *node;

	pci_sysfs();
	node = fs_find(path);
	return node && node->type == NODE_TEXT ? node->data : NULL;
}

const char *fake_link_at(const char *path)
{
	const struct node *node;

	pci_sysfs();
	node = fs_find(path);
	return node && node->type == NODE_LINK ? node->data : NULL;
}
