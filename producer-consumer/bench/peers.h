/* SPDX-License-Identifier: MIT */
/*
 * peers.h - every adapter's queue, by name. queues.c says which of them are
 * built in. C and C++.
 */
#ifndef PRODUCER_CONSUMER_BENCH_PEERS_H
#define PRODUCER_CONSUMER_BENCH_PEERS_H

#include "producer-consumer/bench/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Ours. */
extern const struct bench_queue bench_spsc, bench_spsc_staged;
extern const struct bench_queue bench_spsc_block;
extern const struct bench_queue bench_spsc_trusting, bench_spsc_flushing;
extern const struct bench_queue bench_spsc_var, bench_spsc_var_quiet;
extern const struct bench_queue bench_spsc_cell, bench_spsc_call;
extern const struct bench_queue bench_mpmc, bench_mpsc;
/* From packages. */
extern const struct bench_queue bench_dpdk_sp, bench_dpdk_mp;
extern const struct bench_queue bench_ck_sp, bench_ck_mp;
extern const struct bench_queue bench_boost_sp, bench_boost_mp;
extern const struct bench_queue bench_moodycamel_sp, bench_moodycamel_mp;
extern const struct bench_queue bench_moodycamel_free;
/* Layouts written after their published descriptions. */
extern const struct bench_queue bench_lmax, bench_virtio_packed;
extern const struct bench_queue bench_bqueue, bench_fastforward, bench_mcring;
/* The operating system's. */
extern const struct bench_queue bench_pipe, bench_unix;
/* What the machine can do. */
extern const struct bench_queue bench_raw_plain, bench_raw_write,
	bench_raw_both, bench_raw_string;
extern const struct bench_queue bench_two_lines, bench_two_rotating,
	bench_rotating_line, bench_one_line;
extern const struct bench_queue bench_memcpy;

#ifdef __cplusplus
}
#endif
#endif
