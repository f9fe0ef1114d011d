/* SPDX-License-Identifier: MIT */
/*
 * queues.c - the list of all that is measured, by hand.
 *
 * A peer whose package was not there at build time is named as missing.
 */
#include "producer-consumer/bench/queues.h"

#include <stddef.h>

#include "producer-consumer/bench/peers.h"

const struct bench_queue *const queues_all[] = {
	/* Ours. */
	&bench_spsc,
	&bench_spsc_staged,
	&bench_spsc_block,
	&bench_spsc_var,
	&bench_spsc_var_quiet,
	&bench_spsc_cell,
	&bench_spsc_call,
	&bench_mpmc,
	&bench_mpsc,
	&bench_spsc_flushing,
	&bench_spsc_trusting,
/* Peers from packages. */
#ifdef BENCH_WITH_DPDK
	&bench_dpdk_sp,
	&bench_dpdk_mp,
#endif
#ifdef BENCH_WITH_CK
	&bench_ck_sp,
	&bench_ck_mp,
#endif
#ifdef BENCH_WITH_BOOST
	&bench_boost_sp,
	&bench_boost_mp,
#endif
#ifdef BENCH_WITH_MOODYCAMEL
	&bench_moodycamel_sp,
	&bench_moodycamel_mp,
	&bench_moodycamel_free,
#endif
	/* Layouts written for the purpose. */
	&bench_lmax,
	&bench_virtio_packed,
	&bench_bqueue,
	&bench_fastforward,
	&bench_mcring,
	/* The operating system's. */
	&bench_pipe,
	&bench_unix,
	/* Limits. */
	&bench_raw_plain,
	&bench_raw_write,
	&bench_raw_both,
	&bench_raw_string,
	&bench_two_lines,
	&bench_two_rotating,
	&bench_rotating_line,
	&bench_one_line,
	&bench_memcpy,
	NULL,
};

const struct queues_missing queues_missing[] = {
#ifndef BENCH_WITH_DPDK
	{ "DPDK rte_ring SP/SC", "libdpdk-dev" },
	{ "DPDK rte_ring MP/MC", "libdpdk-dev" },
#endif
#ifndef BENCH_WITH_CK
	{ "ck_ring spsc", "libck-dev" },
	{ "ck_ring mpmc", "libck-dev" },
#endif
#ifndef BENCH_WITH_BOOST
	{ "boost spsc_queue", "libboost-dev, g++" },
	{ "boost queue", "libboost-dev, g++" },
#endif
#ifndef BENCH_WITH_MOODYCAMEL
	{ "moodycamel ReaderWriterQueue", "libreaderwriterqueue-dev, g++" },
	{ "moodycamel ConcurrentQueue", "libconcurrentqueue-dev, g++" },
	{ "moodycamel ConcurrentQueue, no tokens",
	  "libconcurrentqueue-dev, g++" },
#endif
	{ NULL, NULL },
};
