/* SPDX-License-Identifier: MIT */
/* virtio_9p.c - how does a 9P request get from a guest's queue to a server? */
#include "vmm/devices/virtio_9p.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/p9.h"
#include "shm/virtio.h"
#include "vmm/core/log.h"
#include "vmm/devices/virtio_pci.h"

#define CLASS_CODE 0xff0000u /* PCI 3.0, appendix D: fits no other class */
/* Requests taken in one go, so that a guest that never stops asking does not
 * keep the loop from its other work. */
#define BATCH_MAX 64u

struct request {
	struct virtio_9p_request pub; /* first: done() finds us behind it */
	bool busy;
	struct virtqueue_chain chain;
	uint8_t head[VIRTIO_9P_HEAD_MAX];
};

struct virtio_9p {
	struct virtio_9p_opts opts;
	struct virtio_pci *pci;
	struct virtqueue queue;
	bool broken;	/* until the next reset */
	bool resetting; /* waits for the server to let go */
	bool busy;	/* kicked() is at it: it ends what done() leaves */
	uint32_t busy_nr;
	struct virtio_9p_counters counters;
	/* Made when first needed: most guests have few under way. */
	struct request *requests[VIRTIO_9P_REQUESTS_MAX];
};

static uint32_t get32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void broken(struct virtio_9p *dev, const char *why)
{
	static struct log_limit limit;

	log_limited(&limit, "share %s: the driver broke the queue: %s",
		    dev->opts.tag, why);
	dev->broken = true;
	virtqueue_stop(&dev->queue); /* nothing is given back any more */
	virtio_pci_broken(dev->pci);
}

/* --- one request ----------------------------------------------------------
 */

static struct request *request_get(struct virtio_9p *dev)
{
	uint32_t slot = 0;

	/* There is one: a queue has no more heads to be out. */
	while (dev->requests[slot] && dev->requests[slot]->busy)
		slot++;
	if (!dev->requests[slot])
		dev->requests[slot] = calloc(1, sizeof(struct request));
	if (dev->requests[slot])
		dev->requests[slot]->pub.slot = slot;
	return dev->requests[slot];
}

/* Move len bytes off the front of the chain's readable part. */
static void take_bytes(struct virtqueue_chain *chain, uint32_t *piece,
		       uint8_t *to, uint32_t len)
{
	while (len) {
		struct iovec *iov = &chain->iov[*piece];
		uint32_t part = len < iov->iov_len ? len
						   : (uint32_t)iov->iov_len;

		memcpy(to, iov->iov_base, part);
		to += part;
		len -= part;
		iov->iov_base = (uint8_t *)iov->iov_base + part;
		iov->iov_len -= part;
		if (!iov->iov_len)
			(*piece)++;
	}
}

/* Pieces from nr on, cut so that they are len bytes; how many are left. */
static uint32_t cut(struct iovec *iov, uint32_t nr, uint32_t len)
{
	for (uint32_t i = 0; i < nr; i++) {
		if (!len)
			return i;
		if (iov[i].iov_len > len)
			iov[i].iov_len = len;
		len -= (uint32_t)iov[i].iov_len;
	}
	return nr;
}

/*
 * Copy the head, each byte once, and point to the rest. A buffer may be longer
 * than the message in it. NULL, or what is wrong.
 */
static const char *frame(struct request *req)
{
	struct virtqueue_chain *chain = &req->chain;
	struct virtio_9p_request *pub = &req->pub;
	uint32_t piece = 0, len, head_len;

	if (chain->read_len < P9_HEAD_LEN)
		return "a request shorter than its header";
	if (chain->write_len < P9_RLERROR_LEN)
		return "no room for any reply";
	take_bytes(chain, &piece, req->head, P9_HEAD_LEN);
	len = get32(req->head);
	if (len < P9_HEAD_LEN || len > chain->read_len)
		return "a request's size is not that of its buffer";
	head_len = req->head[4] == P9_TWRITE ? P9_TWRITE_HEAD_LEN
					     : VIRTIO_9P_HEAD_MAX;
	if (head_len > len)
		head_len = len;
	take_bytes(chain, &piece, req->head + P9_HEAD_LEN,
		   head_len - P9_HEAD_LEN);
	pub->head = req->head;
	pub->head_len = head_len;
	pub->len = len;
	pub->data = &chain->iov[piece];
	pub->data_nr = cut(&chain->iov[piece], chain->read_nr - piece,
			   len - head_len);
	pub->room = &chain->iov[chain->read_nr];
	pub->room_nr = chain->write_nr;
	return NULL;
}

static void request_end(struct virtio_9p *dev, struct request *req,
			uint32_t len)
{
	virtqueue_give(&dev->queue, req->chain.head, len);
	req->busy = false;
	dev->busy_nr--;
}

/* 1: one was taken; 0: none; -1: the device is broken. */
static int take(struct virtio_9p *dev)
{
	struct request *req = request_get(dev);
	const char *why;
	int err;

	if (!req) {
		broken(dev, "out of memory");
		return -1;
	}
	err = virtqueue_take(&dev->queue, &req->chain);
	if (!err)
		return 0;
	why = err < 0 ? dev->queue.fault : frame(req);
	if (why) {
		broken(dev, why);
		return -1;
	}
	dev->counters.requests++;
	dev->busy_nr++;
	req->busy = true;
	err = dev->opts.ops->submit(dev->opts.arg, &req->pub);
	if (err) {
		request_end(dev, req, 0);
		broken(dev, strerror(-err));
		return -1;
	}
	return 1;
}

