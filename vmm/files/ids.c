/* SPDX-License-Identifier: MIT */
/*
 * ids.c - which number does a guest know an inode by?
 *
 * The rule needs no memory: the file system's index in the high byte, the
 * inode number below. Only what a copy-up moved to another inode, and what
 * does not fit, is remembered.
 */
#include <search.h>
#include <stdlib.h>

#include "vmm/files/share_private.h"

#define INO_BITS 56
#define FRESH	 (255ull << INO_BITS)

struct given {
	struct inode_key key;
	uint64_t id;
};

static int given_cmp(const void *a, const void *b)
{
	const struct given *x = a, *y = b;

	if (x->key.dev != y->key.dev)
		return x->key.dev < y->key.dev ? -1 : 1;
	if (x->key.ino != y->key.ino)
		return x->key.ino < y->key.ino ? -1 : 1;
	return 0;
}

static struct given *find(const struct ids *ids, struct inode_key key)
{
	struct given wanted = { .key = key };
	struct given **found = tfind(&wanted, &ids->given, given_cmp);

	return found ? *found : NULL;
}

int ids_give(struct ids *ids, struct inode_key key, uint64_t id)
{
	struct given *given = find(ids, key);

	if (given) {
		given->id = id;
		return 0;
	}
	given = malloc(sizeof(*given));
	if (!given)
		return -ENOMEM;
	*given = (struct given){ .key = key, .id = id };
	if (!tsearch(given, &ids->given, given_cmp)) {
		free(given);
		return -ENOMEM;
	}
	return 0;
}

int ids_renew(struct ids *ids, struct inode_key key, uint64_t *id)
{
	*id = FRESH | ++ids->fresh;
	return ids_give(ids, key, *id);
}

int ids_of(struct ids *ids, struct inode_key key, uint64_t *id)
{
	const struct given *given = find(ids, key);
	uint32_t dev = 0;

	if (given) {
		*id = given->id;
		return 0;
	}
	while (dev < ids->devs_nr && ids->devs[dev] != key.dev)
		dev++;
	if (dev == IDS_DEVS_MAX || key.ino >> INO_BITS)
		return ids_renew(ids, key, id);
	if (dev == ids->devs_nr)
		ids->devs[ids->devs_nr++] = key.dev;
	*id = (uint64_t)dev << INO_BITS | key.ino;
	return 0;
}

void ids_forget(struct ids *ids, struct inode_key key)
{
	struct given *given = find(ids, key);

	if (!given)
		return;
	tdelete(given, &ids->given, given_cmp);
	free(given);
}

void ids_destroy(struct ids *ids)
{
	tdestroy(ids->given, free);
	ids->given = NULL;
}
