/* SPDX-License-Identifier: MIT */
/* spsc_call.c - the cold half of calls answered in place: attaching, taking
 * over, waiting. */
#include "shm/spsc_call.h"

int spsc_call_create(const struct region *region, const char *name,
		     uint32_t cells_nr, uint32_t creator)
{
	return spsc_cell_create_mode(region, name, cells_nr, SPSC_CELL_CALL,
				     creator);
}

/*
 * Where the last client stopped: behind its newest request. A server that is
 * alive may answer meanwhile, so both states of a call count.
 */
static int sent_find(const struct spsc_cell *cells, uint32_t cells_nr,
		     uint64_t taken_idx, uint64_t *sent_idx)
{
	uint64_t idx = taken_idx;

	for (; idx - taken_idx < cells_nr; idx++) {
		uint64_t seq = load_acquire(&cells[idx & (cells_nr - 1)].seq);

		if (seq == SPSC_CALL_REQUEST(idx) ||
		    seq == SPSC_CALL_REPLY(idx))
			continue;
		/* What the last lap left: no request was sent here yet. */
		if (seq != SPSC_CALL_REPLY(idx - cells_nr))
			return -SHM_EPEER;
		break;
	}
	*sent_idx = idx;
	return 0;
}

int spsc_call_open_client(struct spsc_call_client *client,
			  const struct region *region, const char *name,
			  struct peer *peer, uint32_t vector)
{
	struct spsc_cell_seat seat;
	uint64_t taken_idx, sent_idx = 0;
	int err = spsc_cell_take(&seat, region, name, SPSC_CELL_CALL, false,
				 peer->id);

	if (err)
		return err;
	taken_idx = load_acquire(&seat.mem->taken_idx); /* [CALL-DONE] */
	err = sent_find(seat.cells, seat.cells_nr, taken_idx, &sent_idx);
	if (err) {
		owner_release(&seat.owner);
		return err;
	}
	SPSC_CELL_SIT(client, &seat, region, peer, vector);
	client->sent_idx = sent_idx;
	client->taken_idx = taken_idx;
	client->request_bell.bell = &seat.mem->data_bell;
	client->request_bell.rung = 0;
	bell_take(&client->reply_bell, &seat.mem->space_bell, peer, vector);
	return 0;
}

/*
 * Where the last server stopped: done_idx, or one further if it died between
 * the reply and done_idx. A client that is alive may have taken that reply
 * and used the cell again.
 */
static uint64_t done_find(const struct spsc_cell *cells, uint32_t cells_nr,
			  uint64_t done_idx)
{
	uint64_t seq = load_acquire(&cells[done_idx & (cells_nr - 1)].seq);

	return seq == SPSC_CALL_REPLY(done_idx) ||
			       seq == SPSC_CALL_REQUEST(done_idx + cells_nr)
		       ? done_idx + 1
		       : done_idx;
}

int spsc_call_open_server(struct spsc_call_server *server,
			  const struct region *region, const char *name,
			  struct peer *peer, uint32_t vector)
{
	struct spsc_cell_seat seat;
	uint64_t done_idx, seq;
	int err = spsc_cell_take(&seat, region, name, SPSC_CELL_CALL, true,
				 peer->id);

	if (err)
		return err;
	done_idx = load_acquire(&seat.mem->done_idx); /* [CALL-DONE] */
	done_idx = done_find(seat.cells, seat.cells_nr, done_idx);
	seq = load_acquire(&seat.cells[done_idx & (seat.cells_nr - 1)].seq);
	if (seq != SPSC_CALL_REQUEST(done_idx) &&
	    seq != SPSC_CALL_REPLY(done_idx - seat.cells_nr)) {
		owner_release(&seat.owner);
		return -SHM_EPEER;
	}
	SPSC_CELL_SIT(server, &seat, region, peer, vector);
	server->done_idx = done_idx;
	server->reply_bell.bell = &seat.mem->space_bell;
	server->reply_bell.rung = 0;
	bell_take(&server->request_bell, &seat.mem->data_bell, peer, vector);
	return 0;
}

void spsc_call_close_client(struct spsc_call_client *client)
{
	(void)spsc_call_flush(client);
	owner_release(&client->owner);
}

void spsc_call_close_server(struct spsc_call_server *server)
{
	(void)spsc_call_flush_replies(server);
	owner_release(&server->owner);
}

