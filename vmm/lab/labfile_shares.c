/* SPDX-License-Identifier: MIT */
/* labfile_shares.c - what does a lab file say of shared directories? */
#include "vmm/lab/labfile_shares.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/lab/private_dir.h"
#include "vmm/lab/share_words.h"

#define BLANKS " \t"

static const char *set_path(struct labfile_target *target, const char *text)
{
	struct stat st;
	char *path;

	if (text[0] == '/' || !target->dir)
		path = strdup(text);
	else if (asprintf(&path, "%s/%s", target->dir, text) < 0)
		path = NULL;
	if (!path)
		return "out of memory";
	target->share->path = path;
	if (stat(path, &st)) {
		snprintf(target->reason, sizeof(target->reason), "%s",
			 strerror(errno));
		return target->reason;
	}
	return S_ISDIR(st.st_mode) ? NULL : "not a directory";
}

static const char *set_mode(struct labfile_target *target, const char *text)
{
	return share_words_mode(text, &target->share->mode);
}

static const char *set_policy(struct labfile_target *target, const char *text)
{
	return share_words_policy(text, &target->share->policy);
}

static const char *set_quota(struct labfile_target *target, const char *text)
{
	return share_words_quota(text, &target->share->quota);
}

const struct labfile_key labfile_share_keys[LABFILE_SHARE_KEYS_NR] = {
	[LABFILE_SHARE_PATH] = { "path",
				 "a directory, relative to the lab file",
				 set_path },
	[LABFILE_SHARE_MODE] = { "mode", SHARE_WORDS_MODES, set_mode },
	[LABFILE_SHARE_POLICY] = { "policy", SHARE_WORDS_POLICIES, set_policy },
	[LABFILE_SHARE_QUOTA] = { "quota", SHARE_WORDS_QUOTAS, set_quota },
};

static uint32_t find(const struct lab *lab, const char *name)
{
	uint32_t i = 0;

	while (i < lab->shares_nr && strcmp(lab->shares[i].name, name) != 0)
		i++;
	return i;
}

const char *labfile_shares_find(const struct lab *lab, struct lab_vm *vm,
				char *reason, size_t reason_len)
{
	char *rest = vm->share_names, *word;

	/* NULL, without the key: no words. */
	while ((word = strsep(&rest, BLANKS))) {
		uint32_t nr;

		if (!*word)
			continue;
		nr = find(lab, word);
		if (nr == lab->shares_nr) {
			snprintf(reason, reason_len, "there is no [share %s]",
				 word);
			return reason;
		}
		for (uint32_t i = 0; i < vm->shares_nr; i++)
			if (vm->shares[i] == nr) {
				snprintf(reason, reason_len, "%s twice", word);
				return reason;
			}
		if (vm->shares_nr == LAB_VM_SHARES_MAX)
			return "too many";
		vm->shares[vm->shares_nr++] = nr;
	}
	return NULL;
}

char *lab_shares_private(const struct lab *lab, const struct lab_vm *vm,
			 const struct lab_share *share)
{
	char *path;

	if (asprintf(&path, "%s/%s/%s", lab->private_dir, vm->name,
		     share->name) < 0)
		return NULL;
	return path;
}

/* All directories above the last name of path. */
static int make_parents(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		int err = 0;

		*at = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			err = -errno;
		if (err)
			return err; /* path says where */
		*at = '/';
	}
	return 0;
}

int lab_shares_prepare(const struct lab *lab, char **where)
{
	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		const struct lab_vm *vm = &lab->vms[i];

		for (uint32_t j = 0; j < vm->shares_nr; j++) {
			const struct lab_share *share =
				&lab->shares[vm->shares[j]];
			int err;

			if (share->mode != SHARE_COW)
				continue;
			*where = lab_shares_private(lab, vm, share);
			err = *where ? 0 : -ENOMEM;
			if (!err && !private_dir_is_apart(share->path, *where))
				err = -EINVAL;
			if (!err)
				err = make_parents(*where);
			if (err)
				return err;
			free(*where);
		}
	}
	*where = NULL;
	return 0;
}
