/* SPDX-License-Identifier: MIT */
/*
 * p9_dirent.h - entries of a directory, as the data of an Rreaddir.
 *
 * The server puts as many as Treaddir's count allows behind the head of its
 * reply; a client gets them from rreaddir.data. Trust: as p9_cursor.h.
 *
 * Source: diod protocol.md, "readdir".
 */
#ifndef VMM_FILES_P9_DIRENT_H
#define VMM_FILES_P9_DIRENT_H

#include <stdint.h>

#include "shm/p9.h"
#include "vmm/files/p9_cursor.h"

struct p9_dirent {
	struct p9_qid qid;
	uint64_t offset; /* to ask for what comes behind this entry */
	uint8_t type;	 /* DT_*, readdir(3) */
	struct p9_str name;
};

/*
 * Add an entry. It is never split: -ENOSPC when it does not fit whole, and
 * then nothing is written. The writer's position is the count so far.
 */
int p9_put_dirent(struct p9_writer *w, const struct p9_dirent *entry);
/* 1: *entry is the next, its name a view; 0: the end; -EBADMSG: what is left
 * is no entry. */
int p9_get_dirent(struct p9_reader *r, struct p9_dirent *entry);

#endif
