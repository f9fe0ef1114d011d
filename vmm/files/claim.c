/* SPDX-License-Identifier: MIT */
/*
 * claim.c - what does the quota know of one file, which may have several
 * names, and so several nodes?
 *
 * All live nodes of an inode of the upper layer share a claim. It ends with
 * the last of them, and with it what a removed file still counted for.
 */
#include <search.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

static int claim_cmp(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->key.dev != y->key.dev)
		return x->key.dev < y->key.dev ? -1 : 1;
	if (x->key.ino != y->key.ino)
		return x->key.ino < y->key.ino ? -1 : 1;
	return 0;
}

int claim_begin(struct share_node *node)
{
	if (!node->share->quota.limit)
		return 0;
	node->claim = calloc(1, sizeof(*node->claim));
	if (!node->claim)
		return -ENOMEM;
	node->claim->nodes = 1;
	if (node->upper_fd >= 0)
		claim_join(node);
	return 0;
}

void claim_join(struct share_node *node)
{
	struct claim *own = node->claim, **at;

	if (!own)
		return;
	own->key = node->upper;
	at = tsearch(own, &node->share->claims, claim_cmp);
	if (!at)
		return; /* no memory: other names of it count for themselves */
	own->known = *at == own;
	if (own->known)
		return;
	(*at)->nodes++;
	node->claim = *at;
	free(own);
}

void claim_end(struct share_node *node)
{
	struct share *share = node->share;
	struct claim *claim = node->claim;
	uint64_t held = 0;
	struct stat st;

	if (!claim || --claim->nodes)
		return;
	if (claim->owes && S_ISREG(node->type) &&
	    fstat(node->upper_fd, &st) == 0)
		held = quota_bytes((uint64_t)st.st_size);
	if (claim->owes)
		quota_give(&share->quota, held + QUOTA_OBJECT);
	if (claim->known)
		tdelete(claim, &share->claims, claim_cmp);
	free(claim);
}
