/* SPDX-License-Identifier: MIT */
/* fuzz_spsc_call.c - does each request of spsc_call.h get its own reply, in
 * order, whichever end dies; and what can a hostile end do to the other? */
#include "shm/spsc_call.h"

#include "tests/fuzz/ring_program.h"

enum op {
	OP_OPEN_CLIENT = PROGRAM_OPS_NR,
	OP_CLOSE_CLIENT,
	OP_KILL_CLIENT,
	OP_SEND, /* arg 1: in place, as for the next ones */
	OP_TAKE,
	OP_FLUSH,
	OP_WAIT_REPLY, /* value: timeout and spin */
	OP_CALL,
	OP_OPEN_SERVER,
	OP_CLOSE_SERVER,
	OP_KILL_SERVER,
	OP_ANSWER,
	OP_LOOK, /* at the request, without an answer */
	OP_FLUSH_REPLIES,
	OP_WAIT_REQUEST,
	OP_RETIRE,
	OPS_END
};

#define CLIENT	  0u /* indices of peers, bits of sleepers */
#define SERVER	  1u
#define CREATOR	  2u
#define MSG_LEN	  SPSC_CELL_MSG_LEN
#define REPLY(nr) ((nr) + 0x80000000u) /* what a reply is filled with */

static struct {
	struct spsc_call_client client, client_opened;
	struct spsc_call_server server, server_opened;
	bool client_is_open, server_is_open;
	bool client_died, server_died; /* and nobody took over yet */
	uint64_t sent_nr, done_nr, taken_nr;
	uint64_t sent_at_sleep;
	uint32_t notifies_at_sleep;
} room;

static const uint32_t cells_nrs[] = { 32, 2, 16, 4 };

static int create(const struct region *region, uint8_t which)
{
	return spsc_call_create(region, PROGRAM_NAME, cells_nrs[which & 3],
				CREATOR);
}

static void reset(void)
{
	memset(&room, 0, sizeof(room));
}

static bool client_ready(void)
{
	return room.client_is_open && !(program.sleepers & 1u << CLIENT);
}

static bool server_ready(void)
{
	return room.server_is_open && !(program.sleepers & 1u << SERVER);
}

static void end_error(int err)
{
	FUZZ_CHECK(err == -SHM_EIO ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER)));
}

/* --- opening, closing, dying ---------------------------------------------- */

static void open_client(void)
{
	struct spsc_call_client client;
	int err;

	if (program.sleepers & 1u << CLIENT)
		return;
	err = spsc_call_open_client(&client, &program.region, PROGRAM_NAME,
				    &program.peers[CLIENT].peer, 1);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile ||
		   err == (room.client_is_open ? -SHM_EEXIST : 0));
	if (err)
		return;
	FUZZ_CHECK(program.hostile || client.taken_over == room.client_died);
	/* It inherits what is outstanding. */
	FUZZ_CHECK(program.hostile || spsc_call_outstanding(&client) ==
					      room.sent_nr - room.taken_nr);
	room.client = room.client_opened = client;
	room.client_is_open = true;
	room.client_died = false;
}

static void open_server(void)
{
	struct spsc_call_server server;
	int err;

	if (program.sleepers & 1u << SERVER)
		return;
	err = spsc_call_open_server(&server, &program.region, PROGRAM_NAME,
				    &program.peers[SERVER].peer, 2);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile ||
		   err == (room.server_is_open ? -SHM_EEXIST : 0));
	if (err)
		return;
	FUZZ_CHECK(program.hostile || server.taken_over == room.server_died);
	room.server = room.server_opened = server;
	room.server_is_open = true;
	room.server_died = false;
}

static void leave_client(bool dies)
{
	if (!client_ready())
		return;
	if (dies)
		program_kill(&program.peers[CLIENT]);
	else
		spsc_call_close_client(&room.client);
	room.client_is_open = false;
	room.client_died = dies;
}

static void leave_server(bool dies)
{
	if (!server_ready())
		return;
	if (dies)
		program_kill(&program.peers[SERVER]);
	else
		spsc_call_close_server(&room.server);
	room.server_is_open = false;
	room.server_died = dies;
}

static void retire(void)
{
	int err;

	if (program.sleepers)
		return;
	err = spsc_cell_retire(&program.region, PROGRAM_NAME, SPSC_CELL_CALL,
			       program.peers[CREATOR].peer.id);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile ||
		   err == (room.client_is_open || room.server_is_open
				   ? -SHM_EEXIST
				   : 0));
	if (!err)
		program_again();
}

/* --- the client ----------------------------------------------------------- */

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

