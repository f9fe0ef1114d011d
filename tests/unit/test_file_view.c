/* SPDX-License-Identifier: MIT */
/* test_file_view.c - does a VM see its own files and the shared ones, change
 * only its own, and reach nothing else? */
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/file_room.h"

#define ORIGINAL "the original\n"

static void only_shared_files_are_seen(void)
{
	struct file_room room;

	file_room_start(&room, ORIGINAL);
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "shared.txt"),
			       ORIGINAL);
	CU_ASSERT_EQUAL(file_room_err(room.views[0], "neighbour.txt", false),
			-ENOENT);
	CU_ASSERT_EQUAL(file_room_err(room.views[0], "vm1", false), -ENOENT);
	/* Reading makes nothing. */
	CU_ASSERT_EQUAL(access(tree_path(room.dir.text, "vm0").text, F_OK), -1);
	CU_ASSERT_STRING_EQUAL(room.said, "");
	file_room_end(&room);
}

/* --- a VM's own files ----------------------------------------------------- */

static void own_files_are_appended_and_kept(void)
{
	struct file_room room;
	struct stat st;

	file_room_start(&room, ORIGINAL);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "own", "one,"), 0);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "own", "two,"), 0);
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "own"),
			       "one,two,");
	CU_ASSERT_EQUAL(file_room_err(room.views[1], "own", false), -ENOENT);
	file_room_close(&room);
	/* The next run. */
	file_room_views(&room);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "own", "three"), 0);
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "vm0/own"),
			       "one,two,three");
	TREE_CHECK(stat(tree_path(room.dir.text, "vm0").text, &st) == 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFDIR | 0755);
	TREE_CHECK(stat(tree_path(room.dir.text, "vm0/own").text, &st) == 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0644);
	file_room_end(&room);
}

static void files_are_open_for_one_thing(void)
{
	struct file_view_file *file;
	struct file_room room;
	char byte;

	file_room_start(&room, ORIGINAL);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "own", "text"), 0);
	CU_ASSERT_EQUAL_FATAL(
		file_view_open(room.views[0], "own", 3, false, &file), 0);
	CU_ASSERT_EQUAL(file_view_write(file, "x", 1), -EBADF);
	file_view_close(file);
	CU_ASSERT_EQUAL_FATAL(
		file_view_open(room.views[0], "own", 3, true, &file), 0);
	CU_ASSERT_EQUAL(file_view_read(file, &byte, 1), -EBADF);
	file_view_close(file);
	CU_ASSERT_EQUAL_FATAL(
		file_view_open(room.views[0], "shared.txt", 10, false, &file),
		0);
	CU_ASSERT_EQUAL(file_view_write(file, "x", 1), -EBADF);
	file_view_close(file);
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "shared.txt"), ORIGINAL);
	file_room_end(&room);
}

static void directories_are_the_users_to_make(void)
{
	struct file_room room;

	file_room_start(&room, ORIGINAL);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "sub/own", "x"),
			-ENOENT);
	tree_mkdir(room.dir.text, "vm0/sub");
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "sub/own", "x"), 0);
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "sub/own"), "x");
	CU_ASSERT_EQUAL(file_room_err(room.views[0], "sub", false), -EISDIR);
	CU_ASSERT_EQUAL(file_room_err(room.views[0], "sub", true), -EISDIR);
	CU_ASSERT_EQUAL(file_room_err(room.views[0], "sub/own/x", true),
			-ENOTDIR);
	file_room_end(&room);
}

/* --- copies --------------------------------------------------------------- */

static void a_copy_is_made_once_and_read_from_then_on(void)
{
	struct file_room room;
	struct stat before, after;

	file_room_start(&room, ORIGINAL);
	tree_age(room.dir.text, "shared.txt", 1000000000);
	TREE_CHECK(stat(tree_path(room.dir.text, "shared.txt").text, &before) ==
		   0);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "shared.txt", "one\n"),
			0);
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "shared.txt"),
			       ORIGINAL "one\n");
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "shared.txt", "two\n"),
			0);
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "shared.txt"),
			       ORIGINAL "one\ntwo\n");
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "vm0/shared.txt"),
			       ORIGINAL "one\ntwo\n");
	/* Nobody else noticed. */
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[1], "shared.txt"),
			       ORIGINAL);
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "shared.txt"), ORIGINAL);
	TREE_CHECK(stat(tree_path(room.dir.text, "shared.txt").text, &after) ==
		   0);
	CU_ASSERT_EQUAL(before.st_ino, after.st_ino);
	CU_ASSERT_EQUAL(before.st_nlink, after.st_nlink);
	CU_ASSERT_EQUAL(
		memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)),
		0);
	CU_ASSERT_EQUAL(
		access(tree_path(room.dir.text, "vm0/" FILE_PATH_RESERVED).text,
		       F_OK),
		-1);
	file_room_end(&room);
}

