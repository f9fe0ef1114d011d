/* SPDX-License-Identifier: MIT */
/* counters.c - how often did a vCPU leave its guest, and for which port? */
#include "vmm/abi/counters.h"

#include <linux/kvm.h>
#include <stddef.h>
#include <stdio.h>

void counters_exit(struct flat_counters *counters, uint32_t reason)
{
	counters->exits++;
	counters->reasons[reason < COUNTERS_REASONS_NR
				  ? reason
				  : COUNTERS_REASONS_NR - 1]++;
}

static struct counters_port *port_of(struct flat_counters *counters,
				     uint16_t port)
{
	for (uint32_t i = 0; i < counters->ports_nr; i++)
		if (counters->ports[i].port == port)
			return &counters->ports[i];
	if (counters->ports_nr == COUNTERS_PORTS_NR)
		return &counters->other;
	counters->ports[counters->ports_nr].port = port;
	return &counters->ports[counters->ports_nr++];
}

void counters_port(struct flat_counters *counters, uint16_t port, uint32_t len,
		   bool is_write)
{
	struct counters_port *count = port_of(counters, port);

	if (is_write) {
		count->outs++;
		count->out_bytes += len;
	} else {
		count->ins++;
		count->in_bytes += len;
	}
}

static void add_port(struct counters_port *sum,
		     const struct counters_port *more)
{
	sum->ins += more->ins;
	sum->outs += more->outs;
	sum->in_bytes += more->in_bytes;
	sum->out_bytes += more->out_bytes;
}

void counters_add(struct flat_counters *sum, const struct flat_counters *more)
{
	sum->exits += more->exits;
	for (uint32_t i = 0; i < COUNTERS_REASONS_NR; i++)
		sum->reasons[i] += more->reasons[i];
	sum->io_in += more->io_in;
	sum->io_out += more->io_out;
	sum->kicks += more->kicks;
	sum->interrupts += more->interrupts;
	sum->put_bytes += more->put_bytes;
	sum->got_bytes += more->got_bytes;
	for (uint32_t i = 0; i < more->ports_nr; i++)
		add_port(port_of(sum, more->ports[i].port), &more->ports[i]);
	add_port(&sum->other, &more->other);
}

const char *counters_reason(uint32_t reason, char text[COUNTERS_REASON_LEN])
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN",
		[KVM_EXIT_EXCEPTION] = "EXCEPTION",
		[KVM_EXIT_IO] = "IO",
		[KVM_EXIT_HYPERCALL] = "HYPERCALL",
		[KVM_EXIT_DEBUG] = "DEBUG",
		[KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
	};

	if (reason < sizeof(names) / sizeof(*names) && names[reason])
		return names[reason];
	snprintf(text, COUNTERS_REASON_LEN, "reason %u", reason);
	return text;
}
