/* SPDX-License-Identifier: MIT */
/* file_port.c - what does this byte mean, after those before it? */
#include "vmm/files/file_port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH_REFUSED 255u /* a length that stands for "longer still" */
#define DATA_MAX     254u /* 255 as an answer is the error */

enum state {
	IDLE,
	OPEN_FLAGS,
	OPEN_LEN,
	OPEN_PATH,
	CLOSE_HANDLE,
	READ_HANDLE,
	READ_COUNT,
	READ_ANSWER, /* how many came is to be fetched */
	READ_DATA,
	WRITE_HANDLE,
	WRITE_COUNT,
	WRITE_DATA,
	SWALLOW, /* bytes that were announced, of a request that failed */
};

struct file_port {
	struct file_view *view;
	struct file_view_file *files[FILE_PORT_HANDLES];
	enum state state;
	uint8_t result; /* what IN gives, once */
	uint8_t flags, handle;
	uint8_t count; /* announced: bytes of path or data */
	uint8_t idx;   /* of them, how many are through */
	uint8_t answer, bytes_nr;
	uint8_t bytes[PATH_REFUSED]; /* the path, or what was read */
};

int file_port_create(struct file_port **out, struct file_view *view)
{
	struct file_port *port = calloc(1, sizeof(*port));

	if (!port)
		return -ENOMEM;
	port->view = view;
	*out = port;
	return 0;
}

void file_port_destroy(struct file_port *port)
{
	if (!port)
		return;
	for (uint32_t i = 0; i < FILE_PORT_HANDLES; i++)
		file_view_close(port->files[i]);
	free(port);
}

static struct file_view_file *file_of(const struct file_port *port,
				      uint8_t handle)
{
	return handle < FILE_PORT_HANDLES ? port->files[handle] : NULL;
}

static void end(struct file_port *port, uint8_t result)
{
	port->result = result;
	port->state = IDLE;
}

/* left: bytes that come all the same, and are no requests. */
static void fail(struct file_port *port, uint8_t left)
{
	end(port, FILE_PORT_ERROR);
	if (left) {
		port->count = left;
		port->idx = 0;
		port->state = SWALLOW;
	}
}

static void request(struct file_port *port, uint8_t byte)
{
	switch (byte) {
	case FILE_PORT_OPEN:
		port->state = OPEN_FLAGS;
		break;
	case FILE_PORT_CLOSE:
		port->state = CLOSE_HANDLE;
		break;
	case FILE_PORT_READ:
		port->state = READ_HANDLE;
		break;
	case FILE_PORT_WRITE:
		port->state = WRITE_HANDLE;
		break;
	default:
		fail(port, 0);
		break;
	}
}

/* --- open and close ------------------------------------------------------- */

static void path_announced(struct file_port *port, uint8_t len)
{
	if (len == 0 || len == PATH_REFUSED) {
		fail(port, len);
		return;
	}
	port->count = len;
	port->idx = 0;
	port->state = OPEN_PATH;
}

static void open_path(struct file_port *port)
{
	uint32_t handle = 0;

	while (handle < FILE_PORT_HANDLES && port->files[handle])
		handle++;
	if (handle == FILE_PORT_HANDLES ||
	    port->flags > FILE_PORT_FOR_WRITING ||
	    file_view_open(port->view, (const char *)port->bytes, port->count,
			   port->flags == FILE_PORT_FOR_WRITING,
			   &port->files[handle]))
		fail(port, 0);
	else
		end(port, (uint8_t)handle);
}

static void path_byte(struct file_port *port, uint8_t byte)
{
	port->bytes[port->idx++] = byte;
	if (port->idx == port->count)
		open_path(port);
}

static void close_handle(struct file_port *port, uint8_t handle)
{
	struct file_view_file *file = file_of(port, handle);

	if (!file) {
		fail(port, 0);
		return;
	}
	file_view_close(file);
	port->files[handle] = NULL;
	end(port, 0);
}

/* --- read ----------------------------------------------------------------- */

/* A request for 255 bytes gets 254: as many and an error would be one. */
static void read_bytes(struct file_port *port, uint8_t count)
{
	struct file_view_file *file = file_of(port, port->handle);
	int nr = -EINVAL;

	if (file && count)
		nr = file_view_read(file, port->bytes,
				    count < DATA_MAX ? count : DATA_MAX);
	port->answer = nr < 0 ? FILE_PORT_ERROR : (uint8_t)nr;
	port->bytes_nr = nr < 0 ? 0 : (uint8_t)nr;
	port->idx = 0;
	port->state = READ_ANSWER;
}

static uint8_t read_next(struct file_port *port)
{
	uint8_t byte = port->bytes[port->idx++];

	if (port->idx == port->bytes_nr)
		port->state = IDLE;
	return byte;
}

/* --- write ---------------------------------------------------------------- */

static void data_announced(struct file_port *port, uint8_t count)
{
	if (!count) {
		end(port, 0);
	} else if (!file_of(port, port->handle)) {
		fail(port, count);
	} else {
		port->count = count;
		port->idx = 0;
		port->state = WRITE_DATA;
	}
}

static void data_byte(struct file_port *port, uint8_t byte)
{
	port->idx++;
	if (file_view_write(port->files[port->handle], &byte, 1))
		fail(port, port->count - port->idx);
	else if (port->idx == port->count)
		end(port, port->count);
}

/* -------------------------------------------------------------------------- */

void file_port_out(struct file_port *port, uint8_t byte)
{
	switch (port->state) {
	case IDLE:
	/* A guest that does not want the rest may begin anew. */
	case READ_ANSWER:
	case READ_DATA:
		port->state = IDLE;
		request(port, byte);
		break;
	case OPEN_FLAGS:
		port->flags = byte;
		port->state = OPEN_LEN;
		break;
	case OPEN_LEN:
		path_announced(port, byte);
		break;
	case OPEN_PATH:
		path_byte(port, byte);
		break;
	case CLOSE_HANDLE:
		close_handle(port, byte);
		break;
	case READ_HANDLE:
		port->handle = byte;
		port->state = READ_COUNT;
		break;
	case READ_COUNT:
		read_bytes(port, byte);
		break;
	case WRITE_HANDLE:
		port->handle = byte;
		port->state = WRITE_COUNT;
		break;
	case WRITE_COUNT:
		data_announced(port, byte);
		break;
	case WRITE_DATA:
		data_byte(port, byte);
		break;
	case SWALLOW:
		if (++port->idx == port->count)
			port->state = IDLE;
		break;
	}
}

uint8_t file_port_in(struct file_port *port)
{
	uint8_t result;

	switch (port->state) {
	case READ_ANSWER:
		port->state = port->bytes_nr ? READ_DATA : IDLE;
		return port->answer;
	case READ_DATA:
		return read_next(port);
	default:
		result = port->result;
		port->result = 0;
		return result;
	}
}
