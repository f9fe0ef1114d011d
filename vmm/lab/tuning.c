/* SPDX-License-Identifier: MIT */
/* tuning.c - where is what was measured on this machine kept? */
#include "vmm/lab/tuning.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/core/log.h"
#include "vmm/lab/size.h"

int tuning_path(char path[PATH_MAX])
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	int len;

	if (config && *config == '/')
		len = snprintf(path, PATH_MAX, "%s/ivlab/tuning.ini", config);
	else if (home && *home == '/')
		len = snprintf(path, PATH_MAX, "%s/.config/ivlab/tuning.ini",
			       home);
	else
		return -ENOENT;
	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* inih's handler: 1 understood, 0 not. */
static int take(void *arg, const char *section, const char *key,
		const char *value)
{
	struct region_tuning *tuning = arg;
	uint64_t number;

	if (strcmp(section, "tuning") != 0)
		return 0;
	if (strcmp(key, "spin_ns") == 0)
		return !size_parse_number(value, 0, REGION_SPIN_MAX_NS,
					  &tuning->spin_ns);
	if (size_parse_number(value, 0, REGION_PREFETCH_MAX, &number))
		return 0;
	if (strcmp(key, "prefetch_read") == 0)
		tuning->prefetch_read_len = (uint32_t)number;
	else if (strcmp(key, "prefetch_write") == 0)
		tuning->prefetch_write_len = (uint32_t)number;
	else
		return 0;
	return 1;
}

void tuning_load(struct region_tuning *tuning)
{
	char path[PATH_MAX];
	int line;

	*tuning = (struct region_tuning){ 0 };
	if (tuning_path(path) || access(path, F_OK))
		return;
	line = ini_parse(path, take, tuning);
	if (!line)
		return;
	*tuning = (struct region_tuning){ 0 };
	if (line > 0)
		log_warn("%s:%d: not understood, the file is not used; "
			 "\"ivlab tune\" writes a new one",
			 path, line);
	else
		log_warn("%s: cannot be read, it is not used", path);
}

/* The directories above the file. */
static int make_parents(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		int err;

		*at = '\0';
		err = mkdir(path, 0777) && errno != EEXIST ? -errno : 0;
		*at = '/';
		if (err)
			return err;
	}
	return 0;
}

int tuning_save(const struct region_tuning *tuning)
{
	char path[PATH_MAX], new_path[PATH_MAX + 4];
	FILE *file;
	int err = tuning_path(path);

	if (!err)
		err = make_parents(path);
	if (err)
		return err;
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	file = fopen(new_path, "we");
	if (!file)
		return -errno;
	fprintf(file,
		"# Written by ivlab tune; ivlab tune --forget removes it.\n"
		"[tuning]\nprefetch_read = %u\nprefetch_write = %u\n"
		"spin_ns = %llu\n",
		tuning->prefetch_read_len, tuning->prefetch_write_len,
		(unsigned long long)tuning->spin_ns);
	if (fclose(file) || rename(new_path, path)) {
		err = -errno;
		(void)unlink(new_path);
	}
	return err;
}

int tuning_forget(void)
{
	char path[PATH_MAX];
	int err = tuning_path(path);

	if (err)
		return err;
	return unlink(path) && errno != ENOENT ? -errno : 0;
}
