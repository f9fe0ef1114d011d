/* SPDX-License-Identifier: MIT */
/*
 * deadline.h - waiting on file descriptors until a moment, however often the
 * wait is interrupted.
 *
 * Threads: any.
 */
#ifndef SHM_LINK_DEADLINE_H
#define SHM_LINK_DEADLINE_H

#include <poll.h>
#include <stdint.h>

#define DEADLINE_NEVER UINT64_MAX

/* CLOCK_MONOTONIC. */
uint64_t deadline_now_ns(void);
/* The moment timeout_ns from now; DEADLINE_NEVER when that is past counting. */
uint64_t deadline_after_ns(uint64_t timeout_ns);
/*
 * ppoll() until deadline_ns; a deadline already past still looks once.
 * 1: some revents are set; 0: the deadline passed; -errno, never -EINTR.
 */
int deadline_poll(struct pollfd *fds, uint32_t fds_nr, uint64_t deadline_ns);

#endif