static void a_file_open_before_the_copy_stays_the_original(void)
{
	struct file_view_file *file;
	struct file_room room;
	char text[64] = "";

	file_room_start(&room, ORIGINAL);
	CU_ASSERT_EQUAL_FATAL(
		file_view_open(room.views[0], "shared.txt", 10, false, &file),
		0);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "shared.txt", "more"),
			0);
	CU_ASSERT_EQUAL(file_view_read(file, text, sizeof(text)),
			sizeof(ORIGINAL) - 1);
	CU_ASSERT_EQUAL(file_view_read(file, text, sizeof(text)), 0);
	file_view_close(file);
	file_room_end(&room);
}

static void a_path_below_guest_gets_its_directories_with_the_copy(void)
{
	struct file_room room;
	char old[4096];

	file_room_start(&room, ORIGINAL);
	TREE_CHECK(getcwd(old, sizeof(old)));
	tree_mkdir(room.dir.text, "Guest");
	tree_mkdir(room.dir.text, "Guest/sub");
	tree_file(room.dir.text, "Guest/sub/deep.txt", "deep ");
	TREE_CHECK(chdir(tree_path(room.dir.text, "Guest").text) == 0);
	CU_ASSERT_EQUAL(file_shared_add(&room.shared, "../Guest/sub/deep.txt"),
			0);
	TREE_CHECK(chdir(old) == 0);
	/* Both of its names are the one file, before and afterwards. */
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "deep.txt", "one "), 0);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "sub/deep.txt", "two"),
			0);
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "deep.txt"),
			       "deep one two");
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "vm0/sub/deep.txt"),
			       "deep one two");
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "Guest/sub/deep.txt"),
			       "deep ");
	file_room_end(&room);
}

static void a_killed_monitors_half_copy_is_not_taken_for_one(void)
{
	struct file_room room;

	file_room_start(&room, ORIGINAL);
	tree_mkdir(room.dir.text, "vm0");
	tree_file(room.dir.text, "vm0/" FILE_PATH_RESERVED, "the or");
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "shared.txt"),
			       ORIGINAL);
	CU_ASSERT_EQUAL(file_room_err(room.views[0], FILE_PATH_RESERVED, false),
			-EINVAL);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "shared.txt", "x"), 0);
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "shared.txt"),
			       ORIGINAL "x");
	file_room_end(&room);
}

static void a_large_file_with_holes_is_copied_as_it_is(void)
{
	struct file_view_file *file;
	struct file_room room;
	char byte = 'x';
	int fd;

	file_room_start(&room, "begin");
	fd = open(tree_path(room.dir.text, "shared.txt").text,
		  O_WRONLY | O_CLOEXEC);
	TREE_CHECK(pwrite(fd, "end", 3, 20 << 20) == 3);
	TREE_CHECK(ftruncate(fd, 30 << 20) == 0);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(
		file_view_open(room.views[0], "shared.txt", 10, true, &file),
		0);
	CU_ASSERT_EQUAL(file_view_write(file, "!", 1), 0);
	file_view_close(file);
	fd = open(tree_path(room.dir.text, "vm0/shared.txt").text,
		  O_RDONLY | O_CLOEXEC);
	TREE_CHECK(fd >= 0);
	CU_ASSERT_EQUAL(lseek(fd, 0, SEEK_END), (30 << 20) + 1);
	CU_ASSERT_EQUAL(pread(fd, &byte, 1, 30 << 20), 1);
	CU_ASSERT_EQUAL(byte, '!');
	CU_ASSERT_EQUAL(pread(fd, &byte, 1, (20 << 20) + 2), 1);
	CU_ASSERT_EQUAL(byte, 'd');
	CU_ASSERT_EQUAL(pread(fd, &byte, 1, 10 << 20), 1);
	CU_ASSERT_EQUAL(byte, '\0');
	close(fd);
	file_room_end(&room);
}

/* A copy that cannot be written whole is none. */
static void a_failed_copy_changes_nothing(void)
{
	struct rlimit before, small = { .rlim_cur = 4096 };
	struct file_room room;
	int fd;

	file_room_start(&room, ORIGINAL);
	fd = open(tree_path(room.dir.text, "shared.txt").text,
		  O_WRONLY | O_CLOEXEC);
	TREE_CHECK(ftruncate(fd, 1 << 20) == 0);
	close(fd);
	TREE_CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	TREE_CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
	small.rlim_max = before.rlim_max;
	TREE_CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	CU_ASSERT_EQUAL(file_room_err(room.views[0], "shared.txt", true),
			-EFBIG);
	TREE_CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
	CU_ASSERT_EQUAL(
		access(tree_path(room.dir.text, "vm0/shared.txt").text, F_OK),
		-1);
	CU_ASSERT_EQUAL(
		access(tree_path(room.dir.text, "vm0/" FILE_PATH_RESERVED).text,
		       F_OK),
		-1);
	CU_ASSERT_EQUAL(strncmp(file_room_text(room.views[0], "shared.txt"),
				ORIGINAL, sizeof(ORIGINAL) - 1),
			0);
	file_room_end(&room);
}

