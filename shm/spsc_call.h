/* SPDX-License-Identifier: MIT */
/*
 * spsc_call.h - requests that are answered in place: one client, one server,
 * and the reply overwrites the request's own cell.
 *
 * A pair of rings costs two line transfers each way; here request and reply
 * travel in one line. As many requests as there are cells may be outstanding;
 * they are answered in order, and replies come in the order of requests.
 *
 * Lock-free; each call finishes in bounded steps except the two waits and
 * spsc_call(). The ends are struct spsc_call_client and spsc_call_server,
 * each private to one thread. The memory is that of spsc_cell.h with mode
 * SPSC_CELL_CALL: cell idx holds request idx while its seq is
 * SPSC_CALL_REQUEST(idx), then reply idx.
 *
 * A server that dies between a request and its reply leaves the request to
 * its successor: answered once, possibly begun twice. A client that dies
 * leaves its outstanding calls to its successor (taken_over,
 * spsc_call_outstanding()).
 *
 * Trust: as in spsc_cell.h. A seq that neither the next step nor the one
 * before it leaves is -SHM_EPEER, for good.
 */
#ifndef SHM_SPSC_CALL_H
#define SHM_SPSC_CALL_H

#include "shm/spsc_cell.h"

/* The seq of a cell; the words of one lap differ from those of the next. */
#define SPSC_CALL_REQUEST(idx) (2 * (uint64_t)(idx) + 1)
#define SPSC_CALL_REPLY(idx)   (2 * (uint64_t)(idx) + 2)

struct spsc_call_client {
	struct spsc_cell_mem *mem;
	struct spsc_cell *cells;
	uint64_t sent_idx;  /* ours: next request */
	uint64_t taken_idx; /* ours: next reply */
	uint64_t cells_nr;
	bool broken;	 /* a seq lied: nothing is believed again */
	bool taken_over; /* from a client that died */
	struct bell_ringer request_bell;
	struct bell_waiter reply_bell;
	struct peer *peer;
	const struct region *region;
	struct owner owner;
	uint32_t vector;  /* rung when a reply is there */
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
};

struct spsc_call_server {
	struct spsc_cell_mem *mem;
	struct spsc_cell *cells;
	uint64_t done_idx; /* ours: next request to answer */
	uint64_t cells_nr;
	bool broken;	 /* a seq lied: nothing is believed again */
	bool taken_over; /* from a server that died */
	struct bell_ringer reply_bell;
	struct bell_waiter request_bell;
	struct peer *peer;
	const struct region *region;
	struct owner owner;
	uint32_t vector;  /* rung when a request is there */
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
};

/*
 * Create channel name for up to cells_nr calls at a time; bytes and errors as
 * spsc_cell_len() and spsc_cell_create().
 */
int spsc_call_create(const struct region *region, const char *name,
		     uint32_t cells_nr, uint32_t creator);
/* Become channel name's client, or server; errors of spsc_cell_open_tx(). */
int spsc_call_open_client(struct spsc_call_client *client,
			  const struct region *region, const char *name,
			  struct peer *peer, uint32_t vector);
int spsc_call_open_server(struct spsc_call_server *server,
			  const struct region *region, const char *name,
			  struct peer *peer, uint32_t vector);
/* Give the end up; what is outstanding is the successor's. */
void spsc_call_close_client(struct spsc_call_client *client);
void spsc_call_close_server(struct spsc_call_server *server);

/*
 * Wait until the oldest outstanding call is answered, at most timeout_ns. 0,
 * -SHM_ETIMEDOUT, -SHM_EPEER, -SHM_EIO, -SHM_EOWNER, -SHM_EGONE: the server
 * is dead and has not answered; -SHM_EINVAL: nothing is outstanding.
 */
int spsc_call_wait_reply(struct spsc_call_client *client, uint64_t timeout_ns);
/* Wait until a request is there. Same results but the last. */
int spsc_call_wait_request(struct spsc_call_server *server,
			   uint64_t timeout_ns);
/*
 * One whole call: send 56 bytes, wait, take 56 bytes. Errors of both halves;
 * -SHM_EINVAL: others are outstanding. After -SHM_ETIMEDOUT and -SHM_EIO this
 * one is outstanding.
 */
int spsc_call(struct spsc_call_client *client, const void *request, void *reply,
	      uint64_t timeout_ns);

/*
 * What an onlooker may know of calls; it changes while you look. Requests are
 * counted by nobody but their client, so there is no count of them.
 */
struct spsc_call_view {
	/* Answered; answers taken: taken <= done <= taken + cells_nr. */
	uint64_t done_idx, taken_idx;
	bool waiting; /* a request has no answer yet */
	uint32_t cells_nr;
	char name[REGION_NAME_LEN];
};
/* Look at the channel in a directory slot: as spsc_watch(). */
int spsc_call_watch(const struct region *region, uint32_t slot,
		    struct spsc_call_view *view);

/* Is the impossible seq a lie (the end is broken now), or is the end lost? */
bool spsc_call_bad_reply(struct spsc_call_client *client);
bool spsc_call_bad_request(struct spsc_call_server *server);
/* Cold halves of commit and reply. */
int spsc_call_ring_server(struct spsc_call_client *client);
int spsc_call_ring_client(struct spsc_call_server *server);

/* Calls sent whose replies were not taken. */
static inline uint64_t
spsc_call_outstanding(const struct spsc_call_client *client)
{
	return client->sent_idx - client->taken_idx;
}

/*
 * The cell for the next request: 1, write (*cell)->msg; 0: all cells are
 * outstanding; or -SHM_EPEER.
 */