/* --- the queue ------------------------------------------------------------
 */

static void tell(struct virtio_9p *dev)
{
	if (!virtqueue_wants_interrupt(&dev->queue))
		return;
	dev->counters.interrupts++;
	virtio_pci_interrupt(dev->pci, VIRTIO_9P_QUEUE_REQUESTS);
}

static void serve(struct virtio_9p *dev)
{
	uint32_t left = BATCH_MAX;
	int taken;

	do {
		virtqueue_kicks_off(&dev->queue);
		do
			taken = take(dev);
		while (taken > 0 && --left);
		if (!left) {
			virtio_pci_again(dev->pci);
			break;
		}
	} while (!taken && virtqueue_kicks_on(&dev->queue));
}

static void start(struct virtio_9p *dev, const struct virtio_pci_setup *setup)
{
	const struct virtio_queue_regs *regs =
		&setup->queues[VIRTIO_9P_QUEUE_REQUESTS];
	const struct virtqueue_place place = {
		.len = regs->len,
		.desc_gpa = regs->desc_gpa,
		.avail_gpa = regs->avail_gpa,
		.used_gpa = regs->used_gpa,
		.features = setup->features,
	};

	if (regs->enabled &&
	    virtqueue_start(&dev->queue, dev->opts.memory, &place))
		broken(dev, dev->queue.fault);
}

static void reset(struct virtio_9p *dev)
{
	virtqueue_stop(&dev->queue);
	if (!dev->resetting) {
		dev->resetting = true;
		dev->opts.ops->reset(dev->opts.arg);
	}
}

/* As long as the server has a request, guest memory is in use. */
static void reset_finish(struct virtio_9p *dev)
{
	if (!dev->resetting || dev->busy_nr)
		return;
	dev->resetting = false;
	dev->broken = false;
	virtio_pci_reset_done(dev->pci);
}

void virtio_9p_kicked(struct virtio_9p *dev)
{
	struct virtio_pci_setup setup;

	dev->counters.kicks++;
	dev->busy = true;
	virtio_pci_look(dev->pci, &setup);
	dev->counters.doorbells = virtio_pci_doorbells(dev->pci);
	if (setup.reset)
		reset(dev);
	if (setup.live && !dev->broken && !dev->queue.len)
		start(dev, &setup);
	if (setup.live && dev->queue.len)
		serve(dev);
	tell(dev);
	dev->busy = false;
	reset_finish(dev);
}

void virtio_9p_done(struct virtio_9p *dev, struct virtio_9p_request *pub,
		    uint32_t len)
{
	request_end(dev, (struct request *)pub, len);
	if (dev->busy)
		return;
	tell(dev);
	reset_finish(dev);
}

/* --- life ------------------------------------------------------------------
 */

int virtio_9p_create(struct virtio_9p **out, const struct virtio_9p_opts *opts)
{
	size_t tag_len = strlen(opts->tag);
	uint8_t config[VIRTIO_9P_CONFIG_TAG + VIRTIO_9P_TAG_MAX];
	struct virtio_9p *dev;
	int err;

	if (!tag_len || tag_len > VIRTIO_9P_TAG_MAX)
		return -EINVAL;
	dev = malloc(sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	*dev = (struct virtio_9p){ .opts = *opts };

	config[VIRTIO_9P_CONFIG_TAG_LEN] = (uint8_t)tag_len;
	config[VIRTIO_9P_CONFIG_TAG_LEN + 1] = 0;
	memcpy(config + VIRTIO_9P_CONFIG_TAG, opts->tag, tag_len);
	err = virtio_pci_create(
		&dev->pci,
		&(struct virtio_pci_opts){
			.kvm = opts->kvm,
			.mmio = opts->mmio,
			.name = opts->tag,
			.id = VIRTIO_ID_9P,
			.class_code = CLASS_CODE,
			.features = VIRTIO_9P_F_MOUNT_TAG |
				    VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX,
			.queues_nr = 1,
			.queue_len = VIRTQUEUE_LEN_MAX,
			.config = config,
			.config_len = VIRTIO_9P_CONFIG_TAG + (uint32_t)tag_len,
		});
	if (err) {
		virtio_9p_destroy(dev);
		return err;
	}
	*out = dev;
	return 0;
}

void virtio_9p_destroy(struct virtio_9p *dev)
{
	if (!dev)
		return;
	virtio_pci_destroy(dev->pci);
	for (uint32_t i = 0; i < VIRTIO_9P_REQUESTS_MAX; i++)
		free(dev->requests[i]);
	free(dev);
}

struct pci_dev *virtio_9p_pci(struct virtio_9p *dev)
{
	return virtio_pci_dev(dev->pci);
}

int virtio_9p_kick_fd(const struct virtio_9p *dev)
{
	return virtio_pci_kick_fd(dev->pci);
}

const struct virtio_9p_counters *virtio_9p_counters(const struct virtio_9p *dev)
{
	return &dev->counters;
}
