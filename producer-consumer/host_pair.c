/* SPDX-License-Identifier: MIT */
/*
 * host_pair.c - the baseline: the same producer and consumer as two threads of
 * one host process, over the same server, memory object and eventfds.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer-consumer/workload.h"
#include "shm/err.h"
#include "shm/link/client.h"
#include "shm/link/host_peer.h"
#include "shm/link/server.h"
#include "shm/link/shmem.h"
#include "shm/spsc.h"

#define JOIN_TIMEOUT_MS 10000
#define SERVER_POLL_MS	50

struct pair {
	const char *socket;
	struct workload_opts opts;
	uint64_t region_len;
	int cpus[2]; /* producer's and consumer's, -1: anywhere */
	bool json;
	uint64_t wakes; /* 0: stream; else bounce so many doorbells */
	struct region_tuning tuning;
	struct server *server;
	struct shmem shmem;
	struct region region;
	_Atomic bool over;
};

struct side {
	struct pair *pair;
	bool producer;
	int err;
	struct workload_result result;
	uint64_t doorbells_nr, sleeps_nr, late_nr; /* struct peer's */
};

static void *serve(void *arg)
{
	struct pair *pair = arg;
	struct pollfd fd = { .fd = server_fd(pair->server), .events = POLLIN };

	while (!pair->over) {
		if (poll(&fd, 1, SERVER_POLL_MS) > 0 &&
		    server_dispatch(pair->server))
			break;
	}
	return NULL;
}

/* Open one end of each ring, whoever made them. */
static int bounce_open(struct side *side, struct peer *peer, struct spsc_tx *tx,
		       struct spsc_rx *rx)
{
	const struct region *region = &side->pair->region;
	const char *out = side->producer ? "there" : "back";
	const char *in = side->producer ? "back" : "there";
	int err;

	err = spsc_create(region, out, sizeof(uint64_t), 2, peer->id);
	if (!err)
		err = spsc_open_tx(tx, region, out, peer, 0);
	if (err)
		return err;
	while ((err = spsc_open_rx(rx, region, in, peer, 0)) == -SHM_ENOENT)
		(void)peer_wait(peer, 0, WORKLOAD_RETRY_NS);
	tx->spin_ns = WAIT_SPIN_NEVER;
	rx->spin_ns = WAIT_SPIN_NEVER;
	return err;
}

/*
 * The other measurement: one number goes back and forth between sides that
 * sleep at once. A hop is what a wake-up by doorbell costs.
 */
static int bounce(struct side *side, struct peer *peer)
{
	uint64_t number, start_ns = 0;
	struct spsc_tx tx;
	struct spsc_rx rx;
	int err = bounce_open(side, peer, &tx, &rx);

	for (uint64_t i = 0; !err && i <= side->pair->wakes; i++) {
		if (i == 1)
			start_ns = peer_now_ns(peer); /* both are there now */
		if (!side->producer) {
			err = spsc_wait_data(&rx, WORKLOAD_TIMEOUT_NS);
			(void)spsc_pop(&rx, &number, 1);
		}
		if (!err && spsc_push(&tx, &i, 1) == 1)
			err = spsc_flush(&tx);
		if (!err && side->producer) {
			err = spsc_wait_data(&rx, WORKLOAD_TIMEOUT_NS);
			(void)spsc_pop(&rx, &number, 1);
		}
	}
	side->result.messages = 2 * side->pair->wakes;
	side->result.ns = peer_now_ns(peer) - start_ns;
	return err;
}

static int run_workload(struct side *side, struct peer *peer)
{
	struct pair *pair = side->pair;

	if (pair->wakes)
		return bounce(side, peer);
	return side->producer ? producer_run(peer, &pair->opts, &side->result)
			      : consumer_run(peer, &pair->opts, &side->result);
}

static void *run_side(void *arg)
{
	struct side *side = arg;
	struct pair *pair = side->pair;
	int cpu = pair->cpus[side->producer ? 0 : 1];
	struct host_peer *host;
	cpu_set_t set;

	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET((size_t)cpu, &set);
		side->err = pthread_setaffinity_np(pthread_self(), sizeof(set),
						   &set);
		if (side->err) {
			fprintf(stderr, "host_pair: CPU %d: %s\n", cpu,
				strerror(side->err));
			return NULL;
		}
	}
	side->err = host_peer_open(&host, pair->socket, 1, JOIN_TIMEOUT_MS);
	if (side->err) {
		fprintf(stderr, "host_pair: joining: %s\n",
			client_strerror(side->err));
		return NULL;
	}
	side->err = run_workload(side, host_peer_peer(host));
	side->doorbells_nr = host_peer_peer(host)->doorbells_nr;
	side->sleeps_nr = host_peer_peer(host)->sleeps_nr;
	side->late_nr = host_peer_peer(host)->late_nr;
	if (side->err)
		fprintf(stderr, "host_pair: %s: %s\n",
			side->producer ? "producer" : "consumer",
			workload_strerror(side->err, &side->result));
	host_peer_close(host);
	return NULL;
}

static void print_result(const struct pair *pair, const struct side *producer,
			 const struct side *consumer)
{
	const struct workload_result *r = &consumer->result;
	uint64_t doorbells_nr = producer->doorbells_nr + consumer->doorbells_nr;
	uint64_t sleeps_nr = producer->sleeps_nr + consumer->sleeps_nr;
	uint64_t late_nr = producer->late_nr + consumer->late_nr;
	double ns = r->messages ? (double)r->ns / (double)r->messages : 0;

	printf(pair->json ? "{\"messages\": %llu, \"ns\": %llu, "
			    "\"mismatches\": %llu, \"ns_per_message\": %.4f, "
			    "\"doorbells\": %llu, \"sleeps\": %llu, "
			    "\"late\": %llu}\n"
			  : "%llu messages in %llu ns, %llu mismatches: %.2f "
			    "ns a message; %llu doorbells, %llu sleeps, "
			    "%llu of them too long\n",
	       (unsigned long long)r->messages, (unsigned long long)r->ns,
	       (unsigned long long)r->mismatches, ns,
	       (unsigned long long)doorbells_nr, (unsigned long long)sleeps_nr,
	       (unsigned long long)late_nr);
}

