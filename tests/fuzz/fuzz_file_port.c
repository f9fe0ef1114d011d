/* SPDX-License-Identifier: MIT */
/*
 * fuzz_file_port.c - is there a stream of bytes that mini-hypervisor's file
 * port answers differently from its protocol's tables?
 *
 * An input is a program: IN_BYTE fetches a byte, LITERAL sends the one behind
 * it, any other byte is sent. Beside the port runs a model that has the tables
 * of docs/classic-guests.md in another form, one request after the other as a
 * prefix of bytes, and files in memory. At the end the host's files must be
 * what the model says.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/share_tree.h"
#include "vmm/files/file_port.h"

#define IN_BYTE 0xe0
#define LITERAL 0xe1

#define FILES_NR  128
#define BYTES_MAX 4096
#define SHARED	  "s" /* its name and its bytes, and so its neighbour's */
#define NEIGHBOUR "n"

struct model_file {
	char name[256];
	uint8_t bytes[BYTES_MAX];
	uint32_t len;
};

struct model {
	struct model_file files[FILES_NR]; /* the VM's own; 0: the shared one */
	uint32_t nr;
	struct {
		int file; /* -1: closed */
		bool writes;
		uint32_t off;
	} handles[FILE_PORT_HANDLES];
	uint8_t request[3 + 255];
	uint32_t len; /* of the request so far */
	bool refused; /* the rest of it means nothing */
	uint8_t result;
	uint8_t answer[1 + 254];
	uint32_t answer_len, answer_idx;
};

static int find(const struct model *m, const char *name)
{
	for (uint32_t i = 0; i < m->nr; i++)
		if (!strcmp(m->files[i].name, name))
			return (int)i;
	return -1;
}

static int model_open(struct model *m, const uint8_t *path, uint8_t len,
		      uint8_t flags)
{
	char name[256] = "";
	int handle = 0, file;

	memcpy(name, path, len);
	while (handle < (int)FILE_PORT_HANDLES && m->handles[handle].file >= 0)
		handle++;
	/* There are no directories, so no path with a '/' leads anywhere. */
	if (handle == (int)FILE_PORT_HANDLES || flags > 1 ||
	    strlen(name) != len || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, "..") || !strcmp(name, FILE_PATH_RESERVED))
		return -1;
	file = find(m, name);
	if (flags == 1 && file <= 0) {
		/* The first open for writing: a new file or a copy. */
		bool copy = file == 0;

		FUZZ_CHECK(m->nr < FILES_NR);
		file = (int)m->nr++;
		memcpy(m->files[file].name, name, sizeof(name));
		if (copy) {
			m->files[file].bytes[m->files[file].len++] = SHARED[0];
			/* It is what the name means from now on. */
			m->files[0].name[0] = '/';
		}
	}
	if (file < 0)
		return -1;
	m->handles[handle].file = file;
	m->handles[handle].writes = flags == 1;
	m->handles[handle].off = 0;
	return handle;
}

static bool is_open(const struct model *m, uint8_t handle)
{
	return handle < FILE_PORT_HANDLES && m->handles[handle].file >= 0;
}

static void model_read(struct model *m, uint8_t handle, uint8_t count)
{
	const struct model_file *file;
	uint32_t nr;

	m->answer_idx = 0;
	m->answer_len = 1;
	m->answer[0] = 0xff;
	if (!is_open(m, handle) || m->handles[handle].writes || !count)
		return;
	file = &m->files[m->handles[handle].file];
	nr = file->len - m->handles[handle].off;
	if (nr > count)
		nr = count;
	if (nr > 254)
		nr = 254;
	m->answer[0] = (uint8_t)nr;
	memcpy(m->answer + 1, file->bytes + m->handles[handle].off, nr);
	m->answer_len = 1 + nr;
	m->handles[handle].off += nr;
}

static void model_write_byte(struct model *m, uint8_t byte)
{
	uint8_t handle = m->request[1];
	struct model_file *file;

	if (m->refused)
		return;
	m->refused = !is_open(m, handle) || !m->handles[handle].writes;
	if (m->refused) {
		m->result = 0xff;
		return;
	}
	file = &m->files[m->handles[handle].file];
	FUZZ_CHECK(file->len < BYTES_MAX);
	file->bytes[file->len++] = byte;
}

/* What the request as far as it has come does; true: it is complete. */
static bool model_step(struct model *m)
{
	const uint8_t *r = m->request;

	switch (r[0]) {
	case FILE_PORT_OPEN:
		if (m->len < 3)
			return false;
		if (m->len == 3 && (r[2] == 0 || r[2] == 255))
			m->result = 0xff;
		if (m->len < 3u + r[2])
			return false;
		if (r[2] && r[2] != 255)
			m->result = (uint8_t)model_open(m, r + 3, r[2], r[1]);
		return true;
	case FILE_PORT_CLOSE:
		if (m->len < 2)
			return false;
		m->result = is_open(m, r[1]) ? 0 : 0xff;
		if (is_open(m, r[1]))
			m->handles[r[1]].file = -1;
		return true;
	case FILE_PORT_READ:
		if (m->len < 3)
			return false;
		model_read(m, r[1], r[2]);
		return true;
	case FILE_PORT_WRITE:
		if (m->len < 3)
			return false;
		if (m->len > 3)
			model_write_byte(m, r[m->len - 1]);
		else if (r[2] && !is_open(m, r[1])) {
			m->refused = true;
			m->result = 0xff;
		}
		if (m->len < 3u + r[2])
			return false;
		if (!m->refused)
			m->result = r[2];
		return true;
	default:
		m->result = 0xff;
		return true;
	}
}

