/* SPDX-License-Identifier: MIT */
/* p9_client.c - what does a bare guest say to a 9P server, and hear? */
#include "guests/driver/p9_client.h"

#include "guests/runtime/runtime.h"
#include "shm/err.h"

#define MSIZE_WANTED (1u << 20)
#define ERRNO_MAX    4095u /* Linux include/linux/err.h */
#define TYPE_AT	     4u

struct p9_slot *p9_client_begin(struct p9_client *client, uint32_t nr,
				uint8_t type)
{
	struct p9_slot *slot = &client->slots[nr];

	slot->at = 0;
	slot->bad = false;
	p9_slot_put(slot, 0, 4); /* the size, when it is known */
	p9_slot_put(slot, type, 1);
	p9_slot_put(slot, type == P9_TVERSION ? P9_NOTAG : nr, 2);
	return slot;
}

void p9_slot_put(struct p9_slot *slot, uint64_t value, uint32_t len)
{
	if (len > P9_REQUEST_LEN - slot->at) {
		slot->bad = true;
		return;
	}
	memcpy(slot->request + slot->at, &value, len);
	slot->at += len;
}

void p9_slot_put_str(struct p9_slot *slot, const char *bytes, uint32_t len)
{
	p9_slot_put(slot, len, 2);
	if (len > P9_REQUEST_LEN - slot->at) {
		slot->bad = true;
		return;
	}
	memcpy(slot->request + slot->at, bytes, len);
	slot->at += len;
}

uint64_t p9_slot_take(struct p9_slot *slot, uint32_t len)
{
	uint64_t value = 0;

	if (len > slot->reply_len - slot->at) {
		slot->bad = true;
		return 0;
	}
	memcpy(&value, slot->reply + slot->at, len);
	slot->at += len;
	return value;
}

void p9_client_send(struct p9_client *client, uint32_t nr,
		    const struct virtio_9p_piece *data,
		    const struct virtio_9p_piece *room)
{
	struct p9_slot *slot = &client->slots[nr];
	struct virtio_9p_piece in[2] = { { slot->request, slot->at } };
	struct virtio_9p_piece out[2] = { { slot->reply, P9_REPLY_LEN } };
	uint32_t size = slot->at;

	slot->done = false;
	/* What did not fit is told by wait(), and never sent. */
	if (slot->bad)
		return;
	if (data) {
		in[1] = *data;
		size += data->len;
	}
	if (room) {
		out[0].len = P9_RREAD_HEAD_LEN;
		out[1] = *room;
	}
	memcpy(slot->request, &size, sizeof(size));
	virtio_9p_send(&client->virtio, nr, in, out);
}

/* A reply to the request in the slot, or what the server says instead. */
static int reply_check(struct p9_slot *slot)
{
	uint8_t wanted = slot->request[TYPE_AT] + 1;
	uint64_t ecode;

	slot->at = 0;
	if (slot->reply_len > P9_REPLY_LEN)
		slot->reply_len = P9_REPLY_LEN; /* the rest is in the room */
	if (slot->reply_len < P9_HEAD_LEN)
		return -P9_EIO;
	slot->at = P9_HEAD_LEN;
	if (slot->reply[TYPE_AT] == wanted)
		return 0;
	ecode = p9_slot_take(slot, 4);
	if (slot->reply[TYPE_AT] != P9_RLERROR || !ecode || ecode > ERRNO_MAX)
		return -P9_EIO;
	return -(int)ecode;
}

int p9_client_wait(struct p9_client *client, uint32_t nr)
{
	struct p9_slot *slot = &client->slots[nr];
	uint32_t came, len;

	if (slot->bad)
		return -P9_ENAMETOOLONG;
	while (!slot->done) {
		if (virtio_9p_receive(&client->virtio, P9_ANSWER_NS, &came,
				      &len))
			return -P9_EIO;
		client->slots[came].done = true;
		client->slots[came].reply_len = len;
	}
	return reply_check(slot);
}

int p9_client_call(struct p9_client *client)
{
	p9_client_send(client, 0, NULL, NULL);
	return p9_client_wait(client, 0);
}

static int agree(struct p9_client *client)
{
	static const char version[] = P9_VERSION_L;
	struct p9_slot *slot = p9_client_begin(client, 0, P9_TVERSION);
	uint32_t msize;
	int err;

	p9_slot_put(slot, MSIZE_WANTED, 4);
	p9_slot_put_str(slot, version, sizeof(version) - 1);
	err = p9_client_call(client);
	if (err)
		return err;
	msize = (uint32_t)p9_slot_take(slot, 4);
	if (p9_slot_take(slot, 2) != sizeof(version) - 1 || slot->bad ||
	    slot->reply_len - slot->at < sizeof(version) - 1 ||
	    memcmp(slot->reply + slot->at, version, sizeof(version) - 1) != 0 ||
	    msize < P9_MSIZE_MIN || msize > MSIZE_WANTED)
		return -P9_EIO;
	client->msize = msize;
	return 0;
}

int p9_client_open(struct p9_client *client, const char *tag, uint32_t root_fid)
{
	struct p9_slot *slot;
	int err = virtio_9p_open(&client->virtio, tag);

	if (err)
		return err == -SHM_ENOENT ? -P9_ENOENT : -P9_EIO;
	err = agree(client);
	if (err)
		return err;
	slot = p9_client_begin(client, 0, P9_TATTACH);
	p9_slot_put(slot, root_fid, 4);
	p9_slot_put(slot, P9_NOFID, 4);
	p9_slot_put_str(slot, "", 0); /* uname */
	p9_slot_put_str(slot, "", 0); /* aname: the first */
	p9_slot_put(slot, 0, 4);
	return p9_client_call(client);
}
