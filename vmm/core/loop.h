/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the io_uring event loop of a process's main thread.
 *
 * Threads: everything here belongs to the thread that runs the loop, except
 *          loop_stop(), which any thread and a callback may call.
 * Errors:  0 or -errno. A callback may add and delete watches, also its own.
 * Source:  liburing 2.3, io_uring_prep_poll_multishot(3), prep_timeout(3).
 */
#ifndef VMM_CORE_LOOP_H
#define VMM_CORE_LOOP_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_watch; /* owned by the loop, from add to del */

/* -ENOSYS or -EPERM: this kernel has or allows no io_uring. */
int loop_create(struct loop **out);
/* NULL is fine. Cancels what is under way and waits until it is gone. */
void loop_destroy(struct loop *loop);

/* Dispatch until loop_stop(); returns the status given there, or -errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int status);

/*
 * Call fn(arg, revents) whenever fd has one of events (POLLIN, POLLOUT;
 * POLLHUP and POLLERR always). Edge-like: fn reads until EAGAIN, so fd
 * should be non-blocking. The fd stays the caller's and outlives the watch.
 * One that cannot be polled (a plain file) is told as POLLERR, again and again
 * until the watch is deleted.
 */
typedef void loop_poll_fn(void *arg, unsigned int revents);
int loop_watch_fd(struct loop *loop, int fd, unsigned int events,
		  loop_poll_fn *fn, void *arg, struct loop_watch **out);

/* Call fn(arg) every period_ns, until deleted. */
typedef void loop_timer_fn(void *arg);
int loop_watch_timer(struct loop *loop, uint64_t period_ns, loop_timer_fn *fn,
		     void *arg, struct loop_watch **out);

/*
 * Write buf[0..len) to fd, all of it, without blocking the loop; then call
 * fn(arg, len) or fn(arg, -errno). buf stays untouched until then. Also for
 * blocking fds (terminals, pipes shared with others).
 */
typedef void loop_write_fn(void *arg, int64_t result);
int loop_write(struct loop *loop, int fd, const void *buf, size_t len,
	       loop_write_fn *fn, void *arg);

/*
 * Stop a watch: fn is not called again, *watch becomes NULL. NULL is fine.
 */
void loop_watch_del(struct loop *loop, struct loop_watch **watch);

#endif
