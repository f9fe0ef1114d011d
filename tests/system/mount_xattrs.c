/* SPDX-License-Identifier: MIT */
/*
 * mount_xattrs.c - are xattrs and ACLs through a mount what was set, and do
 * the ACLs hold?
 *
 * usage: mount_xattrs [-a] [-r] DIR
 *        -a  DIR has POSIX ACLs; needs root, to be somebody else
 *        -r  nothing may change: each change must be EROFS
 *
 * Without -r a file "kept" with an xattr is left, with -r it must be there.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/xattr.h>

#include "tests/system/mount_ops.h"

/* --- xattrs --------------------------------------------------------------- */

static bool listed(const char *list, ssize_t len, const char *name)
{
	for (ssize_t i = 0; i < len; i += (ssize_t)strlen(list + i) + 1)
		if (strcmp(list + i, name) == 0)
			return true;
	return false;
}

static void xattrs_of(const char *path)
{
	char list[512], value[1024], large[700];
	ssize_t len;

	memset(large, 'l', sizeof(large));
	REFUSED(getxattr(path, "user.one", value, sizeof(value)), ENODATA);
	CLAIM(setxattr(path, "user.one", "first", 5, XATTR_CREATE) == 0);
	REFUSED(setxattr(path, "user.one", "x", 1, XATTR_CREATE), EEXIST);
	REFUSED(setxattr(path, "user.two", "x", 1, XATTR_REPLACE), ENODATA);
	CLAIM(setxattr(path, "user.one", "second", 6, XATTR_REPLACE) == 0);
	CLAIM(setxattr(path, "user.none", "", 0, 0) == 0);
	CLAIM(setxattr(path, "user.large", large, sizeof(large), 0) == 0);
	CLAIM(getxattr(path, "user.one", NULL, 0) == 6);
	CLAIM(getxattr(path, "user.one", value, sizeof(value)) == 6);
	CLAIM(memcmp(value, "second", 6) == 0);
	REFUSED(getxattr(path, "user.one", value, 5), ERANGE);
	CLAIM(getxattr(path, "user.none", value, sizeof(value)) == 0);
	CLAIM(getxattr(path, "user.large", value, sizeof(value)) == 700);
	CLAIM(memcmp(value, large, sizeof(large)) == 0);
	len = listxattr(path, NULL, 0);
	CLAIM(len > 0);
	CLAIM(listxattr(path, list, sizeof(list)) == len);
	REFUSED(listxattr(path, list, 8), ERANGE);
	CLAIM(listed(list, len, "user.one") && listed(list, len, "user.none") &&
	      listed(list, len, "user.large"));
	CLAIM(!listed(list, len, "user.two"));
	CLAIM(removexattr(path, "user.large") == 0);
	REFUSED(removexattr(path, "user.large"), ENODATA);
	CLAIM(removexattr(path, "user.none") == 0);
	len = listxattr(path, list, sizeof(list));
	CLAIM(len >= 0 && !listed(list, len, "user.none"));
	CLAIM(getxattr(path, "user.one", value, sizeof(value)) == 6);
}

static void xattrs(void)
{
	make("with-xattrs", "bytes");
	xattrs_of("with-xattrs");
	CLAIM(mkdir("dir-with-xattrs", 0755) == 0);
	xattrs_of("dir-with-xattrs");
	CLAIM(rename("with-xattrs", "with-other-name") == 0);
	CLAIM(getxattr("with-other-name", "user.one", NULL, 0) == 6);
	CLAIM(unlink("with-other-name") == 0);
	CLAIM(rmdir("dir-with-xattrs") == 0);
}

/* --- ACLs ----------------------------------------------------------------- */

/* Linux include/uapi/linux/posix_acl_xattr.h: version 2, then for each entry
 * tag, rights and id. */
#define ACL_LEN 44
#define NO_ID	0xff, 0xff, 0xff, 0xff

