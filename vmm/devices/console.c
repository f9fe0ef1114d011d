/* SPDX-License-Identifier: MIT */
/* console.c - where do a guest's bytes wait for the outside to read them? */
#include "vmm/devices/console.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct console {
	pthread_mutex_t lock;
	pthread_cond_t room; /* bytes were taken, or it was closed */
	int efd;	     /* signalled exactly while used_len is not 0 */
	bool closed;
	size_t head_off; /* the oldest byte */
	size_t used_len;
	uint8_t bytes[CONSOLE_BUFFER_LEN];
};

int console_create(struct console **out)
{
	struct console *console = malloc(sizeof(*console));

	if (!console)
		return -ENOMEM;
	console->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (console->efd < 0) {
		int err = -errno;

		free(console);
		return err;
	}
	pthread_mutex_init(&console->lock, NULL);
	pthread_cond_init(&console->room, NULL);
	console->closed = false;
	console->head_off = 0;
	console->used_len = 0;
	*out = console;
	return 0;
}

void console_destroy(struct console *console)
{
	if (!console)
		return;
	pthread_cond_destroy(&console->room);
	pthread_mutex_destroy(&console->lock);
	close(console->efd);
	free(console);
}

/* Between 0 and 1, neither can fail but for a broken fd. */
static void signal_set(const struct console *console)
{
	uint64_t one = 1;

	if (write(console->efd, &one, sizeof(one)) < 0)
		return;
}

static void signal_clear(const struct console *console)
{
	uint64_t count;

	if (read(console->efd, &count, sizeof(count)) < 0)
		return;
}

static size_t min_len(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* As much of buf as there is room for; how much. */
static size_t append(struct console *console, const uint8_t *buf, size_t len)
{
	size_t tail_off = (console->head_off + console->used_len) %
			  CONSOLE_BUFFER_LEN;
	size_t first_len;

	len = min_len(len, CONSOLE_BUFFER_LEN - console->used_len);
	first_len = min_len(len, CONSOLE_BUFFER_LEN - tail_off);
	memcpy(console->bytes + tail_off, buf, first_len);
	memcpy(console->bytes, buf + first_len, len - first_len);
	if (!console->used_len && len)
		signal_set(console);
	console->used_len += len;
	return len;
}

void console_write(struct console *console, const void *buf, size_t len)
{
	const uint8_t *bytes = buf;

	pthread_mutex_lock(&console->lock);
	while (len && !console->closed) {
		size_t done_len = append(console, bytes, len);

		bytes += done_len;
		len -= done_len;
		if (len)
			pthread_cond_wait(&console->room, &console->lock);
	}
	pthread_mutex_unlock(&console->lock);
}

int console_fd(const struct console *console)
{
	return console->efd;
}

size_t console_take(struct console *console, void *buf, size_t len)
{
	uint8_t *bytes = buf;
	size_t first_len;

	pthread_mutex_lock(&console->lock);
	len = min_len(len, console->used_len);
	first_len = min_len(len, CONSOLE_BUFFER_LEN - console->head_off);
	memcpy(bytes, console->bytes + console->head_off, first_len);
	memcpy(bytes + first_len, console->bytes, len - first_len);
	console->head_off = (console->head_off + len) % CONSOLE_BUFFER_LEN;
	console->used_len -= len;
	if (len && !console->used_len)
		signal_clear(console);
	if (len)
		pthread_cond_broadcast(&console->room);
	pthread_mutex_unlock(&console->lock);
	return len;
}

void console_close(struct console *console)
{
	pthread_mutex_lock(&console->lock);
	console->closed = true;
	pthread_cond_broadcast(&console->room);
	pthread_mutex_unlock(&console->lock);
}
