/* SPDX-License-Identifier: MIT */
/* p9_dirent.c - how do the entries of a directory stand in an Rreaddir? */
#include "vmm/files/p9_dirent.h"

#include <errno.h>

int p9_put_dirent(struct p9_writer *w, const struct p9_dirent *entry)
{
	if (w->err || p9_writer_left(w) < P9_DIRENT_FIXED_LEN + entry->name.len)
		return -ENOSPC;
	p9_put_qid(w, &entry->qid);
	p9_put_u64(w, entry->offset);
	p9_put_u8(w, entry->type);
	p9_put_str(w, entry->name);
	return 0;
}

int p9_get_dirent(struct p9_reader *r, struct p9_dirent *entry)
{
	if (!r->err && !p9_reader_left(r))
		return 0;
	entry->qid = p9_get_qid(r);
	entry->offset = p9_get_u64(r);
	entry->type = p9_get_u8(r);
	entry->name = p9_get_str(r);
	return r->err ? r->err : 1;
}
