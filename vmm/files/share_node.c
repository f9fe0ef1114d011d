/* SPDX-License-Identifier: MIT */
/*
 * share_node.c - what did a name lead to, and is it the same as last time?
 *
 * A node is found again by its parent and name as long as somebody holds it,
 * so all holders see a copy-up or a rename at once. Each walk looks at the
 * layers first: when something else is there now, which only others on the
 * host can do, the old node keeps its object and loses its place.
 */
#include <assert.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

/* What the layers have under a name. */
struct found {
	int upper_fd, lower_fd;
	struct inode_key upper, lower;
	uint32_t type;
	uint32_t version; /* of what the guest sees */
};

static int node_cmp(const void *a, const void *b)
{
	const struct share_node *x = a, *y = b;

	if (x->parent != y->parent)
		return (uintptr_t)x->parent < (uintptr_t)y->parent ? -1 : 1;
	return strcmp(x->name, y->name);
}

int node_name(struct name *out, const char *name, size_t len)
{
	if (len > SHARE_NAME_MAX)
		return -ENAMETOOLONG;
	if (!len || memchr(name, '/', len) || memchr(name, '\0', len))
		return -EINVAL;
	memcpy(out->text, name, len);
	out->text[len] = '\0';
	return 0;
}

int node_change_in(struct share_node *dir, struct name *out, const char *name,
		   size_t len)
{
	int err = node_name(out, name, len);

	if (err)
		return err;
	if (!strcmp(out->text, ".") || !strcmp(out->text, ".."))
		return -EINVAL;
	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (dir->share->opts.mode == SHARE_RO)
		return -EROFS;
	return dir->gone ? -ENOENT : 0;
}

static void found_close(struct found *found)
{
	if (found->upper_fd >= 0)
		close(found->upper_fd);
	if (found->lower_fd >= 0)
		close(found->lower_fd);
	found->upper_fd = found->lower_fd = -1;
}

/* One layer's object, with its fd in *fd; -ENOENT is an answer. */
static int look(int dir_fd, const char *name, int *fd, struct stat *st)
{
	int found_fd;

	if (dir_fd < 0)
		return -ENOENT;
	found_fd = layer_find(dir_fd, name);
	if (found_fd < 0)
		return found_fd;
	*fd = found_fd;
	if (fstat(*fd, st) < 0)
		return -errno;
	return 0;
}

/* The guest's type of what the descriptor stands for. */
static int type_of(int path_fd, const struct stat *st, bool private,
		   uint32_t *type)
{
	struct record record;
	int err = 0;

	*type = st->st_mode & S_IFMT;
	if (!record_is_likely(st))
		return 0;
	err = record_read(path_fd, st, private, &record);
	if (!err)
		*type = record.mode & S_IFMT;
	return err;
}

static uint32_t version_of(const struct stat *st)
{
	return node_version(st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec,
			    (uint64_t)st->st_size);
}

static int look_up(const struct share_node *dir, const char *name,
		   struct found *found)
{
	bool cow = share_is_cow(dir->share);
	struct stat upper, lower;
	int err;

	*found = (struct found){ .upper_fd = -1, .lower_fd = -1 };
	err = look(dir->upper_fd, name, &found->upper_fd, &upper);
	if (!err)
		found->version = version_of(&upper);
	if (err && err != -ENOENT)
		goto fail;
	if (!err) {
		found->upper = (struct inode_key){ upper.st_dev, upper.st_ino };
		if (cow && S_ISLNK(upper.st_mode) &&
		    whiteout_is_fd(found->upper_fd)) {
			err = -ENOENT;
			goto fail;
		}
		err = type_of(found->upper_fd, &upper, cow, &found->type);
		if (err)
			goto fail;
		if (!cow || !S_ISDIR(upper.st_mode) ||
		    whiteout_opaque(upper.st_mode))
			return 0;
	}
	err = look(dir->lower_fd, name, &found->lower_fd, &lower);
	if (err && (err != -ENOENT || found->upper_fd < 0))
		goto fail;
	if (err)
		return 0;
	found->lower = (struct inode_key){ lower.st_dev, lower.st_ino };
	if (found->upper_fd >= 0) {
		/* A directory merges with a directory and nothing else. */
		if (!S_ISDIR(lower.st_mode)) {
			close(found->lower_fd);
			found->lower_fd = -1;
		}
		return 0;
	}
	found->version = version_of(&lower);
	err = type_of(found->lower_fd, &lower, false, &found->type);
	if (!err)
		return 0;
fail:
	found_close(found);
	return err;
}

