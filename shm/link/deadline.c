/* SPDX-License-Identifier: MIT */
/* deadline.c - how to wait no longer than a moment on the monotonic clock. */
#include "shm/link/deadline.h"

#include <errno.h>
#include <time.h>

#define NS_PER_S 1000000000ull

uint64_t deadline_now_ns(void)
{
	struct timespec now = { 0 };

	/* Cannot fail: the clock exists on every Linux, the pointer is ours. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t deadline_after_ns(uint64_t timeout_ns)
{
	uint64_t now_ns = deadline_now_ns();

	if (timeout_ns >= DEADLINE_NEVER - now_ns)
		return DEADLINE_NEVER;
	return now_ns + timeout_ns;
}

int deadline_poll(struct pollfd *fds, uint32_t fds_nr, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now_ns = deadline_now_ns();
		uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns
							: 0;
		struct timespec left = {
			.tv_sec = (time_t)(left_ns / NS_PER_S),
			.tv_nsec = (long)(left_ns % NS_PER_S),
		};
		int nr = ppoll(fds, fds_nr,
			       deadline_ns == DEADLINE_NEVER ? NULL : &left,
			       NULL);

		if (nr >= 0)
			return nr > 0;
		if (errno != EINTR)
			return -errno;
	}
}
