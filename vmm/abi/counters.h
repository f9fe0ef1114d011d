/* SPDX-License-Identifier: MIT */
/*
 * counters.h - what a vCPU did: exits by reason and port, bytes.
 *
 * Threads: written by the thread that steps the vCPU; read by it, or by
 *          anybody when it has ended.
 */
#ifndef VMM_ABI_COUNTERS_H
#define VMM_ABI_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#define COUNTERS_REASONS_NR 48 /* the last one counts all above, too */
#define COUNTERS_PORTS_NR   32 /* different ports told apart; a choice */

struct counters_port {
	uint16_t port;
	uint64_t ins, outs; /* accesses */
	uint64_t in_bytes, out_bytes;
};

struct flat_counters {
	uint64_t exits; /* returns of KVM_RUN other than by a kick */
	uint64_t reasons[COUNTERS_REASONS_NR]; /* KVM_EXIT_* */
	uint64_t io_in, io_out;		       /* of the I/O exits */
	uint64_t kicks;
	uint64_t interrupts; /* injected; the ABI counts them */
	uint64_t put_bytes;  /* to stdout */
	uint64_t got_bytes;  /* of input; the ABI counts them */
	uint32_t ports_nr;
	struct counters_port ports[COUNTERS_PORTS_NR];
	struct counters_port other; /* all further ports */
};

void counters_exit(struct flat_counters *counters, uint32_t reason);
/* One access of len bytes. */
void counters_port(struct flat_counters *counters, uint16_t port, uint32_t len,
		   bool is_write);
void counters_add(struct flat_counters *sum, const struct flat_counters *more);
/* "IO", "HLT", ...; "reason N" is written into text for others. */
#define COUNTERS_REASON_LEN 24
const char *counters_reason(uint32_t reason, char text[COUNTERS_REASON_LEN]);

#endif