static bool same_key(int a_fd, struct inode_key a, int b_fd, struct inode_key b)
{
	if (a_fd < 0 || b_fd < 0)
		return a_fd < 0 && b_fd < 0;
	return a.dev == b.dev && a.ino == b.ino;
}

static void lose(struct share_node *node)
{
	if (!node->found)
		return;
	tdelete(node, &node->share->nodes, node_cmp);
	node->found = false;
}

/* Takes the descriptors of found. parent and name: NULL for the root. */
static int node_create(struct share *share, struct share_node *parent,
		       const char *name, struct found *found,
		       struct share_node **out)
{
	struct share_node *node = calloc(1, sizeof(*node));
	int err = -ENOMEM;

	if (!node)
		goto fail;
	*node = (struct share_node){
		.share = share,
		.name = strdup(name),
		.refs = 1,
		.type = found->type,
		.upper = found->upper,
		.lower = found->lower,
		.upper_fd = found->upper_fd,
		.lower_fd = found->lower_fd,
	};
	if (!node->name)
		goto fail;
	err = ids_of(&share->ids,
		     node->upper_fd >= 0 ? node->upper : node->lower,
		     &node->id);
	if (!err)
		err = claim_begin(node);
	if (err)
		goto fail;
	node->parent = parent;
	if (!tsearch(node, &share->nodes, node_cmp)) {
		claim_end(node);
		err = -ENOMEM;
		goto fail;
	}
	node->found = true;
	if (parent)
		share_node_get(parent);
	share->nodes_nr++;
	*out = node;
	return 0;

fail:
	found_close(found);
	if (node)
		free(node->name);
	free(node);
	return err;
}

int node_root(struct share *share, struct share_node **out)
{
	struct found found = { .upper_fd = -1, .lower_fd = -1 };
	struct stat upper = { 0 }, lower = { 0 };
	struct share_node key = { .name = (char *)"" };
	struct share_node **known = tfind(&key, &share->nodes, node_cmp);
	int err;

	if (known) {
		*out = share_node_get(*known);
		return 0;
	}
	err = look(share->upper_fd, ".", &found.upper_fd, &upper);
	if (!err || err == -ENOENT)
		err = look(share->lower_fd, ".", &found.lower_fd, &lower);
	if (err && (err != -ENOENT || found.upper_fd < 0)) {
		found_close(&found);
		return err;
	}
	found.upper = (struct inode_key){ upper.st_dev, upper.st_ino };
	found.lower = (struct inode_key){ lower.st_dev, lower.st_ino };
	found.type = S_IFDIR;
	return node_create(share, NULL, "", &found, out);
}

/* version: of what was found, or NULL. */
static int walk(struct share_node *dir, const char *name, uint32_t *version,
		struct share_node **out)
{
	struct share_node key = { .parent = dir, .name = (char *)name };
	struct share_node **known;
	struct found found;
	int err;

	if (dir->gone)
		return -ENOENT;
	err = look_up(dir, name, &found);
	if (version)
		*version = found.version;
	known = tfind(&key, &dir->share->nodes, node_cmp);
	if (known && !err &&
	    same_key((*known)->upper_fd, (*known)->upper, found.upper_fd,
		     found.upper) &&
	    same_key((*known)->lower_fd, (*known)->lower, found.lower_fd,
		     found.lower)) {
		found_close(&found);
		*out = share_node_get(*known);
		return 0;
	}
	if (known && (!err || err == -ENOENT))
		lose(*known);
	if (err)
		return err;
	return node_create(dir->share, dir, name, &found, out);
}