/* The owner all, user 1000 to read, others nothing. */
static const uint8_t acl_of_1000[ACL_LEN] = {
	2,    0, 0, 0,				     /* version */
	0x01, 0, 7, 0, NO_ID,			     /* owner */
	0x02, 0, 4, 0, 1000 & 0xff, 1000 >> 8, 0, 0, /* a user */
	0x04, 0, 0, 0, NO_ID,			     /* group */
	0x10, 0, 4, 0, NO_ID,			     /* mask */
	0x20, 0, 0, 0, NO_ID,			     /* others */
};

static void as_1000(const void *path)
{
	CLAIM(setgid(1000) == 0 && setuid(1000) == 0);
	CLAIM(open(path, O_RDONLY) >= 0);
	REFUSED(open(path, O_RDWR), EACCES);
}

static void as_1001(const void *path)
{
	CLAIM(setgid(1001) == 0 && setuid(1001) == 0);
	REFUSED(open(path, O_RDONLY), EACCES);
}

static void acls(void)
{
	static const char access_acl[] = "system.posix_acl_access";
	static const char default_acl[] = "system.posix_acl_default";
	uint8_t got[ACL_LEN];

	CLAIM(mkdir("acls", 0755) == 0);
	make("acls/file", "bytes");
	CLAIM(setxattr("acls/file", access_acl, acl_of_1000,
		       sizeof(acl_of_1000), 0) == 0);
	CLAIM(getxattr("acls/file", access_acl, got, sizeof(got)) ==
	      sizeof(got));
	CLAIM(memcmp(got, acl_of_1000, sizeof(got)) == 0);
	/* The mask stands where the group's bits do. */
	CLAIM((look("acls/file").st_mode & 0777) == 0740);
	claim_end(claim_begin(as_1000, "acls/file"));
	claim_end(claim_begin(as_1001, "acls/file"));
	CLAIM(setxattr("acls", default_acl, acl_of_1000, sizeof(acl_of_1000),
		       0) == 0);
	make("acls/heir", "bytes");
	CLAIM(getxattr("acls/heir", access_acl, got, sizeof(got)) ==
	      sizeof(got));
	claim_end(claim_begin(as_1000, "acls/heir"));
	claim_end(claim_begin(as_1001, "acls/heir"));
	CLAIM(removexattr("acls/file", access_acl) == 0);
	REFUSED(getxattr("acls/file", access_acl, got, sizeof(got)), ENODATA);
	CLAIM(unlink("acls/file") == 0 && unlink("acls/heir") == 0);
	CLAIM(rmdir("acls") == 0);
}

/* -------------------------------------------------------------------------- */

static void read_only(void)
{
	char value[16], list[64];

	CLAIM(getxattr("kept", "user.one", value, sizeof(value)) == 5);
	CLAIM(memcmp(value, "value", 5) == 0);
	CLAIM(listed(list, listxattr("kept", list, sizeof(list)), "user.one"));
	REFUSED(getxattr("kept", "user.two", value, sizeof(value)), ENODATA);
	REFUSED(setxattr("kept", "user.two", "x", 1, 0), EROFS);
	REFUSED(setxattr("kept", "user.one", "x", 1, XATTR_REPLACE), EROFS);
	REFUSED(removexattr("kept", "user.one"), EROFS);
}

int main(int argc, char **argv)
{
	bool has_acls = false, refuses = false;
	int c;

	while ((c = getopt(argc, argv, "ar")) != -1) {
		has_acls |= c == 'a';
		refuses |= c == 'r';
	}
	if (argc - optind != 1)
		return 2;
	umask(022);
	CLAIM(chdir(argv[optind]) == 0);
	if (refuses) {
		read_only();
		return 0;
	}
	xattrs();
	if (has_acls)
		acls();
	make("kept", "bytes");
	CLAIM(setxattr("kept", "user.one", "value", 5, 0) == 0);
	return 0;
}
