/* SPDX-License-Identifier: MIT */
/*
 * test_share_escape.c - is there a way out of a share?
 *
 * Beside the shared directory lies a canary. Each way tries to read it or to
 * change it; whatever it gets must be an errno or something of the share's
 * own, and the canary must be as it was.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/share_room.h"

#define CANARY	"nobody shall read this"
#define WAYS_NR 50

static uint32_t ways_nr;

/* lower/dir/sub, lower/file; links and special files put there by the host;
 * outside/secret, and the same name inside in all places that lead there. */
static void start(struct room *room, enum share_mode mode)
{
	static const char *const targets[] = {
		"..",
		"../outside",
		"../../outside",
		"../../../../../../../../../../etc",
		"/",
		"/etc",
		"/proc/self/root",
		"/proc/self/cwd",
		"/proc/self/fd",
		"/dev/fd",
	};
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[16], text[600];
	int fd;

	room_start(room);
	tree_mkdir(room->dir.text, "outside");
	tree_file(room->dir.text, "outside/secret", CANARY);
	tree_mkdir(room->lower.text, "dir");
	tree_mkdir(room->lower.text, "dir/sub");
	tree_file(room->lower.text, "file", "inside");
	tree_file(room->lower.text, "dir/file", "inside");
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		(void)snprintf(name, sizeof(name), "link%zu", i);
		tree_symlink(room->lower.text, name, targets[i]);
		tree_symlink(tree_path(room->lower.text, "dir").text, name,
			     targets[i]);
	}
	(void)snprintf(text, sizeof(text), "%s/outside", room->dir.text);
	tree_symlink(room->lower.text, "absdir", text);
	(void)snprintf(text, sizeof(text), "%s/outside/secret", room->dir.text);
	tree_symlink(room->lower.text, "secret", text);
	tree_symlink(room->lower.text, "dir/secret", "../../outside/secret");
	tree_symlink(room->lower.text, "chain1", "chain2");
	tree_symlink(room->lower.text, "chain2", "secret");
	tree_symlink(room->lower.text, "loop", "loop");
	TREE_CHECK(mkfifo(tree_path(room->lower.text, "fifo").text, 0600) == 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlen(room->lower.text) < sizeof(address.sun_path) - 8) {
		(void)snprintf(address.sun_path, sizeof(address.sun_path),
			       "%.90s/socket", room->lower.text);
		TREE_CHECK(bind(fd, (struct sockaddr *)&address,
				sizeof(address)) == 0);
	}
	close(fd);
	room_open(room, mode);
}

static void check_canary(const struct room *room)
{
	struct tree_path dir = tree_path(room->dir.text, "outside");
	char text[64] = "";
	struct stat st;
	DIR *list = opendir(dir.text);
	int nr = 0, fd;

	TREE_CHECK(list);
	while (readdir(list))
		nr++;
	closedir(list);
	CU_ASSERT_EQUAL(nr, 3);
	fd = open(tree_path(dir.text, "secret").text, O_RDONLY | O_CLOEXEC);
	CU_ASSERT_TRUE(fd >= 0);
	CU_ASSERT_EQUAL(read(fd, text, sizeof(text)), sizeof(CANARY) - 1);
	CU_ASSERT_STRING_EQUAL(text, CANARY);
	CU_ASSERT_EQUAL(fstat(fd, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0644);
	CU_ASSERT_EQUAL(st.st_nlink, 1);
	close(fd);
}

static void end(struct room *room)
{
	check_canary(room);
	room_end(room);
}

/* One way, that must fail. */
static void no_way(struct room *room, const char *what, int err)
{
	ways_nr++;
	if (err >= 0)
		printf("# a way out: %s\n", what);
	CU_ASSERT_TRUE(err < 0);
	check_canary(room);
}

/* Each of the things one does with a path. */
static void no_path(struct room *room, const char *path)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE };

	no_way(room, path, room_open_err(room, path, O_RDONLY));
	no_way(room, path, room_open_err(room, path, O_RDWR | O_TRUNC));
	no_way(room, path, room_create_file(room, path, "gone"));
	no_way(room, path, room_setattr(room, path, set));
}

static void through_links_and_special_files(enum share_mode mode)
{
	static const char *const paths[] = {
		"secret",
		"dir/secret",
		"chain1",
		"chain2",
		"loop",
		"absdir/secret",
		"link0/outside/secret",
		"link1/secret",
		"dir/link2/secret",
		"link3/passwd",
		"link4/etc/passwd",
		"link5/passwd",
		"link6/etc/passwd",
		"link7/secret",
		"link8/0",
		"link9/0",
		"dir/link5/passwd",
		"dir/sub/../../link1/secret",
		"fifo",
		"socket",
	};
	struct room room;

	start(&room, mode);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		no_path(&room, paths[i]);
	end(&room);
}

