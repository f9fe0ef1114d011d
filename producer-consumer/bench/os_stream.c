/* SPDX-License-Identifier: MIT */
/*
 * os_stream.c - how does the harness drive a pipe and a Unix stream socket?
 *
 * Blocking calls, a whole batch each: the kernel puts an end that has nothing
 * to do to sleep, which is what these are for.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"

struct mem {
	int fds[2]; /* read, write */
	uint8_t *scratch[2];
};

struct end {
	int fd;
	uint32_t msg_len;
	uint8_t *scratch;
};

static uint64_t mem_len(const struct bench_shape *s)
{
	(void)s;
	return sizeof(struct mem);
}

static void destroy(void *mem, const struct bench_shape *s)
{
	struct mem *m = mem;

	(void)s;
	for (int i = 0; i < 2; i++) {
		free(m->scratch[i]);
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	}
}

static int scratch_make(struct mem *m, const struct bench_shape *s)
{
	for (int i = 0; i < 2; i++) {
		m->scratch[i] = malloc((size_t)s->msg_len * s->batch);
		if (!m->scratch[i]) {
			destroy(m, s);
			return -1;
		}
	}
	return 0;
}

static int create_pipe(void *mem, const struct bench_shape *s)
{
	struct mem *m = mem;

	m->fds[0] = m->fds[1] = -1;
	if (pipe2(m->fds, O_CLOEXEC))
		return -1;
	/* As large as the rings; the system may not want to. */
	(void)fcntl(m->fds[1], F_SETPIPE_SZ, (int)s->ring_len);
	return scratch_make(m, s);
}

static int create_unix(void *mem, const struct bench_shape *s)
{
	struct mem *m = mem;
	int len = (int)s->ring_len;

	m->fds[0] = m->fds[1] = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, m->fds))
		return -1;
	(void)setsockopt(m->fds[1], SOL_SOCKET, SO_SNDBUF, &len, sizeof(len));
	return scratch_make(m, s);
}

static int open_end(void *handle, void *mem, const struct bench_shape *s,
		    int which)
{
	struct mem *m = mem;
	struct end *end = handle;

	end->fd = m->fds[which];
	end->scratch = m->scratch[which];
	end->msg_len = s->msg_len;
	return 0;
}

static int open_tx(void *handle, void *mem, const struct bench_shape *s)
{
	return open_end(handle, mem, s, 1);
}

static int open_rx(void *handle, void *mem, const struct bench_shape *s)
{
	return open_end(handle, mem, s, 0);
}

WORK_INLINE uint32_t reserve(void *tx, uint32_t want, void **slots)
{
	*slots = ((struct end *)tx)->scratch;
	return want;
}

/* What cannot be written is missing from the sum at the other end. */
WORK_INLINE void commit(void *tx, uint32_t nr)
{
	struct end *end = tx;
	size_t left = (size_t)nr * end->msg_len;
	const uint8_t *from = end->scratch;

	while (left) {
		ssize_t got = write(end->fd, from, left);

		if (got <= 0)
			return;
		from += got;
		left -= (size_t)got;
	}
}

/* Whole messages; the rest of a torn one is waited for. */
WORK_INLINE uint32_t peek(void *rx, uint32_t want, const void **slots)
{
	struct end *end = rx;
	size_t len = 0;

	*slots = end->scratch;
	do {
		ssize_t got = read(end->fd, end->scratch + len,
				   (size_t)want * end->msg_len - len);

		if (got <= 0)
			return 0;
		len += (size_t)got;
	} while (len % end->msg_len);
	return (uint32_t)(len / end->msg_len);
}

WORK_INLINE void release(void *rx, uint32_t nr)
{
	(void)rx;
	(void)nr;
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

LOOPS_RUN(run, ops, struct end, struct end, LOOPS_BY_SIZE)

const struct bench_queue bench_pipe = {
	.name = "pipe",
	.kinds = BENCH_STREAM | BENCH_RTT,
	.mem_len = mem_len,
	.create = create_pipe,
	.destroy = destroy,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run,
};

const struct bench_queue bench_unix = {
	.name = "unix socket",
	.kinds = BENCH_STREAM | BENCH_RTT,
	.mem_len = mem_len,
	.create = create_unix,
	.destroy = destroy,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run,
};
