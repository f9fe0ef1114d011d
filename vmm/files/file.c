/* SPDX-License-Identifier: MIT */
/* file.c - what does an open file read and write, while its name and its
 * layer may change? */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

#define FLAGS_HOST (O_APPEND | O_SYNC | O_DSYNC | O_TRUNC)

static int check(const struct share_node *node, uint32_t flags, bool writes)
{
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if (node->type == S_IFLNK)
		return -ELOOP;
	if (node->type == S_IFDIR)
		return writes ? -EISDIR : 0;
	if (node->type != S_IFREG)
		return -EACCES;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	return writes && node->share->opts.mode == SHARE_RO ? -EROFS : 0;
}

/* What of the quota O_TRUNC gives back, once it has emptied the file. */
static uint64_t content_bytes(const struct share_node *node)
{
	struct stat st;

	/* What writes under way may put there, they settle. */
	if (!node->share->quota.limit || node->claim->writes ||
	    fstat(node->upper_fd, &st) < 0)
		return 0;
	return quota_bytes((uint64_t)st.st_size);
}

static int open_fd(struct share_node *node, uint32_t flags, bool writes)
{
	uint64_t freed = 0;
	int fd;

	if (writes) {
		int err = copy_up(node, (flags & O_TRUNC) ? 0 : COPY_ALL);

		if (err)
			return err;
	}
	if (flags & O_TRUNC)
		freed = content_bytes(node);
	fd = layer_open(node_fd(node), (int)(flags & (O_ACCMODE | FLAGS_HOST)));
	if (fd >= 0 && freed)
		quota_give(&node->share->quota, freed);
	return fd;
}

int share_open(struct share_node *node, uint32_t flags, struct share_file **out)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
	struct share_file *file;
	int err = check(node, flags, writes);

	if (err)
		return err;
	file = malloc(sizeof(*file));
	if (!file)
		return -ENOMEM;
	*file = (struct share_file){
		.fd = -1, .sync_fd = -1, .next_fd = -1, .flags = flags
	};
	if (node->type == S_IFREG) {
		file->fd = open_fd(node, flags, writes);
		if (file->fd < 0) {
			err = file->fd;
			free(file);
			return err;
		}
	}
	if (node->type == S_IFREG && node->upper_fd < 0) {
		file->next = node->lower_files;
		file->link = &node->lower_files;
		if (file->next)
			file->next->link = &file->next;
		node->lower_files = file;
	}
	file->node = share_node_get(node);
	*out = file;
	return 0;
}

static void unlink_file(struct share_file *file)
{
	if (!file->link)
		return;
	*file->link = file->next;
	if (file->next)
		file->next->link = file->link;
	file->next = NULL;
	file->link = NULL;
}

void share_file_close(struct share_file *file)
{
	if (!file)
		return;
	unlink_file(file);
	if (file->fd >= 0)
		close(file->fd);
	if (file->sync_fd >= 0)
		close(file->sync_fd);
	if (file->merge)
		merge_free(file->merge);
	free(file->merge);
	free(file->locks);
	share_node_put(file->node);
	free(file);
}

int file_prepare(struct share_node *node, int copy_fd)
{
	for (struct share_file *f = node->lower_files; f; f = f->next) {
		int fd = layer_open(copy_fd, O_RDONLY);

		if (fd < 0)
			return fd;
		f->next_fd = fd;
	}
	return 0;
}

void file_forget(struct share_node *node)
{
	for (struct share_file *f = node->lower_files; f; f = f->next) {
		if (f->next_fd >= 0)
			close(f->next_fd);
		f->next_fd = -1;
	}
}

void file_switch(struct share_node *node)
{
	while (node->lower_files) {
		struct share_file *file = node->lower_files;

		lock_carry(file);
		/* In one step: reads that are under way elsewhere see the one
		 * file or the other, never none. */
		(void)dup3(file->next_fd, file->fd, O_CLOEXEC);
		close(file->next_fd);
		file->next_fd = -1;
		unlink_file(file);
	}
}

int share_file_fd(struct share_file *file)
{
	return file->fd >= 0 ? file->fd : -EISDIR;
}

bool share_file_append(const struct share_file *file)
{
	return file->flags & O_APPEND;
}

int share_file_reserve(struct share_file *file, uint64_t off, uint64_t len)
{
	struct quota *quota = &file->node->share->quota;
	struct claim *claim = file->node->claim;
	uint64_t held, wanted;
	struct stat st;

	if (file->fd < 0)
		return -EISDIR;
	if (off > INT64_MAX || len > INT64_MAX - off)
		return -EFBIG;
	if (!quota->limit)
		return 0;
	if (fstat(file->fd, &st) < 0)
		return -errno;
	held = quota_bytes((uint64_t)st.st_size);
	if (held < claim->promised)
		held = claim->promised;
	/* Behind all that is under way. */
	if (share_file_append(file))
		off = claim->writes ? held : (uint64_t)st.st_size;
	if (len > INT64_MAX - off)
		return -EFBIG;
	wanted = quota_bytes(off + len);
	if (wanted > held) {
		int err = quota_take(quota, wanted - held);

		if (err)
			return err;
		held = wanted;
	}
	/* Also what is there already: it may be cut before the write lands. */
	claim->promised = held;
	claim->writes++;
	return 0;
}

void share_file_wrote(struct share_file *file)
{
	struct quota *quota = &file->node->share->quota;
	struct claim *claim = file->node->claim;
	uint64_t held = 0;
	struct stat st;

	if (!quota->limit || --claim->writes)
		return;
	if (fstat(file->fd, &st) == 0)
		held = quota_bytes((uint64_t)st.st_size);
	/* What was promised and not used; or an append that found the end
	 * where another write had just put it. */
	if (claim->promised > held)
		quota_give(quota, claim->promised - held);
	else
		quota->used += held - claim->promised;
	claim->promised = 0;
}

int64_t share_read(struct share_file *file, void *buf, size_t len, uint64_t off)
{
	ssize_t n;

	if (file->fd < 0)
		return -EISDIR;
	if (off > INT64_MAX)
		return -EINVAL;
	n = pread(file->fd, buf, len, (off_t)off);
	return n < 0 ? -errno : n;
}

int64_t share_write(struct share_file *file, const void *buf, size_t len,
		    uint64_t off)
{
	int err = share_file_reserve(file, off, len);
	ssize_t n;

	if (err)
		return err;
	n = pwrite(file->fd, buf, len, (off_t)off);
	if (n < 0)
		n = -errno;
	share_file_wrote(file);
	return n;
}

int share_fsync_fd(struct share_file *file)
{
	int upper_fd = file->node->upper_fd;

	if (file->fd >= 0)
		return file->fd;
	/* What only the lower layer has is on the disk as it is. */
	if (upper_fd < 0)
		return -ENODATA;
	if (file->sync_fd < 0)
		file->sync_fd = layer_open(upper_fd, O_RDONLY | O_DIRECTORY);
	return file->sync_fd;
}

int share_fsync(struct share_file *file, bool data_only)
{
	int fd = share_fsync_fd(file);

	if (fd < 0)
		return fd == -ENODATA ? 0 : fd;
	return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}
