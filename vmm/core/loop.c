/* SPDX-License-Identifier: MIT */
/* loop.c - how one thread waits for everything at once, by io_uring. */
#include "vmm/core/loop.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "vmm/core/clock.h"

#define RING_ENTRIES 64
#define WRITE_MAX    (1u << 30) /* the length of an operation has 32 bits */

enum watch_kind {
	WATCH_POLL,
	WATCH_TIMER,
	WATCH_WRITE
};

/*
 * One operation under way. It is freed when the kernel has given its last
 * completion, never before: until then a completion may carry its address.
 */
struct loop_watch {
	enum watch_kind kind;
	bool deleted;	/* no more calls; waiting for the last completion */
	bool in_flight; /* the kernel holds it */
	int fd;
	unsigned int events;
	struct __kernel_timespec period;
	const char *buf; /* WATCH_WRITE: what is left */
	size_t left, done;
	bool is_file; /* WATCH_WRITE: see write_file() */
	ssize_t file_res;
	union {
		loop_poll_fn *poll;
		loop_timer_fn *timer;
		loop_write_fn *write;
	} fn;
	void *arg;
	struct loop_watch *next, **link; /* in loop->watches */
};

struct loop {
	struct io_uring ring;
	bool ring_ready;
	int stop_efd; /* wakes the loop from other threads */
	struct loop_watch *stop_watch;
	struct loop_watch *watches;
	_Atomic int status;
	_Atomic bool stopping;
};

static struct io_uring_sqe *sqe_get(struct loop *loop)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	if (sqe)
		return sqe;
	/* The submission queue is full: hand it over, then there is room. */
	io_uring_submit(&loop->ring);
	return io_uring_get_sqe(&loop->ring);
}

static size_t write_part(const struct loop_watch *w)
{
	return w->left < WRITE_MAX ? w->left : WRITE_MAX;
}

/*
 * A regular file is written here and now: io_uring moves the position that we
 * share with other writers (stdout and stderr in one file) without the lock
 * that write(2) takes, and they would overwrite each other. It does not block
 * for long. The completion still comes by way of the ring.
 */
static void write_file(struct loop_watch *w)
{
	w->file_res = write(w->fd, w->buf + w->done, write_part(w));
	if (w->file_res < 0)
		w->file_res = -errno;
}

static int watch_arm(struct loop *loop, struct loop_watch *w)
{
	struct io_uring_sqe *sqe = sqe_get(loop);

	if (!sqe)
		return -EBUSY;
	switch (w->kind) {
	case WATCH_POLL:
		io_uring_prep_poll_multishot(sqe, w->fd, w->events);
		break;
	case WATCH_TIMER:
		io_uring_prep_timeout(sqe, &w->period, 0, 0);
		break;
	case WATCH_WRITE:
		if (w->is_file) {
			write_file(w);
			io_uring_prep_nop(sqe);
			break;
		}
		/* Offset -1: where the stream is, as write(2) does. */
		io_uring_prep_write(sqe, w->fd, w->buf + w->done,
				    (unsigned int)write_part(w), (__u64)-1);
		break;
	}
	io_uring_sqe_set_data(sqe, w);
	w->in_flight = true;
	return 0;
}

