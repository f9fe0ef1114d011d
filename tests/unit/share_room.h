/* SPDX-License-Identifier: MIT */
/*
 * share_room.h - what the tests of shares have in common: a lower directory,
 * a place for a private one, and short forms of what a guest does by path.
 */
#ifndef TESTS_UNIT_SHARE_ROOM_H
#define TESTS_UNIT_SHARE_ROOM_H

#include "tests/unit/harness.h"
#include "tests/unit/share_tree.h"
#include "vmm/files/share.h"

struct room {
	struct tree_path dir, lower, upper;
	struct share *share;
	struct share_node *root;
	char said[512]; /* the last line for the user */
};

static const struct share_owner room_owner = { SHARE_HOST_ID, SHARE_HOST_ID };

/* Some tests are about rights that root has anyway. */
static inline void room_start(struct room *room)
{
	*room = (struct room){ .dir = tree_make() };
	umask(022);
	tree_mkdir(room->dir.text, "lower");
	room->lower = tree_path(room->dir.text, "lower");
	room->upper = tree_path(room->dir.text, "upper");
}

static inline void room_hear(void *arg, const char *line)
{
	struct room *room = arg;

	(void)snprintf(room->said, sizeof(room->said), "%s", line);
}

/* opts: layers and say are filled in. */
static inline int room_try(struct room *room, struct share_opts opts)
{
	int err;

	opts.lower = room->lower.text;
	opts.upper = room->upper.text;
	opts.say = room_hear;
	if (!opts.arg)
		opts.arg = room;
	err = share_create(&room->share, &opts);
	return err ? err : share_root(room->share, &room->root);
}

static inline void room_open_with(struct room *room, struct share_opts opts)
{
	CU_ASSERT_EQUAL_FATAL(room_try(room, opts), 0);
}

static inline void room_open(struct room *room, enum share_mode mode)
{
	room_open_with(room, (struct share_opts){ .mode = mode });
}

static inline void room_close(struct room *room)
{
	share_node_put(room->root);
	room->root = NULL;
	share_destroy(room->share);
	room->share = NULL;
}

static inline void room_again(struct room *room)
{
	enum share_mode mode = share_mode(room->share);

	room_close(room);
	room_open(room, mode);
}

static inline void room_end(struct room *room)
{
	room_close(room);
	tree_remove(room->dir.text);
}

/* --- by path
 * ------------------------------------------------------------------ */

/* The directory that holds the last name; NULL: *err says why. */
static inline struct share_node *
room_parent(struct room *room, const char *path, const char **name, int *err)
{
	struct share_node *node = share_node_get(room->root), *next = NULL;
	const char *slash;

	*err = 0;
	while ((slash = strchr(path, '/'))) {
		*err = share_walk(node, path, (size_t)(slash - path), &next);
		share_node_put(node);
		if (*err)
			return NULL;
		node = next;
		path = slash + 1;
	}
	*name = path;
	return node;
}

static inline int room_walk(struct room *room, const char *path,
			    struct share_node **out)
{
	const char *name;
	int err;
	struct share_node *dir = room_parent(room, path, &name, &err);

	if (!dir)
		return err;
	err = share_walk(dir, name, strlen(name), out);
	share_node_put(dir);
	return err;
}

static inline struct share_node *room_find(struct room *room, const char *path)
{
	struct share_node *node = NULL;

	CU_ASSERT_EQUAL_FATAL(room_walk(room, path, &node), 0);
	return node;
}

/* 0: it is there. */
static inline int room_there(struct room *room, const char *path)
{
	struct share_node *node = NULL;
	int err = room_walk(room, path, &node);

	if (!err)
		share_node_put(node);
	return err;
}

static inline struct share_file *room_file(struct room *room, const char *path,
					   uint32_t flags)
{
	struct share_node *node = room_find(room, path);
	struct share_file *file = NULL;

	CU_ASSERT_EQUAL_FATAL(share_open(node, flags, &file), 0);
	share_node_put(node);
	return file;
}

static inline int room_open_err(struct room *room, const char *path,
				uint32_t flags)
{
	struct share_file *file = NULL;
	struct share_node *node = NULL;
	int err = room_walk(room, path, &node);

	if (err)
		return err;
	err = share_open(node, flags, &file);
	share_node_put(node);
	share_file_close(file);
	return err;
}

static inline int room_create_file(struct room *room, const char *path,
				   const char *text)
{
	struct share_node *node = NULL;
	struct share_file *file = NULL;
	const char *name;
	int err;
	struct share_node *dir = room_parent(room, path, &name, &err);

	if (!dir)
		return err;
	err = share_create_file(dir, name, strlen(name), O_WRONLY | O_TRUNC,
				0644, room_owner, &node, &file);
	share_node_put(dir);
	if (err)
		return err;
	err = (int)share_write(file, text, strlen(text), 0);
	share_file_close(file);
	share_node_put(node);
	return err < 0 ? err : 0;
}

