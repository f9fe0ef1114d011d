/* SPDX-License-Identifier: MIT */
/* report.c - what did the guests of a session do, in figures? */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "vmm/abi/session_private.h"
#include "vmm/core/clock.h"
#include "vmm/core/log.h"

#define MS(ns) ((double)(ns) / 1e6)

static double seconds_of(const struct session *session)
{
	return session->begin_ns
		       ? (double)(session->end_ns - session->begin_ns) /
				 CLOCK_NS_PER_S
		       : 0;
}

/* --- for people ----------------------------------------------------------- */

static void put_ports(FILE *out, const struct flat_counters *counters)
{
	for (uint32_t i = 0; i <= counters->ports_nr; i++) {
		const struct counters_port *p = &counters->ports[i];
		char name[16];

		if (i < counters->ports_nr)
			snprintf(name, sizeof(name), "0x%04x", p->port);
		else
			snprintf(name, sizeof(name), "others");
		if (i == counters->ports_nr)
			p = &counters->other;
		if (!p->ins && !p->outs)
			continue;
		fprintf(out,
			"  port %s  out %llu (%llu bytes), in %llu (%llu "
			"bytes)\n",
			name, (unsigned long long)p->outs,
			(unsigned long long)p->out_bytes,
			(unsigned long long)p->ins,
			(unsigned long long)p->in_bytes);
	}
}

static void put_counters(FILE *out, const struct flat_counters *counters)
{
	fputs("  exits by reason:", out);
	for (uint32_t i = 0; i < COUNTERS_REASONS_NR; i++) {
		char text[COUNTERS_REASON_LEN];

		if (!counters->reasons[i])
			continue;
		fprintf(out, " %s %llu", counters_reason(i, text),
			(unsigned long long)counters->reasons[i]);
	}
	fprintf(out, "%s; kicks %llu, interrupts %llu\n",
		counters->exits ? "" : " none",
		(unsigned long long)counters->kicks,
		(unsigned long long)counters->interrupts);
	put_ports(out, counters);
	fprintf(out, "  bytes: out %llu, in %llu\n",
		(unsigned long long)counters->put_bytes,
		(unsigned long long)counters->got_bytes);
}

static int put_text(FILE *out, const struct session *session)
{
	fprintf(out, "%s on %s: %.3f s\n", session->name, kvm_kind_name(),
		seconds_of(session));
	for (uint32_t i = 0; i < session->notes_nr; i++)
		fprintf(out, "%s: %s\n", session->notes[i].key,
			session->notes[i].value);
	for (uint32_t i = 0; i < session->machines_nr; i++) {
		struct flat *flat = session->machines[i];

		fprintf(out, "VM %s: %.3f ms of CPU, %llu bytes of RAM\n",
			flat->name, MS(flat_time_ns(flat)),
			(unsigned long long)flat->memory.len);
		for (uint32_t nr = 0; nr < flat->cpus_nr; nr++) {
			struct flat_cpu *cpu = &flat->cpu[nr];

			fprintf(out,
				"guest %s (vCPU %u): %s, %llu exits, %.3f ms "
				"of CPU\n",
				cpu->name, nr, flat_end_name(cpu->end),
				(unsigned long long)cpu->counters.exits,
				MS(flat_cpu_time_ns(cpu)));
			put_counters(out, &cpu->counters);
		}
	}
	return fflush(out) ? -errno : 0;
}

/* --- for programs --------------------------------------------------------- */

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *reasons_json(const struct flat_counters *counters)
{
	json_t *reasons = json_object();

	for (uint32_t i = 0; i < COUNTERS_REASONS_NR; i++) {
		char text[COUNTERS_REASON_LEN];

		if (!counters->reasons[i])
			continue;
		json_object_set_new(reasons, counters_reason(i, text),
				    number(counters->reasons[i]));
	}
	return reasons;
}

static json_t *ports_json(const struct flat_counters *counters)
{
	json_t *ports = json_array();

	for (uint32_t i = 0; i < counters->ports_nr; i++) {
		const struct counters_port *p = &counters->ports[i];

		json_array_append_new(
			ports,
			json_pack("{s:i, s:o, s:o, s:o, s:o}", "port", p->port,
				  "outs", number(p->outs), "out_bytes",
				  number(p->out_bytes), "ins", number(p->ins),
				  "in_bytes", number(p->in_bytes)));
	}
	return ports;
}

static json_t *cpu_json(struct flat_cpu *cpu)
{
	const struct flat_counters *c = &cpu->counters;

	/* '?': a guest may be named after a file whose name is no UTF-8. */
	json_t *name = json_string(cpu->name);

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:o}",
			 "name", name ? name : json_string("?"), "end",
			 flat_end_name(cpu->end), "exits", number(c->exits),
			 "exits_by_reason", reasons_json(c), "io_out",
			 number(c->io_out), "io_in", number(c->io_in), "kicks",
			 number(c->kicks), "interrupts", number(c->interrupts),
			 "ports", ports_json(c), "bytes_out",
			 number(c->put_bytes), "bytes_in", number(c->got_bytes),
			 "cpu_ns", number(flat_cpu_time_ns(cpu)));
}

static json_t *vm_json(struct flat *flat)
{
	json_t *guests = json_array();
	json_t *name = json_string(flat->name);

	for (uint32_t i = 0; i < flat->cpus_nr; i++)
		json_array_append_new(guests, cpu_json(&flat->cpu[i]));
	return json_pack("{s:o, s:o, s:o, s:o}", "name",
			 name ? name : json_string("?"), "ram_bytes",
			 number(flat->memory.len), "cpu_ns",
			 number(flat_time_ns(flat)), "guests", guests);
}

static int put_json(FILE *out, const struct session *session, int status)
{
	json_t *notes = json_object();
	json_t *vms = json_array();
	json_t *root;
	int err;

	for (uint32_t i = 0; i < session->notes_nr; i++)
		json_object_set_new(notes, session->notes[i].key,
				    json_string(session->notes[i].value));
	for (uint32_t i = 0; i < session->machines_nr; i++)
		json_array_append_new(vms, vm_json(session->machines[i]));
	root = json_pack("{s:s, s:s, s:i, s:f, s:o, s:o}", "abi", session->name,
			 "kvm", kvm_kind_name(), "status", status, "seconds",
			 seconds_of(session), "notes", notes, "vms", vms);
	if (!root)
		return -ENOMEM;
	err = json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) ||
			      fputc('\n', out) == EOF || fflush(out)
		      ? -EIO
		      : 0;
	json_decref(root);
	return err;
}

int session_report(struct session *session, int status)
{
	const char *path = session->opts->stats_path;
	FILE *out = path ? fopen(path, "we") : stderr;
	int err;

	if (!out) {
		err = -errno;
	} else {
		err = session->opts->json ? put_json(out, session, status)
					  : put_text(out, session);
		if (path && fclose(out) && !err)
			err = -errno;
	}
	if (err)
		log_error("stats %s: %s", path ? path : "on stderr",
			  strerror(-err));
	return err;
}
