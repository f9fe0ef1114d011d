/* SPDX-License-Identifier: MIT */
/* cmd_server.c - `ivlab server`: shared memory for peers started by hand. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shm/ivshmem.h"
#include "shm/link/server.h"
#include "shm/link/shmem.h"
#include "shm/region.h"
#include "vmm/core/log.h"
#include "vmm/core/loop.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/lab_region.h"
#include "vmm/lab/peers.h"
#include "vmm/lab/size.h"

struct service {
	const char *socket_path;
	uint64_t len;
	uint32_t vectors_nr;
	bool hugepages;

	int signal_fd;
	struct loop *loop;
	struct shmem shmem;
	struct region region;
	struct server *server;
	struct peers *peers;
	struct loop_watch *signal_watch, *server_watch;
};

static void help(void)
{
	puts("usage: ivlab server --socket PATH [options]\n"
	     "Serve shared memory and doorbells to ivshmem peers (ivlab vm, "
	     "QEMU's\nivshmem-doorbell, host programs) until SIGINT or "
	     "SIGTERM.\n\n"
	     "  --socket PATH  the Unix socket peers connect to\n"
	     "  --size SIZE    bytes of memory, " LAB_REGION_ALLOWED "\n"
	     "                 and not more than RAM and swap (default "
	     "64M)\n"
	     "  --vectors N    doorbells of each peer, 1 to 64 (default 2)\n"
	     "  --hugepages    back it with 2 MiB pages if some are free\n"
	     "  --help         this text");
}

/* -1: go on; else the exit status. */
static int parse(struct service *s, int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "size", required_argument, NULL, 'l' },
		{ "vectors", required_argument, NULL, 'n' },
		{ "hugepages", no_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *why;
	uint64_t number;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 's':
			s->socket_path = optarg;
			break;
		case 'l':
			why = lab_region_parse(optarg, &s->len);
			if (why)
				return cmd_usage("server",
						 "--size %s: %s; "
						 "allowed: " LAB_REGION_ALLOWED,
						 optarg, why);
			break;
		case 'n':
			if (size_parse_number(optarg, 1, IVSHMEM_VECTORS_MAX,
					      &number))
				return cmd_usage("server",
						 "--vectors %s; allowed: 1 to "
						 "%d",
						 optarg, IVSHMEM_VECTORS_MAX);
			s->vectors_nr = (uint32_t)number;
			break;
		case 'H':
			s->hugepages = true;
			break;
		case 'h':
			help();
			return 0;
		default:
			return cmd_bad_option("server", c, argv, options);
		}
	}
	if (optind != argc)
		return cmd_usage("server", "what is %s?", argv[optind]);
	if (!s->socket_path)
		return cmd_usage("server", "--socket PATH is missing");
	return -1;
}

static void joined(void *arg, uint32_t peer_id, pid_t pid)
{
	const struct service *s = arg;

	peers_joined(s->peers, peer_id, pid);
	log_info("peer %u joined (process %d)", peer_id, (int)pid);
}

static void left(void *arg, uint32_t peer_id)
{
	const struct service *s = arg;

	peers_left(s->peers, peer_id);
	log_info("peer %u left", peer_id);
}

static void on_server(void *arg, unsigned int revents)
{
	struct service *s = arg;
	int err = server_dispatch(s->server);

	(void)revents;
	if (err)
		loop_stop(s->loop, err);
}

static void on_signal(void *arg, unsigned int revents)
{
	struct service *s = arg;
	struct signalfd_siginfo info;

	(void)revents;
	if (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		loop_stop(s->loop, 0);
}

static int fail(const char *what, int err)
{
	log_error("%s: %s", what, strerror(-err));
	return err;
}

static int make_region(struct service *s)
{
	char why[256];
	int err = lab_region_create(&s->shmem, &s->region, s->len, s->hugepages,
				    why, sizeof(why));

	if (err)
		log_error("%s", why);
	return err;
}

static int set_up(struct service *s)
{
	const struct server_opts opts = { .socket_path = s->socket_path,
					  .shm_fd = s->shmem.fd,
					  .vectors_nr = s->vectors_nr,
					  .joined = joined,
					  .left = left,
					  .arg = s };
	struct sigaction hup;
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	/* Under nohup a server outlives its terminal. */
	if (sigaction(SIGHUP, NULL, &hup) || hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return fail("cannot hold signals", -errno);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return fail("cannot hold signals", -errno);
	err = loop_create(&s->loop);
	if (err)
		return fail("io_uring does not work (\"ivlab doctor\" says "
			    "what to do)",
			    err);
	err = peers_create(&s->peers, s->loop, &s->region, &s->server);
	if (err)
		return fail("cannot watch peers", err);
	err = server_create(&s->server, &opts);
	if (err) {
		log_error("cannot serve on %s: %s", s->socket_path,
			  server_strerror(err));
		return err;
	}
	err = loop_watch_fd(s->loop, s->signal_fd, POLLIN, on_signal, s,
			    &s->signal_watch);
	if (!err)
		err = loop_watch_fd(s->loop, server_fd(s->server), POLLIN,
				    on_server, s, &s->server_watch);
	return err ? fail("cannot watch", err) : 0;
}

int cmd_server(int argc, char **argv)
{
	struct service s = { .len = 64 << 20,
			     .vectors_nr = 2,
			     .signal_fd = -1,
			     .shmem = { .fd = -1 } };
	int status = parse(&s, argc, argv);
	int err;

	if (status >= 0)
		return status;
	err = make_region(&s);
	if (!err)
		err = set_up(&s);
	if (!err) {
		char size[SIZE_TEXT_LEN];

		log_info("serving %s to peers with %u vectors each on %s",
			 size_format(s.len, size), s.vectors_nr, s.socket_path);
		err = loop_run(s.loop);
		if (err)
			fail("the server failed", err);
	}
	peers_destroy(s.peers);
	loop_destroy(s.loop);
	server_destroy(s.server);
	shmem_destroy(&s.shmem);
	if (s.signal_fd >= 0)
		close(s.signal_fd);
	return err ? CMD_FAILED : 0;
}
