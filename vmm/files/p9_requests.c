/* SPDX-License-Identifier: MIT */
/*
 * p9_requests.c - which requests are not answered yet, who waits for whom,
 * and how does one that nobody wants any more end?
 *
 * A request waits in the queue when its session has enough under way at the
 * files already, or for the copy of a large file. Flushed there it is dropped,
 * and never answered. Once under way it ends as it ends: a Tflush then waits
 * for it, and is answered behind it, so that what a client believes undone was
 * not done (flush(5)).
 */
#include <errno.h>
#include <stdlib.h>

#include "vmm/files/p9_private.h"

void p9_request_begin(struct p9_session *session, struct p9_request *req)
{
	req->session = session;
	req->state = P9_REQUEST_NONE;
	req->tag = P9_NOTAG;
	req->tagged = req->dropped = req->cancelled = false;
	req->queue_next = req->flushes = req->flush_next = NULL;
	req->flush_of = NULL;
	req->fid = NULL;
	req->iov_more = NULL;
	req->copy = (struct share_wait){ 0 };
	req->copies_nr = 0;
	req->next = session->live;
	req->link = &session->live;
	if (req->next)
		req->next->link = &req->next;
	session->live = req;
	session->live_nr++;
}

int p9_request_take_tag(struct p9_request *req, uint16_t tag)
{
	struct p9_session *session = req->session;
	uint64_t *word = &session->tags[tag / 64], bit = 1ull << tag % 64;

	if (tag == P9_NOTAG || *word & bit)
		return -EPROTO;
	if (session->live_nr > session->opts.limits.requests)
		return -ENOMEM;
	*word |= bit;
	req->tagged = true;
	return 0;
}

static void answer_flushes(struct p9_request *flush)
{
	while (flush) {
		struct p9_request *next = flush->flush_next;
		struct p9_msg reply = { .type = P9_RFLUSH };

		flush->flush_of = NULL;
		if (flush->dropped)
			p9_request_end(flush, 0);
		else
			p9_reply(flush, &reply);
		flush = next;
	}
}

void p9_request_end(struct p9_request *req, uint32_t len)
{
	struct p9_session *session = req->session;
	struct p9_request *flushes = req->flushes;

	*req->link = req->next;
	if (req->next)
		req->next->link = req->link;
	session->live_nr--;
	if (req->tagged)
		session->tags[req->tag / 64] &= ~(1ull << req->tag % 64);
	share_copy_leave(&req->copy);
	p9_fid_drop(req->fid);
	free(req->iov_more);
	req->fid = NULL;
	req->iov_more = NULL;
	req->flushes = NULL;
	req->state = P9_REQUEST_NONE;
	req->done(req, len);
	answer_flushes(flushes);
}

/* --- the queue at the files ----------------------------------------------- */

static bool may_go(const struct p9_session *session)
{
	const struct p9_limits *limits = &session->opts.limits;

	return !session->io_nr ||
	       (session->io_nr < limits->io_nr &&
		session->io_len + session->queue->io_len <= limits->io_len);
}

/* The Tversion that waited until nothing was under way. */
static void answer_reset(struct p9_session *session)
{
	struct p9_request *reset = session->reset;
	struct p9_msg reply = { .type = P9_RVERSION };

	if (!reset || session->io_nr)
		return;
	session->reset = NULL;
	p9_version_reply(session, &reply);
	p9_reply(reset, &reply);
}

void p9_queue_run(struct p9_session *session)
{
	/* What ends at once comes back here: the loop goes on, not deeper. */
	if (session->queue_runs)
		return;
	session->queue_runs = true;
	while (session->queue && may_go(session)) {
		struct p9_request *req = session->queue;

		session->queue = req->queue_next;
		if (!session->queue)
			session->queue_end = &session->queue;
		req->queue_next = NULL;
		req->state = P9_REQUEST_IO;
		session->io_nr++;
		session->io_len += req->io_len;
		p9_io_begin(req);
	}
	session->queue_runs = false;
	answer_reset(session);
}

void p9_queue_add(struct p9_request *req)
{
	struct p9_session *session = req->session;

	req->state = P9_REQUEST_QUEUED;
	*session->queue_end = req;
	session->queue_end = &req->queue_next;
	p9_queue_run(session);
}

static void queue_remove(struct p9_request *req)
{
	struct p9_session *session = req->session;
	struct p9_request **link = &session->queue;

	while (*link != req)
		link = &(*link)->queue_next;
	*link = req->queue_next;
	if (!*link)
		session->queue_end = link;
	req->queue_next = NULL;
}

void p9_queue_leave(struct p9_request *req)
{
	struct p9_session *session = req->session;

	session->io_nr--;
	session->io_len -= req->io_len;
	req->state = P9_REQUEST_NONE;
}

/* --- ending early --------------------------------------------------------- */

static void flush_remove(struct p9_request *flush)
{
	struct p9_request **link = &flush->flush_of->flushes;

	while (*link != flush)
		link = &(*link)->flush_next;
	*link = flush->flush_next;
	flush->flush_next = flush->flush_of = NULL;
}

static void cancel(struct p9_request *req)
{
	struct p9_io *io = req->session->opts.io;

	if (req->cancelled)
		return;
	req->cancelled = true;
	io->cancel(io, &req->op);
}

/* It has no effects and will have none. */
static void drop(struct p9_request *req)
{
	if (req->state == P9_REQUEST_QUEUED)
		queue_remove(req);
	else if (req->flush_of)
		flush_remove(req);
	if (req->session->reset == req)
		req->session->reset = NULL;
	p9_request_end(req, 0);
}

static struct p9_request *find_tag(struct p9_request *but, uint16_t tag)
{
	struct p9_request *req = but->session->live;

	while (req && (req == but || !req->tagged || req->tag != tag))
		req = req->next;
	return req;
}

bool p9_request_flush(struct p9_request *req, uint16_t oldtag)
{
	struct p9_request *old = find_tag(req, oldtag), **end;

	if (!old)
		return true;
	if (old->state != P9_REQUEST_IO) {
		drop(old);
		return true;
	}
	req->state = P9_REQUEST_FLUSH;
	req->flush_of = old;
	end = &old->flushes;
	while (*end)
		end = &(*end)->flush_next;
	*end = req;
	cancel(old); /* may end both */
	return false;
}

/* One that is not under way at the files, or is and was not cancelled yet. */
static struct p9_request *find_state(const struct p9_session *session,
				     const struct p9_request *but, bool io)
{
	struct p9_request *req = session->live;

	while (req && (req == but || req->cancelled ||
		       (req->state == P9_REQUEST_IO) != io))
		req = req->next;
	return req;
}

void p9_requests_abort(struct p9_session *session, struct p9_request *but)
{
	struct p9_request *req;

	for (req = session->live; req; req = req->next)
		req->dropped = req != but;
	/* Each end changes the list, and may be that of others. None that
	 * waits may be left when one under way makes place for it. */
	while ((req = find_state(session, but, false)))
		drop(req);
	while ((req = find_state(session, but, true)))
		cancel(req);
}