static void model_out(struct model *m, uint8_t byte)
{
	m->answer_len = m->answer_idx = 0;
	m->request[m->len++] = byte;
	if (!model_step(m))
		return;
	m->len = 0;
	m->refused = false;
}

static uint8_t model_in(struct model *m)
{
	uint8_t byte = m->result;

	if (m->answer_idx < m->answer_len)
		return m->answer[m->answer_idx++];
	m->result = 0;
	return byte;
}

/* --- the host's side -------------------------------------------------------
 */

static void check_file(const char *dir, const char *name, const uint8_t *bytes,
		       uint32_t len)
{
	static uint8_t text[BYTES_MAX + 1];
	int fd = open(tree_path(dir, name).text, O_RDONLY | O_CLOEXEC);
	ssize_t nr = fd < 0 ? -1 : read(fd, text, sizeof(text));

	FUZZ_CHECK(nr == (ssize_t)len && !memcmp(text, bytes, len));
	close(fd);
}

static void check_host(const struct model *m, const char *dir)
{
	struct tree_path vm = tree_path(dir, "vm");
	DIR *list = opendir(vm.text);
	uint32_t nr = 0;

	for (uint32_t i = 1; i < m->nr; i++)
		check_file(vm.text, m->files[i].name, m->files[i].bytes,
			   m->files[i].len);
	while (list && readdir(list))
		nr++;
	if (list)
		closedir(list);
	/* "." and ".."; nothing that was not asked for. */
	FUZZ_CHECK(nr == (list ? m->nr - 1 + 2 : 0));
	check_file(dir, SHARED, (const uint8_t *)SHARED, 1);
	check_file(dir, NEIGHBOUR, (const uint8_t *)NEIGHBOUR, 1);
}

static void run(struct file_port *port, struct model *m, const uint8_t *data,
		size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = data[i];

		if (byte == IN_BYTE) {
			FUZZ_CHECK(file_port_in(port) == model_in(m));
			continue;
		}
		if (byte == LITERAL && ++i == len)
			break;
		/* More files than the model holds tell nothing new. */
		if (m->nr == FILES_NR)
			break;
		file_port_out(port, data[i]);
		model_out(m, data[i]);
	}
	FUZZ_CHECK(file_port_in(port) == model_in(m));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tree_path dir = tree_make(), vm = tree_path(dir.text, "vm");
	struct model *m = calloc(1, sizeof(*m));
	struct file_shared shared = { .nr = 0 };
	const struct file_view_opts opts = {
		.shared = &shared,
		.private_dir = vm.text,
	};
	struct file_view *view;
	struct file_port *port;

	FUZZ_CHECK(m);
	m->nr = 1;
	m->files[0].name[0] = SHARED[0];
	m->files[0].bytes[0] = SHARED[0];
	m->files[0].len = 1;
	for (uint32_t i = 0; i < FILE_PORT_HANDLES; i++)
		m->handles[i].file = -1;
	tree_file(dir.text, SHARED, SHARED);
	tree_file(dir.text, NEIGHBOUR, NEIGHBOUR);
	FUZZ_CHECK(!file_shared_add(&shared, tree_path(dir.text, SHARED).text));
	FUZZ_CHECK(!file_view_create(&view, &opts));
	FUZZ_CHECK(!file_port_create(&port, view));

	run(port, m, data, size < BYTES_MAX ? size : BYTES_MAX);
	file_port_destroy(port);
	file_view_destroy(view);
	file_shared_destroy(&shared);
	check_host(m, dir.text);
	free(m);
	tree_remove(dir.text);
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

#define IN "\xe0"
#define SEED(name, bytes)                      \
	{                                      \
		name, sizeof(bytes) - 1, bytes \
	}

static const struct {
	const char *name;
	size_t len;
	const char *bytes;
} seeds[] = {
	SEED("read_the_shared_file",
	     "\1\0\1s" IN "\3\0\2" IN IN IN "\3\0\2" IN "\2\0" IN),
	SEED("append_and_read_back",
	     "\1\1\1a" IN "\4\0\2xy" IN "\1\0\1a" IN "\3\1\4" IN IN IN IN),
	SEED("copy_of_the_shared_file",
	     "\1\0\1s" IN "\1\1\1s" IN "\4\1\1x" IN "\1\0\1s" IN
	     "\3\2\2" IN IN IN "\3\0\2" IN),
	SEED("write_to_no_file", "\4\7\4\1\1\1b" IN "\2\0" IN),
	SEED("lengths_0_and_unknown_flags",
	     "\1\0\0" IN "\1\5\3\1\1\1" IN "\7" IN IN),
	SEED("reads_of_nothing_and_of_no_file",
	     "\1\0\1s" IN "\3\0\0" IN "\3\11\1" IN IN),
	SEED("paths_out", "\1\0\3../" IN "\1\1\2.." IN "\1\0\4/etc" IN),
	SEED("half_a_request", "\1\1\5ab"),
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	if (nr >= sizeof(seeds) / sizeof(*seeds))
		return false;
	seed->name = seeds[nr].name;
	seed->len = seeds[nr].len;
	memcpy(seed->bytes, seeds[nr].bytes, seed->len);
	return true;
}
