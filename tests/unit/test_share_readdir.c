/* SPDX-License-Identifier: MIT */
/* test_share_readdir.c - are a merged directory's names all there, once each,
 * and at offsets that stay? */
#include "tests/unit/share_room.h"

#define MANY 3000

static void start(struct room *room)
{
	room_start(room);
	tree_mkdir(room->lower.text, "dir");
	tree_file(room->lower.text, "dir/both", "lower");
	tree_file(room->lower.text, "dir/gone", "lower");
	tree_file(room->lower.text, "dir/low", "lower");
	room_open(room, SHARE_COW);
	CU_ASSERT_EQUAL(room_write_at(room, "dir/both", "U", 0), 0);
	CU_ASSERT_EQUAL(room_unlink(room, "dir/gone", false), 0);
	CU_ASSERT_EQUAL(room_create_file(room, "dir/new", "upper"), 0);
}

static void merge_has_each_name_once(void)
{
	struct share_dirent entry;
	struct share_file *dir;
	struct room room;

	start(&room);
	CU_ASSERT_STRING_EQUAL(room_names(&room, "dir"), "both low new ");
	dir = room_file(&room, "dir", O_RDONLY);
	CU_ASSERT_EQUAL(share_readdir(dir, 0, &entry), 1);
	CU_ASSERT_STRING_EQUAL(entry.name, ".");
	CU_ASSERT_EQUAL(entry.id.path, room_attr(&room, "dir").id.path);
	CU_ASSERT_EQUAL(share_readdir(dir, entry.next_off, &entry), 1);
	CU_ASSERT_STRING_EQUAL(entry.name, "..");
	CU_ASSERT_EQUAL(entry.id.path, room_attr(&room, ".").id.path);
	while (share_readdir(dir, entry.next_off, &entry) == 1) {
		struct tree_path path = tree_path("dir", entry.name);

		CU_ASSERT_EQUAL(entry.id.path,
				room_attr(&room, path.text).id.path);
		CU_ASSERT_EQUAL(entry.type, DT_REG);
		CU_ASSERT_EQUAL(entry.name_len, strlen(entry.name));
	}
	share_file_close(dir);
	room_end(&room);
}

static void offsets_stay_while_names_change(void)
{
	struct share_dirent entry, later;
	struct share_file *dir;
	struct room room;
	uint64_t offs[8], nr = 0, off = 0;
	char names[8][8];

	start(&room);
	dir = room_file(&room, "dir", O_RDONLY);
	while (nr < 8 && share_readdir(dir, off, &entry) == 1) {
		offs[nr] = off;
		memcpy(names[nr++], entry.name, entry.name_len + 1);
		off = entry.next_off;
	}
	CU_ASSERT_EQUAL(nr, 5);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/low", false), 0);
	CU_ASSERT_EQUAL(room_create_file(&room, "dir/another", ""), 0);
	for (uint64_t i = nr; i-- > 1;) {
		CU_ASSERT_EQUAL(share_readdir(dir, offs[i], &later), 1);
		CU_ASSERT_STRING_EQUAL(later.name, names[i]);
	}
	CU_ASSERT_EQUAL(share_readdir(dir, off, &later), 0);
	CU_ASSERT_EQUAL(share_readdir(dir, off + 1, &later), -EINVAL);
	CU_ASSERT_EQUAL(share_readdir(dir, UINT64_MAX, &later), -EINVAL);
	/* A fresh look. */
	CU_ASSERT_EQUAL(share_readdir(dir, 0, &later), 1);
	share_file_close(dir);
	CU_ASSERT_STRING_EQUAL(room_names(&room, "dir"), "another both new ");
	room_end(&room);
}

static void first_offset_must_be_zero(void)
{
	struct share_dirent entry;
	struct share_file *dir, *file;
	struct room room;

	start(&room);
	dir = room_file(&room, "dir", O_RDONLY);
	CU_ASSERT_EQUAL(share_readdir(dir, 1, &entry), -EINVAL);
	CU_ASSERT_EQUAL(share_file_fd(dir), -EISDIR);
	CU_ASSERT_EQUAL(share_read(dir, &entry, 1, 0), -EISDIR);
	share_file_close(dir);
	file = room_file(&room, "dir/low", O_RDONLY);
	CU_ASSERT_EQUAL(share_readdir(file, 0, &entry), -ENOTDIR);
	share_file_close(file);
	CU_ASSERT_EQUAL(room_open_err(&room, "dir/low", O_DIRECTORY), -ENOTDIR);
	CU_ASSERT_EQUAL(room_open_err(&room, "dir", O_WRONLY), -EISDIR);
	room_end(&room);
}

static void large_directory_is_whole(void)
{
	struct share_dirent entry;
	struct share_file *dir;
	struct room room;
	uint64_t off = 0, nr = 0;
	char name[16];

	room_start(&room);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		tree_file(room.lower.text, name, "");
	}
	room_open(&room, SHARE_COW);
	for (int i = 0; i < MANY; i += 100) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		CU_ASSERT_EQUAL(room_unlink(&room, name, false), 0);
	}
	dir = room_file(&room, ".", O_RDONLY);
	while (share_readdir(dir, off, &entry) == 1) {
		off = entry.next_off;
		nr++;
	}
	CU_ASSERT_EQUAL(nr, MANY - MANY / 100 + 2);
	share_file_close(dir);
	room_end(&room);
}

static void special_files_have_their_type(void)
{
	struct share_dirent entry;
	struct share_file *dir;
	struct room room;
	uint64_t off = 0;
	bool seen = false;

	start(&room);
	CU_ASSERT_EQUAL(room_mknod(&room, "dir/pipe", S_IFIFO | 0600), 0);
	dir = room_file(&room, "dir", O_RDONLY);
	while (share_readdir(dir, off, &entry) == 1) {
		off = entry.next_off;
		if (!strcmp(entry.name, "pipe")) {
			seen = true;
			CU_ASSERT_EQUAL(entry.type, DT_FIFO);
			CU_ASSERT_EQUAL(entry.id.type, S_IFIFO);
		}
	}
	CU_ASSERT_TRUE(seen);
	share_file_close(dir);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "merge_has_each_name_once", merge_has_each_name_once },
	{ "offsets_stay_while_names_change", offsets_stay_while_names_change },
	{ "first_offset_must_be_zero", first_offset_must_be_zero },
	{ "large_directory_is_whole", large_directory_is_whole },
	{ "special_files_have_their_type", special_files_have_their_type },
};

UNIT_MAIN("share_readdir", tests)
