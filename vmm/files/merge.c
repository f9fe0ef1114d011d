/* SPDX-License-Identifier: MIT */
/*
 * merge.c - what names does a directory of two layers have?
 *
 * A listing is a look at one moment: it is taken whole, sorted, and offsets
 * are places in it. Sorting finds the names that both layers have.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

/* What one look may hold: a guest can make as many names as it likes. */
#define ENTRIES_MAX (1u << 20)

const char *merge_name(const struct merge *merge, size_t i)
{
	return merge->names + merge->entries[i].name_off;
}

void merge_free(struct merge *merge)
{
	free(merge->entries);
	free(merge->names);
	merge->entries = NULL;
	merge->names = NULL;
	merge->entries_nr = merge->entries_cap = 0;
	merge->names_len = merge->names_cap = 0;
}

/* The array with room for more, or NULL and it is as it was. */
static void *grow(void *array, size_t *cap, size_t wanted, size_t item_len)
{
	size_t more = *cap ? *cap : 64;
	void *grown;

	if (wanted <= *cap)
		return array;
	while (more < wanted)
		more *= 2;
	grown = reallocarray(array, more, item_len);
	if (grown)
		*cap = more;
	return grown;
}

static int add(struct merge *merge, const struct dirent *entry, bool upper)
{
	size_t len = strlen(entry->d_name);
	struct merge_entry *entries;
	char *names;

	/* Other file systems may have longer ones; guests cannot say them. */
	if (len > SHARE_NAME_MAX)
		return 0;
	if (merge->entries_nr == ENTRIES_MAX)
		return -ENOMEM;
	entries = grow(merge->entries, &merge->entries_cap,
		       merge->entries_nr + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	merge->entries = entries;
	names = grow(merge->names, &merge->names_cap,
		     merge->names_len + len + 1, 1);
	if (!names)
		return -ENOMEM;
	merge->names = names;
	entries[merge->entries_nr++] = (struct merge_entry){
		.ino = entry->d_ino,
		.name_off = (uint32_t)merge->names_len,
		.name_len = (uint8_t)len,
		.type = entry->d_type,
		.upper = upper,
	};
	memcpy(names + merge->names_len, entry->d_name, len + 1);
	merge->names_len += len + 1;
	return 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int merge_add(struct merge *merge, int path_fd, bool upper)
{
	DIR *dir;
	int err = layer_list(path_fd, &dir);

	if (err)
		return err;
	for (;;) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			err = -errno;
			break;
		}
		if (is_dots(entry->d_name))
			continue;
		err = add(merge, entry, upper);
		if (err)
			break;
	}
	closedir(dir);
	return err;
}

static int by_name(const void *a, const void *b, void *names)
{
	const struct merge_entry *x = a, *y = b;
	int order = strcmp((const char *)names + x->name_off,
			   (const char *)names + y->name_off);

	return order ? order : (int)y->upper - (int)x->upper;
}

void merge_sort(struct merge *merge)
{
	size_t kept = 0;

	if (!merge->entries_nr)
		return;
	qsort_r(merge->entries, merge->entries_nr, sizeof(*merge->entries),
		by_name, merge->names);
	for (size_t i = 0; i < merge->entries_nr; i++) {
		if (kept &&
		    !strcmp(merge_name(merge, kept - 1), merge_name(merge, i)))
			continue;
		merge->entries[kept++] = merge->entries[i];
	}
	merge->entries_nr = kept;
}

/* Links of a private layer may be whiteouts. */
static bool is_hidden(const struct share_node *dir,
		      const struct merge_entry *entry, const char *name)
{
	return entry->upper && share_is_cow(dir->share) &&
	       (entry->type == DT_LNK || entry->type == DT_UNKNOWN) &&
	       whiteout_is(dir->upper_fd, name);
}

