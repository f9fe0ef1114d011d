/* SPDX-License-Identifier: MIT */
/* file_share.c - how do a VM's requests for files get to the server? */
#include "vmm/lab/file_share.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/core/log.h"
#include "vmm/files/p9_server.h"
#include "vmm/files/p9_uring.h"
#include "vmm/lab/copy_progress.h"
#include "vmm/lab/private_dir.h"
#include "vmm/lab/share_reason.h"

#define RING_ENTRIES 128
/* More than a region of registered memory may be is not worth pinning: all of
 * it would be paid for, touched or not. */
#define FIX_MAX_LEN (1ull << 30)

/* A request as both sides have it. */
struct call {
	struct p9_request p9;
	struct virtio_9p_request *req;
	struct file_share *share;
};

struct file_share {
	struct file_share_opts opts;
	struct share *share; /* NULL: not made yet */
	struct share_reason reason;
	struct p9_uring *uring; /* NULL: files are read and written in turn */
	struct p9_export export;
	struct p9_session *session; /* NULL: no request came yet */
	bool over; /* the session is, its requests may not be */
	uint64_t read_len, written_len; /* of sessions before it */
	struct virtio_9p *dev;
	const struct memory *memory;
	struct loop *loop;
	struct loop_watch *kick_watch, *ring_watch;
	struct copy_progress progress;
	struct call calls[VIRTIO_9P_REQUESTS_MAX];
};

static void say(void *arg, const char *line)
{
	struct file_share *share = arg;

	share_reason_say(&share->reason, line);
	if (share->share) /* made, so it is none */
		share_reason_warn(&share->reason);
}

/* A large file without reflink. True: the VM is to end. */
static bool copying(void *arg, uint64_t done_len, uint64_t total_len)
{
	struct file_share *share = arg;
	struct pollfd fd = { .fd = share->opts.stop_fd, .events = POLLIN };

	copy_progress_tell(&share->progress, share->opts.name, done_len,
			   total_len);
	return poll(&fd, 1, 0) > 0;
}

/* --- between device and server -------------------------------------------- */

static void done(struct p9_request *p9, uint32_t len)
{
	struct call *call = (void *)((char *)p9 - offsetof(struct call, p9));

	virtio_9p_done(call->share->dev, call->req, len);
}

/* Guest memory as it is: data move between it and the files. */
static void fix_memory(struct file_share *share)
{
	const struct iovec ram = { share->memory->hva, share->memory->len };
	int err;

	if (!share->uring || ram.iov_len > FIX_MAX_LEN)
		return;
	err = p9_uring_fix(share->uring, &ram, 1);
	if (err && err != -ENOMEM)
		log_debug("share %s: guest memory is not registered: %s",
			  share->opts.name, strerror(-err));
}

static void keep_counters(struct file_share *share)
{
	const struct p9_counters *p9 = p9_session_counters(share->session);

	share->read_len += p9->read_len;
	share->written_len += p9->written_len;
}

/* The first request after a reset, or ever: nothing of an old one is live. */
static int session_begin(struct file_share *share)
{
	struct p9_session_opts opts = {
		.exports = &share->export,
		.exports_nr = 1,
		.io = share->uring ? p9_uring_io(share->uring) : &p9_io_sync,
		.limits = P9_LIMITS_DEFAULT,
	};

	if (share->session && !share->over)
		return 0;
	if (!share->session)
		fix_memory(share);
	else
		keep_counters(share);
	p9_session_destroy(share->session);
	share->session = NULL;
	share->over = false;
	opts.limits.requests = VIRTIO_9P_REQUESTS_MAX;
	return p9_session_create(&share->session, &opts);
}

static int submit(void *arg, struct virtio_9p_request *req)
{
	struct file_share *share = arg;
	struct call *call = &share->calls[req->slot];
	int err = session_begin(share);

	if (err)
		return err;
	if (req->len > p9_session_msize(share->session))
		return -EMSGSIZE;
	*call = (struct call){
		.p9 = { .head = req->head,
			.head_len = req->head_len,
			.len = req->len,
			.data = req->data,
			.data_nr = req->data_nr,
			.room = req->room,
			.room_nr = req->room_nr,
			.done = done },
		.req = req,
		.share = share,
	};
	p9_session_submit(share->session, &call->p9);
	return 0;
}

