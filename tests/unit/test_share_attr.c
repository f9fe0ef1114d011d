/* SPDX-License-Identifier: MIT */
/* test_share_attr.c - does a guest find what it set, and the host only what
 * does no harm? */
#include <sys/sysmacros.h>

#include "tests/unit/share_room.h"

static struct stat host_stat(const struct room *room, const char *name)
{
	struct stat st = { 0 };

	TREE_CHECK(lstat(tree_path(room->upper.text, name).text, &st) == 0);
	return st;
}

static void start_with(struct room *room, enum share_policy policy)
{
	room_start(room);
	tree_file(room->lower.text, "file", "lower");
	tree_mkdir(room->lower.text, "dir");
	tree_symlink(room->lower.text, "link", "file");
	room_open_with(room, (struct share_opts){ .mode = SHARE_COW,
						  .policy = policy });
}

static void owner_and_set_id_bits_are_recorded(void)
{
	struct share_setattr set = {
		.valid = SHARE_SET_MODE | SHARE_SET_UID | SHARE_SET_GID,
		.mode = 06755,
		.uid = 4000000000u,
		.gid = 12,
	};
	static const char *const names[] = { "file", "dir" };
	struct room room;

	start_with(&room, SHARE_RECORD);
	for (int i = 0; i < 2; i++) {
		struct share_attr attr;

		CU_ASSERT_EQUAL(room_setattr(&room, names[i], set), 0);
		room_again(&room);
		attr = room_attr(&room, names[i]);
		CU_ASSERT_EQUAL(attr.mode & 07777, 06755);
		CU_ASSERT_EQUAL(attr.uid, 4000000000u);
		CU_ASSERT_EQUAL(attr.gid, 12);
	}
	for (int i = 0; i < 2; i++) {
		struct stat st = host_stat(&room, i ? "tree/dir" : "tree/file");

		CU_ASSERT_EQUAL(st.st_mode & (S_ISUID | S_ISGID), 0);
		CU_ASSERT_EQUAL(st.st_uid, geteuid());
	}
	/* Back to what the host has: nothing is left to record. */
	set.mode = 0644;
	set.uid = geteuid();
	set.gid = getegid();
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	CU_ASSERT_EQUAL(host_stat(&room, "tree/file").st_mode, S_IFREG | 0644);
	CU_ASSERT_EQUAL(room_attr(&room, "file").mode, S_IFREG | 0644);
	room_end(&room);
}

static void squashed_owners_are_dropped(void)
{
	struct share_setattr set = {
		.valid = SHARE_SET_MODE | SHARE_SET_UID,
		.mode = 04711,
		.uid = 99,
	};
	struct share_attr attr;
	struct room room;

	start_with(&room, SHARE_SQUASH);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	attr = room_attr(&room, "file");
	CU_ASSERT_EQUAL(attr.mode, S_IFREG | 0711);
	CU_ASSERT_EQUAL(attr.uid, geteuid());
	CU_ASSERT_EQUAL(room_mknod(&room, "disk", S_IFBLK | 0600), -EPERM);
	CU_ASSERT_EQUAL(room_there(&room, "disk"), -ENOENT);
	CU_ASSERT_EQUAL(room_mknod(&room, "pipe", S_IFIFO | 0600), 0);
	room_end(&room);
}

static void special_files_are_records(void)
{
	static const uint32_t types[] = { S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK };
	struct room room;

	start_with(&room, SHARE_RECORD);
	for (size_t i = 0; i < 4; i++) {
		struct share_attr attr;

		CU_ASSERT_EQUAL(room_mknod(&room, "node", types[i] | 0400), 0);
		room_again(&room);
		attr = room_attr(&room, "node");
		CU_ASSERT_EQUAL(attr.mode, types[i] | 0400);
		CU_ASSERT_EQUAL(attr.id.type, types[i]);
		CU_ASSERT_EQUAL(attr.rdev, i < 2 ? 0 : makedev(8, 1));
		CU_ASSERT_EQUAL(host_stat(&room, "tree/node").st_mode & S_IFMT,
				S_IFREG);
		CU_ASSERT_EQUAL(room_open_err(&room, "node", O_RDONLY),
				-EACCES);
		CU_ASSERT_EQUAL(room_rename(&room, "node", "dir/node"), 0);
		CU_ASSERT_EQUAL(room_attr(&room, "dir/node").mode,
				types[i] | 0400);
		CU_ASSERT_EQUAL(room_unlink(&room, "dir/node", false), 0);
	}
	CU_ASSERT_EQUAL(room_mknod(&room, "node", S_IFDIR | 0700), -EPERM);
	CU_ASSERT_EQUAL(room_mknod(&room, "node", S_IFLNK | 0700), -EINVAL);
	CU_ASSERT_EQUAL(room_mknod(&room, "node", 0600), 0);
	CU_ASSERT_EQUAL(room_attr(&room, "node").mode, S_IFREG | 0600);
	room_end(&room);
}

