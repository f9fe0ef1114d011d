/* SPDX-License-Identifier: MIT */
/* test_file_port.c - is each row of the protocol's two tables so
 * (docs/classic-guests.md), and does any stream of bytes leave the port whole?
 */
#include "tests/unit/file_room.h"
#include "vmm/files/file_port.h"

#define ORIGINAL "the original\n"
#define ERROR	 FILE_PORT_ERROR

struct desk {
	struct file_room room;
	struct file_port *port;
};

static void start(struct desk *desk)
{
	file_room_start(&desk->room, ORIGINAL);
	CU_ASSERT_EQUAL_FATAL(
		file_port_create(&desk->port, desk->room.views[0]), 0);
}

static void finish(struct desk *desk)
{
	file_port_destroy(desk->port);
	file_room_end(&desk->room);
}

static void put(struct desk *desk, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		file_port_out(desk->port, ((const uint8_t *)bytes)[i]);
}

static uint8_t get(struct desk *desk)
{
	return file_port_in(desk->port);
}

static uint8_t put_open(struct desk *desk, uint8_t flags, const char *path)
{
	uint8_t head[] = { FILE_PORT_OPEN, flags, (uint8_t)strlen(path) };

	put(desk, head, sizeof(head));
	put(desk, path, strlen(path));
	return get(desk);
}

static uint8_t put_close(struct desk *desk, uint8_t handle)
{
	put(desk, (uint8_t[]){ FILE_PORT_CLOSE, handle }, 2);
	return get(desk);
}

static uint8_t put_write(struct desk *desk, uint8_t handle, const char *text)
{
	uint8_t head[] = { FILE_PORT_WRITE, handle, (uint8_t)strlen(text) };

	put(desk, head, sizeof(head));
	put(desk, text, strlen(text));
	return get(desk);
}

/* The answer; the bytes follow. */
static uint8_t put_read(struct desk *desk, uint8_t handle, uint8_t count)
{
	put(desk, (uint8_t[]){ FILE_PORT_READ, handle, count }, 3);
	return get(desk);
}

static void expect_bytes(struct desk *desk, const char *text)
{
	for (; *text; text++)
		CU_ASSERT_EQUAL(get(desk), (uint8_t)*text);
}

/* --- idle ----------------------------------------------------------------- */

static void nothing_asked_answers_zero(void)
{
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_EQUAL(get(&desk), 0);
	finish(&desk);
}

static void every_other_byte_is_an_error_and_read_once(void)
{
	struct desk desk;

	start(&desk);
	for (int byte = 0; byte < 256; byte++) {
		if (byte >= FILE_PORT_OPEN && byte <= FILE_PORT_WRITE)
			continue;
		file_port_out(desk.port, (uint8_t)byte);
		CU_ASSERT_EQUAL(get(&desk), ERROR);
		CU_ASSERT_EQUAL(get(&desk), 0);
	}
	finish(&desk);
}

/* --- open ----------------------------------------------------------------- */

static void open_gives_the_smallest_free_handle(void)
{
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 1, "own"), 1);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "own"), 2);
	CU_ASSERT_EQUAL(put_close(&desk, 1), 0);
	CU_ASSERT_EQUAL(put_close(&desk, 0), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "own"), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "own"), 1);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "own"), 3);
	finish(&desk);
}

static void handle_33_is_refused_and_costs_nothing(void)
{
	struct desk desk;

	start(&desk);
	for (uint8_t i = 0; i < FILE_PORT_HANDLES; i++)
		CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), i);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), ERROR);
	CU_ASSERT_EQUAL(put_open(&desk, 1, "own"), ERROR);
	CU_ASSERT_EQUAL(put_close(&desk, 31), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 1, "own"), 31);
	finish(&desk);
}

static void flags_but_0_and_1_are_refused_with_their_path(void)
{
	struct desk desk;

	start(&desk);
	for (int flags = 2; flags < 256; flags++) {
		/* The path's bytes would be requests. */
		CU_ASSERT_EQUAL(put_open(&desk, (uint8_t)flags, "\1\1\1\2\4"),
				ERROR);
		CU_ASSERT_EQUAL(get(&desk), 0);
	}
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	finish(&desk);
}

