/* SPDX-License-Identifier: MIT */
/* test_socket.c - who may have a socket path, and who is left alone? */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/unit/link_room.h"

static int listen_at(struct socket_listener *listener, const char *path)
{
	int err = socket_listen(listener, path);

	if (err)
		CU_ASSERT_EQUAL(listener->fd, -1);
	return err;
}

static void stale_file_is_replaced(void)
{
	struct socket_listener listener;
	struct room room;

	room_dir(&room);
	CU_ASSERT_EQUAL_FATAL(listen_at(&listener, room.path), 0);
	close(listener.fd); /* what a killed server leaves behind */
	CU_ASSERT_EQUAL_FATAL(listen_at(&listener, room.path), 0);
	close(raw_connect(&room));
	socket_unlisten(&listener);
	CU_ASSERT_EQUAL(access(room.path, F_OK), -1);
	socket_unlisten(&listener);
	room_close(&room);
}

static void living_server_is_eaddrinuse_and_does_not_notice(void)
{
	struct server_opts opts = { .vectors_nr = 1 };
	struct socket_listener listener;
	struct room room;

	room_open(&room, opts);
	CU_ASSERT_EQUAL(listen_at(&listener, room.path), -EADDRINUSE);
	room_pump(&room);
	CU_ASSERT_EQUAL(server_peers_nr(room.server), 0);
	CU_ASSERT_EQUAL(access(room.path, F_OK), 0);
	room_close(&room);
}

static void bound_but_not_listening_is_eaddrinuse(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct socket_listener listener;
	struct room room;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	room_dir(&room);
	memcpy(addr.sun_path, room.path, sizeof(room.path));
	CU_ASSERT_EQUAL_FATAL(bind(fd, (void *)&addr, sizeof(addr)), 0);
	CU_ASSERT_EQUAL(listen_at(&listener, room.path), -EADDRINUSE);
	close(fd);
	room_close(&room);
}

static void file_directory_and_link_are_eexist_and_stay(void)
{
	struct socket_listener listener;
	struct room room;
	int fd;

	room_dir(&room);
	CU_ASSERT_EQUAL(listen_at(&listener, room.dir), -EEXIST);
	fd = open(room.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
	CU_ASSERT_EQUAL(listen_at(&listener, room.path), -EEXIST);
	CU_ASSERT_EQUAL(unlink(room.path), 0);
	CU_ASSERT_EQUAL(symlink("nowhere", room.path), 0);
	CU_ASSERT_EQUAL(listen_at(&listener, room.path), -EEXIST);
	room_close(&room);
}

static void bad_paths_are_errors(void)
{
	struct socket_listener listener;
	char path[200] = "/tmp/";
	struct room room;
	int fd = -1;

	room_dir(&room);
	CU_ASSERT_EQUAL(listen_at(&listener, ""), -EINVAL);
	CU_ASSERT_EQUAL(socket_connect(&fd, "", 0), -EINVAL);
	/* 108 with its NUL is the first that does not fit. */
	memset(path + 5, 'x', 103);
	CU_ASSERT_EQUAL(listen_at(&listener, path), -EINVAL);
	CU_ASSERT_EQUAL(socket_connect(&fd, path, 0), -EINVAL);
	path[107] = '\0';
	CU_ASSERT_EQUAL(listen_at(&listener, path), 0);
	socket_unlisten(&listener);
	CU_ASSERT_EQUAL(listen_at(&listener, "/nowhere/at/all"), -ENOENT);
	CU_ASSERT_EQUAL(socket_connect(&fd, room.path, 0), -ENOENT);
	room_close(&room);
}

static void bad_server_options_are_einval(void)
{
	static const struct server_opts bad[] = {
		{ .socket_path = "x", .vectors_nr = 0 },
		{ .socket_path = "x", .vectors_nr = IVSHMEM_VECTORS_MAX + 1 },
		{ .socket_path = "x",
		  .vectors_nr = 1,
		  .reserved_nr = IVSHMEM_PEERS_MAX + 1 },
		{ .socket_path = "", .vectors_nr = 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct server *server = NULL;

		CU_ASSERT_EQUAL(server_create(&server, &bad[i]), -EINVAL);
	}
	server_destroy(NULL);
}

static void file_is_the_owners_whatever_the_umask(void)
{
	struct socket_listener listener;
	struct stat st = { 0 };
	struct room room;
	mode_t old = umask(0);

	room_dir(&room);
	CU_ASSERT_EQUAL_FATAL(listen_at(&listener, room.path), 0);
	umask(old);
	CU_ASSERT_EQUAL(stat(room.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL(fcntl(listener.fd, F_GETFD), FD_CLOEXEC);
	socket_unlisten(&listener);
	room_close(&room);
}

static void unlisten_leaves_the_file_of_a_successor(void)
{
	struct socket_listener old;
	struct socket_listener successor;
	struct room room;

	room_dir(&room);
	CU_ASSERT_EQUAL_FATAL(listen_at(&old, room.path), 0);
	CU_ASSERT_EQUAL(unlink(room.path), 0);
	CU_ASSERT_EQUAL_FATAL(listen_at(&successor, room.path), 0);
	socket_unlisten(&old);
	close(raw_connect(&room));
	socket_unlisten(&successor);
	CU_ASSERT_EQUAL(access(room.path, F_OK), -1);
	room_close(&room);
}

static void connect_to_a_dead_server_is_econnrefused(void)
{
	struct socket_listener listener;
	struct room room;
	int fd = -1;

	room_dir(&room);
	CU_ASSERT_EQUAL_FATAL(listen_at(&listener, room.path), 0);
	close(listener.fd);
	CU_ASSERT_EQUAL(socket_connect(&fd, room.path, room_deadline_ns()),
			-ECONNREFUSED);
	room_close(&room);
}

static void connect_to_a_full_backlog_is_etimedout(void)
{
	struct socket_listener listener;
	struct room room;
	int fds[256];
	int err = 0;
	int nr = 0;

	room_dir(&room);
	CU_ASSERT_EQUAL_FATAL(listen_at(&listener, room.path), 0);
	while (nr < 256 && (err = socket_connect(&fds[nr], room.path, 0)) == 0)
		nr++;
	CU_ASSERT_EQUAL(err, -ETIMEDOUT);
	while (nr)
		close(fds[--nr]);
	socket_unlisten(&listener);
	room_close(&room);
}

static const struct unit_test tests[] = {
	{ "stale_file_is_replaced", stale_file_is_replaced },
	{ "living_server_is_eaddrinuse_and_does_not_notice",
	  living_server_is_eaddrinuse_and_does_not_notice },
	{ "bound_but_not_listening_is_eaddrinuse",
	  bound_but_not_listening_is_eaddrinuse },
	{ "file_directory_and_link_are_eexist_and_stay",
	  file_directory_and_link_are_eexist_and_stay },
	{ "bad_paths_are_errors", bad_paths_are_errors },
	{ "bad_server_options_are_einval", bad_server_options_are_einval },
	{ "file_is_the_owners_whatever_the_umask",
	  file_is_the_owners_whatever_the_umask },
	{ "unlisten_leaves_the_file_of_a_successor",
	  unlisten_leaves_the_file_of_a_successor },
	{ "connect_to_a_dead_server_is_econnrefused",
	  connect_to_a_dead_server_is_econnrefused },
	{ "connect_to_a_full_backlog_is_etimedout",
	  connect_to_a_full_backlog_is_etimedout },
};

UNIT_MAIN("socket", tests)
