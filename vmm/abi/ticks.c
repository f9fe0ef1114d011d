/* SPDX-License-Identifier: MIT */
/* ticks.c - when is the next tick? */
#include "vmm/abi/ticks.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/core/clock.h"
#include "vmm/core/log.h"

struct ticks {
	uint64_t period_ns;
	void (*fn)(void *arg);
	void *arg;
	pthread_t thread;

	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;  /* stopping */
	bool started, has_thread, stopping;
};

int ticks_create(struct ticks **out, uint64_t period_ns, void (*fn)(void *arg),
		 void *arg)
{
	struct ticks *ticks = calloc(1, sizeof(*ticks));
	pthread_condattr_t monotonic;

	if (!ticks)
		return -ENOMEM;
	ticks->period_ns = period_ns;
	ticks->fn = fn;
	ticks->arg = arg;
	pthread_mutex_init(&ticks->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&ticks->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*out = ticks;
	return 0;
}

void ticks_destroy(struct ticks *ticks)
{
	if (!ticks)
		return;
	pthread_mutex_lock(&ticks->lock);
	ticks->stopping = true;
	pthread_cond_signal(&ticks->wake);
	pthread_mutex_unlock(&ticks->lock);
	if (ticks->has_thread)
		pthread_join(ticks->thread, NULL);
	pthread_cond_destroy(&ticks->wake);
	pthread_mutex_destroy(&ticks->lock);
	free(ticks);
}

static void *ticks_main(void *arg)
{
	struct ticks *ticks = arg;
	uint64_t next_ns = clock_now_ns();

	pthread_mutex_lock(&ticks->lock);
	while (!ticks->stopping) {
		struct timespec until;
		int err = 0;

		/* From now, if this thread was kept from running. */
		next_ns += ticks->period_ns;
		if (next_ns < clock_now_ns())
			next_ns = clock_now_ns() + ticks->period_ns;
		until.tv_sec = (time_t)(next_ns / CLOCK_NS_PER_S);
		until.tv_nsec = (long)(next_ns % CLOCK_NS_PER_S);
		while (!ticks->stopping && !err)
			err = pthread_cond_timedwait(&ticks->wake, &ticks->lock,
						     &until);
		if (ticks->stopping)
			break;
		pthread_mutex_unlock(&ticks->lock);
		ticks->fn(ticks->arg);
		pthread_mutex_lock(&ticks->lock);
	}
	pthread_mutex_unlock(&ticks->lock);
	return NULL;
}

void ticks_start(struct ticks *ticks)
{
	sigset_t all, old;
	int err = 0;

	pthread_mutex_lock(&ticks->lock);
	if (!ticks->started) {
		ticks->started = true;
		/* Signals are other threads' business. */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		err = -pthread_create(&ticks->thread, NULL, ticks_main, ticks);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
		ticks->has_thread = !err;
	}
	pthread_mutex_unlock(&ticks->lock);
	if (err)
		log_error("no timer interrupts: %s", strerror(-err));
}