static void links_of_a_cow_share(void)
{
	through_links_and_special_files(SHARE_COW);
}

static void links_of_a_rw_share(void)
{
	through_links_and_special_files(SHARE_RW);
}

static void names_that_are_paths(void)
{
	static const char *const names[] = {
		"../outside/secret",	      "/etc/passwd", "..//outside",
		"dir/../../outside/secret",   "./secret/",   "//",
		"/proc/self/root/etc/passwd",
	};
	struct share_node *node;
	struct share_file *file;
	struct room room;

	start(&room, SHARE_RW);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *name = names[i];
		size_t len = strlen(name);

		no_way(&room, name, share_walk(room.root, name, len, &node));
		no_way(&room, name,
		       share_create_file(room.root, name, len, O_RDWR, 0600,
					 room_owner, &node, &file));
		no_way(&room, name,
		       share_mkdir(room.root, name, len, 0700, room_owner,
				   NULL));
		no_way(&room, name, share_unlink(room.root, name, len, false));
		no_way(&room, name,
		       share_rename(room.root, "file", 4, room.root, name,
				    len));
		no_way(&room, name,
		       share_rename(room.root, name, len, room.root, "stolen",
				    6));
		node = room_find(&room, "file");
		no_way(&room, name, share_link(room.root, name, len, node));
		share_node_put(node);
	}
	end(&room);
}

static void up_from_everywhere_ends_at_the_root(void)
{
	struct share_node *node, *up;
	struct room room;

	start(&room, SHARE_COW);
	node = room_find(&room, "dir/sub");
	for (int i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL_FATAL(share_walk(node, "..", 2, &up), 0);
		share_node_put(node);
		node = up;
	}
	CU_ASSERT_PTR_EQUAL(node, room.root);
	no_way(&room, "outside", share_walk(node, "outside", 7, &up));
	no_way(&room, "upper", share_walk(node, "upper", 5, &up));
	share_node_put(node);
	no_way(&room, "../outside/secret",
	       room_there(&room, "../outside/secret"));
	no_way(&room, "../upper/tree", room_there(&room, "../upper/tree"));
	no_way(&room, "../work", room_there(&room, "../work"));
	no_way(&room, "../../work", room_there(&room, "dir/../../work"));
	end(&room);
}

/* The guest makes the links itself, then uses them. */
static void links_a_guest_makes(void)
{
	struct share_node *node;
	struct room room;
	char target[64];

	start(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_symlink(&room, "mine", "../outside/secret"), 0);
	CU_ASSERT_EQUAL(room_symlink(&room, "up", ".."), 0);
	CU_ASSERT_EQUAL(room_symlink(&room, "proc", "/proc/self/root"), 0);
	no_path(&room, "mine");
	no_path(&room, "up/outside/secret");
	no_path(&room, "proc/etc/passwd");
	CU_ASSERT_EQUAL(room_link(&room, "mine", "mine2"), 0);
	no_path(&room, "mine2");
	/* Copied up, a link is still a link. */
	CU_ASSERT_EQUAL(room_rename(&room, "secret", "dir/sub/secret"), 0);
	no_path(&room, "dir/sub/secret");
	node = room_find(&room, "mine");
	CU_ASSERT_EQUAL(share_readlink(node, target, sizeof(target)), 17);
	no_way(&room, "walk from a link", share_walk(node, "x", 1, &node));
	share_node_put(node);
	end(&room);
}

static void special_files_of_the_host_stay_closed(void)
{
	struct share_setattr set = { .valid = SHARE_SET_MODE, .mode = 0666 };
	struct room room;
	struct stat st;

	start(&room, SHARE_COW);
	no_way(&room, "fifo", room_open_err(&room, "fifo", O_RDONLY));
	no_way(&room, "fifo", room_open_err(&room, "fifo", O_WRONLY));
	CU_ASSERT_EQUAL(room_setattr(&room, "fifo", set), 0);
	TREE_CHECK(lstat(tree_path(room.upper.text, "tree/fifo").text, &st) ==
		   0);
	CU_ASSERT_TRUE(S_ISREG(st.st_mode));
	CU_ASSERT_EQUAL(room_attr(&room, "fifo").mode, S_IFIFO | 0666);
	no_way(&room, "copied fifo", room_open_err(&room, "fifo", O_RDWR));
	CU_ASSERT_EQUAL(room_mknod(&room, "disk", S_IFBLK | 0666), 0);
	TREE_CHECK(lstat(tree_path(room.upper.text, "tree/disk").text, &st) ==
		   0);
	CU_ASSERT_TRUE(S_ISREG(st.st_mode));
	no_path(&room, "disk");
	end(&room);
}

