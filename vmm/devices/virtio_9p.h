/* SPDX-License-Identifier: MIT */
/*
 * virtio_9p.h - the virtio 9P transport device: carries requests from a
 * guest's queue to a server, and its replies back.
 *
 * It knows the frame of a message (size, type, tag) and nothing of what it
 * asks for; the server stands behind a small table, so that this room needs
 * no server and a server no KVM. Requests are under way together and end in
 * any order. Data are not copied: the server gets guest memory.
 *
 * Threads: create, destroy, virtio_9p_pci(): as in virtio_pci.h. All else, and
 *          the calls of the table: the loop thread.
 * Trust:   a request is the guest's. Its head was copied once; data and room
 *          are guest memory, inside of RAM, that changes at any time. A queue
 *          or a frame that breaks the rules stops the device until the driver
 *          resets it (DEVICE_NEEDS_RESET), and nothing else.
 * Source:  VIRTIO 1.2, 5.10 is reserved for it; Linux linux/virtio_9p.h and
 *          net/9p/trans_virtio.c are what drivers go by.
 */
#ifndef VMM_DEVICES_VIRTIO_9P_H
#define VMM_DEVICES_VIRTIO_9P_H

#include <stdint.h>
#include <sys/uio.h>

#include "vmm/core/kvm.h"
#include "vmm/core/memory.h"
#include "vmm/devices/bus.h"
#include "vmm/devices/pci.h"
#include "vmm/devices/virtqueue.h"

#define VIRTIO_9P_TAG_MAX      32u /* bytes of a mount tag */
#define VIRTIO_9P_REQUESTS_MAX VIRTQUEUE_LEN_MAX
/*
 * Of a request other than Twrite the server gets all in private memory, up to
 * this. None of 9P2000.L is longer, with names as long as names may be: Twalk
 * has 16 of 255 bytes, Tsymlink a target of 4095.
 */
#define VIRTIO_9P_HEAD_MAX 8192u

struct virtio_9p;

/* Valid from submit() to virtio_9p_done(). */
struct virtio_9p_request {
	const uint8_t *head;	  /* the message begins so; private */
	uint32_t head_len, len;	  /* copied; the whole message */
	const struct iovec *data; /* the rest: len - head_len bytes */
	uint32_t data_nr;
	const struct iovec *room; /* for the reply */
	uint32_t room_nr;
	uint32_t slot; /* below VIRTIO_9P_REQUESTS_MAX, no other's meanwhile */
};

struct virtio_9p_ops {
	/*
	 * Begin a request; virtio_9p_done() may come before this returns.
	 * -errno: there can be no answer; it is not taken and the device is
	 * broken.
	 */
	int (*submit)(void *arg, struct virtio_9p_request *req);
	/*
	 * The driver begins anew: end what is under way, each with
	 * virtio_9p_done(), now or later; the next request is the first of
	 * another session.
	 */
	void (*reset)(void *arg);
};

struct virtio_9p_opts {
	struct kvm_vm *kvm;
	struct bus *mmio;
	const struct memory *memory;
	const char *tag; /* 1..VIRTIO_9P_TAG_MAX bytes; outlives the device */
	const struct virtio_9p_ops *ops;
	void *arg;
};

/* -EINVAL: the tag; -ENOMEM, -EMFILE. */
int virtio_9p_create(struct virtio_9p **out, const struct virtio_9p_opts *opts);
/* NULL is fine. No request is with the server. */
void virtio_9p_destroy(struct virtio_9p *dev);

/* To be put into a pci_bus slot; valid until destroy. */
struct pci_dev *virtio_9p_pci(struct virtio_9p *dev);

/* Readable when virtio_9p_kicked() has something to do. */
int virtio_9p_kick_fd(const struct virtio_9p *dev);
/* Take requests, or begin anew, as the driver wishes. */
void virtio_9p_kicked(struct virtio_9p *dev);
/*
 * The reply is the first len bytes of the request's room; 0: there is none,
 * its buffers just go back. Once for each submitted request.
 */
void virtio_9p_done(struct virtio_9p *dev, struct virtio_9p_request *req,
		    uint32_t len);

struct virtio_9p_counters {
	uint64_t requests;   /* taken from the queue */
	uint64_t kicks;	     /* virtio_9p_kicked() */
	uint64_t doorbells;  /* stores to it: exits, most end in the kernel */
	uint64_t interrupts; /* sent for used buffers */
};
const struct virtio_9p_counters *
virtio_9p_counters(const struct virtio_9p *dev);

#endif