static void send_one(bool in_place)
{
	uint64_t msg[SPSC_CELL_WORDS_NR];
	uint64_t out_nr = spsc_call_outstanding(&room.client);
	int got;

	if (!client_ready())
		return;
	program_fill(msg, MSG_LEN, room.sent_nr);
	got = in_place ? send_in_place(room.sent_nr)
		       : spsc_call_send(&room.client, msg);
	if (got < 0)
		end_error(got);
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

static void take_one(bool in_place)
{
	uint64_t msg[SPSC_CELL_WORDS_NR];
	int got;

	if (!client_ready())
		return;
	got = in_place ? take_in_place() : spsc_call_take(&room.client, msg);
	if (got < 0)
		end_error(got);
	else
		FUZZ_CHECK(program.hostile ||
			   got == (room.taken_nr < room.done_nr));
	if (got != 1)
		return;
	if (!in_place)
		program_expect(msg, MSG_LEN, REPLY(room.taken_nr));
	room.taken_nr++;
}

static void flush(void)
{
	int err;

	if (!client_ready())
		return;
	err = spsc_call_flush(&room.client);
	if (err)
		end_error(err);
	/* A server that slept when a request came was rung. */
	if (program.sleepers & 1u << SERVER && !program.hostile)
		FUZZ_CHECK(room.sent_nr == room.sent_at_sleep ||
			   program.peers[CLIENT].notifies_nr !=
				   room.notifies_at_sleep);
}

static void wait_reply(const struct step *step)
{
	bool nothing_out = !spsc_call_outstanding(&room.client);
	int err;

	if (!client_ready())
		return;
	room.client.spin_ns = program_spin(step);
	program.sleepers |= 1u << CLIENT;
	err = spsc_call_wait_reply(&room.client, program_timeout(step));
	program.sleepers &= ~(1u << CLIENT);
	if (err == -SHM_EINVAL)
		FUZZ_CHECK(nothing_out);
	else if (err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || room.server_died);
	else if (err && err != -SHM_ETIMEDOUT)
		end_error(err);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   !err == (room.taken_nr < room.done_nr));
}

static void call(const struct step *step)
{
	uint64_t request[SPSC_CELL_WORDS_NR], reply[SPSC_CELL_WORDS_NR];
	uint64_t nr = room.sent_nr;
	int err;

	if (!client_ready())
		return;
	program_fill(request, MSG_LEN, nr);
	program.sleepers |= 1u << CLIENT;
	/* The server may see it from now on, and nobody else sends. */
	room.client.spin_ns = program_spin(step);
	if (!spsc_call_outstanding(&room.client))
		room.sent_nr++;
	err = spsc_call(&room.client, request, reply, program_timeout(step));
	program.sleepers &= ~(1u << CLIENT);
	if (err == -SHM_EINVAL) {
		FUZZ_CHECK(program.hostile || room.taken_nr != nr);
		return;
	}
	if (!err) {
		program_expect(reply, MSG_LEN, REPLY(nr));
		room.taken_nr++;
	} else if (err == -SHM_EGONE) {
		FUZZ_CHECK(program.hostile || room.server_died);
	} else if (err != -SHM_ETIMEDOUT) {
		end_error(err);
	}
}

/* --- the server ----------------------------------------------------------- */

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

static void answer(bool in_place)
{
	uint64_t msg[SPSC_CELL_WORDS_NR];
	int got;

	if (!server_ready())
		return;
	program_fill(msg, MSG_LEN, REPLY(room.done_nr));
	got = in_place ? answer_in_place()
		       : spsc_call_answer(&room.server, msg);
	if (got < 0)
		end_error(got);
	else
		FUZZ_CHECK(program.hostile ||
			   got == (room.done_nr < room.sent_nr));
	if (got == 1 || got == -SHM_EIO)
		room.done_nr++;
}

static void look(void)
{
	uint64_t msg[SPSC_CELL_WORDS_NR];
	int got;

	if (!server_ready())
		return;
	got = spsc_call_next(&room.server, msg);
	if (got < 0)
		end_error(got);
	if (got == 1)
		program_expect(msg, MSG_LEN, room.done_nr);
}

static void flush_replies(void)
{
	int err;

	if (!server_ready())
		return;
	err = spsc_call_flush_replies(&room.server);
	if (err)
		end_error(err);
}

static void wait_request(const struct step *step)
{
	int err;

	if (!server_ready())
		return;
	room.server.spin_ns = program_spin(step);
	room.sent_at_sleep = room.sent_nr;
	room.notifies_at_sleep = program.peers[CLIENT].notifies_nr;
	program.sleepers |= 1u << SERVER;
	err = spsc_call_wait_request(&room.server, program_timeout(step));
	program.sleepers &= ~(1u << SERVER);
	if (err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || room.client_died);
	else if (err && err != -SHM_ETIMEDOUT)
		end_error(err);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   !err == (room.done_nr < room.sent_nr));
}

static void run_server(const struct step *step)
{
	switch (step->op + PROGRAM_OPS_NR) {
	case OP_OPEN_SERVER:
		open_server();
		break;
	case OP_CLOSE_SERVER:
		leave_server(false);
		break;
	case OP_KILL_SERVER:
		leave_server(true);
		break;
	case OP_ANSWER:
		answer(step->arg & 1);
		break;
	case OP_LOOK:
		look();
		break;
	case OP_FLUSH_REPLIES:
		flush_replies();
		break;
	case OP_WAIT_REQUEST:
		wait_request(step);
		break;
	case OP_RETIRE:
		retire();
		break;
	}
}

