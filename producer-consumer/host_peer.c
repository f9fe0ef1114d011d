/* SPDX-License-Identifier: MIT */
/*
 * host_peer.c - one side of the workload as a host process that joined a
 * lab's ivshmem server.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer-consumer/workload.h"
#include "shm/link/client.h"
#include "shm/link/host_peer.h"

#define JOIN_TIMEOUT_MS 10000

static void help(FILE *out)
{
	fputs("usage: host_peer producer|consumer SOCKET [messages=N] "
	      "[slots=N] [batch=N] [channel=NAME]\n"
	      "Join the ivshmem server at SOCKET (ivlab server, ivlab run "
	      "--socket) and stream\nverified messages to or from whoever is "
	      "at the other end of the channel.\n\n"
	      "  messages=N    the stream ends with so many (default: "
	      "100000000; a consumer\n"
	      "                takes what comes until the producer leaves)\n"
	      "  slots=N       of the ring, a power of two up to 16777216 "
	      "(default: 8192)\n"
	      "  batch=N       messages at a time, 1 to 4096 (default: 16)\n"
	      "  channel=NAME  up to 31 characters (default: messages)\n\n"
	      "A stream that has ended stays in its channel: the next one "
	      "needs another channel.\n",
	      out);
}

static int usage(void)
{
	help(stderr);
	return 2;
}

static int print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int print(const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vfprintf(stderr, fmt, ap);
	va_end(ap);
	return len;
}

static int stream(struct peer *peer, bool producer,
		  const struct workload_opts *opts)
{
	struct workload_result result;
	int err = producer ? producer_run(peer, opts, &result)
			   : consumer_run(peer, opts, &result);

	if (err) {
		fprintf(stderr, "host_peer: channel %s: %s\n", opts->channel,
			workload_strerror(err, &result));
		return EXIT_FAILURE;
	}
	printf("peer %u %s %llu messages, %.3f s, %.2f million messages/s\n",
	       peer->id, producer ? "sent" : "received",
	       (unsigned long long)result.messages, (double)result.ns / 1e9,
	       result.ns ? (double)result.messages * 1e3 / (double)result.ns
			 : 0.0);
	if (!result.mismatches)
		return EXIT_SUCCESS;
	workload_describe(&result, print);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct workload_opts opts;
	struct host_peer *host;
	const char *bad;
	bool producer;
	int err, status;

	if (argc == 2 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		help(stdout);
		return EXIT_SUCCESS;
	}
	if (argc < 3)
		return usage();
	producer = !strcmp(argv[1], "producer");
	if (!producer && strcmp(argv[1], "consumer") != 0)
		return usage();
	bad = workload_parse(&opts, argc - 3, argv + 3);
	if (bad) {
		fprintf(stderr,
			"host_peer: %s: not an option or out of range\n", bad);
		return usage();
	}
	err = host_peer_open(&host, argv[2], 1, JOIN_TIMEOUT_MS);
	if (err) {
		fprintf(stderr, "host_peer: joining %s: %s\n", argv[2],
			client_strerror(err));
		return EXIT_FAILURE;
	}
	status = stream(host_peer_peer(host), producer, &opts);
	host_peer_close(host);
	return status;
}
