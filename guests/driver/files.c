/* SPDX-License-Identifier: MIT */
/* files.c - which messages does a call on a file become? */
#include "guests/driver/files.h"

#include "guests/runtime/runtime.h"

#define FID_ROOT 0u
/* On the way to somewhere; gone when the call returns. */
#define FID_PLACE 1000u
#define FID_OTHER 1001u

#define IO_LEN	 (128u << 10)
#define IO_DEPTH 8u

int files_mount(struct files *files, const char *share)
{
	int err;

	memset(files, 0, sizeof(*files));
	files->dir_fd = -1;
	err = p9_client_open(&files->client, share, FID_ROOT);
	if (err)
		return err;
	files->depth = IO_DEPTH;
	files->io_len = files->client.msize - P9_TWRITE_HEAD_LEN - 1;
	if (files->io_len > IO_LEN)
		files->io_len = IO_LEN;
	return 0;
}

/* --- getting there -------------------------------------------------------- */

/* The next name of [*path, end), without slashes; 0: there is none. */
static uint32_t next_name(const char **path, const char *end)
{
	const char *at;

	while (*path < end && **path == '/')
		(*path)++;
	at = *path;
	while (at < end && *at != '/')
		at++;
	return (uint32_t)(at - *path);
}

static int clunk(struct files *files, uint32_t fid)
{
	struct p9_slot *slot = p9_client_begin(&files->client, 0, P9_TCLUNK);

	p9_slot_put(slot, fid, 4);
	return p9_client_call(&files->client);
}

/* Up to P9_WALK_MAX names from fid to newfid; *path moves behind them. */
static int walk_part(struct files *files, uint32_t fid, uint32_t newfid,
		     const char **path, const char *end)
{
	struct p9_slot *slot = p9_client_begin(&files->client, 0, P9_TWALK);
	uint32_t nr_at, len;
	uint16_t nr = 0;
	int err;

	p9_slot_put(slot, fid, 4);
	p9_slot_put(slot, newfid, 4);
	nr_at = slot->at;
	p9_slot_put(slot, 0, 2);
	while (nr < P9_WALK_MAX && (len = next_name(path, end))) {
		p9_slot_put_str(slot, *path, len);
		*path += len;
		nr++;
	}
	memcpy(slot->request + nr_at, &nr, sizeof(nr));
	err = p9_client_call(&files->client);
	/* A part of the way is no error of the server's. */
	if (!err && p9_slot_take(slot, 2) != nr)
		err = -P9_ENOENT;
	return err;
}

/* newfid: where [path, end) leads from the root. */
static int walk(struct files *files, uint32_t newfid, const char *path,
		const char *end)
{
	uint32_t fid = FID_ROOT;
	int err;

	do {
		err = walk_part(files, fid, newfid, &path, end);
		if (err && fid == newfid)
			(void)clunk(files, newfid);
		fid = newfid;
	} while (!err && next_name(&path, end));
	return err;
}

static int path_len(const char *path, uint32_t *len)
{
	*len = (uint32_t)strlen(path);
	return *len < FILES_PATH_MAX ? 0 : -P9_ENAMETOOLONG;
}

static int walk_to(struct files *files, uint32_t newfid, const char *path)
{
	uint32_t len;
	int err = path_len(path, &len);

	return err ? err : walk(files, newfid, path, path + len);
}

struct name {
	const char *at;
	uint32_t len;
};

/* newfid: the directory that path's last name is in. */
static int walk_to_parent(struct files *files, uint32_t newfid,
			  const char *path, struct name *name)
{
	const char *end;
	uint32_t len;
	int err = path_len(path, &len);

	if (err)
		return err;
	end = path + len;
	while (end > path && end[-1] == '/')
		end--;
	name->at = end;
	while (name->at > path && name->at[-1] != '/')
		name->at--;
	name->len = (uint32_t)(end - name->at);
	if (!name->len)
		return -P9_EINVAL;
	return walk(files, newfid, path, name->at);
}

/* --- open files ----------------------------------------------------------- */

static struct files_file *file_of(struct files *files, int fd)
{
	if (fd < 0 || fd >= (int)FILES_OPEN_MAX || !files->files[fd].used)
		return NULL;
	return &files->files[fd];
}