static bool stop(void *arg)
{
	(void)arg;
	return true;
}

static void a_copy_that_is_given_up_changes_nothing(void)
{
	static char block[1 << 20];
	struct file_room room;
	struct file_view *view;
	struct tree_path vm;
	struct file_view_opts opts = { .stopping = stop };
	int fd, err;

	file_room_start(&room, ORIGINAL);
	fd = open(tree_path(room.dir.text, "shared.txt").text,
		  O_WRONLY | O_CLOEXEC);
	TREE_CHECK(fd >= 0);
	for (int i = 0; i < 20; i++)
		TREE_CHECK(write(fd, block, sizeof(block)) == sizeof(block));
	close(fd);
	vm = tree_path(room.dir.text, "vm2");
	opts.shared = &room.shared;
	opts.private_dir = vm.text;
	CU_ASSERT_EQUAL_FATAL(file_view_create(&view, &opts), 0);
	err = file_room_err(view, "shared.txt", true);
	file_view_destroy(view);
	/* Where files can share their blocks there is nothing to give up. */
	CU_ASSERT_TRUE(err == -EINTR || err == 0);
	CU_ASSERT_EQUAL(access(tree_path(vm.text, "shared.txt").text, F_OK),
			err ? -1 : 0);
	CU_ASSERT_EQUAL(
		access(tree_path(vm.text, FILE_PATH_RESERVED).text, F_OK), -1);
	file_room_end(&room);
}

/* --- ways out ------------------------------------------------------------- */

static void what_lies_in_the_directory_leads_nowhere(void)
{
	static const char *const paths[] = {
		"out/neighbour.txt",
		"up/neighbour.txt",
		"secret",
		"absolute",
		"root/etc/passwd",
		"fifo",
		"dangling",
		"self",
		"shared.txt",
	};
	struct file_room room;
	struct tree_path vm, canary;

	file_room_start(&room, ORIGINAL);
	tree_mkdir(room.dir.text, "vm0");
	vm = tree_path(room.dir.text, "vm0");
	canary = tree_path(room.dir.text, "neighbour.txt");
	tree_symlink(vm.text, "out", room.dir.text);
	tree_symlink(vm.text, "up", "..");
	tree_symlink(vm.text, "secret", "../neighbour.txt");
	tree_symlink(vm.text, "absolute", canary.text);
	tree_symlink(vm.text, "root", "/");
	tree_symlink(vm.text, "self", "/proc/self/cwd");
	tree_symlink(vm.text, "dangling", "../made.txt");
	/* In the place of a copy: neither read nor written through. */
	tree_symlink(vm.text, "shared.txt", "../neighbour.txt");
	TREE_CHECK(mkfifo(tree_path(vm.text, "fifo").text, 0600) == 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		CU_ASSERT_TRUE(file_room_err(room.views[0], paths[i], false) <
			       0);
		CU_ASSERT_TRUE(file_room_append(room.views[0], paths[i], "x") <
			       0);
	}
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "neighbour.txt"),
			       "not for guests");
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "shared.txt"), ORIGINAL);
	CU_ASSERT_EQUAL(access(tree_path(room.dir.text, "made.txt").text, F_OK),
			-1);
	file_room_end(&room);
}

static void a_private_directory_that_is_none_is_told(void)
{
	struct file_room room;

	file_room_start(&room, ORIGINAL);
	tree_file(room.dir.text, "vm0", "a file");
	CU_ASSERT_EQUAL(file_room_err(room.views[0], "own", true), -ENOTDIR);
	CU_ASSERT_PTR_NOT_NULL(strstr(room.said, "vm0"));
	CU_ASSERT_EQUAL(file_room_err(room.views[0], "own", false), -ENOTDIR);
	file_room_end(&room);
}

/* --- --fresh -------------------------------------------------------------- */

static void discard_takes_the_directory_and_nothing_else(void)
{
	struct tree_path vm, link;
	struct file_room room;

	file_room_start(&room, ORIGINAL);
	vm = tree_path(room.dir.text, "vm0");
	link = tree_path(room.dir.text, "link");
	CU_ASSERT_EQUAL(file_view_discard(vm.text), 0);
	CU_ASSERT_EQUAL(file_room_append(room.views[0], "own", "x"), 0);
	tree_mkdir(vm.text, "sub");
	tree_symlink(vm.text, "sub/out", "../..");
	CU_ASSERT_EQUAL(file_view_discard(vm.text), 0);
	CU_ASSERT_EQUAL(access(vm.text, F_OK), -1);
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "neighbour.txt"),
			       "not for guests");
	tree_symlink(room.dir.text, "link", ".");
	CU_ASSERT_EQUAL(file_view_discard(link.text), -ENOTDIR);
	CU_ASSERT_STRING_EQUAL(file_room_host(&room, "shared.txt"), ORIGINAL);
	file_room_end(&room);
}

