/* SPDX-License-Identifier: MIT */
/* fuzz_wire.c - what can a server say, with which descriptors, that a client
 * does not survive or that leaves something open? */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/ivshmem.h"
#include "shm/link/client.h"
#include "shm/link/socket.h"
#include "shm/link/wire.h"
#include "tests/fuzz/steps.h"

/* What a step of the server may be; op is taken modulo their number. */
enum op {
	OP_MESSAGE, /* arg: what comes along; off: the number */
	OP_LARGE,   /* off and value: the number, all its 64 bits */
	OP_BYTES,   /* arg & 7: so many bytes of a message, with the same */
	OP_GREET,   /* version, id off, memory */
	OPS_NR
};

/* What comes along. */
enum with {
	WITH_NOTHING,
	WITH_EVENTFD,
	WITH_SHM,
	WITH_SMALL_SHM, /* no power of two */
	WITH_PIPE,
	WITH_TWO,
	WITH_THREE, /* more than the receiver has room for */
	WITHS_NR
};

#define TIMEOUT_MS  10000 /* never waited for: every script ends */
#define MESSAGES_NR 200u  /* fit into a socket's buffer */

static struct {
	struct socket_listener listener;
	struct steps steps;
	uint32_t said_nr;
	/* What the callbacks saw. */
	uint32_t own_nr, gone_nr, server_gone_nr;
	uint32_t peers_nr[IVSHMEM_PEERS_MAX]; /* vectors of each */
	int err;
} room;

/* --- the server ----------------------------------------------------------- */

static int memory_fd(off_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && !ftruncate(fd, len));
	return fd;
}

static int fds_make(enum with with, int fds[3])
{
	switch (with) {
	case WITH_EVENTFD:
		fds[0] = eventfd(0, EFD_CLOEXEC); /* blocking, on purpose */
		return 1;
	case WITH_SHM:
		fds[0] = memory_fd(4096);
		return 1;
	case WITH_SMALL_SHM:
		fds[0] = memory_fd(5000);
		return 1;
	case WITH_PIPE:
		FUZZ_CHECK(!pipe2(fds, O_CLOEXEC));
		return 2;
	case WITH_TWO:
	case WITH_THREE:
		for (int i = 0; i < (with == WITH_TWO ? 2 : 3); i++)
			fds[i] = eventfd(0, EFD_CLOEXEC);
		return with == WITH_TWO ? 2 : 3;
	default:
		return 0;
	}
}

static void say(int sock, const uint8_t *bytes, size_t len, enum with with)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[3], fds_nr = fds_make(with, fds);

	if (fds_nr) {
		/* Of a pipe the writing end, which could raise SIGPIPE. */
		int send_nr = with == WITH_PIPE ? 1 : fds_nr;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE((size_t)send_nr * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len =
			CMSG_LEN((size_t)send_nr * sizeof(int));
		memcpy(CMSG_DATA(&control.align),
		       with == WITH_PIPE ? &fds[1] : fds,
		       (size_t)send_nr * sizeof(int));
	}
	/* The client may have hung up, or not read for long: its loss. */
	(void)!sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	for (int i = 0; i < fds_nr; i++)
		close(fds[i]);
}