static void run(const struct step *step)
{
	switch (step->op + PROGRAM_OPS_NR) {
	case OP_OPEN_CLIENT:
		open_client();
		break;
	case OP_CLOSE_CLIENT:
		leave_client(false);
		break;
	case OP_KILL_CLIENT:
		leave_client(true);
		break;
	case OP_SEND:
		send_one(step->arg & 1);
		break;
	case OP_TAKE:
		take_one(step->arg & 1);
		break;
	case OP_FLUSH:
		flush();
		break;
	case OP_WAIT_REPLY:
		wait_reply(step);
		break;
	case OP_CALL:
		call(step);
		break;
	default:
		run_server(step);
	}
}

/* What an end knows for itself stays as it was checked. */
static void check(void)
{
	if (room.client_is_open) {
		FUZZ_CHECK(spsc_call_outstanding(&room.client) <=
			   room.client.cells_nr);
		FUZZ_CHECK(room.client.cells_nr ==
				   room.client_opened.cells_nr &&
			   room.client.cells == room.client_opened.cells);
		FUZZ_CHECK(program.hostile || !room.client.broken);
	}
	if (room.server_is_open) {
		FUZZ_CHECK(room.server.cells_nr ==
				   room.server_opened.cells_nr &&
			   room.server.cells == room.server_opened.cells);
		FUZZ_CHECK(program.hostile || !room.server.broken);
	}
}

static const struct ring_type type = {
	.kind = REGION_KIND_SPSC_CELL,
	.region_len = 4096,
	.create = create,
	.reset = reset,
	.run = run,
	.ops_nr = OPS_END - PROGRAM_OPS_NR,
	.check = check,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	program_run(&type, data, len);
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

#define OPEN                            \
	{ OP_OPEN_CLIENT, 0, 0, 0 },    \
	{                               \
		OP_OPEN_SERVER, 0, 0, 0 \
	}
#define DO(op, arg)           \
	{                     \
		op, arg, 0, 0 \
	}
#define WAIT(op)            \
	{                   \
		op, 0, 0, 3 \
	}
#define AT_LOAD(nr) ((nr) << 4)
/* In steps of 8 bytes from the region's start: the first cell's seq. */
#define SEQ ((1024 + 1024 + 56) / 8)

static const struct program_seed seeds[] = {
	{ 1,
	  { "three_calls_in_two_cells",
	    12,
	    { OPEN, DO(OP_SEND, 0), DO(OP_SEND, 1), DO(OP_SEND, 0),
	      DO(OP_ANSWER, 0), DO(OP_ANSWER, 1), DO(OP_TAKE, 0),
	      DO(OP_SEND, 0), DO(OP_TAKE, 1), DO(OP_ANSWER, 0),
	      DO(OP_TAKE, 0) } } },
	{ 0,
	  { "whole_call_answered_while_it_sleeps",
	    5,
	    { OPEN, WAIT(OP_CALL), DO(OP_ANSWER, 0), WAIT(OP_CALL) } } },
	{ 0,
	  { "server_sleeps_and_is_rung",
	    6,
	    { OPEN, WAIT(OP_WAIT_REQUEST), DO(OP_SEND, 0), DO(OP_FLUSH, 0),
	      DO(OP_ANSWER, 0) } } },
	{ 3,
	  { "both_die_and_are_succeeded",
	    12,
	    { OPEN, DO(OP_SEND, 0), DO(OP_SEND, 0), DO(OP_ANSWER, 0),
	      DO(OP_LOOK, 0), DO(OP_KILL_SERVER, 0), DO(OP_KILL_CLIENT, 0),
	      OPEN, DO(OP_TAKE, 0), DO(OP_ANSWER, 1) } } },
	{ 3,
	  { "client_waits_for_a_dead_server",
	    6,
	    { OPEN, DO(OP_SEND, 0), DO(OP_KILL_SERVER, 0), WAIT(OP_WAIT_REPLY),
	      WAIT(OP_WAIT_REPLY) } } },
	{ 0,
	  { "seq_that_no_honest_end_leaves",
	    7,
	    { OPEN,
	      DO(OP_SEND, 0),
	      { PROGRAM_WRITE, SCRIBBLE(3, SCRIBBLE_ADD), SEQ, 5 },
	      DO(OP_ANSWER, 0),
	      DO(OP_TAKE, 0),
	      WAIT(OP_WAIT_REPLY) } } },
	{ 0,
	  { "seq_changes_while_read",
	    5,
	    { OPEN,
	      DO(OP_SEND, 0),
	      { PROGRAM_WRITE, SCRIBBLE(3, SCRIBBLE_ADD) | AT_LOAD(2), SEQ, 1 },
	      WAIT(OP_WAIT_REPLY) } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	return program_seed(seed, seeds, sizeof(seeds) / sizeof(*seeds), nr);
}
