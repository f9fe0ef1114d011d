/* SPDX-License-Identifier: MIT */
/*
 * p9_client.h - 9P2000.L messages of a bare guest: put together, sent, and
 * their replies taken apart.
 *
 * A slot is one request and its reply; several may be under way. Its tag is
 * its number.
 *
 * Threads: vCPU 0.
 * Trust:   the server is the monitor's. A reply that is not one for its
 *          request is -P9_EIO all the same; nothing is read beyond it.
 * Errors:  negative Linux errno values, the server's or one of enum p9_errno.
 * Source:  shm/p9.h.
 */
#ifndef GUESTS_DRIVER_P9_CLIENT_H
#define GUESTS_DRIVER_P9_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/driver/virtio_9p.h"
#include "shm/p9.h"

/* Linux errno values that this code or its callers name. */
enum p9_errno {
	P9_ENOENT = 2,
	P9_EIO = 5,
	P9_EBADF = 9,
	P9_EEXIST = 17,
	P9_ENOTDIR = 20,
	P9_EINVAL = 22,
	P9_EMFILE = 24,
	P9_EROFS = 30,
	P9_ENAMETOOLONG = 36,
	P9_ENOTEMPTY = 39,
};

#define P9_REQUEST_LEN 2048u
#define P9_REPLY_LEN   256u
#define P9_ANSWER_NS   UINT64_MAX /* a copy-up may take minutes */

struct p9_slot {
	bool done;
	bool bad;    /* put too much, or took too much */
	uint32_t at; /* in request while it is put together, then in reply */
	uint32_t reply_len;
	uint8_t request[P9_REQUEST_LEN];
	uint8_t reply[P9_REPLY_LEN];
};

struct p9_client {
	struct virtio_9p virtio;
	uint32_t msize;
	struct p9_slot slots[VIRTIO_9P_SLOTS];
};

/* Find the share, agree on a version, attach to its root as fid root_fid. */
int p9_client_open(struct p9_client *client, const char *tag,
		   uint32_t root_fid);

/* --- a message ------------------------------------------------------------ */

struct p9_slot *p9_client_begin(struct p9_client *client, uint32_t slot,
				uint8_t type);
/* The lowest len bytes of value. */
void p9_slot_put(struct p9_slot *slot, uint64_t value, uint32_t len);
void p9_slot_put_str(struct p9_slot *slot, const char *bytes, uint32_t len);

/*
 * Send it. data: what follows the message, of a Twrite; room: where what
 * follows the 11 bytes of an Rread goes, or an Rreaddir's. Only one of them.
 */
void p9_client_send(struct p9_client *client, uint32_t slot,
		    const struct virtio_9p_piece *data,
		    const struct virtio_9p_piece *room);
/* Wait for that slot's reply, others may come first. 0: it is the one for the
 * request, to be taken apart. */
int p9_client_wait(struct p9_client *client, uint32_t slot);
/* Both, for messages without data, in slot 0. */
int p9_client_call(struct p9_client *client);

/* From the reply, in order. */
uint64_t p9_slot_take(struct p9_slot *slot, uint32_t len);

#endif