static void begin_anew(void *arg)
{
	struct file_share *share = arg;

	if (!share->session || share->over)
		return;
	share->over = true;
	p9_session_stop(share->session);
}

struct machine_share file_share_device(struct file_share *share)
{
	static const struct virtio_9p_ops ops = { .submit = submit,
						  .reset = begin_anew };

	return (struct machine_share){ .tag = share->opts.name,
				       .ops = &ops,
				       .arg = share };
}

struct file_share_counters file_share_counters(const struct file_share *share)
{
	struct file_share_counters counters = {
		.read_len = share->read_len,
		.written_len = share->written_len,
	};

	if (share->session) {
		const struct p9_counters *p9 =
			p9_session_counters(share->session);

		counters.read_len += p9->read_len;
		counters.written_len += p9->written_len;
	}
	if (share->dev) {
		const struct virtio_9p_counters *dev =
			virtio_9p_counters(share->dev);

		counters.requests = dev->requests;
		counters.doorbells = dev->doorbells;
		counters.interrupts = dev->interrupts;
	}
	return counters;
}

/* --- the loop's events ---------------------------------------------------- */

static void kicked(void *arg, unsigned int revents)
{
	struct file_share *share = arg;

	(void)revents;
	virtio_9p_kicked(share->dev);
	if (share->uring)
		p9_uring_run(share->uring);
}

static void io_ended(void *arg, unsigned int revents)
{
	struct file_share *share = arg;

	(void)revents;
	p9_uring_run(share->uring);
}

int file_share_start(struct file_share *share, struct loop *loop,
		     struct virtio_9p *dev, const struct memory *memory)
{
	int err;

	share->loop = loop;
	share->dev = dev;
	share->memory = memory;
	err = loop_watch_fd(loop, virtio_9p_kick_fd(dev), POLLIN, kicked, share,
			    &share->kick_watch);
	if (!err && share->uring)
		err = loop_watch_fd(loop, p9_uring_fd(share->uring), POLLIN,
				    io_ended, share, &share->ring_watch);
	return err;
}

/* --- life ----------------------------------------------------------------- */

static int open_layers(struct file_share *share)
{
	struct share_opts opts = share->opts.share;
	int err;

	if (opts.mode == SHARE_COW &&
	    !private_dir_is_apart(opts.lower, opts.upper)) {
		log_error(
			"share %s: private directory %s: " PRIVATE_DIR_NOT_APART
			"; name one elsewhere",
			share->opts.name, opts.upper);
		return -EINVAL;
	}
	opts.fresh = share->opts.fresh;
	opts.say = say;
	opts.copying = copying;
	opts.arg = share;
	err = share_create(&share->share, &opts);
	if (err)
		log_error("share %s: %s", share->opts.name,
			  share_reason_why(&share->reason, err));
	else
		share_reason_warn(&share->reason);
	return err;
}

int file_share_create(struct file_share **out,
		      const struct file_share_opts *opts)
{
	struct file_share *share = malloc(sizeof(*share));
	int err;

	if (!share)
		return -ENOMEM;
	*share = (struct file_share){
		.opts = *opts,
		.reason = { .kind = "share ", .name = opts->name },
	};
	err = open_layers(share);
	if (err) {
		file_share_destroy(share);
		return err;
	}
	share->export = (struct p9_export){ opts->name, share->share };
	err = p9_uring_create(&share->uring, RING_ENTRIES);
	if (err)
		log_info("share %s: no io_uring for files (%s); one request "
			 "after the other",
			 opts->name, strerror(-err));
	*out = share;
	return 0;
}

void file_share_destroy(struct file_share *share)
{
	if (!share)
		return;
	if (share->loop) {
		loop_watch_del(share->loop, &share->kick_watch);
		loop_watch_del(share->loop, &share->ring_watch);
	}
	begin_anew(share);
	if (share->uring)
		p9_uring_drain(share->uring);
	p9_session_destroy(share->session);
	p9_uring_destroy(share->uring);
	share_destroy(share->share);
	free(share);
}
