/* SPDX-License-Identifier: MIT */
/* fuzz_spsc_call.c - does each request of spsc_call.h get its own reply, in
 * order, whichever end dies; and what can a hostile end do to the other? */
#include "shm/spsc_call.h"

#include "tests/fuzz/ring_text.h"

#define CLIENT	  0u /* ends, and their peers */
#define SERVER	  1u
#define MSG_LEN	  SPSC_CELL_MSG_LEN
#define REPLY(nr) ((nr) + 0x80000000u) /* what a reply is filled with */

static struct {
	struct spsc_call_client client, client_opened;
	struct spsc_call_server server, server_opened;
	uint64_t sent_nr, done_nr, taken_nr;
} room;

static const uint32_t cells_nrs[] = { 32, 2, 16, 4 };

static int create(const struct region *region, uint32_t shape)
{
	return spsc_call_create(region, PROGRAM_NAME, cells_nrs[shape],
				PROGRAM_CREATOR);
}

/* All cells are as the lap before left them. */
static uint64_t wrap(void *mem, uint32_t shape)
{
	uint64_t start_idx = UINT64_MAX - 2, nr = cells_nrs[shape];
	struct spsc_cell_mem *m = mem;
	struct spsc_cell *cells = (void *)((uint8_t *)mem + m->data_off);

	m->taken_idx = m->done_idx = start_idx;
	for (uint64_t idx = start_idx; idx != start_idx + nr; idx++)
		cells[idx % nr].seq = SPSC_CALL_REPLY(idx - nr);
	return start_idx;
}

static int retire(const struct region *region, const char *name, uint32_t id)
{
	return spsc_cell_retire(region, name, SPSC_CELL_CALL, id);
}

/* --- the client ----------------------------------------------------------- */

static void open_client(const struct step *step)
{
	struct spsc_call_client client;

	(void)step;
	if (program_sleeps(CLIENT) ||
	    !program_opened(CLIENT,
			    spsc_call_open_client(&client, &program.region,
						  PROGRAM_NAME,
						  program_peer(CLIENT), 1),
			    &client.taken_over))
		return;
	/* It inherits what is outstanding. */
	FUZZ_CHECK(program.hostile || spsc_call_outstanding(&client) ==
					      room.sent_nr - room.taken_nr);
	room.client = room.client_opened = client;
}

static void close_client(const struct step *step)
{
	(void)step;
	if (!program_ready(CLIENT))
		return;
	spsc_call_close_client(&room.client);
	program_left(CLIENT, false);
}

static void kill_client(const struct step *step)
{
	(void)step;
	if (program_ready(CLIENT))
		program_left(CLIENT, true);
}

static int send_in_place(uint64_t nr)
{
	struct spsc_cell *cell;
	int err, got = spsc_call_reserve(&room.client, &cell);

	FUZZ_CHECK(!cell == (got != 1));
	if (got != 1)
		return got;
	program_check_span(cell, sizeof(*cell));
	program_fill(cell->msg, MSG_LEN, nr);
	err = spsc_call_commit(&room.client);
	return err ? err : 1;
}

static void send_one(const struct step *step)
{
	bool in_place = step->arg & 1;
	uint64_t msg[SPSC_CELL_WORDS_NR];
	uint64_t out_nr = spsc_call_outstanding(&room.client);
	int got;

	if (!program_ready(CLIENT))
		return;
	program_fill(msg, MSG_LEN, room.sent_nr);
	got = in_place ? send_in_place(room.sent_nr)
		       : spsc_call_send(&room.client, msg);
	if (got < 0)
		program_check_error(got);
	else
		FUZZ_CHECK(got == (out_nr < room.client.cells_nr));
	if (got == 1 || got == -SHM_EIO) /* then it is out, too */
		room.sent_nr++;
}

static int take_in_place(void)
{
	const struct spsc_cell *cell;
	int got = spsc_call_peek_reply(&room.client, &cell);

	FUZZ_CHECK(!cell == (got != 1));
	if (got != 1)
		return got;
	program_check_span(cell, sizeof(*cell));
	program_expect(cell->msg, MSG_LEN, REPLY(room.taken_nr));
	spsc_call_release(&room.client);
	return 1;
}