static void discard_stops_at_what_is_mounted_there(void)
{
	const char *missing = tree_own_mounts();
	struct file_room room;
	struct tree_path vm, at;

	if (missing) {
		unit_skip(missing);
		return;
	}
	file_room_start(&room, ORIGINAL);
	vm = tree_path(room.dir.text, "vm0");
	at = tree_path(vm.text, "at");
	tree_mkdir(room.dir.text, "vm0");
	tree_mkdir(vm.text, "at");
	TREE_CHECK(mount("none", at.text, "tmpfs", 0, NULL) == 0);
	tree_file(at.text, "file", "somebody's");
	CU_ASSERT_EQUAL(file_view_discard(vm.text), -EXDEV);
	CU_ASSERT_EQUAL(access(tree_path(at.text, "file").text, F_OK), 0);
	TREE_CHECK(umount(at.text) == 0);
	CU_ASSERT_EQUAL(file_view_discard(vm.text), 0);
	CU_ASSERT_EQUAL(access(vm.text, F_OK), -1);
	file_room_end(&room);
}

/* On overlayfs over two file systems, a file has another device number than
 * its directory has. */
static void discard_works_on_overlayfs(void)
{
	const char *missing = tree_own_mounts();
	struct tree_path top = tree_make(), vm = tree_path(top.text, "vm");
	char options[4 * sizeof(top)];

	if (missing) {
		tree_remove(top.text);
		unit_skip(missing);
		return;
	}
	TREE_CHECK(mount("none", top.text, "tmpfs", 0, NULL) == 0);
	tree_mkdir(top.text, "lower");
	TREE_CHECK(mount("none", tree_path(top.text, "lower").text, "tmpfs", 0,
			 NULL) == 0);
	tree_mkdir(top.text, "upper");
	tree_mkdir(top.text, "work");
	tree_mkdir(top.text, "vm");
	snprintf(options, sizeof(options),
		 "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		 top.text, top.text, top.text);
	if (mount("none", vm.text, "overlay", 0, options) == 0) {
		tree_mkdir(vm.text, "vm0");
		tree_file(vm.text, "vm0/file", "x");
		CU_ASSERT_EQUAL(
			file_view_discard(tree_path(vm.text, "vm0").text), 0);
		CU_ASSERT_EQUAL(access(tree_path(vm.text, "vm0").text, F_OK),
				-1);
		TREE_CHECK(umount(vm.text) == 0);
	} else {
		unit_skip("this kernel has no overlayfs");
	}
	TREE_CHECK(umount2(top.text, MNT_DETACH) == 0);
	tree_remove(top.text);
}

static const struct unit_test tests[] = {
	{ "only_shared_files_are_seen", only_shared_files_are_seen },
	{ "own_files_are_appended_and_kept", own_files_are_appended_and_kept },
	{ "files_are_open_for_one_thing", files_are_open_for_one_thing },
	{ "directories_are_the_users_to_make",
	  directories_are_the_users_to_make },
	{ "a_copy_is_made_once_and_read_from_then_on",
	  a_copy_is_made_once_and_read_from_then_on },
	{ "a_file_open_before_the_copy_stays_the_original",
	  a_file_open_before_the_copy_stays_the_original },
	{ "a_path_below_guest_gets_its_directories_with_the_copy",
	  a_path_below_guest_gets_its_directories_with_the_copy },
	{ "a_killed_monitors_half_copy_is_not_taken_for_one",
	  a_killed_monitors_half_copy_is_not_taken_for_one },
	{ "a_large_file_with_holes_is_copied_as_it_is",
	  a_large_file_with_holes_is_copied_as_it_is },
	{ "a_failed_copy_changes_nothing", a_failed_copy_changes_nothing },
	{ "a_copy_that_is_given_up_changes_nothing",
	  a_copy_that_is_given_up_changes_nothing },
	{ "what_lies_in_the_directory_leads_nowhere",
	  what_lies_in_the_directory_leads_nowhere },
	{ "a_private_directory_that_is_none_is_told",
	  a_private_directory_that_is_none_is_told },
	{ "discard_takes_the_directory_and_nothing_else",
	  discard_takes_the_directory_and_nothing_else },
	{ "discard_stops_at_what_is_mounted_there",
	  discard_stops_at_what_is_mounted_there },
	{ "discard_works_on_overlayfs", discard_works_on_overlayfs },
};

UNIT_MAIN("file_view", tests)
