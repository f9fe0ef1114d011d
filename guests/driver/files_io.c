/* SPDX-License-Identifier: MIT */
/* files_io.c - how do many bytes get to and from a file at once? */
#include "guests/driver/files.h"

#include "guests/runtime/runtime.h"

/* One read or write of the application's, in pieces. */
struct io {
	uint8_t type; /* P9_TREAD or P9_TWRITE */
	uint32_t fid;
	uint8_t *buf;
	uint64_t len, off;
	uint64_t sent; /* bytes asked for so far */
	uint64_t moved;
	uint32_t first, next; /* pieces under way, free-running */
	bool is_over;	      /* one was short or failed: no more */
	int err;
};

static uint32_t piece_len(const struct files *files, const struct io *io,
			  uint64_t at)
{
	return io->len - at < files->io_len ? (uint32_t)(io->len - at)
					    : files->io_len;
}

static void send_piece(struct files *files, struct io *io)
{
	uint32_t nr = io->next++ % files->depth;
	struct virtio_9p_piece piece = { io->buf + io->sent,
					 piece_len(files, io, io->sent) };
	struct p9_slot *slot = p9_client_begin(&files->client, nr, io->type);
	bool is_write = io->type == P9_TWRITE;

	p9_slot_put(slot, io->fid, 4);
	p9_slot_put(slot, io->off + io->sent, 8);
	p9_slot_put(slot, piece.len, 4);
	p9_client_send(&files->client, nr, is_write ? &piece : NULL,
		       is_write ? NULL : &piece);
	io->sent += piece.len;
}

/* The oldest piece. Behind a short one nothing counts. */
static void end_piece(struct files *files, struct io *io)
{
	uint32_t nr = io->first++ % files->depth;
	struct p9_slot *slot = &files->client.slots[nr];
	int err = p9_client_wait(&files->client, nr);
	uint32_t wanted, count;

	if (io->is_over)
		return;
	wanted = piece_len(files, io, io->moved);
	count = err ? 0 : (uint32_t)p9_slot_take(slot, 4);
	if (!err && (slot->bad || count > wanted))
		err = -P9_EIO;
	if (!err)
		io->moved += count;
	io->err = err;
	io->is_over = err || count < wanted;
}

static int64_t io_run(struct files *files, int fd, struct io io)
{
	if (fd < 0 || fd >= (int)FILES_OPEN_MAX || !files->files[fd].used)
		return -P9_EBADF;
	if (io.off > INT64_MAX || io.len > INT64_MAX - io.off)
		return -P9_EINVAL;
	io.fid = FILES_FID(fd);
	do {
		while (!io.is_over && io.sent < io.len &&
		       io.next - io.first < files->depth)
			send_piece(files, &io);
		if (io.first != io.next)
			end_piece(files, &io);
	} while (io.first != io.next || (!io.is_over && io.sent < io.len));
	return io.moved || !io.err ? (int64_t)io.moved : io.err;
}

int64_t files_pread(struct files *files, int fd, void *buf, uint64_t len,
		    uint64_t off)
{
	return io_run(
		files, fd,
		(struct io){
			.type = P9_TREAD, .buf = buf, .len = len, .off = off });
}

int64_t files_pwrite(struct files *files, int fd, const void *buf, uint64_t len,
		     uint64_t off)
{
	/* A Twrite only reads there. */
	return io_run(files, fd,
		      (struct io){ .type = P9_TWRITE,
				   .buf = (uint8_t *)buf,
				   .len = len,
				   .off = off });
}

static int64_t moved(struct files *files, int fd, int64_t result)
{
	if (result > 0)
		files->files[fd].pos += (uint64_t)result;
	return result;
}

static uint64_t pos_of(const struct files *files, int fd)
{
	return fd >= 0 && fd < (int)FILES_OPEN_MAX ? files->files[fd].pos : 0;
}

int64_t files_read(struct files *files, int fd, void *buf, uint64_t len)
{
	return moved(files, fd,
		     files_pread(files, fd, buf, len, pos_of(files, fd)));
}

int64_t files_write(struct files *files, int fd, const void *buf, uint64_t len)
{
	return moved(files, fd,
		     files_pwrite(files, fd, buf, len, pos_of(files, fd)));
}
