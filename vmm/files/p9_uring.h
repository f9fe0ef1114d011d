/* SPDX-License-Identifier: MIT */
/*
 * p9_uring.h - a p9_io on an io_uring of its own.
 *
 * Many operations are under way at once and end in any order. The ring can do
 * nothing else: it is restricted to reads, writes, fsyncs and their
 * cancellation, on descriptors that are open already, so that it is no way
 * around a seccomp filter.
 *
 * Called by: who owns the loop. submit() and cancel() only prepare: call
 *            p9_uring_run() before waiting, and whenever p9_uring_fd() can be
 *            read.
 * Threads:   one.
 * Source:    liburing 2.3; io_uring_register(2).
 */
#ifndef VMM_FILES_P9_URING_H
#define VMM_FILES_P9_URING_H

#include "vmm/files/p9_io.h"

struct p9_uring;

/*
 * entries: operations under way at once; more wait in a list. -ENOSYS or
 * -EPERM: this kernel has or allows no io_uring; -EINVAL: not one that can be
 * restricted (5.10 is the first). p9_io_sync does the same work then.
 */
int p9_uring_create(struct p9_uring **out, unsigned int entries);
/* NULL is fine. Waits for what is under way. */
void p9_uring_destroy(struct p9_uring *uring);

struct p9_io *p9_uring_io(struct p9_uring *uring);
/* Readable when something has ended; for poll(2). The uring's. */
int p9_uring_fd(const struct p9_uring *uring);

/*
 * Memory that operations of one piece will mostly move to and from, such as a
 * guest's RAM: pinned once, instead of in each operation. Once per ring.
 * -ENOMEM: beyond RLIMIT_MEMLOCK; -EINVAL: over 1 GiB in one region. Without it
 * all works the same.
 */
int p9_uring_fix(struct p9_uring *uring, const struct iovec *regions,
		 unsigned int regions_nr);

/* Hand over what was prepared, and call done() of what has ended; what done()
 * begins, too, but not for ever: the rest is for the next time. */
void p9_uring_run(struct p9_uring *uring);
/* The same, but waits until nothing is under way. */
void p9_uring_drain(struct p9_uring *uring);

#endif
