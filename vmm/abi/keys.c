/* SPDX-License-Identifier: MIT */
/* keys.c - which byte of input does a guest get next? */
#include "vmm/abi/keys.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/abi/terminal.h"
#include "vmm/core/log.h"

#define CTRL_D 0x04

struct keys {
	int fd, stop_efd;
	void (*arrived)(void *arg);
	void *arg;
	pthread_t reader;
	bool is_terminal; /* the reader's, once it runs */

	pthread_mutex_t lock; /* all below */
	pthread_cond_t room;
	bool started, has_reader, stopping, ended;
	/* Free-running: bytes that came, were taken, were announced. */
	uint32_t tail_idx, head_idx, told_idx;
	uint8_t queue[KEYS_QUEUE_NR];
};

static uint32_t waiting(const struct keys *keys)
{
	return keys->tail_idx - keys->head_idx;
}

int keys_create(struct keys **out, int fd, void (*arrived)(void *arg),
		void *arg)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	keys->fd = fd;
	keys->arrived = arrived;
	keys->arg = arg;
	keys->stop_efd = eventfd(0, EFD_CLOEXEC);
	if (keys->stop_efd < 0) {
		int err = -errno;

		free(keys);
		return err;
	}
	pthread_mutex_init(&keys->lock, NULL);
	pthread_cond_init(&keys->room, NULL);
	*out = keys;
	return 0;
}

void keys_destroy(struct keys *keys)
{
	uint64_t one = 1;

	if (!keys)
		return;
	pthread_mutex_lock(&keys->lock);
	keys->stopping = true;
	pthread_cond_signal(&keys->room);
	pthread_mutex_unlock(&keys->lock);
	if (keys->has_reader) {
		/* An eventfd at 0 takes it. */
		if (write(keys->stop_efd, &one, sizeof(one)) < 0)
			log_error("input: cannot stop its reader");
		pthread_join(keys->reader, NULL);
	}
	if (keys->is_terminal)
		terminal_restore();
	pthread_cond_destroy(&keys->room);
	pthread_mutex_destroy(&keys->lock);
	close(keys->stop_efd);
	free(keys);
}

/* How many bytes may be read now; waits for one. 0: stopping. */
static uint32_t wait_for_room(struct keys *keys)
{
	uint32_t nr;

	pthread_mutex_lock(&keys->lock);
	while (!keys->stopping && waiting(keys) == KEYS_QUEUE_NR)
		pthread_cond_wait(&keys->room, &keys->lock);
	nr = keys->stopping ? 0 : KEYS_QUEUE_NR - waiting(keys);
	pthread_mutex_unlock(&keys->lock);
	return nr;
}

static void append(struct keys *keys, const uint8_t *bytes, size_t nr,
		   bool ended)
{
	pthread_mutex_lock(&keys->lock);
	for (size_t i = 0; i < nr; i++)
		keys->queue[keys->tail_idx++ % KEYS_QUEUE_NR] = bytes[i];
	keys->ended = ended;
	pthread_mutex_unlock(&keys->lock);
	keys->arrived(keys->arg);
}

/* One read; false: that was the end of the input. */
static bool read_some(struct keys *keys, uint32_t room)
{
	uint8_t bytes[256];
	const uint8_t *end;
	ssize_t nr = read(keys->fd, bytes,
			  room < sizeof(bytes) ? room : sizeof(bytes));

	/* A descriptor that others made non-blocking. */
	if (nr < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (nr < 0)
		log_debug("input: %s", strerror(errno));
	if (nr <= 0) {
		append(keys, NULL, 0, true);
		return false;
	}
	end = keys->is_terminal ? memchr(bytes, CTRL_D, (size_t)nr) : NULL;
	append(keys, bytes, end ? (size_t)(end - bytes) : (size_t)nr, end);
	return !end;
}

static void *reader_main(void *arg)
{
	struct keys *keys = arg;
	struct pollfd polls[] = {
		{ .fd = keys->fd, .events = POLLIN },
		{ .fd = keys->stop_efd, .events = POLLIN },
	};

	for (;;) {
		uint32_t room = wait_for_room(keys);

		if (!room)
			return NULL;
		if (poll(polls, 2, -1) < 0)
			continue;
		if (polls[1].revents)
			return NULL;
		if (polls[0].revents && !read_some(keys, room))
			return NULL;
	}
}

/* Signals are other threads' business. */
static int reader_start(struct keys *keys)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	keys->is_terminal = !terminal_take_keys(keys->fd);
	err = -pthread_create(&keys->reader, NULL, reader_main, keys);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

void keys_start(struct keys *keys)
{
	int err = 0;

	pthread_mutex_lock(&keys->lock);
	if (!keys->started) {
		keys->started = true;
		err = reader_start(keys);
		keys->has_reader = !err;
		keys->ended |= err != 0;
	}
	pthread_mutex_unlock(&keys->lock);
	if (err)
		log_error("input: cannot read it: %s", strerror(-err));
}

bool keys_take(struct keys *keys, uint8_t *byte)
{
	bool any;

	pthread_mutex_lock(&keys->lock);
	any = waiting(keys) > 0;
	if (any) {
		*byte = keys->queue[keys->head_idx++ % KEYS_QUEUE_NR];
		pthread_cond_signal(&keys->room);
	}
	pthread_mutex_unlock(&keys->lock);
	return any;
}

uint32_t keys_waiting(struct keys *keys)
{
	uint32_t nr;

	pthread_mutex_lock(&keys->lock);
	nr = waiting(keys);
	pthread_mutex_unlock(&keys->lock);
	return nr;
}

bool keys_ended(struct keys *keys)
{
	bool ended;

	pthread_mutex_lock(&keys->lock);
	ended = keys->ended && !waiting(keys);
	pthread_mutex_unlock(&keys->lock);
	return ended;
}

bool keys_announce(struct keys *keys)
{
	bool due;

	pthread_mutex_lock(&keys->lock);
	/* Bytes that were taken need no announcement any more. */
	if ((int32_t)(keys->told_idx - keys->head_idx) < 0)
		keys->told_idx = keys->head_idx;
	due = keys->told_idx != keys->tail_idx;
	if (due)
		keys->told_idx++;
	pthread_mutex_unlock(&keys->lock);
	return due;
}