static void say_number(int sock, uint64_t number, size_t len, enum with with)
{
	uint8_t bytes[WIRE_MSG_LEN];

	for (int i = 0; i < WIRE_MSG_LEN; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	say(sock, bytes, len, with);
}

static void say_step(int sock, const struct step *step)
{
	enum with with = (enum with)((step->arg >> 3) % WITHS_NR);
	uint64_t large = (uint64_t)step->off << 48 | step->value;

	switch (step->op % OPS_NR) {
	case OP_MESSAGE:
		say_number(sock, step->off, WIRE_MSG_LEN, with);
		break;
	case OP_LARGE:
		say_number(sock, step->arg & 1 ? ~large : large, WIRE_MSG_LEN,
			   with);
		break;
	case OP_BYTES:
		say_number(sock, large, 1 + step->arg % 7u, with);
		break;
	case OP_GREET:
		say_number(sock, IVSHMEM_PROTOCOL_VERSION, WIRE_MSG_LEN,
			   WITH_NOTHING);
		say_number(sock, step->off, WIRE_MSG_LEN, WITH_NOTHING);
		say_number(sock, UINT64_MAX, WIRE_MSG_LEN, WITH_SHM);
		break;
	}
}

static void *serve(void *arg)
{
	struct pollfd fd = { .fd = room.listener.fd, .events = POLLIN };
	struct step step;
	int sock;

	(void)arg;
	FUZZ_CHECK(poll(&fd, 1, TIMEOUT_MS) == 1);
	sock = accept4(fd.fd, NULL, NULL, SOCK_CLOEXEC);
	FUZZ_CHECK(sock >= 0);
	while (room.said_nr++ < MESSAGES_NR && steps_next(&room.steps, &step))
		say_step(sock, &step);
	close(sock);
	return NULL;
}

/* --- the client ----------------------------------------------------------- */

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void on_peer_vector(void *arg, uint32_t id, uint32_t vector, int efd)
{
	(void)arg;
	FUZZ_CHECK(id < IVSHMEM_PEERS_MAX && vector < IVSHMEM_VECTORS_MAX);
	FUZZ_CHECK(vector == room.peers_nr[id]++);
	FUZZ_CHECK(is_open(efd) && fcntl(efd, F_GETFL) & O_NONBLOCK);
}

static void on_own_vector(void *arg, uint32_t vector, int efd)
{
	(void)arg;
	FUZZ_CHECK(vector == room.own_nr++ && vector < IVSHMEM_VECTORS_MAX);
	FUZZ_CHECK(is_open(efd));
}

static void on_peer_gone(void *arg, uint32_t id)
{
	(void)arg;
	FUZZ_CHECK(id < IVSHMEM_PEERS_MAX && room.peers_nr[id]);
	room.peers_nr[id] = 0;
	room.gone_nr++;
}

static void on_server_gone(void *arg, int err)
{
	(void)arg;
	FUZZ_CHECK(!room.server_gone_nr++);
	room.err = err;
}

static const struct client_events events = {
	.peer_vector = on_peer_vector,
	.own_vector = on_own_vector,
	.peer_gone = on_peer_gone,
	.server_gone = on_server_gone,
};

static bool is_known_end(int err)
{
	return err == -EPROTO || err == -EPROTONOSUPPORT ||
	       err == -ECONNRESET || err == -EINVAL;
}

static void client_check(struct client *client)
{
	int err;

	FUZZ_CHECK(client_id(client) < IVSHMEM_PEERS_MAX &&
		   client_shmem(client)->hva &&
		   client_shmem(client)->len == 4096);
	FUZZ_CHECK(!room.server_gone_nr);
	/* The script ends by hanging up, so this ends, too. */
	do {
		struct pollfd fd = { .fd = client_fd(client),
				     .events = POLLIN };

		FUZZ_CHECK(poll(&fd, 1, TIMEOUT_MS) == 1);
		err = client_dispatch(client);
	} while (!err);
	FUZZ_CHECK(is_known_end(err) && room.server_gone_nr == 1 &&
		   room.err == err);
	FUZZ_CHECK(client_fd(client) < 0 && client_dispatch(client) == err);
	FUZZ_CHECK(client_vectors_nr(client) == room.own_nr);
	for (uint32_t id = 0; id < IVSHMEM_PEERS_MAX; id += 257)
		for (uint32_t v = 0; v <= room.peers_nr[id]; v++)
			FUZZ_CHECK((client_peer_efd(client, id, v) >= 0) ==
				   (v < room.peers_nr[id]));
}

static int fd_lowest(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	FUZZ_CHECK(fd >= 0);
	close(fd);
	return fd;
}

static void dir_make(char dir[64], char path[96])
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || strlen(tmp) > 40)
		tmp = "/tmp";
	(void)snprintf(dir, 64, "%s/ivlab-fuzz-XXXXXX", tmp);
	FUZZ_CHECK(mkdtemp(dir));
	(void)snprintf(path, 96, "%s/sock", dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct client *client = NULL;
	char dir[64], path[96];
	int err, fd_before;
	pthread_t thread;

	memset(&room, 0, sizeof(room));
	room.steps = steps_of(data, len);
	fd_before = fd_lowest();
	dir_make(dir, path);
	FUZZ_CHECK(!socket_listen(&room.listener, path));
	FUZZ_CHECK(!pthread_create(&thread, NULL, serve, NULL));
	err = client_connect(&client, path, TIMEOUT_MS, &events);
	FUZZ_CHECK(!err == (client != NULL) && (!err || is_known_end(err)));
	if (client)
		client_check(client);
	client_destroy(client);
	FUZZ_CHECK(!pthread_join(thread, NULL));
	socket_unlisten(&room.listener);
	FUZZ_CHECK(!rmdir(dir));
	FUZZ_CHECK(fd_lowest() == fd_before);
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

#define WITH(what) ((what) << 3)
#define GREET(id)                  \
	{                          \
		OP_GREET, 0, id, 0 \
	}
#define SAY(number, what)                         \
	{                                         \
		OP_MESSAGE, WITH(what), number, 0 \
	}
#define LARGE(n, what)                         \
	{                                      \
		OP_LARGE, WITH(what) | 1, 0, n \
	} /* the complement */

static const struct steps_seed seeds[] = {
	{ "peers_come_and_go",
	  8,
	  { GREET(3), SAY(0, WITH_EVENTFD), SAY(0, WITH_EVENTFD),
	    SAY(3, WITH_EVENTFD), SAY(257, WITH_EVENTFD), SAY(0, WITH_NOTHING),
	    SAY(0, WITH_EVENTFD), SAY(1000, WITH_NOTHING) } },
	{ "another_version", 1, { SAY(1, WITH_NOTHING) } },
	{ "id_out_of_range",
	  2,
	  { SAY(0, WITH_NOTHING), { OP_LARGE, 0, 0, 65536 } } },
	{ "memory_that_is_none",
	  3,
	  { SAY(0, WITH_NOTHING), SAY(1, WITH_NOTHING), LARGE(0, WITH_PIPE) } },
	{ "memory_of_odd_size",
	  3,
	  { SAY(0, WITH_NOTHING), SAY(1, WITH_NOTHING),
	    LARGE(0, WITH_SMALL_SHM) } },
	{ "memory_twice", 2, { GREET(3), LARGE(0, WITH_SHM) } },
	{ "bell_that_is_a_pipe", 2, { GREET(3), SAY(4, WITH_PIPE) } },
	{ "two_descriptors", 2, { GREET(3), SAY(4, WITH_TWO) } },
	{ "three_descriptors", 2, { GREET(3), SAY(4, WITH_THREE) } },
	{ "half_a_message_with_a_descriptor",
	  3,
	  { GREET(3),
	    { OP_BYTES, WITH(WITH_EVENTFD) | 3, 0, 4 },
	    { OP_BYTES, WITH(WITH_EVENTFD) | 3, 0, 0 } } },
	{ "peers_before_the_memory",
	  5,
	  { SAY(0, WITH_NOTHING), SAY(3, WITH_NOTHING), SAY(8, WITH_EVENTFD),
	    SAY(3, WITH_EVENTFD), LARGE(0, WITH_SHM) } },
	{ "hangs_up_at_once", 0, { { 0 } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	return nr < sizeof(seeds) / sizeof(*seeds) &&
	       steps_seed(seed, &seeds[nr]);
}