static void length_0_ends_the_request(void)
{
	struct desk desk;

	start(&desk);
	put(&desk, (uint8_t[]){ FILE_PORT_OPEN, 0, 0 }, 3);
	CU_ASSERT_EQUAL(get(&desk), ERROR);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	finish(&desk);
}

static void length_255_swallows_its_bytes(void)
{
	struct desk desk;
	uint8_t bytes[255];

	start(&desk);
	memset(bytes, FILE_PORT_CLOSE, sizeof(bytes));
	put(&desk, (uint8_t[]){ FILE_PORT_OPEN, 1, 255 }, 3);
	/* At once, for who does not send them; and it stays read. */
	CU_ASSERT_EQUAL(get(&desk), ERROR);
	put(&desk, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	put(&desk, (uint8_t[]){ FILE_PORT_OPEN, 1, 255 }, 3);
	put(&desk, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(get(&desk), ERROR);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 1);
	finish(&desk);
}

static void length_254_is_a_path(void)
{
	struct desk desk;
	char path[FILE_PATH_MAX + 1];

	start(&desk);
	memset(path, 'x', FILE_PATH_MAX);
	path[FILE_PATH_MAX] = '\0';
	CU_ASSERT_EQUAL(put_open(&desk, 0, path), ERROR);
	CU_ASSERT_EQUAL(put_open(&desk, 1, path), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 0, path), 1);
	finish(&desk);
}

static void paths_out_are_refused(void)
{
	static const char *const paths[] = {
		"..",  "../shared.txt",	     "../neighbour.txt",
		"/",   "/etc/passwd",	     "a/../../neighbour.txt",
		".",   "neighbour.txt/",     "//",
		"vm0", "./../neighbour.txt", "../vm1/own",
	};
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(
		file_room_append(desk.room.views[1], "own", "another VM's"), 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		CU_ASSERT_EQUAL(put_open(&desk, 0, paths[i]), ERROR);
		if (strcmp(paths[i], "vm0") != 0)
			CU_ASSERT_EQUAL(put_open(&desk, 1, paths[i]), ERROR);
	}
	put(&desk, "\1\0\5a\0b.c", 8);
	CU_ASSERT_EQUAL(get(&desk), ERROR);
	put(&desk, "\1\1\13shared.txt\0", 14);
	CU_ASSERT_EQUAL(get(&desk), ERROR);
	CU_ASSERT_STRING_EQUAL(file_room_host(&desk.room, "neighbour.txt"),
			       "not for guests");
	CU_ASSERT_STRING_EQUAL(file_room_host(&desk.room, "vm1/own"),
			       "another VM's");
	finish(&desk);
}

/* --- close ---------------------------------------------------------------- */

static void close_of_no_file_is_an_error(void)
{
	struct desk desk;

	start(&desk);
	for (int handle = 0; handle < 256; handle++)
		CU_ASSERT_EQUAL(put_close(&desk, (uint8_t)handle), ERROR);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	CU_ASSERT_EQUAL(put_close(&desk, 0), 0);
	CU_ASSERT_EQUAL(put_close(&desk, 0), ERROR);
	finish(&desk);
}

/* --- read ----------------------------------------------------------------- */

static void read_gives_count_bytes_and_zero_at_the_end(void)
{
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	CU_ASSERT_EQUAL(put_read(&desk, 0, 4), 4);
	expect_bytes(&desk, "the ");
	/* Idle again: the result, which is 0. */
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_EQUAL(put_read(&desk, 0, 200), 9);
	expect_bytes(&desk, "original\n");
	CU_ASSERT_EQUAL(put_read(&desk, 0, 200), 0);
	CU_ASSERT_EQUAL(get(&desk), 0);
	finish(&desk);
}

static void read_errors_are_ff_and_leave_idle(void)
{
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 1, "own"), 1);
	CU_ASSERT_EQUAL(put_read(&desk, 0, 0), ERROR);
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_EQUAL(put_read(&desk, 1, 1), ERROR);
	for (int handle = 2; handle < 256; handle++)
		CU_ASSERT_EQUAL(put_read(&desk, (uint8_t)handle, 1), ERROR);
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_EQUAL(put_read(&desk, 0, 3), 3);
	expect_bytes(&desk, "the");
	finish(&desk);
}

