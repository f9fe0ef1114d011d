/* SPDX-License-Identifier: MIT */
/* p9_fids.c - which fids are there, and when do they end? */
#include "vmm/files/p9_fids.h"

#include <errno.h>
#include <stdlib.h>

#define CHAINS_MIN 64u

static struct p9_fid **chain_of(const struct p9_fids *fids, uint32_t number)
{
	/* Clients count up; one that does not only hurts itself. */
	return &fids->chains[number & (fids->chains_nr - 1)];
}

struct p9_fid *p9_fids_find(const struct p9_fids *fids, uint32_t number)
{
	struct p9_fid *fid;

	if (!fids->chains_nr)
		return NULL;
	fid = *chain_of(fids, number);
	while (fid && fid->number != number)
		fid = fid->next;
	return fid;
}

static int make_room(struct p9_fids *fids)
{
	struct p9_fids wider = *fids;

	if (fids->chains_nr && fids->nr < fids->chains_nr)
		return 0;
	wider.chains_nr = fids->chains_nr ? fids->chains_nr * 2 : CHAINS_MIN;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): it holds pointers */
	wider.chains = calloc(wider.chains_nr, sizeof(*wider.chains));
	if (!wider.chains)
		return -ENOMEM;
	for (uint32_t i = 0; i < fids->chains_nr; i++) {
		while (fids->chains[i]) {
			struct p9_fid *fid = fids->chains[i];
			struct p9_fid **chain = chain_of(&wider, fid->number);

			fids->chains[i] = fid->next;
			fid->next = *chain;
			*chain = fid;
		}
	}
	free(fids->chains);
	*fids = wider;
	return 0;
}

int p9_fids_add(struct p9_fids *fids, uint32_t number, uint32_t uid,
		struct share_node *node, struct p9_fid **out)
{
	struct p9_fid *fid, **chain;
	int err;

	if (number == P9_NOFID || p9_fids_find(fids, number))
		return -EINVAL;
	if (fids->held_nr >= fids->held_max)
		return -ENFILE;
	err = make_room(fids);
	if (err)
		return err;
	fid = malloc(sizeof(*fid));
	if (!fid)
		return -ENOMEM;
	chain = chain_of(fids, number);
	*fid = (struct p9_fid){ .number = number,
				.refs = 1,
				.next = *chain,
				.fids = fids,
				.kind = P9_FID_NODE,
				.uid = uid,
				.node = node };
	*chain = fid;
	fids->nr++;
	fids->held_nr++;
	*out = fid;
	return 0;
}

void p9_fids_remove(struct p9_fids *fids, struct p9_fid *fid)
{
	struct p9_fid **link = chain_of(fids, fid->number);

	while (*link != fid)
		link = &(*link)->next;
	*link = fid->next;
	fids->nr--;
	p9_fid_drop(fid);
}

void p9_fids_remove_all(struct p9_fids *fids)
{
	for (uint32_t i = 0; i < fids->chains_nr; i++) {
		while (fids->chains[i]) {
			struct p9_fid *fid = fids->chains[i];

			fids->chains[i] = fid->next;
			fids->nr--;
			p9_fid_drop(fid);
		}
	}
}

void p9_fids_destroy(struct p9_fids *fids)
{
	p9_fids_remove_all(fids);
	free(fids->chains);
	fids->chains = NULL;
	fids->chains_nr = 0;
}

struct p9_fid *p9_fid_hold(struct p9_fid *fid)
{
	fid->refs++;
	return fid;
}

void p9_fid_drop(struct p9_fid *fid)
{
	if (!fid || --fid->refs)
		return;
	fid->fids->held_nr--;
	if (fid->file) {
		fid->fids->files_nr--;
		share_file_close(fid->file);
	}
	if (fid->xattr) {
		fid->fids->xattr_len -= fid->xattr->cap;
		free(fid->xattr->bytes);
		free(fid->xattr);
	}
	share_node_put(fid->node);
	free(fid);
}

/* --- open files ----------------------------------------------------------- */

int p9_fids_may_open(const struct p9_fids *fids)
{
	return fids->files_nr < fids->files_max ? 0 : -EMFILE;
}

void p9_fid_opened(struct p9_fid *fid, struct share_file *file)
{
	fid->kind = P9_FID_FILE;
	fid->file = file;
	fid->fids->files_nr++;
}

/* --- xattrs --------------------------------------------------------------- */

int p9_fid_xattr_grow(struct p9_fid *fid, uint32_t len)
{
	struct p9_xattr *xattr = fid->xattr;
	uint8_t *bytes;

	if (len <= xattr->cap)
		return 0;
	if (len - xattr->cap > fid->fids->xattr_max - fid->fids->xattr_len)
		return -ENOMEM;
	bytes = realloc(xattr->bytes, len);
	if (!bytes)
		return -ENOMEM;
	fid->fids->xattr_len += len - xattr->cap;
	xattr->bytes = bytes;
	xattr->cap = len;
	return 0;
}

int p9_fid_xattr(struct p9_fid *fid, enum p9_fid_kind kind, uint32_t len)
{
	int err;

	fid->xattr = calloc(1, sizeof(*fid->xattr));
	if (!fid->xattr)
		return -ENOMEM;
	err = p9_fid_xattr_grow(fid, len);
	if (err) {
		free(fid->xattr);
		fid->xattr = NULL;
		return err;
	}
	fid->xattr->len = len;
	fid->kind = kind;
	return 0;
}
