/* SPDX-License-Identifier: MIT */
/* client.c - what a peer knows, message by message. */
#include "shm/link/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/ivshmem.h"
#include "shm/link/deadline.h"
#include "shm/link/socket.h"
#include "shm/link/wire.h"

#define NS_PER_MS 1000000ull

/* The first two messages have a fixed place; the rest may come in any order. */
enum stage {
	STAGE_VERSION,
	STAGE_ID,
	STAGE_PEERS,
};

struct vectors {
	uint32_t nr;
	int efds[IVSHMEM_VECTORS_MAX];
};

struct client {
	int sock; /* -1: not held */
	int err;  /* why the server is gone; 0: it is there */
	enum stage stage;
	uint32_t id;
	struct shmem shmem;
	struct wire_reader reader;
	struct client_events events;
	struct vectors own;
	/* NULL: no such peer. Untouched pages of it cost nothing. */
	struct vectors *peers[IVSHMEM_PEERS_MAX];
};

static void vectors_close(struct vectors *vectors)
{
	for (uint32_t i = 0; i < vectors->nr; i++)
		close(vectors->efds[i]);
	vectors->nr = 0;
}

/*
 * Only what lies on an anonymous inode, as eventfds do, may become a bell:
 * writing to a socket or pipe the server slipped in could raise SIGPIPE or
 * block. The flag belongs to the open file, so a server that forgot it gets
 * it set, as QEMU does.
 */
static int make_bell(int fd)
{
	struct stat st;
	int flags;

	if (fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != 0)
		return -EPROTO;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -EPROTO;
	return 0;
}

static int add_vector(struct client *client, uint32_t id, int *fd)
{
	const struct client_events *events = &client->events;
	bool own = id == client->id;
	struct vectors *vectors = own ? &client->own : client->peers[id];
	uint32_t vector;
	int err;

	if (vectors && vectors->nr == IVSHMEM_VECTORS_MAX)
		return 0; /* beyond our limit: the caller closes it */
	err = make_bell(*fd);
	if (err)
		return err;
	if (!vectors) {
		vectors = malloc(sizeof(*vectors));
		if (!vectors)
			return -ENOMEM;
		vectors->nr = 0;
		client->peers[id] = vectors;
	}
	vector = vectors->nr++;
	vectors->efds[vector] = *fd;
	*fd = -1;
	if (own && events->own_vector)
		events->own_vector(events->arg, vector, vectors->efds[vector]);
	if (!own && events->peer_vector)
		events->peer_vector(events->arg, id, vector,
				    vectors->efds[vector]);
	return 0;
}

static void del_peer(struct client *client, uint32_t id)
{
	struct vectors *vectors = client->peers[id];

	/* Of ourselves or of somebody never introduced: means nothing. */
	if (!vectors)
		return;
	client->peers[id] = NULL;
	if (client->events.peer_gone)
		client->events.peer_gone(client->events.arg, id);
	vectors_close(vectors);
	free(vectors);
}

static int take_shmem(struct client *client, int *fd)
{
	int err;

	if (*fd < 0 || client->shmem.fd >= 0)
		return -EPROTO;
	err = shmem_map(&client->shmem, *fd);
	if (!err)
		*fd = -1;
	return err;
}

/* Act on one message; *fd becomes -1 when it is kept. */
static int take_message(struct client *client, int64_t value, int *fd)
{
	bool is_id = value >= 0 && value < IVSHMEM_PEERS_MAX;

	switch (client->stage) {
	case STAGE_VERSION:
		if (*fd >= 0)
			return -EPROTO;
		if (value != IVSHMEM_PROTOCOL_VERSION)
			return -EPROTONOSUPPORT;
		client->stage = STAGE_ID;
		return 0;
	case STAGE_ID:
		if (*fd >= 0 || !is_id)
			return -EPROTO;
		client->id = (uint32_t)value;
		client->stage = STAGE_PEERS;
		return 0;
	case STAGE_PEERS:
		break;
	}
	if (value == IVSHMEM_MSG_SHM)
		return take_shmem(client, fd);
	if (!is_id)
		return -EPROTO;
	if (*fd >= 0)
		return add_vector(client, (uint32_t)value, fd);
	del_peer(client, (uint32_t)value);
	return 0;
}