static inline int spsc_call_reserve(struct spsc_call_client *client,
				    struct spsc_cell **cell)
{
	*cell = NULL;
	if (client->broken)
		return -SHM_EPEER;
	if (spsc_call_outstanding(client) >= client->cells_nr)
		return 0;
	*cell = client->cells + (client->sent_idx & (client->cells_nr - 1));
	return 1;
}

/*
 * Send the request that was reserved and is written. A server that sleeps is
 * rung; one that falls asleep at this very moment is rung by the wait for its
 * reply, or by spsc_call_flush(). 0, or -SHM_EIO.
 */
static inline int spsc_call_commit(struct spsc_call_client *client)
{
	uint64_t idx = client->sent_idx++;
	struct spsc_cell *cell = client->cells + (idx & (client->cells_nr - 1));

	/* [CALL-REQUEST] the request before the seq that shows it; pairs with
	 * spsc_call_peek(). */
	store_release(&cell->seq, SPSC_CALL_REQUEST(idx));
	if (__builtin_expect(bell_is_armed(&client->request_bell), 0))
		return spsc_call_ring_server(client);
	return 0;
}

/* Whatever was sent will be seen; costs a full fence. */
static inline int spsc_call_flush(struct spsc_call_client *client)
{
	return spsc_call_ring_server(client);
}

/*
 * The oldest outstanding call's reply: 1, at *cell until
 * spsc_call_release(); 0: not yet, or nothing is outstanding; -SHM_EPEER or
 * -SHM_EOWNER.
 */
static inline int spsc_call_peek_reply(struct spsc_call_client *client,
				       const struct spsc_cell **cell)
{
	uint64_t idx = client->taken_idx, seq;
	struct spsc_cell *at = client->cells + (idx & (client->cells_nr - 1));

	*cell = NULL;
	if (client->broken)
		return -SHM_EPEER;
	if (idx == client->sent_idx)
		return 0;
	/* [CALL-REPLY] pairs with spsc_call_reply(). */
	seq = load_acquire(&at->seq);
	/* Polled, so the miss stays inline. */
	if (seq == SPSC_CALL_REQUEST(idx))
		return 0;
	if (seq != SPSC_CALL_REPLY(idx))
		return spsc_call_bad_reply(client) ? -SHM_EPEER : -SHM_EOWNER;
	*cell = at;
	return 1;
}

/* The reply that was peeked is not used any more. */
static inline void spsc_call_release(struct spsc_call_client *client)
{
	/* [CALL-DONE] for a successor; nobody else reads it. */
	store_release(&client->mem->taken_idx, ++client->taken_idx);
}

/*
 * The oldest request: 1, at *cell, whose msg the server overwrites with the
 * reply; 0: none; -SHM_EPEER or -SHM_EOWNER.
 */
static inline int spsc_call_peek(struct spsc_call_server *server,
				 struct spsc_cell **cell)
{
	uint64_t idx = server->done_idx, seq;
	struct spsc_cell *at = server->cells + (idx & (server->cells_nr - 1));

	*cell = NULL;
	if (server->broken)
		return -SHM_EPEER;
	/* [CALL-REQUEST] pairs with spsc_call_commit(). */
	seq = load_acquire(&at->seq);
	if (seq == SPSC_CALL_REPLY(idx - server->cells_nr))
		return 0;
	if (seq != SPSC_CALL_REQUEST(idx))
		return spsc_call_bad_request(server) ? -SHM_EPEER : -SHM_EOWNER;
	*cell = at;
	return 1;
}

/*
 * The reply stands in the cell that was peeked: hand it over. A client that
 * falls asleep at this very moment finds it after its backstop, or after
 * spsc_call_flush_replies(). 0, or -SHM_EIO.
 */
static inline int spsc_call_reply(struct spsc_call_server *server)
{
	uint64_t idx = server->done_idx++;
	struct spsc_cell *cell = server->cells + (idx & (server->cells_nr - 1));

	/* [CALL-REPLY] the reply before the seq that shows it; pairs with
	 * spsc_call_peek_reply(). */
	store_release(&cell->seq, SPSC_CALL_REPLY(idx));
	/* [CALL-DONE] for a successor, which looks one further. */
	store_release(&server->mem->done_idx, server->done_idx);
	if (__builtin_expect(bell_is_armed(&server->reply_bell), 0))
		return spsc_call_ring_client(server);
	return 0;
}

static inline int spsc_call_flush_replies(struct spsc_call_server *server)
{
	return spsc_call_ring_client(server);
}

/* The same with copies of 56 bytes; 1, 0 or an error as above. */
static inline int spsc_call_send(struct spsc_call_client *client,
				 const void *request)
{
	struct spsc_cell *cell;
	int err, got = spsc_call_reserve(client, &cell);

	if (got != 1)
		return got;
	spsc_cell_copy(cell->msg, request);
	err = spsc_call_commit(client);
	return err ? err : 1;
}

static inline int spsc_call_take(struct spsc_call_client *client, void *reply)
{
	const struct spsc_cell *cell;
	int got = spsc_call_peek_reply(client, &cell);

	if (got != 1)
		return got;
	spsc_cell_copy(reply, cell->msg);
	spsc_call_release(client);
	return 1;
}

/* The oldest request, again and again until spsc_call_answer(). */
static inline int spsc_call_next(struct spsc_call_server *server, void *request)
{
	struct spsc_cell *cell;
	int got = spsc_call_peek(server, &cell);

	if (got == 1)
		spsc_cell_copy(request, cell->msg);
	return got;
}

/* 1: answered; 0: there is no request to answer. */
static inline int spsc_call_answer(struct spsc_call_server *server,
				   const void *reply)
{
	struct spsc_cell *cell;
	int err, got = spsc_call_peek(server, &cell);

	if (got != 1)
		return got;
	spsc_cell_copy(cell->msg, reply);
	err = spsc_call_reply(server);
	return err ? err : 1;
}

#endif
