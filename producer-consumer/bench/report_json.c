/* SPDX-License-Identifier: MIT */
/* report_json.c - how do programs read the figures? (docs/ivlab.1, JSON) */
#include <errno.h>
#include <jansson.h>

#include "producer-consumer/bench/queues.h"
#include "producer-consumer/bench/report.h"

/* NULL when a piece could not be made: it is then missing from the whole. */
static json_t *row_json(const struct rows_row *row)
{
	json_t *o = json_pack(
		"{s:s, s:s, s:s, s:f, s:b, s:b, s:f, s:f, s:f, s:i, s:i, s:i, "
		"s:i, s:i, s:b, s:b}",
		"workload", row->workload->name, "way",
		plan_way_name(row->workload->way), "queue", row->queue, "ns",
		row->ns, "ours", row->ours, "limit", row->limit, "min",
		row->min, "max", row->max, "spread",
		(row->max - row->min) / row->ns, "rounds", (int)row->nr,
		"dropped_switch", (int)row->switched_nr, "dropped_probe",
		(int)row->probed_nr, "dropped_moved", (int)row->moved_nr,
		"samples", (int)row->samples_nr, "checked", row->wrong_nr == 0,
		"disturbed", row->only_disturbed);

	if (o && row->p99 > 0 &&
	    (json_object_set_new(o, "p99", json_real(row->p99)) ||
	     json_object_set_new(o, "p999", json_real(row->p999)))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *rows_json(const struct rows *rows)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < rows->nr; i++)
		if (rows_has(&rows->rows[i]) &&
		    json_array_append_new(list, row_json(&rows->rows[i])))
			goto fail;
	return list;
fail:
	json_decref(list);
	return NULL;
}

/* Ours beside the best of the others, per workload. */
static json_t *summary_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < r->plan->nr; i++) {
		const struct plan_workload *w = &r->plan->workloads[i];
		struct rows_best best;
		json_t *o;

		rows_best(r->rows, w, &best);
		if (!best.ours)
			continue;
		o = json_pack("{s:s, s:s, s:f}", "workload", w->name, "ours",
			      best.ours->queue, "ns", best.ours->ns);
		if (o && best.peer &&
		    (json_object_set_new(o, "best_peer",
					 json_string(best.peer->queue)) ||
		     json_object_set_new(
			     o, "times_peer",
			     json_real(best.peer->ns / best.ours->ns))))
			goto fail;
		if (o && best.limit &&
		    json_object_set_new(
			    o, "of_limit",
			    json_real(best.limit->ns / best.ours->ns)))
			goto fail;
		if (json_array_append_new(list, o))
			goto fail;
	}
	return list;
fail:
	json_decref(list);
	return NULL;
}

static json_t *missing_json(const struct report *r)
{
	json_t *list = json_array();

	for (uint32_t i = 0; queues_missing[i].name; i++)
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s}", "queue",
					    queues_missing[i].name, "package",
					    queues_missing[i].package)))
			goto fail;
	if (r->vms_missing &&
	    json_array_append_new(list, json_pack("{s:s, s:s}", "queue",
						  "guest to guest", "why",
						  r->vms_missing)))
		goto fail;
	return list;
fail:
	json_decref(list);
	return NULL;
}

/* Where a sample was dropped because it did not end. */
static json_t *timed_out_json(const struct rows *rows)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < rows->nr; i++) {
		const struct rows_row *row = &rows->rows[i];

		if (row->timed_out_nr &&
		    json_array_append_new(
			    list,
			    json_pack("{s:s, s:s, s:i}", "workload",
				      row->workload->name, "queue", row->queue,
				      "samples", (int)row->timed_out_nr)))
			goto fail;
	}
	return list;
fail:
	json_decref(list);
	return NULL;
}

static json_t *machine_json(const struct machine *m)
{
	return json_pack("{s:s, s:s, s:s, s:[i, i], s:b, s:b, s:I, s:s, s:s, "
			 "s:s, s:s}",
			 "cpu", m->cpu, "kernel", m->kernel, "kvm", m->kvm,
			 "cpus", (int)m->cpus[0], (int)m->cpus[1],
			 "smt_siblings", m->siblings, "realtime", m->realtime,
			 "page_bytes", (json_int_t)m->page_len, "memory_type",
			 MACHINE_MEMORY_TYPE, "compiler", machine_compiler,
			 "flags", machine_flags, "build", machine_build);
}

int report_json(FILE *out, const struct report *r)
{
	struct report_sums sums;
	json_t *root;
	int err = 0;

	report_sum(r->rows, &sums);
	root = json_pack("{s:b, s:i, s:o, s:o, s:o, s:{s:I, s:I, s:I}, s:o, "
			 "s:f, s:f, s:I, s:o}",
			 "ok", sums.wrong_nr == 0, "rounds", (int)r->rounds_nr,
			 "rows", rows_json(r->rows), "summary", summary_json(r),
			 "missing", missing_json(r), "dropped",
			 "context_switch", (json_int_t)sums.switched_nr,
			 "fast_probe", (json_int_t)sums.probed_nr, "moved_cpus",
			 (json_int_t)sums.moved_nr, "timed_out",
			 timed_out_json(r->rows), "probe_ns", r->rows->probe_ns,
			 "probe_min_ns", r->rows->probe_min_ns, "samples",
			 (json_int_t)sums.samples_nr, "machine",
			 machine_json(r->machine));
	if (!root)
		return -ENOMEM;
	if (json_dumpf(root, out, JSON_INDENT(1)) || fputc('\n', out) == EOF ||
	    fflush(out))
		err = -EIO;
	json_decref(root);
	return err;
}