static int stream(struct pair *pair)
{
	struct side producer = { .pair = pair, .producer = true };
	struct side consumer = { .pair = pair };
	pthread_t server, threads[2];

	if (pthread_create(&server, NULL, serve, pair) ||
	    pthread_create(&threads[0], NULL, run_side, &producer) ||
	    pthread_create(&threads[1], NULL, run_side, &consumer)) {
		fputs("host_pair: cannot create threads\n", stderr);
		exit(EXIT_FAILURE);
	}
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	pair->over = true;
	pthread_join(server, NULL);
	if (producer.err || consumer.err)
		return EXIT_FAILURE;
	print_result(pair, &producer, &consumer);
	return consumer.result.mismatches ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct pair *pair)
{
	char dir[] = "/tmp/ivlab-pair-XXXXXX", path[64];
	int err, status = EXIT_FAILURE;

	if (!mkdtemp(dir)) {
		perror("host_pair: /tmp");
		return EXIT_FAILURE;
	}
	snprintf(path, sizeof(path), "%s/sock", dir);
	pair->socket = path;
	err = shmem_create(&pair->shmem, "ivlab-pair", pair->region_len, false);
	if (!err &&
	    region_create(&pair->region, pair->shmem.hva, pair->shmem.len))
		err = -EIO;
	if (!err) {
		region_set_tuning(&pair->region, &pair->tuning);
		err = server_create(
			&pair->server,
			&(struct server_opts){ .socket_path = path,
					       .shm_fd = pair->shmem.fd,
					       .vectors_nr = 1 });
	}
	if (err)
		fprintf(stderr, "host_pair: %s\n", strerror(-err));
	else
		status = stream(pair);
	server_destroy(pair->server);
	shmem_destroy(&pair->shmem);
	rmdir(dir);
	return status;
}

static void help(FILE *out)
{
	fputs("usage: host_pair [--json] [--messages N] [--cpus A,B] "
	      "[--slots N] [--batch N]\n"
	      "                 [--prefetch-read BYTES] [--prefetch-write "
	      "BYTES] "
	      "[--spin-ns N]\n"
	      "                 [--wakes N]\n"
	      "Stream verified messages between two threads: the baseline of "
	      "ivlab bench ring.\n"
	      "With --wakes measure N wake-ups by doorbell instead.\n",
	      out);
}

static int usage(void)
{
	help(stderr);
	return 2;
}

/* Two CPU numbers with a comma between. */
static int parse_cpus(struct pair *pair, const char *text)
{
	for (int i = 0; i < 2; i++) {
		char *end;
		long cpu = strtol(text, &end, 10);

		if (end == text || cpu < 0 || cpu >= CPU_SETSIZE ||
		    *end != (i ? '\0' : ','))
			return -1;
		pair->cpus[i] = (int)cpu;
		text = end + 1;
	}
	return 0;
}

static int parse_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || end == text || *end || *text == '-' || *number > max;
}

/* An option of ours; -1: the workload's, or nobody's. */
static int parse_own(struct pair *pair, int c)
{
	uint64_t number;

	switch (c) {
	case 'j':
		pair->json = true;
		return 0;
	case 'c':
		return parse_cpus(pair, optarg) ? -2 : 0;
	case 'w':
		return parse_number(optarg, UINT32_MAX, &pair->wakes) ? -2 : 0;
	case 'R':
		if (parse_number(optarg, REGION_PREFETCH_MAX, &number))
			return -2;
		pair->tuning.prefetch_read_len = (uint32_t)number;
		return 0;
	case 'W':
		if (parse_number(optarg, REGION_PREFETCH_MAX, &number))
			return -2;
		pair->tuning.prefetch_write_len = (uint32_t)number;
		return 0;
	case 'S':
		return parse_number(optarg, REGION_SPIN_MAX_NS,
				    &pair->tuning.spin_ns)
			       ? -2
			       : 0;
	default:
		return -1;
	}
}

static int parse(struct pair *pair, int argc, char **argv)
{
	static const struct option words[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "messages", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "slots", required_argument, NULL, 's' },
		{ "batch", required_argument, NULL, 'b' },
		{ "prefetch-read", required_argument, NULL, 'R' },
		{ "prefetch-write", required_argument, NULL, 'W' },
		{ "spin-ns", required_argument, NULL, 'S' },
		{ "wakes", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	char given[3][64];
	char *list[3];
	int c, nr = 0;

	while ((c = getopt_long(argc, argv, "", words, NULL)) != -1) {
		const char *key = c == 'm'   ? "messages"
				  : c == 's' ? "slots"
				  : c == 'b' ? "batch"
					     : NULL;
		int own = parse_own(pair, c);

		if (!own)
			continue;
		if (own < -1 || !key || nr == 3)
			return -1;
		snprintf(given[nr], sizeof(given[nr]), "%s=%s", key, optarg);
		list[nr] = given[nr];
		nr++;
	}
	if (optind != argc || workload_parse(&pair->opts, nr, list))
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	static struct pair pair = { .cpus = { -1, -1 },
				    .region_len = 64ull << 20,
				    .shmem = { .fd = -1 } };

	if (argc == 2 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		help(stdout);
		return EXIT_SUCCESS;
	}
	if (parse(&pair, argc, argv))
		return usage();
	return run(&pair);
}