int merge_empty(const struct share_node *dir)
{
	struct merge merge = { 0 };
	int err = 0;

	if (dir->upper_fd >= 0)
		err = merge_add(&merge, dir->upper_fd, true);
	for (size_t i = 0; !err && i < merge.entries_nr; i++)
		if (!is_hidden(dir, &merge.entries[i], merge_name(&merge, i)))
			err = -ENOTEMPTY;
	merge_free(&merge);
	if (!err && dir->lower_fd >= 0)
		err = merge_add(&merge, dir->lower_fd, false);
	for (size_t i = 0; !err && i < merge.entries_nr; i++)
		if (dir->upper_fd < 0 ||
		    !whiteout_is(dir->upper_fd, merge_name(&merge, i)))
			err = -ENOTEMPTY;
	merge_free(&merge);
	return err;
}

static int look(struct share_file *file)
{
	struct share_node *dir = file->node;
	struct merge *merge = file->merge;
	size_t kept = 0;
	int err = 0;

	if (!merge)
		merge = file->merge = calloc(1, sizeof(*merge));
	if (!merge)
		return -ENOMEM;
	merge_free(merge);
	if (dir->upper_fd >= 0)
		err = merge_add(merge, dir->upper_fd, true);
	if (!err && dir->lower_fd >= 0)
		err = merge_add(merge, dir->lower_fd, false);
	if (err) {
		merge_free(merge);
		return err;
	}
	/* One layer's names are in the file system's order, which is the one
	 * that is quick to walk. */
	if (dir->upper_fd >= 0 && dir->lower_fd >= 0)
		merge_sort(merge);
	for (size_t i = 0; i < merge->entries_nr; i++)
		if (!is_hidden(dir, &merge->entries[i], merge_name(merge, i)))
			merge->entries[kept++] = merge->entries[i];
	merge->entries_nr = kept;
	return 0;
}

/* A record may make a file another type, and some file systems tell none. */
static uint8_t type_of(const struct share_node *dir,
		       const struct merge_entry *entry, const char *name)
{
	int dir_fd = entry->upper ? dir->upper_fd : dir->lower_fd;
	struct record record;
	struct stat st;

	if (entry->type != DT_REG && entry->type != DT_UNKNOWN)
		return entry->type;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	if (record_is_likely(&st)) {
		int fd = layer_find(dir_fd, name);

		if (fd >= 0 && !fstat(fd, &st) &&
		    !record_read(fd, &st,
				 entry->upper && share_is_cow(dir->share),
				 &record))
			st.st_mode = record.mode;
		if (fd >= 0)
			close(fd);
	}
	return (uint8_t)IFTODT(st.st_mode);
}

static int dots(struct share_node *dir, uint64_t off, struct share_dirent *out)
{
	struct share_node *node = off && dir->parent ? dir->parent : dir;

	out->type = DT_DIR;
	out->name_len = off ? 2 : 1;
	memcpy(out->name, "..", out->name_len);
	out->name[out->name_len] = '\0';
	return share_id(node, &out->id);
}

int share_readdir(struct share_file *file, uint64_t off,
		  struct share_dirent *out)
{
	struct share_node *dir = file->node;
	const struct merge_entry *entry;
	struct inode_key key;
	const char *name;
	int err = 0;

	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (!off)
		err = look(file);
	if (err)
		return err;
	if (!file->merge || off > file->merge->entries_nr + 2)
		return -EINVAL;
	out->next_off = off + 1;
	if (off < 2) {
		err = dots(dir, off, out);
		return err ? err : 1;
	}
	off -= 2;
	if (off == file->merge->entries_nr)
		return 0;
	entry = &file->merge->entries[off];
	name = merge_name(file->merge, off);
	key.dev = entry->upper ? dir->upper.dev : dir->lower.dev;
	key.ino = entry->ino;
	err = ids_of(&dir->share->ids, key, &out->id.path);
	if (err)
		return err;
	out->type = type_of(dir, entry, name);
	out->id.type = DTTOIF(out->type);
	out->id.version = 0;
	out->name_len = entry->name_len;
	memcpy(out->name, name, entry->name_len + 1u);
	return 1;
}