static int watch_new(struct loop *loop, const struct loop_watch *init,
		     struct loop_watch **out)
{
	struct loop_watch *w = malloc(sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	*w = *init;
	err = watch_arm(loop, w);
	if (err) {
		free(w);
		return err;
	}
	w->next = loop->watches;
	w->link = &loop->watches;
	if (w->next)
		w->next->link = &w->next;
	loop->watches = w;
	if (out)
		*out = w;
	return 0;
}

static void watch_free(struct loop_watch *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	free(w);
}

int loop_watch_fd(struct loop *loop, int fd, unsigned int events,
		  loop_poll_fn *fn, void *arg, struct loop_watch **out)
{
	const struct loop_watch w = { .kind = WATCH_POLL,
				      .fd = fd,
				      .events = events,
				      .fn.poll = fn,
				      .arg = arg };

	return watch_new(loop, &w, out);
}

int loop_watch_timer(struct loop *loop, uint64_t period_ns, loop_timer_fn *fn,
		     void *arg, struct loop_watch **out)
{
	const struct loop_watch w = {
		.kind = WATCH_TIMER,
		.period = { .tv_sec = (long long)(period_ns / CLOCK_NS_PER_S),
			    .tv_nsec =
				    (long long)(period_ns % CLOCK_NS_PER_S) },
		.fn.timer = fn,
		.arg = arg
	};

	return watch_new(loop, &w, out);
}

int loop_write(struct loop *loop, int fd, const void *buf, size_t len,
	       loop_write_fn *fn, void *arg)
{
	struct loop_watch w = { .kind = WATCH_WRITE,
				.fd = fd,
				.buf = buf,
				.left = len,
				.fn.write = fn,
				.arg = arg };
	struct stat st;

	w.is_file = !fstat(fd, &st) && S_ISREG(st.st_mode);
	return watch_new(loop, &w, NULL);
}

static void watch_cancel(struct loop *loop, struct loop_watch *w)
{
	struct io_uring_sqe *sqe;

	w->deleted = true;
	if (!w->in_flight)
		return;
	sqe = sqe_get(loop);
	if (!sqe)
		return; /* its next completion frees it */
	io_uring_prep_cancel(sqe, w, 0);
	io_uring_sqe_set_data(sqe, NULL);
}

void loop_watch_del(struct loop *loop, struct loop_watch **watch)
{
	if (*watch)
		watch_cancel(loop, *watch);
	*watch = NULL;
}

static void poll_done(struct loop_watch *w, int res)
{
	w->fn.poll(w->arg, res < 0 ? POLLERR : (unsigned int)res);
}

/* True when the write is over. */
static bool write_done(struct loop_watch *w, int res)
{
	if (res == -EINTR || res == -EAGAIN)
		return false;
	if (res > 0) {
		w->done += (size_t)res;
		w->left -= (size_t)res;
		if (w->left)
			return false;
	}
	w->deleted = true;
	w->fn.write(w->arg, res < 0 ? res : (int64_t)w->done);
	return true;
}

static int watch_complete(struct loop *loop, struct loop_watch *w, int res,
			  bool more)
{
	w->in_flight = more;
	if (!w->deleted) {
		switch (w->kind) {
		case WATCH_POLL:
			if (res != -ECANCELED)
				poll_done(w, res);
			break;
		case WATCH_TIMER:
			if (res == -ETIME)
				w->fn.timer(w->arg);
			break;
		case WATCH_WRITE:
			if (res == -ECANCELED)
				w->deleted = true;
			else
				write_done(w,
					   w->is_file ? (int)w->file_res : res);
			break;
		}
	}
	/* The callback may have deleted it. */
	if (w->in_flight)
		return 0;
	if (w->deleted) {
		watch_free(w);
		return 0;
	}
	return watch_arm(loop, w);
}

/* Wait for and handle what has completed; 0 or -errno. */
static int loop_turn(struct loop *loop)
{
	struct io_uring_cqe *cqe;
	int err;

	err = io_uring_submit_and_wait(&loop->ring, 1);
	if (err < 0 && err != -EINTR && err != -EBUSY && err != -EAGAIN)
		return err;
	while (!io_uring_peek_cqe(&loop->ring, &cqe)) {
		struct loop_watch *w = io_uring_cqe_get_data(cqe);
		bool more = cqe->flags & IORING_CQE_F_MORE;
		int res = cqe->res;

		io_uring_cqe_seen(&loop->ring, cqe);
		if (!w)
			continue; /* a cancellation's own answer */
		err = watch_complete(loop, w, res, more);
		if (err)
			return err;
	}
	return 0;
}

int loop_run(struct loop *loop)
{
	while (!load_acquire(&loop->stopping)) { /* [LOOP-STOP] */
		int err = loop_turn(loop);

		if (err)
			return err;
	}
	store_release(&loop->stopping, false);
	return load_relaxed(&loop->status);
}

void loop_stop(struct loop *loop, int status)
{
	const uint64_t one = 1;

	store_relaxed(&loop->status, status);
	/* [LOOP-STOP] status before the flag; pairs with loop_run(). */
	store_release(&loop->stopping, true);
	(void)!write(loop->stop_efd, &one, sizeof(one));
}

static void stop_woken(void *arg, unsigned int revents)
{
	struct loop *loop = arg;
	uint64_t count;

	(void)revents;
	(void)!read(loop->stop_efd, &count, sizeof(count));
}

int loop_create(struct loop **out)
{
	struct loop *loop;
	int err;

	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	loop->stop_efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->stop_efd < 0) {
		err = -errno;
		goto fail;
	}
	err = io_uring_queue_init(RING_ENTRIES, &loop->ring, 0);
	if (err)
		goto fail;
	loop->ring_ready = true;
	err = loop_watch_fd(loop, loop->stop_efd, POLLIN, stop_woken, loop,
			    &loop->stop_watch);
	if (err)
		goto fail;
	*out = loop;
	return 0;

fail:
	loop_destroy(loop);
	return err;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	for (struct loop_watch *w = loop->watches, *next; w; w = next) {
		next = w->next;
		watch_cancel(loop, w);
		/* One that could not be armed again: nothing will come. */
		if (!w->in_flight)
			watch_free(w);
	}
	while (loop->ring_ready && loop->watches)
		if (loop_turn(loop))
			break; /* the ring is broken; leaking beats a crash */
	if (loop->ring_ready)
		io_uring_queue_exit(&loop->ring);
	if (loop->stop_efd >= 0)
		close(loop->stop_efd);
	free(loop);
}