static void whiteouts_cannot_be_made_or_seen(void)
{
	static const char white[] = "(ivlab: deleted)";
	struct room room;

	start(&room, SHARE_COW);
	no_way(&room, "whiteout", room_symlink(&room, "w", white));
	no_way(&room, "whiteout", room_symlink(&room, "dir/w", white));
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	no_way(&room, "whiteout", room_there(&room, "file"));
	no_way(&room, "whiteout", room_rename(&room, "file", "x"));
	no_way(&room, "whiteout", room_link(&room, "file", "x"));
	no_way(&room, "whiteout", room_open_err(&room, "file", O_RDONLY));
	no_way(&room, "whiteout", room_unlink(&room, "file", false));
	room_close(&room);
	/* One that the host put into the lower layer is just a link there,
	 * and does not become a whiteout by a copy-up. */
	tree_symlink(room.lower.text, "white", white);
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_there(&room, "white"), 0);
	no_way(&room, "lower whiteout", room_rename(&room, "white", "x"));
	no_way(&room, "lower whiteout", room_link(&room, "white", "x"));
	CU_ASSERT_EQUAL(room_there(&room, "white"), 0);
	end(&room);
}

static void names_of_ours_mean_nothing(void)
{
	static const char *const names[] = { "ivlab-upper", "work", "tree",
					     "w0", "w1" };
	struct share_node *node;
	struct room room;

	start(&room, SHARE_COW);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		CU_ASSERT_EQUAL(room_there(&room, names[i]), -ENOENT);
		CU_ASSERT_EQUAL(room_create_file(&room, names[i], "x"), 0);
	}
	CU_ASSERT_EQUAL(room_mkdir(&room, "upper"), 0);
	room_again(&room);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CU_ASSERT_STRING_EQUAL(room_text(&room, names[i]), "x");
	node = room_find(&room, "work");
	no_way(&room, "record",
	       share_setxattr(node, "user.ivlab.stat", "0104755 0 0 0:0", 15,
			      0));
	no_way(&room, "opaque",
	       share_setxattr(node, "trusted.overlay.opaque", "y", 1, 0));
	share_node_put(node);
	end(&room);
}

/* The host replaces a directory by a link while a node is held. */
static void parent_replaced_by_a_link(void)
{
	struct share_node *dir, *node;
	struct tree_path path, away;
	struct room room;

	start(&room, SHARE_RW);
	dir = room_find(&room, "dir");
	path = tree_path(room.lower.text, "dir");
	away = tree_path(room.lower.text, "away");
	TREE_CHECK(rename(path.text, away.text) == 0);
	tree_symlink(room.lower.text, "dir", "../outside");
	no_way(&room, "dir/secret", room_open_err(&room, "dir/secret", 0));
	no_way(&room, "mkdir", room_mkdir(&room, "dir/new"));
	/* The node still is the directory it was. */
	CU_ASSERT_EQUAL(share_walk(dir, "file", 4, &node), 0);
	share_node_put(node);
	no_way(&room, "remove", share_remove(dir));
	share_node_put(dir);
	end(&room);
}

static void lower_parent_replaced_before_copy_up(void)
{
	struct share_node *dir, *node;
	struct share_setattr set = { .valid = SHARE_SET_MODE, .mode = 0600 };
	struct tree_path path;
	struct room room;

	start(&room, SHARE_COW);
	dir = room_find(&room, "dir");
	node = room_find(&room, "dir/file");
	path = tree_path(room.lower.text, "dir");
	TREE_CHECK(rename(path.text, tree_path(room.dir.text, "moved").text) ==
		   0);
	tree_symlink(room.lower.text, "dir", "../outside");
	no_way(&room, "copy-up below a link", share_setattr(node, &set));
	CU_ASSERT_EQUAL(share_setattr(node, &set), -ESTALE);
	no_way(&room, "mkdir below a link",
	       share_mkdir(dir, "new", 3, 0700, room_owner, NULL));
	share_node_put(dir);
	share_node_put(node);
	end(&room);
}

struct racer {
	struct room *room;
	pthread_t thread;
	atomic_bool stop;
};

/* dir is now a directory, now a link to outside, now inside outside. */
static void *race(void *arg)
{
	struct racer *racer = arg;
	struct tree_path dir = tree_path(racer->room->lower.text, "dir");
	struct tree_path away = tree_path(racer->room->dir.text, "moved");

	while (!racer->stop) {
		TREE_CHECK(rename(dir.text, away.text) == 0);
		TREE_CHECK(symlink("../outside", dir.text) == 0);
		TREE_CHECK(unlink(dir.text) == 0);
		TREE_CHECK(rename(away.text, dir.text) == 0);
	}
	return NULL;
}

