/* SPDX-License-Identifier: MIT */
/* machine.h - on what, and with what, was it measured? */
#ifndef PRODUCER_CONSUMER_BENCH_MACHINE_H
#define PRODUCER_CONSUMER_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_TEXT_LEN 160

/* Queues lie in memfds: ordinary cached memory. */
#define MACHINE_MEMORY_TYPE "write-back"

struct machine {
	char cpu[MACHINE_TEXT_LEN];
	char kernel[MACHINE_TEXT_LEN];
	char kvm[MACHINE_TEXT_LEN]; /* what the labs said; else why not */
	uint32_t cpus[2];
	bool siblings; /* both CPUs are threads of one core */
	bool realtime; /* its priority is allowed, and nobody else measures */
	uint64_t page_len;
	double tick_ns; /* of the time stamp counter */
};

/* Which compiler, which flags, and the build's name. */
extern const char machine_compiler[], machine_flags[], machine_build[];

/*
 * cpus_nr 2: those; 0: the first two we may use. -ENODEV: there are not two
 * CPUs for us; -ENXIO: cpus names one that is not ours.
 */
int machine_look(struct machine *machine, const uint32_t cpus[2],
		 uint32_t cpus_nr);

#endif