bool spsc_call_bad_reply(struct spsc_call_client *client)
{
	client->broken = owner_holds(&client->owner);
	return client->broken;
}

bool spsc_call_bad_request(struct spsc_call_server *server)
{
	server->broken = owner_holds(&server->owner);
	return server->broken;
}

int spsc_call_ring_server(struct spsc_call_client *client)
{
	int err = bell_ring(&client->request_bell, client->peer);

	return err < 0 ? err : 0;
}

int spsc_call_ring_client(struct spsc_call_server *server)
{
	int err = bell_ring(&server->reply_bell, server->peer);

	return err < 0 ? err : 0;
}

static int ready_client(void *end)
{
	const struct spsc_cell *cell;

	return spsc_call_peek_reply(end, &cell);
}

static int ready_server(void *end)
{
	struct spsc_cell *cell;

	return spsc_call_peek(end, &cell);
}

static int hopeless_client(void *end)
{
	const struct spsc_call_client *client = end;

	if (!owner_holds(&client->owner))
		return -SHM_EOWNER;
	return owner_gone(client->region, &client->mem->consumer) ? -SHM_EGONE
								  : 0;
}

static int hopeless_server(void *end)
{
	const struct spsc_call_server *server = end;

	if (!owner_holds(&server->owner))
		return -SHM_EOWNER;
	return owner_gone(server->region, &server->mem->producer) ? -SHM_EGONE
								  : 0;
}

int spsc_call_wait_reply(struct spsc_call_client *client, uint64_t timeout_ns)
{
	struct wait w = { .ready = ready_client,
			  .hopeless = hopeless_client,
			  .end = client,
			  .peer = client->peer,
			  .bell = &client->reply_bell,
			  .vector = client->vector,
			  .spin_ns = client->spin_ns };
	int err;

	if (!client->broken && !spsc_call_outstanding(client))
		return -SHM_EINVAL;
	if (!owner_holds(&client->owner))
		return -SHM_EOWNER;
	/* What we sent must not be slept over. */
	err = spsc_call_flush(client);
	return err ? err : wait_until(&w, timeout_ns);
}

int spsc_call_wait_request(struct spsc_call_server *server, uint64_t timeout_ns)
{
	struct wait w = { .ready = ready_server,
			  .hopeless = hopeless_server,
			  .end = server,
			  .peer = server->peer,
			  .bell = &server->request_bell,
			  .vector = server->vector,
			  .spin_ns = server->spin_ns };
	int err;

	if (!owner_holds(&server->owner))
		return -SHM_EOWNER;
	/* What we answered must not be slept over. */
	err = spsc_call_flush_replies(server);
	return err ? err : wait_until(&w, timeout_ns);
}

int spsc_call(struct spsc_call_client *client, const void *request, void *reply,
	      uint64_t timeout_ns)
{
	int err, got;

	if (!client->broken && spsc_call_outstanding(client))
		return -SHM_EINVAL;
	got = spsc_call_send(client, request);
	if (got < 0)
		return got;
	err = spsc_call_wait_reply(client, timeout_ns);
	if (err)
		return err;
	got = spsc_call_take(client, reply);
	return got < 0 ? got : 0;
}

int spsc_call_watch(const struct region *region, uint32_t slot,
		    struct spsc_call_view *view)
{
	struct region_info info;
	struct spsc_cell_mem *m;
	struct spsc_cell *cells;
	int err = spsc_cell_find_at(region, slot, SPSC_CELL_CALL, &info, &m,
				    &cells, &view->cells_nr);

	if (err)
		return err;
	view->taken_idx = load_acquire(&m->taken_idx); /* [CALL-DONE] */
	view->done_idx = load_acquire(&m->done_idx);
	/* A reply can be taken before the server has counted it. */
	if (view->taken_idx == view->done_idx + 1)
		view->done_idx++;
	if ((int64_t)(view->done_idx - view->taken_idx) < 0)
		return -SHM_EPEER;
	if (view->done_idx - view->taken_idx > view->cells_nr)
		view->taken_idx = view->done_idx - view->cells_nr;
	view->waiting =
		load_acquire(
			&cells[view->done_idx & (view->cells_nr - 1)].seq) ==
		SPSC_CALL_REQUEST(view->done_idx);
	__builtin_memcpy(view->name, info.name, sizeof(view->name));
	return 0;
}