static inline int room_write_at(struct room *room, const char *path,
				const char *text, uint64_t off)
{
	struct share_file *file = room_file(room, path, O_WRONLY);
	int64_t n = share_write(file, text, strlen(text), off);

	share_file_close(file);
	return n < 0 ? (int)n : 0;
}

/* What the file says, or "?" and the error. */
static inline const char *room_text(struct room *room, const char *path)
{
	static char text[4096];
	struct share_node *node = NULL;
	struct share_file *file = NULL;
	int64_t n;
	int err = room_walk(room, path, &node);

	if (!err) {
		err = share_open(node, O_RDONLY, &file);
		share_node_put(node);
	}
	if (err) {
		(void)snprintf(text, sizeof(text), "?%d", err);
		return text;
	}
	n = share_read(file, text, sizeof(text) - 1, 0);
	share_file_close(file);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static inline int room_mkdir(struct room *room, const char *path)
{
	const char *name;
	int err;
	struct share_node *dir = room_parent(room, path, &name, &err);

	if (!dir)
		return err;
	err = share_mkdir(dir, name, strlen(name), 0755, room_owner, NULL);
	share_node_put(dir);
	return err;
}

static inline int room_unlink(struct room *room, const char *path, bool is_dir)
{
	const char *name;
	int err;
	struct share_node *dir = room_parent(room, path, &name, &err);

	if (!dir)
		return err;
	err = share_unlink(dir, name, strlen(name), is_dir);
	share_node_put(dir);
	return err;
}

static inline int room_symlink(struct room *room, const char *path,
			       const char *target)
{
	const char *name;
	int err;
	struct share_node *dir = room_parent(room, path, &name, &err);

	if (!dir)
		return err;
	err = share_symlink(dir, name, strlen(name), target, strlen(target),
			    room_owner, NULL);
	share_node_put(dir);
	return err;
}

static inline int room_mknod(struct room *room, const char *path, uint32_t mode)
{
	const char *name;
	int err;
	struct share_node *dir = room_parent(room, path, &name, &err);

	if (!dir)
		return err;
	err = share_mknod(dir, name, strlen(name), mode, 8, 1, room_owner,
			  NULL);
	share_node_put(dir);
	return err;
}

static inline int room_rename(struct room *room, const char *from,
			      const char *to)
{
	const char *from_name, *to_name;
	int err;
	struct share_node *a = room_parent(room, from, &from_name, &err), *b;

	if (!a)
		return err;
	b = room_parent(room, to, &to_name, &err);
	if (b)
		err = share_rename(a, from_name, strlen(from_name), b, to_name,
				   strlen(to_name));
	share_node_put(a);
	share_node_put(b);
	return err;
}

static inline int room_link(struct room *room, const char *path, const char *to)
{
	struct share_node *node = NULL, *dir;
	const char *name;
	int err = room_walk(room, path, &node);

	if (err)
		return err;
	dir = room_parent(room, to, &name, &err);
	if (dir)
		err = share_link(dir, name, strlen(name), node);
	share_node_put(dir);
	share_node_put(node);
	return err;
}

static inline struct share_attr room_attr(struct room *room, const char *path)
{
	struct share_node *node = room_find(room, path);
	struct share_attr attr = { 0 };

	CU_ASSERT_EQUAL(share_getattr(node, &attr), 0);
	share_node_put(node);
	return attr;
}

static inline int room_setattr(struct room *room, const char *path,
			       struct share_setattr set)
{
	struct share_node *node = NULL;
	int err = room_walk(room, path, &node);

	if (err)
		return err;
	err = share_setattr(node, &set);
	share_node_put(node);
	return err;
}

/* The names in a directory, each with a space behind it, sorted. */
static inline int room_by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static inline const char *room_names(struct room *room, const char *path)
{
	static char text[4096];
	char names[64][SHARE_NAME_MAX + 1];
	struct share_file *dir = room_file(room, path, O_RDONLY | O_DIRECTORY);
	struct share_dirent entry;
	uint64_t off = 0;
	size_t nr = 0, len = 0;

	while (nr < 64 && share_readdir(dir, off, &entry) == 1) {
		off = entry.next_off;
		if (off > 2) /* "." and ".." */
			memcpy(names[nr++], entry.name, entry.name_len + 1);
	}
	share_file_close(dir);
	qsort(names, nr, sizeof(*names), room_by_name);
	text[0] = '\0';
	for (size_t i = 0; i < nr && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ",
					names[i]);
	return text;
}

#endif
