/* SPDX-License-Identifier: MIT */
/* images.c - which file does an image's name stand for? */
#include "vmm/lab/images.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/core/near.h"

#define ENDING	     ".elf"
#define FLAT_ENDING  ".bin"
#define GUESTS_MAX   64
#define NAME_MAX_LEN 64

/* From the binary: in a build tree, and installed. */
static const char *const places[] = { "", "../lib/ivlab/" };
#define PLACES_NR (sizeof(places) / sizeof(*places))

/* 0, or one of images_guest()'s errors. */
static int usable(const char *path, int mode)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? -EACCES : -ENOENT;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return access(path, mode) ? -EACCES : 0;
}

/* The directory of the running binary, without the last slash. */
static int own_dir(char dir[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	if (len < 0)
		return -errno;
	dir[len] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

/* subdir ends with a slash or is empty. */
static int own_file(const char *subdir, const char *name, const char *ending,
		    int mode, char **path)
{
	char dir[PATH_MAX];
	int err = own_dir(dir);

	*path = NULL;
	if (err)
		return err;
	for (size_t i = 0; i < PLACES_NR; i++) {
		free(*path);
		if (asprintf(path, "%s/%s%s%s%s", dir, places[i], subdir, name,
			     ending) < 0) {
			*path = NULL;
			return -ENOMEM;
		}
		err = usable(*path, mode);
		if (!err)
			return 0;
	}
	return err;
}

int images_guest(const char *name, const char *dir, char **path)
{
	if (!strchr(name, '/'))
		return own_file("guests/", name, ENDING, R_OK, path);
	if (name[0] == '/' || !dir)
		*path = strdup(name);
	else if (asprintf(path, "%s/%s", dir, name) < 0)
		*path = NULL;
	if (!*path)
		return -ENOMEM;
	return usable(*path, R_OK);
}

static bool ends_with(const char *name, const char *ending)
{
	size_t len = strlen(name);

	return len > strlen(ending) &&
	       strcmp(name + len - strlen(ending), ending) == 0;
}

/* Those of our own tests are nobody else's business. */
static int is_guest(const struct dirent *entry)
{
	return ends_with(entry->d_name, ENDING) &&
	       strncmp(entry->d_name, "test_", strlen("test_")) != 0;
}

static int is_flat(const struct dirent *entry)
{
	return ends_with(entry->d_name, FLAT_ENDING);
}

/* Those that came with us, sorted; *list and its entries are the caller's. */
static int list_guests(const char *subdir, int (*is)(const struct dirent *),
		       struct dirent ***list)
{
	char dir[PATH_MAX], guests[PATH_MAX + 32];
	int nr = 0;

	if (own_dir(dir))
		return 0;
	for (size_t i = 0; i < PLACES_NR && nr <= 0; i++) {
		free(*list);
		*list = NULL;
		snprintf(guests, sizeof(guests), "%s/%s%s", dir, places[i],
			 subdir);
		nr = scandir(guests, list, is, alphasort);
	}
	return nr;
}

static void list_free(struct dirent **list, int found)
{
	for (int i = 0; i < found; i++)
		free(list[i]);
	free(list);
}

/* "a, b, c", cut where text ends. */
static void join(char *text, size_t text_len, const char *const *names,
		 size_t nr)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < nr && len < text_len; i++)
		len += (size_t)snprintf(text + len, text_len - len, "%s%s",
					i ? ", " : "", names[i]);
}

static void why_no_guest(const char *name, const char *path, char *text,
			 size_t text_len)
{
	const char *names[GUESTS_MAX];
	struct dirent **list = NULL;
	char known[384];
	const char *near;
	size_t nr = 0;
	int found = list_guests("guests", is_guest, &list);

	for (int i = 0; i < found; i++) {
		char *ending = strrchr(list[i]->d_name, '.');

		*ending = '\0'; /* is_guest(): it is there */
		if (nr < GUESTS_MAX)
			names[nr++] = list[i]->d_name;
	}
	join(known, sizeof(known), names, nr);
	near = near_name(name, names, nr);
	if (!nr)
		snprintf(text, text_len,
			 "no guests came with this ivlab: there is no %s "
			 "(build them: make)",
			 path);
	else if (access(name, R_OK) == 0)
		snprintf(text, text_len,
			 "no guest of that name; for the file write ./%s",
			 name);
	else
		snprintf(text, text_len, "no such guest%s%s%s; there are %s",
			 near ? ", did you mean " : "", near ? near : "",
			 near ? "?" : "", known);
	list_free(list, found);
}

void images_guest_why(const char *name, const char *path, int err, char *text,
		      size_t text_len)
{
	if (!path)
		snprintf(text, text_len, "%s", strerror(-err));
	else if (err == -ENOENT && !strchr(name, '/'))
		why_no_guest(name, path, text, text_len);
	else if (err == -ENOENT)
		snprintf(text, text_len, "no file %s", path);
	else if (err == -EACCES)
		snprintf(text, text_len, "%s: no permission to read it", path);
	else if (err == -EISDIR)
		snprintf(text, text_len, "%s is a directory", path);
	else
		snprintf(text, text_len, "%s is not a regular file", path);
}

int images_classic(const char *name, char **path)
{
	return own_file("guests/classic/", name, FLAT_ENDING, R_OK, path);
}

/* Names without ending; the entries they are in are *list's. */
static size_t flat_names(const char *prefix, const char *names[GUESTS_MAX],
			 struct dirent ***list, int *found)
{
	size_t nr = 0;

	*list = NULL;
	*found = list_guests("guests/classic", is_flat, list);
	for (int i = 0; i < *found && nr < GUESTS_MAX; i++) {
		char *name = (*list)[i]->d_name;

		*strrchr(name, '.') = '\0'; /* is_flat(): it is there */
		if (strncmp(name, prefix, strlen(prefix)) == 0)
			names[nr++] = name;
	}
	return nr;
}

void images_classic_names(const char *prefix, char *text, size_t text_len)
{
	const char *names[GUESTS_MAX];
	struct dirent **list;
	int found;
	size_t nr = flat_names(prefix, names, &list, &found);

	join(text, text_len, names, nr);
	list_free(list, found);
}

void images_classic_near(const char *prefix, const char *name, char *text,
			 size_t text_len)
{
	const char *names[GUESTS_MAX];
	char whole[NAME_MAX_LEN];
	struct dirent **list;
	int found;
	size_t nr = flat_names(prefix, names, &list, &found);
	const char *near = near_name(name, names, nr);

	/* "hello" for mini_hello. */
	snprintf(whole, sizeof(whole), "%s%s", prefix, name);
	if (!near)
		near = near_name(whole, names, nr);
	snprintf(text, text_len, "%s", near ? near : "");
	list_free(list, found);
}

int images_program(const char *name, char **path)
{
	return own_file("", name, "", X_OK, path);
}
