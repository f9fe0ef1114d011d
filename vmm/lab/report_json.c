/* SPDX-License-Identifier: MIT */
/* report_json.c - how do programs read what a lab did? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/lab/escape.h"
#include "vmm/lab/report.h"

json_t *report_json_number(uint64_t number)
{
	/* The library's integers are signed; a guest may report any 64 bits. */
	return number <= INT64_MAX ? json_integer((json_int_t)number)
				   : json_real((double)number);
}

json_t *report_json_string(const char *text)
{
	json_t *string = json_string(text);
	char *escaped;

	if (string)
		return string;
	/* Not UTF-8: a path may be anything. */
	escaped = malloc(ESCAPE_LEN(strlen(text)));
	if (!escaped)
		return NULL;
	escape_bytes(escaped, text, strlen(text));
	string = json_string(escaped);
	free(escaped);
	return string;
}

/* Set a key, taking value over; NULL is out of memory, told by *err. */
static void set(json_t *object, const char *key, json_t *value, int *err)
{
	if (json_object_set_new(object, key, value))
		*err = -ENOMEM;
}

static json_t *per_request_json(uint64_t count, uint64_t requests)
{
	return requests ? json_real((double)count / (double)requests)
			: json_null();
}

static json_t *files_json(const struct vm_result *vm, int *err)
{
	json_t *object;

	if (!vm->shares_nr)
		return json_null();
	object = json_object();
	set(object, "requests", report_json_number(vm->files_requests), err);
	set(object, "bytes_read", report_json_number(vm->files_read_len), err);
	set(object, "bytes_written", report_json_number(vm->files_written_len),
	    err);
	set(object, "exits", report_json_number(vm->files_doorbells), err);
	set(object, "interrupts", report_json_number(vm->files_interrupts),
	    err);
	set(object, "exits_per_request",
	    per_request_json(vm->files_doorbells, vm->files_requests), err);
	set(object, "interrupts_per_request",
	    per_request_json(vm->files_interrupts, vm->files_requests), err);
	return object;
}

static json_t *vm_json(const struct vm_result *vm, int *err)
{
	static const char *const exit_names[STATS_EXIT_NR] = {
		[STATS_EXIT_IO] = "io",	      [STATS_EXIT_MMIO] = "mmio",
		[STATS_EXIT_HLT] = "hlt",     [STATS_EXIT_SIGNAL] = "signal",
		[STATS_EXIT_OTHER] = "other",
	};
	json_t *object = json_object();
	json_t *by_reason = json_object();
	json_t *reports = json_object();

	for (int i = 0; i < STATS_EXIT_NR; i++)
		set(by_reason, exit_names[i],
		    report_json_number(vm->exits_by[i]), err);
	for (uint32_t i = 0; i < vm->reports_nr; i++)
		set(reports, vm->reports[i].key,
		    report_json_number(vm->reports[i].value), err);
	set(object, "name", report_json_string(vm->name), err);
	set(object, "ok", json_boolean(vm->ok), err);
	set(object, "status", json_integer(vm->status), err);
	set(object, "end", json_string(stats_end_name(vm->end)), err);
	if (vm->reason[0])
		set(object, "reason", report_json_string(vm->reason), err);
	set(object, "exits", report_json_number(vm->exits), err);
	set(object, "exits_by_reason", by_reason, err);
	set(object, "kvm_exits",
	    vm->kvm_exits == UINT64_MAX ? json_null()
					: report_json_number(vm->kvm_exits),
	    err);
	set(object, "doorbells", report_json_number(vm->doorbells), err);
	set(object, "doorbells_slow", report_json_number(vm->doorbells_slow),
	    err);
	set(object, "interrupts", report_json_number(vm->interrupts), err);
	set(object, "cpu_seconds", json_real((double)vm->cpu_ns / 1e9), err);
	set(object, "cpu_percent",
	    vm->shared_all_ns ? json_real(result_cpu_percent(vm)) : json_null(),
	    err);
	set(object, "cpu_shared_seconds",
	    json_real((double)vm->shared_all_ns / 1e9), err);
	set(object, "share", vm->share ? json_integer(vm->share) : json_null(),
	    err);
	set(object, "files", files_json(vm, err), err);
	set(object, "reports", reports, err);
	return object;
}

static json_t *region_json(const struct lab_result *r, int *err)
{
	json_t *object = json_object();

	set(object, "bytes", report_json_number(r->region_len), err);
	set(object, "page_bytes", report_json_number(r->page_len), err);
	set(object, "memory_type", json_string(REPORT_MEMORY_TYPE), err);
	set(object, "hugepages_wanted", json_boolean(r->hugepages_wanted), err);
	return object;
}

/* null: no VM reported it */
static json_t *figure_json(uint64_t figure)
{
	return figure == RESULT_UNKNOWN ? json_null()
					: report_json_number(figure);
}

static json_t *per_second_json(uint64_t count, uint64_t ns)
{
	if (count == RESULT_UNKNOWN || ns == RESULT_UNKNOWN || !ns)
		return json_null();
	return json_real((double)count * 1e9 / (double)ns);
}

int report_json(FILE *out, const struct lab_result *r)
{
	json_t *root = json_object();
	json_t *vms = json_array();
	int err = 0;

	for (uint32_t i = 0; i < r->vms_nr; i++)
		if (json_array_append_new(vms, vm_json(&r->vms[i], &err)))
			err = -ENOMEM;
	set(root, "ok", json_boolean(r->exit_code == 0), &err);
	if (r->error[0])
		set(root, "error", report_json_string(r->error), &err);
	if (r->incomplete)
		set(root, "incomplete", json_true(), &err);
	set(root, "messages", figure_json(r->messages), &err);
	set(root, "bytes", figure_json(r->bytes), &err);
	set(root, "seconds",
	    r->ns == RESULT_UNKNOWN ? json_null()
				    : json_real((double)r->ns / 1e9),
	    &err);
	set(root, "messages_per_second", per_second_json(r->messages, r->ns),
	    &err);
	set(root, "bytes_per_second", per_second_json(r->bytes, r->ns), &err);
	set(root, "mismatches", figure_json(r->mismatches), &err);
	set(root, "kvm", report_json_string(r->kvm), &err);
	set(root, "region", region_json(r, &err), &err);
	set(root, "private_dir",
	    r->private_dir[0] ? report_json_string(r->private_dir)
			      : json_null(),
	    &err);
	set(root, "start_ms", json_real((double)r->start_ns / 1e6), &err);
	set(root, "start_kvm_ms", json_real((double)r->start_kvm_ns / 1e6),
	    &err);
	set(root, "vms", vms, &err);
	if (err) {
		json_decref(root);
		return err;
	}
	return report_json_write(out, root);
}

int report_json_error(FILE *out, const char *error)
{
	return report_json_write(out, json_pack("{s:b, s:o}", "ok", 0, "error",
						report_json_string(error)));
}

int report_json_write(FILE *out, json_t *root)
{
	int err = 0;

	if (!root)
		return -ENOMEM;
	if (json_dumpf(root, out, JSON_INDENT(2)) || fputc('\n', out) == EOF ||
	    fflush(out))
		err = -EIO;
	json_decref(root);
	return err;
}
