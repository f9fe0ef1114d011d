/* SPDX-License-Identifier: MIT */
/*
 * file_room.h - what the tests of mini-hypervisor's files have in common: a
 * directory with shared files, private directories beside them, and views.
 */
#ifndef TESTS_UNIT_FILE_ROOM_H
#define TESTS_UNIT_FILE_ROOM_H

#include "tests/unit/harness.h"
#include "tests/unit/share_tree.h"
#include "vmm/files/file_view.h"

#define FILE_ROOM_VIEWS 2

struct file_room {
	struct tree_path dir;
	struct file_shared shared;
	struct file_view *views[FILE_ROOM_VIEWS];
	char said[512]; /* the last line for the user */
};

static inline void file_room_hear(void *arg, const char *line)
{
	struct file_room *room = arg;

	(void)snprintf(room->said, sizeof(room->said), "%s", line);
}

static inline void file_room_views(struct file_room *room)
{
	for (int i = 0; i < FILE_ROOM_VIEWS; i++) {
		char name[16];
		struct tree_path path;
		struct file_view_opts opts = {
			.shared = &room->shared,
			.say = file_room_hear,
			.arg = room,
		};

		(void)snprintf(name, sizeof(name), "vm%d", i);
		path = tree_path(room->dir.text, name);
		opts.private_dir = path.text;
		CU_ASSERT_EQUAL_FATAL(file_view_create(&room->views[i], &opts),
				      0);
	}
}

/* DIR/shared.txt is shared, DIR/neighbour.txt is not; nothing private. */
static inline void file_room_start(struct file_room *room, const char *text)
{
	*room = (struct file_room){ .dir = tree_make() };
	umask(022);
	tree_file(room->dir.text, "shared.txt", text);
	tree_file(room->dir.text, "neighbour.txt", "not for guests");
	CU_ASSERT_EQUAL_FATAL(
		file_shared_add(&room->shared,
				tree_path(room->dir.text, "shared.txt").text),
		0);
	file_room_views(room);
}

static inline void file_room_close(struct file_room *room)
{
	for (int i = 0; i < FILE_ROOM_VIEWS; i++)
		file_view_destroy(room->views[i]);
}

static inline void file_room_end(struct file_room *room)
{
	file_room_close(room);
	file_shared_destroy(&room->shared);
	tree_remove(room->dir.text);
}

/* What a file of the host's says, or "?". */
static inline const char *file_room_host(const struct file_room *room,
					 const char *name)
{
	static char text[4096];
	int fd = open(tree_path(room->dir.text, name).text,
		      O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return "?";
	text[len] = '\0';
	return text;
}

static inline int file_room_err(struct file_view *view, const char *path,
				bool writes)
{
	struct file_view_file *file;
	int err = file_view_open(view, path, strlen(path), writes, &file);

	if (!err)
		file_view_close(file);
	return err;
}

/* What the guest reads, or "?" and the error. */
static inline const char *file_room_text(struct file_view *view,
					 const char *path)
{
	static char text[4096];
	struct file_view_file *file;
	int err = file_view_open(view, path, strlen(path), false, &file);
	int len;

	if (err) {
		(void)snprintf(text, sizeof(text), "?%d", err);
		return text;
	}
	len = file_view_read(file, text, sizeof(text) - 1);
	file_view_close(file);
	text[len > 0 ? len : 0] = '\0';
	return text;
}

static inline int file_room_append(struct file_view *view, const char *path,
				   const char *text)
{
	struct file_view_file *file;
	int err = file_view_open(view, path, strlen(path), true, &file);

	if (err)
		return err;
	err = file_view_write(file, text, strlen(text));
	file_view_close(file);
	return err;
}

#endif
