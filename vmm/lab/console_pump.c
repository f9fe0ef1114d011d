/* SPDX-License-Identifier: MIT */
/* console_pump.c - who empties the console's buffer? */
#include "vmm/lab/console_pump.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "vmm/core/log.h"

#define FINISH_NS 2000000000ull

struct console_pump {
	struct loop *loop;
	struct console *console;
	int fd;
	struct stats *stats;
	bool writing; /* buf belongs to the loop */
	bool finishing;
	char buf[CONSOLE_BUFFER_LEN];
};

static void pump(struct console_pump *p);

static void written(void *arg, int64_t result)
{
	struct console_pump *p = arg;

	p->writing = false;
	if (result < 0) {
		if (result != -EPIPE)
			log_warn("console output: %s", strerror((int)-result));
		console_close(p->console);
	} else {
		add_relaxed(&p->stats->console_bytes, (uint64_t)result);
	}
	pump(p);
	if (p->finishing && !p->writing)
		loop_stop(p->loop, 0);
}

static void pump(struct console_pump *p)
{
	size_t len;

	if (p->writing)
		return;
	len = console_take(p->console, p->buf, sizeof(p->buf));
	if (!len)
		return;
	p->writing = true;
	if (loop_write(p->loop, p->fd, p->buf, len, written, p)) {
		p->writing = false;
		console_close(p->console);
	}
}

static void console_came(void *arg, unsigned int revents)
{
	struct console_pump *p = arg;
	uint64_t count;

	(void)revents;
	(void)!read(console_fd(p->console), &count, sizeof(count));
	pump(p);
}

int console_pump_create(struct console_pump **out, struct loop *loop,
			struct console *console, int fd, struct stats *stats)
{
	struct console_pump *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->loop = loop;
	p->console = console;
	p->fd = fd;
	p->stats = stats;
	err = loop_watch_fd(loop, console_fd(console), POLLIN, console_came, p,
			    NULL);
	if (err) {
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

static void too_late(void *arg)
{
	struct console_pump *p = arg;

	log_warn("console output: nobody takes it, the rest is dropped");
	loop_stop(p->loop, 0);
}

void console_pump_finish(struct console_pump *p)
{
	if (!p)
		return;
	p->finishing = true;
	pump(p);
	if (!p->writing)
		return;
	if (!loop_watch_timer(p->loop, FINISH_NS, too_late, p, NULL))
		(void)loop_run(p->loop);
}

void console_pump_destroy(struct console_pump *p)
{
	free(p);
}
