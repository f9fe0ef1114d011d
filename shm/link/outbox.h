/* SPDX-License-Identifier: MIT */
/*
 * outbox.h - messages that wait until a client reads, and the doorbells they
 * carry.
 *
 * A doorbell set outlives its peer for as long as a message still carries one
 * of its eventfds; the references say so.
 *
 * Called by: shm/link/server.c only.
 * Threads:   the server's.
 */
#ifndef SHM_LINK_OUTBOX_H
#define SHM_LINK_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

/* One peer's eventfds. */
struct bells {
	uint32_t refs;
	uint32_t vectors_nr;
	int efds[]; /* non-blocking, close-on-exec */
};

/* One reference is the caller's. -ENOMEM, -errno of eventfd(). */
int bells_create(struct bells **out, uint32_t vectors_nr);
/* Drop a reference; the last one closes. NULL is fine. */
void bells_put(struct bells *bells);

struct outbox_note;

struct outbox {
	struct outbox_note *notes; /* [first, end) wait, of room for cap */
	uint32_t first;
	uint32_t end;
	uint32_t cap;
};

/*
 * Queue one message. fd -1: none; it must stay open until it is sent, either
 * by being in bells (a reference is taken) or, bells NULL, by the caller.
 * -ENOBUFS: SERVER_QUEUE_MAX messages wait already; -ENOMEM.
 */
int outbox_push(struct outbox *outbox, int64_t value, int fd,
		struct bells *bells);
/* Queue all of a peer's eventfds, in vector order. */
int outbox_push_bells(struct outbox *outbox, uint32_t peer_id,
		      struct bells *bells);
/*
 * Take back a peer's introduction: true when the nr messages of
 * outbox_push_bells() all still waited and are gone now, so that the client
 * need never hear of that peer. A client that reads nothing while others come
 * and go would otherwise make us hold all their eventfds.
 */
bool outbox_forget(struct outbox *outbox, uint32_t peer_id, uint32_t nr);
/* Send what the socket takes. 0: all sent; errors of wire_send(). */
int outbox_flush(struct outbox *outbox, int sock);
/* Safe on all-zero. */
void outbox_destroy(struct outbox *outbox);

#endif
