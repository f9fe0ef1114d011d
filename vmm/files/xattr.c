/* SPDX-License-Identifier: MIT */
/* xattr.c - which extended attributes has a guest, and which are ours? */
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "vmm/files/share_private.h"

static bool is_ours(const char *name)
{
	return !strncmp(name, RECORD_PREFIX, sizeof(RECORD_PREFIX) - 1);
}

static bool is_acl(const char *name)
{
	return !strcmp(name, "system.posix_acl_access") ||
	       !strcmp(name, "system.posix_acl_default");
}

/* 0, or what a file system that has no such attributes says. */
static int check_name(const char *name)
{
	size_t len = strnlen(name, XATTR_NAME_MAX + 1);

	if (!len || len > XATTR_NAME_MAX)
		return -ERANGE;
	if (is_acl(name))
		return 0;
	if (strncmp(name, "user.", 5) != 0)
		return -EOPNOTSUPP;
	return name[5] ? 0 : -EINVAL;
}

/* Linux has user attributes on files and directories only. */
static bool has_user(const struct share_node *node)
{
	return node->type == S_IFREG || node->type == S_IFDIR;
}

int64_t share_getxattr(struct share_node *node, const char *name, void *value,
		       size_t cap)
{
	struct layer_path path = layer_path(node_fd(node));
	int err = check_name(name);
	ssize_t len;

	if (err)
		return err;
	if (!has_user(node) || is_ours(name))
		return is_acl(name) ? -EOPNOTSUPP : -ENODATA;
	len = getxattr(path.name, name, value, cap);
	return len < 0 ? -errno : len;
}

static bool is_shown(const char *name)
{
	return !check_name(name) && !is_ours(name);
}

int64_t share_listxattr(struct share_node *node, char *names, size_t cap)
{
	struct layer_path path = layer_path(node_fd(node));
	char *all, *name;
	size_t shown = 0;
	ssize_t len;

	if (!has_user(node))
		return 0;
	all = malloc(XATTR_LIST_MAX);
	if (!all)
		return -ENOMEM;
	len = listxattr(path.name, all, XATTR_LIST_MAX);
	if (len < 0) {
		len = errno == EOPNOTSUPP ? 0 : -errno;
		free(all);
		return len;
	}
	for (name = all; name < all + len; name += strlen(name) + 1) {
		size_t name_len = strlen(name) + 1;

		if (!is_shown(name))
			continue;
		if (cap && name_len > cap - shown) {
			free(all);
			return -ERANGE;
		}
		if (cap)
			memcpy(names + shown, name, name_len);
		shown += name_len;
	}
	free(all);
	return (int64_t)shown;
}

int share_setxattr(struct share_node *node, const char *name, const void *value,
		   size_t len, int flags)
{
	int err = check_name(name);
	struct layer_path path;

	if (node->share->opts.mode == SHARE_RO)
		return -EROFS;
	if (err)
		return err;
	if (!has_user(node))
		return is_acl(name) ? -EOPNOTSUPP : -EPERM;
	if (is_ours(name))
		return -EPERM;
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (len > SHARE_XATTR_MAX)
		return -E2BIG;
	if (!value && len)
		return -EINVAL;
	if (!value && node->upper_fd < 0) {
		/* Nothing to remove is no reason to copy. */
		int64_t there = share_getxattr(node, name, NULL, 0);

		if (there < 0)
			return (int)there;
	}
	err = copy_up(node, COPY_ALL);
	if (err)
		return err;
	path = layer_path(node->upper_fd);
	err = value ? setxattr(path.name, name, value, len, flags)
		    : removexattr(path.name, name);
	return err < 0 ? -errno : 0;
}