static int open_existing(struct files *files, uint32_t fid, const char *path,
			 uint32_t flags)
{
	struct p9_slot *slot;
	int err = walk_to(files, fid, path);

	if (err)
		return err;
	slot = p9_client_begin(&files->client, 0, P9_TLOPEN);
	p9_slot_put(slot, fid, 4);
	p9_slot_put(slot, flags, 4);
	err = p9_client_call(&files->client);
	if (err)
		(void)clunk(files, fid);
	return err;
}

static int open_new(struct files *files, uint32_t fid, const char *path,
		    uint32_t flags, uint32_t mode)
{
	struct p9_slot *slot;
	struct name name;
	int err = walk_to_parent(files, fid, path, &name);

	if (err)
		return err;
	slot = p9_client_begin(&files->client, 0, P9_TLCREATE);
	p9_slot_put(slot, fid, 4);
	p9_slot_put_str(slot, name.at, name.len);
	p9_slot_put(slot, flags, 4);
	p9_slot_put(slot, mode, 4);
	p9_slot_put(slot, 0, 4);
	err = p9_client_call(&files->client);
	if (err)
		(void)clunk(files, fid);
	return err;
}

/*
 * Tlcreate makes what is not there; a server may refuse or open what is. Other
 * VMs may make or remove the file in between, so both are tried twice.
 */
static int open_or_create(struct files *files, uint32_t fid, const char *path,
			  uint32_t flags, uint32_t mode)
{
	const uint32_t excl = flags | P9_OPEN_EXCL;
	int err = -P9_ENOENT;

	if (flags & P9_OPEN_EXCL)
		return open_new(files, fid, path, flags, mode);
	for (int i = 0; i < 2; i++) {
		err = open_existing(files, fid, path, flags & ~P9_OPEN_CREAT);
		if (err != -P9_ENOENT)
			return err;
		err = open_new(files, fid, path, excl, mode);
		if (err != -P9_EEXIST)
			return err;
	}
	return err;
}

int files_open(struct files *files, const char *path, uint32_t flags,
	       uint32_t mode)
{
	uint32_t fd = 0;
	int err;

	while (fd < FILES_OPEN_MAX && files->files[fd].used)
		fd++;
	if (fd == FILES_OPEN_MAX)
		return -P9_EMFILE;
	err = flags & P9_OPEN_CREAT
		      ? open_or_create(files, FILES_FID(fd), path, flags, mode)
		      : open_existing(files, FILES_FID(fd), path, flags);
	if (err)
		return err;
	files->files[fd] = (struct files_file){ .used = true };
	return (int)fd;
}

int files_create(struct files *files, const char *path, uint32_t mode)
{
	return files_open(files, path,
			  P9_OPEN_WRONLY | P9_OPEN_CREAT | P9_OPEN_TRUNC, mode);
}

int files_close(struct files *files, int fd)
{
	struct files_file *file = file_of(files, fd);

	if (!file)
		return -P9_EBADF;
	file->used = false;
	if (files->dir_fd == fd)
		files->dir_fd = -1;
	return clunk(files, FILES_FID(fd));
}

/* --- names ---------------------------------------------------------------- */

int files_stat(struct files *files, const char *path, struct files_stat *stat)
{
	struct p9_slot *slot;
	int err = walk_to(files, FID_PLACE, path);

	if (err)
		return err;
	slot = p9_client_begin(&files->client, 0, P9_TGETATTR);
	p9_slot_put(slot, FID_PLACE, 4);
	p9_slot_put(slot, P9_GETATTR_BASIC, 8);
	err = p9_client_call(&files->client);
	if (!err) {
		(void)p9_slot_take(slot, 8); /* valid */
		(void)p9_slot_take(slot, 5); /* qid.type, .version */
		stat->id = p9_slot_take(slot, 8);
		stat->mode = (uint32_t)p9_slot_take(slot, 4);
		stat->uid = (uint32_t)p9_slot_take(slot, 4);
		stat->gid = (uint32_t)p9_slot_take(slot, 4);
		stat->nlink = p9_slot_take(slot, 8);
		(void)p9_slot_take(slot, 8); /* rdev */
		stat->size = p9_slot_take(slot, 8);
		for (int i = 0; i < 4; i++) /* blksize, blocks, atime */
			(void)p9_slot_take(slot, 8);
		stat->mtime_sec = p9_slot_take(slot, 8);
		err = slot->bad ? -P9_EIO : 0;
	}
	(void)clunk(files, FID_PLACE);
	return err;
}