static void read_of_255_gives_254(void)
{
	struct desk desk;
	char text[301];

	start(&desk);
	for (int i = 0; i < 300; i++)
		text[i] = (char)('a' + i % 26);
	text[300] = '\0';
	CU_ASSERT_EQUAL(file_room_append(desk.room.views[0], "long", text), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "long"), 0);
	CU_ASSERT_EQUAL(put_read(&desk, 0, 255), 254);
	for (int i = 0; i < 254; i++)
		CU_ASSERT_EQUAL(get(&desk), (uint8_t)text[i]);
	CU_ASSERT_EQUAL(put_read(&desk, 0, 255), 46);
	expect_bytes(&desk, text + 254);
	finish(&desk);
}

static void a_request_drops_what_was_not_fetched(void)
{
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	/* Instead of the count... */
	put(&desk, (uint8_t[]){ FILE_PORT_READ, 0, 2 }, 3);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 1);
	/* ...and of the bytes. */
	CU_ASSERT_EQUAL(put_read(&desk, 0, 2), 2);
	CU_ASSERT_EQUAL(get(&desk), 'e');
	CU_ASSERT_EQUAL(put_close(&desk, 1), 0);
	CU_ASSERT_EQUAL(get(&desk), 0);
	finish(&desk);
}

/* --- write ---------------------------------------------------------------- */

static void write_answers_the_count(void)
{
	struct desk desk;
	char text[256];

	start(&desk);
	CU_ASSERT_EQUAL(put_open(&desk, 1, "own"), 0);
	CU_ASSERT_EQUAL(put_write(&desk, 0, "abc"), 3);
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_STRING_EQUAL(file_room_host(&desk.room, "vm0/own"), "abc");
	memset(text, 'x', 255);
	text[255] = '\0';
	CU_ASSERT_EQUAL(put_write(&desk, 0, text), 255);
	CU_ASSERT_EQUAL(strlen(file_room_host(&desk.room, "vm0/own")), 258);
	finish(&desk);
}

static void write_writes_each_byte_as_it_comes(void)
{
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(put_open(&desk, 1, "own"), 0);
	put(&desk, (uint8_t[]){ FILE_PORT_WRITE, 0, 3, 'a', 'b' }, 5);
	CU_ASSERT_STRING_EQUAL(file_room_host(&desk.room, "vm0/own"), "ab");
	CU_ASSERT_EQUAL(get(&desk), 0);
	file_port_out(desk.port, 'c');
	CU_ASSERT_EQUAL(get(&desk), 3);
	finish(&desk);
}

static void write_of_0_bytes_answers_0(void)
{
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(put_open(&desk, 1, "own"), 0);
	CU_ASSERT_EQUAL(put_write(&desk, 0, ""), 0);
	CU_ASSERT_EQUAL(put_write(&desk, 77, ""), 0);
	CU_ASSERT_EQUAL(put_close(&desk, 0), 0);
	finish(&desk);
}

static void write_to_no_file_swallows_the_data(void)
{
	struct desk desk;

	start(&desk);
	/* Data that would open and write. */
	CU_ASSERT_EQUAL(put_write(&desk, 0, "\1\1\3own\4"), ERROR);
	CU_ASSERT_EQUAL(put_write(&desk, 32, "\1\1\3own\4"), ERROR);
	CU_ASSERT_EQUAL(put_write(&desk, 255, "\1\1\3own\4"), ERROR);
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "own"), ERROR);
	finish(&desk);
}

static void a_failed_write_swallows_the_rest(void)
{
	struct desk desk;

	start(&desk);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "shared.txt"), 0);
	CU_ASSERT_EQUAL(put_write(&desk, 0, "\4\1\1\3own"), ERROR);
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_EQUAL(put_write(&desk, 0, "x"), ERROR);
	CU_ASSERT_EQUAL(put_open(&desk, 0, "own"), ERROR);
	CU_ASSERT_STRING_EQUAL(file_room_host(&desk.room, "shared.txt"),
			       ORIGINAL);
	finish(&desk);
}

/* --- the result in the middle of a request -------------------------------- */