static void take_one(const struct step *step)
{
	bool in_place = step->arg & 1;
	uint64_t msg[SPSC_CELL_WORDS_NR];
	int got;

	if (!program_ready(CLIENT))
		return;
	got = in_place ? take_in_place() : spsc_call_take(&room.client, msg);
	if (got < 0)
		program_check_error(got);
	else
		FUZZ_CHECK(program.hostile ||
			   got == (room.taken_nr < room.done_nr));
	if (got != 1)
		return;
	if (!in_place)
		program_expect(msg, MSG_LEN, REPLY(room.taken_nr));
	room.taken_nr++;
}

static void flush(const struct step *step)
{
	int err;

	(void)step;
	if (!program_ready(CLIENT))
		return;
	err = spsc_call_flush(&room.client);
	if (err)
		program_check_error(err);
	program_check_rung(SERVER, CLIENT, room.sent_nr);
}

static void wait_reply(const struct step *step)
{
	bool nothing_out = !spsc_call_outstanding(&room.client);
	int err;

	if (!program_ready(CLIENT))
		return;
	room.client.spin_ns = program_spin(step);
	program_sleep(CLIENT, SERVER, room.done_nr);
	err = spsc_call_wait_reply(&room.client, program_timeout(step));
	program_wake(CLIENT, err == -SHM_EINVAL ? 0 : err,
		     program.ends[SERVER].died);
	if (err == -SHM_EINVAL)
		FUZZ_CHECK(nothing_out);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   !err == (room.taken_nr < room.done_nr));
}

static void call(const struct step *step)
{
	uint64_t request[SPSC_CELL_WORDS_NR], reply[SPSC_CELL_WORDS_NR];
	uint64_t nr = room.sent_nr;
	int err;

	if (!program_ready(CLIENT))
		return;
	program_fill(request, MSG_LEN, nr);
	program_sleep(CLIENT, SERVER, room.done_nr);
	/* The server may see it from now on, and nobody else sends. */
	room.client.spin_ns = program_spin(step);
	if (!spsc_call_outstanding(&room.client))
		room.sent_nr++;
	err = spsc_call(&room.client, request, reply, program_timeout(step));
	program_wake(CLIENT, err == -SHM_EINVAL ? 0 : err,
		     program.ends[SERVER].died);
	if (err == -SHM_EINVAL) {
		FUZZ_CHECK(program.hostile || room.taken_nr != nr);
		return;
	}
	if (err)
		return;
	program_expect(reply, MSG_LEN, REPLY(nr));
	room.taken_nr++;
}

/* --- the server ----------------------------------------------------------- */

static void open_server(const struct step *step)
{
	struct spsc_call_server server;

	(void)step;
	if (program_sleeps(SERVER) ||
	    !program_opened(SERVER,
			    spsc_call_open_server(&server, &program.region,
						  PROGRAM_NAME,
						  program_peer(SERVER), 2),
			    &server.taken_over))
		return;
	room.server = room.server_opened = server;
}

static void close_server(const struct step *step)
{
	(void)step;
	if (!program_ready(SERVER))
		return;
	spsc_call_close_server(&room.server);
	program_left(SERVER, false);
}

static void kill_server(const struct step *step)
{
	(void)step;
	if (program_ready(SERVER))
		program_left(SERVER, true);
}

static int answer_in_place(void)
{
	struct spsc_cell *cell;
	int err, got = spsc_call_peek(&room.server, &cell);

	FUZZ_CHECK(!cell == (got != 1));
	if (got != 1)
		return got;
	program_check_span(cell, sizeof(*cell));
	program_expect(cell->msg, MSG_LEN, room.done_nr);
	program_fill(cell->msg, MSG_LEN, REPLY(room.done_nr));
	err = spsc_call_reply(&room.server);
	return err ? err : 1;
}

static void answer(const struct step *step)
{
	bool in_place = step->arg & 1;
	uint64_t msg[SPSC_CELL_WORDS_NR];
	int got;

	if (!program_ready(SERVER))
		return;
	program_fill(msg, MSG_LEN, REPLY(room.done_nr));
	got = in_place ? answer_in_place()
		       : spsc_call_answer(&room.server, msg);
	if (got < 0)
		program_check_error(got);
	else
		FUZZ_CHECK(program.hostile ||
			   got == (room.done_nr < room.sent_nr));
	if (got == 1 || got == -SHM_EIO)
		room.done_nr++;
}