static void new_files_belong_to_whom_the_guest_says(void)
{
	struct share_owner owner = { 7, 8 };
	struct share_node *node;
	struct share_file *file;
	struct share_attr attr;
	struct room room;

	start_with(&room, SHARE_RECORD);
	CU_ASSERT_EQUAL(share_mkdir(room.root, "d", 1, 01777, owner, &node), 0);
	CU_ASSERT_EQUAL(share_getattr(node, &attr), 0);
	CU_ASSERT_EQUAL(attr.mode, S_IFDIR | 01777);
	CU_ASSERT_EQUAL(attr.uid, 7);
	CU_ASSERT_EQUAL(attr.gid, 8);
	share_node_put(node);
	CU_ASSERT_EQUAL(share_create_file(room.root, "f", 1, O_RDWR, 04444,
					  owner, &node, &file),
			0);
	CU_ASSERT_EQUAL(share_getattr(node, &attr), 0);
	CU_ASSERT_EQUAL(attr.mode, S_IFREG | 04444);
	CU_ASSERT_EQUAL(attr.uid, 7);
	share_file_close(file);
	share_node_put(node);
	/* It is its owner's host who must be able to read and write it. */
	CU_ASSERT_EQUAL(host_stat(&room, "tree/f").st_mode & 06777, 0644);
	room_end(&room);
}

static void times_are_set_and_checked(void)
{
	struct share_setattr set = {
		.valid = SHARE_SET_ATIME | SHARE_SET_ATIME_TO |
			 SHARE_SET_MTIME | SHARE_SET_MTIME_TO,
		.atime = { 1000, 5 },
		.mtime = { -2000, 999999999 },
	};
	struct share_attr attr;
	struct room room;

	start_with(&room, SHARE_RECORD);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	attr = room_attr(&room, "file");
	CU_ASSERT_EQUAL(attr.atime.tv_sec, 1000);
	CU_ASSERT_EQUAL(attr.mtime.tv_sec, -2000);
	CU_ASSERT_EQUAL(attr.mtime.tv_nsec, 999999999);
	CU_ASSERT_EQUAL(room_setattr(&room, "link", set), 0);
	CU_ASSERT_EQUAL(room_attr(&room, "link").mtime.tv_sec, -2000);
	set.mtime.tv_nsec = UTIME_OMIT;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), -EINVAL);
	set.mtime.tv_nsec = -1;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), -EINVAL);
	set.valid = SHARE_SET_MTIME;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	CU_ASSERT_TRUE(room_attr(&room, "file").mtime.tv_sec > 1500000000);
	CU_ASSERT_EQUAL(room_attr(&room, "file").atime.tv_sec, 1000);
	set.valid = SHARE_SET_CTIME;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	set.valid = 1u << 31;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), -EINVAL);
	room_end(&room);
}

static void sizes_are_for_files_only(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE, .size = 9 };
	struct room room;

	start_with(&room, SHARE_RECORD);
	CU_ASSERT_EQUAL(room_setattr(&room, "dir", set), -EISDIR);
	CU_ASSERT_EQUAL(room_setattr(&room, "link", set), -EINVAL);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	CU_ASSERT_EQUAL(room_attr(&room, "file").size, 9);
	set.size = UINT64_MAX;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), -EFBIG);
	set.valid = SHARE_SET_MODE;
	CU_ASSERT_EQUAL(room_setattr(&room, "link", set), -EOPNOTSUPP);
	set.valid = SHARE_SET_UID;
	CU_ASSERT_EQUAL(room_setattr(&room, "link", set), 0);
	room_end(&room);
}