static void in_does_not_disturb_a_request(void)
{
	static const uint8_t bytes[] = { FILE_PORT_OPEN, 1, 3, 'o', 'w', 'n' };
	struct desk desk;

	start(&desk);
	file_port_out(desk.port, 0);
	file_port_out(desk.port, bytes[0]);
	CU_ASSERT_EQUAL(get(&desk), ERROR);
	for (size_t i = 1; i < sizeof(bytes); i++) {
		CU_ASSERT_EQUAL(get(&desk), 0);
		file_port_out(desk.port, bytes[i]);
	}
	CU_ASSERT_EQUAL(get(&desk), 0);
	CU_ASSERT_EQUAL(put_close(&desk, 0), 0);
	finish(&desk);
}

/* --- anything ------------------------------------------------------------- */

/* From any state: a request, announced bytes at most. */
static void to_idle(struct desk *desk)
{
	for (int i = 0; i < 3 * 256; i++)
		file_port_out(desk->port, 0);
	while (get(desk))
		;
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	TREE_CHECK(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void random_streams_leave_the_port_whole(void)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	struct desk desk;
	int fds;

	start(&desk);
	fds = open_files();
	for (int i = 0; i < 100000; i++) {
		uint8_t byte;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		byte = (uint8_t)(seed >> 56);
		/* Often small: requests, handles and lengths of few bytes. */
		if (seed >> 40 & 3)
			byte &= 3 + (uint8_t)(seed >> 42 & 1);
		if ((seed >> 33 & 3) == 0)
			(void)get(&desk);
		file_port_out(desk.port, byte);
	}
	/* A file: two for its node, one to read or write; the directory. */
	CU_ASSERT_TRUE(open_files() <= fds + 3 * (int)FILE_PORT_HANDLES + 2);
	to_idle(&desk);
	for (int handle = 0; handle < (int)FILE_PORT_HANDLES; handle++)
		(void)put_close(&desk, (uint8_t)handle);
	CU_ASSERT_EQUAL(put_open(&desk, 1, "own"), 0);
	CU_ASSERT_EQUAL(put_write(&desk, 0, "fine"), 4);
	CU_ASSERT_STRING_EQUAL(file_room_host(&desk.room, "neighbour.txt"),
			       "not for guests");
	CU_ASSERT_STRING_EQUAL(file_room_host(&desk.room, "shared.txt"),
			       ORIGINAL);
	finish(&desk);
}

static const struct unit_test tests[] = {
	{ "nothing_asked_answers_zero", nothing_asked_answers_zero },
	{ "every_other_byte_is_an_error_and_read_once",
	  every_other_byte_is_an_error_and_read_once },
	{ "open_gives_the_smallest_free_handle",
	  open_gives_the_smallest_free_handle },
	{ "handle_33_is_refused_and_costs_nothing",
	  handle_33_is_refused_and_costs_nothing },
	{ "flags_but_0_and_1_are_refused_with_their_path",
	  flags_but_0_and_1_are_refused_with_their_path },
	{ "length_0_ends_the_request", length_0_ends_the_request },
	{ "length_255_swallows_its_bytes", length_255_swallows_its_bytes },
	{ "length_254_is_a_path", length_254_is_a_path },
	{ "paths_out_are_refused", paths_out_are_refused },
	{ "close_of_no_file_is_an_error", close_of_no_file_is_an_error },
	{ "read_gives_count_bytes_and_zero_at_the_end",
	  read_gives_count_bytes_and_zero_at_the_end },
	{ "read_errors_are_ff_and_leave_idle",
	  read_errors_are_ff_and_leave_idle },
	{ "read_of_255_gives_254", read_of_255_gives_254 },
	{ "a_request_drops_what_was_not_fetched",
	  a_request_drops_what_was_not_fetched },
	{ "write_answers_the_count", write_answers_the_count },
	{ "write_writes_each_byte_as_it_comes",
	  write_writes_each_byte_as_it_comes },
	{ "write_of_0_bytes_answers_0", write_of_0_bytes_answers_0 },
	{ "write_to_no_file_swallows_the_data",
	  write_to_no_file_swallows_the_data },
	{ "a_failed_write_swallows_the_rest",
	  a_failed_write_swallows_the_rest },
	{ "in_does_not_disturb_a_request", in_does_not_disturb_a_request },
	{ "random_streams_leave_the_port_whole",
	  random_streams_leave_the_port_whole },
};

UNIT_MAIN("file_port", tests)