int node_walk(struct share_node *dir, const char *name, struct share_node **out)
{
	return walk(dir, name, NULL, out);
}

int share_walk_id(struct share_node *dir, const char *name, size_t len,
		  struct share_node **out, struct share_id *id)
{
	struct name text;
	int err = node_name(&text, name, len);

	if (err)
		return err;
	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (strcmp(text.text, ".") != 0 && strcmp(text.text, "..") != 0) {
		err = walk(dir, text.text, &id->version, out);
		if (!err) {
			id->path = (*out)->id;
			id->type = (*out)->type;
		}
		return err;
	}
	if (!text.text[1] || !dir->parent)
		*out = share_node_get(dir);
	else
		*out = share_node_get(dir->parent);
	err = share_id(*out, id);
	if (err)
		share_node_put(*out);
	return err;
}

int share_walk(struct share_node *dir, const char *name, size_t len,
	       struct share_node **out)
{
	struct share_id id;

	return share_walk_id(dir, name, len, out, &id);
}

struct share_node *share_node_get(struct share_node *node)
{
	node->refs++;
	return node;
}

static void node_destroy(struct share_node *node)
{
	struct share *share = node->share;

	claim_end(node);
	lose(node);
	assert(!node->lower_files);
	if (node->upper_fd >= 0)
		close(node->upper_fd);
	if (node->lower_fd >= 0)
		close(node->lower_fd);
	free(node->name);
	free(node);
	share->nodes_nr--;
}

void share_node_put(struct share_node *node)
{
	/* A loop: paths may be longer than a stack is deep. */
	while (node) {
		struct share_node *parent = node->parent;

		assert(node->refs > 0);
		if (--node->refs)
			return;
		node_destroy(node);
		node = parent;
	}
}

void node_removed(struct share_node *node)
{
	struct stat st;

	lose(node);
	node->gone = true;
	if (node->upper_fd < 0 || fstat(node->upper_fd, &st) < 0)
		return;
	/* A directory that waits in work/ to be deleted still has links. */
	if (st.st_nlink && !S_ISDIR(st.st_mode))
		return;
	ids_forget(&node->share->ids, node->upper);
	if (node->claim)
		node->claim->owes = true;
}

void node_moved(struct share_node *node, struct share_node *to, char *to_name)
{
	struct share_node *from = node->parent, **at;

	lose(node);
	free(node->name);
	node->name = to_name;
	node->parent = share_node_get(to);
	/* No memory: walks make another node then, which is only slower. */
	at = tsearch(node, &node->share->nodes, node_cmp);
	node->found = at && *at == node;
	share_node_put(from);
}

struct parting {
	const struct share_node *stays;
	uint64_t new_id;
};

static void part(const void *at, VISIT visit, void *arg)
{
	struct share_node *node = *(struct share_node *const *)at;
	struct parting *parting = arg;

	if (visit != preorder && visit != leaf)
		return;
	if (node != parting->stays && node->upper_fd < 0 &&
	    node->lower.dev == parting->stays->lower.dev &&
	    node->lower.ino == parting->stays->lower.ino)
		node->id = parting->new_id;
}

void node_part(struct share_node *node, uint64_t new_id)
{
	struct parting parting = { .stays = node, .new_id = new_id };

	twalk_r(node->share->nodes, part, &parting);
}

int node_check_name(const struct share_node *node)
{
	const struct share_node *parent = node->parent;

	if (node->gone)
		return -ENOENT;
	if (node->upper_fd >= 0)
		return layer_same(parent->upper_fd, node->name, node->upper.dev,
				  node->upper.ino);
	return layer_same(parent->lower_fd, node->name, node->lower.dev,
			  node->lower.ino);
}