/* Receive one message. 1: took one; 0: none is there; -errno. */
static int step(struct client *client)
{
	int64_t value;
	int fd;
	int err;
	int ret;

	ret = wire_receive(client->sock, &client->reader, &value, &fd);
	if (ret <= 0)
		return ret;
	err = take_message(client, value, &fd);
	if (fd >= 0)
		close(fd);
	return err ? err : 1;
}

int client_dispatch(struct client *client)
{
	int ret;

	if (client->err)
		return client->err;
	do {
		ret = step(client);
	} while (ret > 0);
	if (ret == 0)
		return 0;
	client->err = ret;
	/* The socket outlives the callback: a watch of it may be cancelled. */
	if (client->events.server_gone)
		client->events.server_gone(client->events.arg, ret);
	wire_reader_destroy(&client->reader);
	close(client->sock);
	client->sock = -1;
	return ret;
}

static int handshake(struct client *client, uint64_t deadline_ns)
{
	while (client->shmem.fd < 0) {
		struct pollfd link = { .fd = client->sock, .events = POLLIN };
		int ret = step(client);

		if (ret == 0) {
			ret = deadline_poll(&link, 1, deadline_ns);
			if (ret == 0)
				return -ETIMEDOUT;
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}

int client_connect(struct client **out, const char *path, int timeout_ms,
		   const struct client_events *events)
{
	uint64_t deadline_ns = deadline_after_ns(
		timeout_ms > 0 ? (uint64_t)timeout_ms * NS_PER_MS : 0);
	struct client *client;
	int err;

	/* Not a compound literal: that would touch all of peers[]. */
	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->sock = -1;
	client->shmem.fd = -1;
	client->reader.fd = -1;
	if (events)
		client->events = *events;

	err = socket_connect(&client->sock, path, deadline_ns);
	if (err)
		goto fail;
	err = handshake(client, deadline_ns);
	if (err)
		goto fail;
	*out = client;
	return 0;

fail:
	client_destroy(client);
	return err;
}

const char *client_strerror(int err)
{
	switch (err) {
	case -ENOENT:
		return "there is no such socket; is the server running? "
		       "(ivlab server --socket PATH, or ivlab run --socket "
		       "PATH LAB)";
	case -ECONNREFUSED:
		return "nobody serves there any more; start a server again "
		       "(ivlab server --socket PATH)";
	case -EACCES:
		return "the socket belongs to another user";
	case -ECONNRESET:
		return "the server closed the connection";
	case -ETIMEDOUT:
		return "whoever serves there does not answer";
	case -EPROTO:
		return "whoever serves there is no ivshmem server";
	case -EPROTONOSUPPORT:
		return "the server speaks another version of the ivshmem "
		       "protocol";
	default:
		return strerror(-err);
	}
}

void client_destroy(struct client *client)
{
	if (!client)
		return;
	for (uint32_t id = 0; id < IVSHMEM_PEERS_MAX; id++) {
		if (!client->peers[id])
			continue;
		vectors_close(client->peers[id]);
		free(client->peers[id]);
	}
	vectors_close(&client->own);
	wire_reader_destroy(&client->reader);
	shmem_destroy(&client->shmem);
	if (client->sock >= 0)
		close(client->sock);
	free(client);
}

uint32_t client_id(const struct client *client)
{
	return client->id;
}

const struct shmem *client_shmem(const struct client *client)
{
	return &client->shmem;
}

uint32_t client_vectors_nr(const struct client *client)
{
	return client->own.nr;
}

int client_own_efd(const struct client *client, uint32_t vector)
{
	return vector < client->own.nr ? client->own.efds[vector] : -1;
}

int client_peer_efd(const struct client *client, uint32_t peer_id,
		    uint32_t vector)
{
	const struct vectors *vectors;

	if (peer_id >= IVSHMEM_PEERS_MAX)
		return -1;
	vectors = client->peers[peer_id];
	return vectors && vector < vectors->nr ? vectors->efds[vector] : -1;
}

int client_fd(const struct client *client)
{
	return client->err ? -1 : client->sock;
}

void client_replay(const struct client *client)
{
	const struct client_events *events = &client->events;

	for (uint32_t i = 0; events->own_vector && i < client->own.nr; i++)
		events->own_vector(events->arg, i, client->own.efds[i]);
	for (uint32_t id = 0; id < IVSHMEM_PEERS_MAX; id++) {
		const struct vectors *vectors = client->peers[id];

		for (uint32_t i = 0;
		     vectors && events->peer_vector && i < vectors->nr; i++)
			events->peer_vector(events->arg, id, i,
					    vectors->efds[i]);
	}
}