static int unlink_with(struct files *files, const char *path, uint32_t flags)
{
	struct p9_slot *slot;
	struct name name;
	int err = walk_to_parent(files, FID_PLACE, path, &name);

	if (err)
		return err;
	slot = p9_client_begin(&files->client, 0, P9_TUNLINKAT);
	p9_slot_put(slot, FID_PLACE, 4);
	p9_slot_put_str(slot, name.at, name.len);
	p9_slot_put(slot, flags, 4);
	err = p9_client_call(&files->client);
	(void)clunk(files, FID_PLACE);
	return err;
}

int files_unlink(struct files *files, const char *path)
{
	return unlink_with(files, path, 0);
}

int files_rmdir(struct files *files, const char *path)
{
	return unlink_with(files, path, P9_UNLINKAT_REMOVEDIR);
}

int files_mkdir(struct files *files, const char *path, uint32_t mode)
{
	struct p9_slot *slot;
	struct name name;
	int err = walk_to_parent(files, FID_PLACE, path, &name);

	if (err)
		return err;
	slot = p9_client_begin(&files->client, 0, P9_TMKDIR);
	p9_slot_put(slot, FID_PLACE, 4);
	p9_slot_put_str(slot, name.at, name.len);
	p9_slot_put(slot, mode, 4);
	p9_slot_put(slot, 0, 4);
	err = p9_client_call(&files->client);
	(void)clunk(files, FID_PLACE);
	return err;
}

static int rename_at(struct files *files, const struct name *from,
		     const struct name *to)
{
	struct p9_slot *slot = p9_client_begin(&files->client, 0, P9_TRENAMEAT);

	p9_slot_put(slot, FID_PLACE, 4);
	p9_slot_put_str(slot, from->at, from->len);
	p9_slot_put(slot, FID_OTHER, 4);
	p9_slot_put_str(slot, to->at, to->len);
	return p9_client_call(&files->client);
}

int files_rename(struct files *files, const char *from, const char *to)
{
	struct name old_name, new_name;
	int err = walk_to_parent(files, FID_PLACE, from, &old_name);

	if (err)
		return err;
	err = walk_to_parent(files, FID_OTHER, to, &new_name);
	if (!err) {
		err = rename_at(files, &old_name, &new_name);
		(void)clunk(files, FID_OTHER);
	}
	(void)clunk(files, FID_PLACE);
	return err;
}

/* --- directories ---------------------------------------------------------- */

static int read_ahead(struct files *files, int fd)
{
	const struct virtio_9p_piece room = { files->dir, FILES_DIR_LEN };
	struct p9_slot *slot = p9_client_begin(&files->client, 0, P9_TREADDIR);
	int err;

	files->dir_fd = -1;
	p9_slot_put(slot, FILES_FID(fd), 4);
	p9_slot_put(slot, files->files[fd].pos, 8);
	p9_slot_put(slot, room.len, 4);
	p9_client_send(&files->client, 0, NULL, &room);
	err = p9_client_wait(&files->client, 0);
	if (err)
		return err;
	files->dir_len = (uint32_t)p9_slot_take(slot, 4);
	if (slot->bad || files->dir_len > FILES_DIR_LEN)
		return -P9_EIO;
	files->dir_at = 0;
	files->dir_fd = fd;
	return 0;
}

int files_readdir(struct files *files, int fd, struct files_entry *entry)
{
	struct files_file *file = file_of(files, fd);
	const uint8_t *at;
	uint16_t len;
	int err = 0;

	if (!file)
		return -P9_EBADF;
	if (files->dir_fd != fd || files->dir_at == files->dir_len)
		err = read_ahead(files, fd);
	if (err || !files->dir_len)
		return err;
	/* qid[13] offset[8] type[1] name[s] */
	at = files->dir + files->dir_at;
	if (files->dir_len - files->dir_at < P9_DIRENT_FIXED_LEN)
		return -P9_EIO;
	memcpy(&len, at + P9_DIRENT_FIXED_LEN - 2, sizeof(len));
	if (len > P9_NAME_MAX ||
	    len > files->dir_len - files->dir_at - P9_DIRENT_FIXED_LEN)
		return -P9_EIO;
	entry->type = at[0];
	memcpy(entry->name, at + P9_DIRENT_FIXED_LEN, len);
	entry->name[len] = '\0';
	memcpy(&file->pos, at + P9_QID_LEN, sizeof(file->pos));
	files->dir_at += P9_DIRENT_FIXED_LEN + len;
	return 1;
}