static void parent_renamed_during_walks(enum share_mode mode)
{
	struct racer racer;
	struct room room;

	start(&room, mode);
	racer.room = &room;
	racer.stop = false;
	TREE_CHECK(pthread_create(&racer.thread, NULL, race, &racer) == 0);
	for (int i = 0; i < 3000; i++) {
		CU_ASSERT_STRING_NOT_EQUAL(room_text(&room, "dir/secret"),
					   CANARY);
		CU_ASSERT_TRUE(room_open_err(&room, "dir/secret", O_RDWR) < 0);
		(void)room_unlink(&room, "dir/secret", false);
		(void)room_symlink(&room, "dir/secret", "../../outside/secret");
		(void)room_create_file(&room, "dir/new", "x");
		(void)room_rename(&room, "dir/new", "dir/sub/new");
		(void)room_unlink(&room, "dir/sub/new", false);
	}
	racer.stop = true;
	TREE_CHECK(pthread_join(racer.thread, NULL) == 0);
	ways_nr++;
	check_canary(&room);
	CU_ASSERT_EQUAL(
		access(tree_path(room.dir.text, "outside/new").text, F_OK), -1);
	end(&room);
}

static void parent_renamed_during_walks_of_rw(void)
{
	parent_renamed_during_walks(SHARE_RW);
}

static void parent_renamed_during_walks_of_cow(void)
{
	parent_renamed_during_walks(SHARE_COW);
}

/* Another VM has the same directory read-write, and is hostile. */
static void other_share_on_the_same_directory(void)
{
	struct share_node *held;
	struct room room, other;

	start(&room, SHARE_COW);
	other = room;
	room_open(&other, SHARE_RW);
	held = room_find(&room, "dir/sub");
	CU_ASSERT_EQUAL(room_unlink(&other, "dir/sub", true), 0);
	CU_ASSERT_EQUAL(room_symlink(&other, "dir/sub", "../../outside"), 0);
	no_path(&room, "dir/sub/secret");
	no_way(&room, "in a directory that is gone",
	       share_mkdir(held, "x", 1, 0700, room_owner, NULL));
	CU_ASSERT_EQUAL(room_unlink(&other, "file", false), 0);
	CU_ASSERT_EQUAL(room_symlink(&other, "file", "../outside/secret"), 0);
	no_path(&room, "file");
	CU_ASSERT_EQUAL(room_unlink(&other, "file", false), 0);
	CU_ASSERT_EQUAL(room_mknod(&other, "file", S_IFIFO | 0600), 0);
	no_path(&room, "file");
	share_node_put(held);
	room_close(&other);
	end(&room);
}

static void hard_links_do_not_reach_out(void)
{
	struct share_node *node;
	struct room room, other;

	start(&room, SHARE_COW);
	/* A node of another share, whose files are not ours. */
	other = room;
	other.lower = tree_path(room.dir.text, "outside");
	room_open(&other, SHARE_RO);
	node = room_find(&other, "secret");
	no_way(&room, "link", share_link(room.root, "stolen", 6, node));
	no_way(&room, "rename",
	       share_rename_node(node, room.root, "stolen", 6));
	no_way(&room, "rename",
	       share_rename(other.root, "secret", 6, room.root, "stolen", 6));
	share_node_put(node);
	room_close(&other);
	no_way(&room, "link to a link's target",
	       room_link(&room, "absdir/secret", "stolen"));
	no_way(&room, "link to a directory", room_link(&room, "dir", "d"));
	end(&room);
}

static void ways_were_counted(void)
{
	printf("# %u ways tried\n", ways_nr);
	CU_ASSERT_TRUE(ways_nr >= WAYS_NR);
}

static const struct unit_test tests[] = {
	{ "links_of_a_cow_share", links_of_a_cow_share },
	{ "links_of_a_rw_share", links_of_a_rw_share },
	{ "names_that_are_paths", names_that_are_paths },
	{ "up_from_everywhere_ends_at_the_root",
	  up_from_everywhere_ends_at_the_root },
	{ "links_a_guest_makes", links_a_guest_makes },
	{ "special_files_of_the_host_stay_closed",
	  special_files_of_the_host_stay_closed },
	{ "whiteouts_cannot_be_made_or_seen",
	  whiteouts_cannot_be_made_or_seen },
	{ "names_of_ours_mean_nothing", names_of_ours_mean_nothing },
	{ "parent_replaced_by_a_link", parent_replaced_by_a_link },
	{ "lower_parent_replaced_before_copy_up",
	  lower_parent_replaced_before_copy_up },
	{ "parent_renamed_during_walks_of_rw",
	  parent_renamed_during_walks_of_rw },
	{ "parent_renamed_during_walks_of_cow",
	  parent_renamed_during_walks_of_cow },
	{ "other_share_on_the_same_directory",
	  other_share_on_the_same_directory },
	{ "hard_links_do_not_reach_out", hard_links_do_not_reach_out },
	{ "ways_were_counted", ways_were_counted },
};

UNIT_MAIN("share_escape", tests)