static void broken_records_are_ignored(void)
{
	static const char *const texts[] = {
		"",
		"garbage",
		"0100644 0 0 0",
		"0100644 0 0 0:0 ",
		"99999999999 0 0 0:0",
		"0100644 -1 0 0:0",
		"0040755 0 0 0:0",
		"0120777 0 0 0:0",
		"0100644 0 0 0:99999999999999999999",
	};
	struct room room;

	start_with(&room, SHARE_RECORD);
	room_close(&room);
	TREE_CHECK(chmod(tree_path(room.lower.text, "file").text, 01644) == 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		TREE_CHECK(setxattr(tree_path(room.lower.text, "file").text,
				    "user.ivlab.stat", texts[i],
				    strlen(texts[i]), 0) == 0);
		room_open(&room, SHARE_RO);
		CU_ASSERT_EQUAL(room_attr(&room, "file").mode, S_IFREG | 01644);
		room_close(&room);
	}
	tree_remove(room.dir.text);
}

static void change_of_mode_on_the_host_counts(void)
{
	struct share_setattr set = {
		.valid = SHARE_SET_MODE | SHARE_SET_UID,
		.mode = 0640,
		.uid = 77,
	};
	struct share_attr attr;
	struct room room;

	room_start(&room);
	tree_file(room.lower.text, "file", "x");
	room_open(&room, SHARE_RW);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	TREE_CHECK(chmod(tree_path(room.lower.text, "file").text, 01604) == 0);
	attr = room_attr(&room, "file");
	CU_ASSERT_EQUAL(attr.mode, S_IFREG | 0604);
	CU_ASSERT_EQUAL(attr.uid, 77);
	room_end(&room);
}

static void directory_without_rights_has_attributes(void)
{
	struct room room;

	room_start(&room);
	tree_mkdir(room.lower.text, "closed");
	TREE_CHECK(chmod(tree_path(room.lower.text, "closed").text, 0) == 0);
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_attr(&room, "closed").mode, S_IFDIR);
	room_end(&room);
}

static void statfs_tells_of_the_host(void)
{
	struct share_statfs fs;
	struct room room;

	start_with(&room, SHARE_RECORD);
	CU_ASSERT_EQUAL(share_statfs(room.root, &fs), 0);
	CU_ASSERT_EQUAL(fs.namelen, 255);
	CU_ASSERT_TRUE(fs.bsize > 0 && fs.blocks > 0);
	room_end(&room);
}

/* It takes no user xattrs, so what a record would say has no place. */
static void hosts_fifo_takes_a_mode_and_no_owner(void)
{
	struct share_setattr mode = { .valid = SHARE_SET_MODE, .mode = 0640 };
	struct share_setattr owner = {
		.valid = SHARE_SET_UID,
		.uid = geteuid() + 1,
	};
	struct room room;

	room_start(&room);
	TREE_CHECK(mkfifo(tree_path(room.lower.text, "fifo").text, 0600) == 0);
	room_open(&room, SHARE_RW);
	CU_ASSERT_EQUAL(room_setattr(&room, "fifo", mode), 0);
	CU_ASSERT_EQUAL(room_attr(&room, "fifo").mode, S_IFIFO | 0640);
	mode.mode = 06640;
	CU_ASSERT_EQUAL(room_setattr(&room, "fifo", mode), -EPERM);
	CU_ASSERT_EQUAL(room_setattr(&room, "fifo", owner), -EPERM);
	owner.uid = geteuid();
	CU_ASSERT_EQUAL(room_setattr(&room, "fifo", owner), 0);
	CU_ASSERT_EQUAL(room_attr(&room, "fifo").mode, S_IFIFO | 0640);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "owner_and_set_id_bits_are_recorded",
	  owner_and_set_id_bits_are_recorded },
	{ "squashed_owners_are_dropped", squashed_owners_are_dropped },
	{ "special_files_are_records", special_files_are_records },
	{ "new_files_belong_to_whom_the_guest_says",
	  new_files_belong_to_whom_the_guest_says },
	{ "times_are_set_and_checked", times_are_set_and_checked },
	{ "sizes_are_for_files_only", sizes_are_for_files_only },
	{ "broken_records_are_ignored", broken_records_are_ignored },
	{ "change_of_mode_on_the_host_counts",
	  change_of_mode_on_the_host_counts },
	{ "directory_without_rights_has_attributes",
	  directory_without_rights_has_attributes },
	{ "statfs_tells_of_the_host", statfs_tells_of_the_host },
	{ "hosts_fifo_takes_a_mode_and_no_owner",
	  hosts_fifo_takes_a_mode_and_no_owner },
};

UNIT_MAIN("share_attr", tests)