/* At the request, without an answer. */
static void look(const struct step *step)
{
	uint64_t msg[SPSC_CELL_WORDS_NR];
	int got;

	(void)step;
	if (!program_ready(SERVER))
		return;
	got = spsc_call_next(&room.server, msg);
	if (got < 0)
		program_check_error(got);
	if (got == 1)
		program_expect(msg, MSG_LEN, room.done_nr);
}

static void flush_replies(const struct step *step)
{
	int err;

	(void)step;
	if (!program_ready(SERVER))
		return;
	err = spsc_call_flush_replies(&room.server);
	if (err)
		program_check_error(err);
}

static void wait_request(const struct step *step)
{
	int err;

	if (!program_ready(SERVER))
		return;
	room.server.spin_ns = program_spin(step);
	program_sleep(SERVER, CLIENT, room.sent_nr);
	err = spsc_call_wait_request(&room.server, program_timeout(step));
	program_wake(SERVER, err, program.ends[CLIENT].died);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   !err == (room.done_nr < room.sent_nr));
}

/* --- all of it ------------------------------------------------------------ */

static void watch(const struct step *step)
{
	struct spsc_call_view view;
	int err = spsc_call_watch(&program.region, step->arg & 7, &view);

	program_check_watch(err);
	if (err)
		return;
	FUZZ_CHECK(view.done_idx - view.taken_idx <= view.cells_nr);
	FUZZ_CHECK(program.hostile ||
		   (view.done_idx == program.start_idx + room.done_nr &&
		    view.taken_idx == program.start_idx + room.taken_nr));
	/* In a call that sleeps the request is counted before it is sent. */
	FUZZ_CHECK(program.hostile || program_sleeps(CLIENT) ||
		   view.waiting == (room.done_nr < room.sent_nr));
}

/* What an end knows for itself stays as it was checked. */
static void check(void)
{
	if (program.ends[CLIENT].is_open) {
		FUZZ_CHECK(spsc_call_outstanding(&room.client) <=
			   room.client.cells_nr);
		FUZZ_CHECK(room.client.cells_nr ==
				   room.client_opened.cells_nr &&
			   room.client.cells == room.client_opened.cells);
		FUZZ_CHECK(program.hostile || !room.client.broken);
	}
	if (program.ends[SERVER].is_open) {
		FUZZ_CHECK(room.server.cells_nr ==
				   room.server_opened.cells_nr &&
			   room.server.cells == room.server_opened.cells);
		FUZZ_CHECK(program.hostile || !room.server.broken);
	}
}

/* Their numbers: arg 1, in place; value, of waits, timeout and spin. */
static const struct ring_call calls[] = {
	RING_CALL(open_client),
	RING_CALL(close_client),
	RING_CALL(kill_client),
	RING_CALL_AS("send", send_one),
	RING_CALL_AS("take", take_one),
	RING_CALL(flush),
	RING_CALL(wait_reply),
	RING_CALL(call),
	RING_CALL(open_server),
	RING_CALL(close_server),
	RING_CALL(kill_server),
	RING_CALL(answer),
	RING_CALL(look),
	RING_CALL(flush_replies),
	RING_CALL(wait_request),
	RING_CALL_AS("retire", program_retire),
	RING_CALL(watch),
};

#define FIELD(f) RING_FIELD(spsc_cell_mem, f)
#define SEQ_OFF	 (1024u + offsetof(struct spsc_cell, seq))
static const struct ring_field fields[] = {
	FIELD(taken_idx),
	FIELD(producer),
	FIELD(done_idx),
	FIELD(consumer),
	FIELD(data_bell.armed),
	FIELD(data_bell.doorbell),
	FIELD(space_bell.armed),
	FIELD(space_bell.doorbell),
	FIELD(magic),
	FIELD(version),
	FIELD(mode),
	FIELD(cells_nr),
	FIELD(data_off),
	RING_FIELD_AS("cell0.seq", SEQ_OFF),
	RING_FIELD_AS("cell1.seq", SEQ_OFF + sizeof(struct spsc_cell)),
};

static const struct ring_type type = {
	.target = "fuzz_spsc_call",
	.kind = REGION_KIND_SPSC_CELL,
	.region_len = 4096,
	.create = create,
	.wrap = wrap,
	.retire = retire,
	.room = &room,
	.room_len = sizeof(room),
	.check = check,
	RING_LIST(calls, calls),
	RING_LIST(fields, fields),
};
RING_TARGET(type)
