/* SPDX-License-Identifier: MIT */
/* wire.c - how one protocol message travels through a Unix stream socket. */
#include "shm/link/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one more fd than a message may have: that is how we see it. */
#define FDS_MAX 2

union fds_control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

static void encode(uint8_t bytes[WIRE_MSG_LEN], int64_t value)
{
	for (int i = 0; i < WIRE_MSG_LEN; i++)
		bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
}

static int64_t decode(const uint8_t bytes[WIRE_MSG_LEN])
{
	uint64_t value = 0;

	for (int i = 0; i < WIRE_MSG_LEN; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return (int64_t)value;
}

int wire_send(int sock, int64_t value, int fd)
{
	uint8_t bytes[WIRE_MSG_LEN];
	union fds_control control = { 0 };
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	encode(bytes, value);
	if (fd >= 0) {
		struct cmsghdr *cmsg = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(fd));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	do {
		sent = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	/* Eight bytes fit one socket buffer: Linux sends them whole or not. */
	return sent == WIRE_MSG_LEN ? 0 : -EIO;
}

/* Move the fds of msg into reader; those that have no place are closed. */
static int take_fds(struct wire_reader *reader, struct msghdr *msg)
{
	bool excess = false;
	bool any = false;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t fds_nr;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		fds_nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < fds_nr; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd),
			       sizeof(fd));
			any = true;
			if (reader->fd < 0) {
				reader->fd = fd;
			} else {
				close(fd);
				excess = true;
			}
		}
	}
	/*
	 * Truncated with nothing delivered: not the sender's fault, this
	 * process has no descriptor left.
	 */
	if ((msg->msg_flags & MSG_CTRUNC) && !any)
		return -EMFILE;
	return excess || (msg->msg_flags & MSG_CTRUNC) ? -EPROTO : 0;
}

int wire_receive(int sock, struct wire_reader *reader, int64_t *value, int *fd)
{
	while (reader->len < WIRE_MSG_LEN) {
		union fds_control control;
		struct iovec iov = {
			.iov_base = reader->bytes + reader->len,
			.iov_len = WIRE_MSG_LEN - reader->len,
		};
		struct msghdr msg = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof(control.bytes),
		};
		ssize_t got;
		int err;

		got = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno == EAGAIN ? 0 : -errno;
		err = take_fds(reader, &msg);
		if (err) {
			wire_reader_destroy(reader);
			return err;
		}
		if (got == 0)
			return -ECONNRESET;
		reader->len += (uint32_t)got;
	}
	*value = decode(reader->bytes);
	*fd = reader->fd;
	reader->len = 0;
	reader->fd = -1;
	return 1;
}

void wire_reader_destroy(struct wire_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
	reader->len = 0;
}
