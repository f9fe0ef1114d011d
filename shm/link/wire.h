/* SPDX-License-Identifier: MIT */
/*
 * wire.h - messages of the ivshmem client-server protocol: a signed 64-bit
 * little-endian number, at most one file descriptor beside it.
 *
 * Source: QEMU docs/specs/ivshmem-spec.rst, "Client-Server protocol".
 */
#ifndef SHM_LINK_WIRE_H
#define SHM_LINK_WIRE_H

#include <stdint.h>

#define WIRE_MSG_LEN 8

/*
 * Send one message without blocking; fd -1 sends none. 0; -EAGAIN: the socket
 * is full, nothing was sent; -errno. Never raises SIGPIPE.
 */
int wire_send(int sock, int64_t value, int fd);

/* Puts messages together from a stream that may arrive byte by byte. */
struct wire_reader {
	uint8_t bytes[WIRE_MSG_LEN];
	uint32_t len; /* bytes received of the current message */
	int fd;	      /* came with it, -1: none; owned until handed out */
};
#define WIRE_READER_INIT           \
	{                          \
		.len = 0, .fd = -1 \
	}

/*
 * Receive up to one message. 1: *value and *fd (the caller's now, -1: none;
 * close-on-exec) are one whole message; 0: nothing whole yet (non-blocking
 * socket drained); -ECONNRESET: end of stream; -EPROTO: more than one fd with
 * a message (all closed); -errno.
 */
int wire_receive(int sock, struct wire_reader *reader, int64_t *value, int *fd);
/* Closes an fd still held. */
void wire_reader_destroy(struct wire_reader *reader);

#endif
