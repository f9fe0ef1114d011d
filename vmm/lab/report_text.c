/* SPDX-License-Identifier: MIT */
/* report_text.c - how do people read what a lab did? */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "vmm/lab/report.h"
#include "vmm/lab/size.h"

#define LABEL_WIDTH 16

__attribute__((format(printf, 3, 4))) static void
row(FILE *out, const char *label, const char *fmt, ...)
{
	va_list args;

	fprintf(out, "%-*s", LABEL_WIDTH, label);
	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fputc('\n', out);
}

static void put_region(FILE *out, const struct lab_result *r)
{
	char size[SIZE_TEXT_LEN];
	char page[SIZE_TEXT_LEN];
	bool small = r->hugepages_wanted && r->page_len == 4096;

	row(out, "region", "%s, " REPORT_MEMORY_TYPE ", %s pages%s",
	    size_format(r->region_len, size), size_format(r->page_len, page),
	    small ? " (no huge ones were free)" : "");
}

static void put_figure(FILE *out, const char *label, uint64_t figure,
		       const char *remark)
{
	if (figure == RESULT_UNKNOWN)
		row(out, label, "-%s", remark);
	else
		row(out, label, "%llu%s", (unsigned long long)figure, remark);
}

/* Nothing of a lab that does not stream; "-": no VM reported it. */
static void put_figures(FILE *out, const struct lab_result *r)
{
	bool timed = r->ns && r->ns != RESULT_UNKNOWN;
	double seconds = timed ? (double)r->ns / 1e9 : 0;

	if (r->messages == RESULT_UNKNOWN && r->bytes == RESULT_UNKNOWN &&
	    r->ns == RESULT_UNKNOWN && r->mismatches == RESULT_UNKNOWN)
		return;
	put_figure(out, "messages", r->messages,
		   r->incomplete ? " (incomplete: the lab was cut short)" : "");
	put_figure(out, "bytes", r->bytes, "");
	if (r->ns == RESULT_UNKNOWN)
		row(out, "seconds", "-");
	else
		row(out, "seconds", "%.3f", seconds);
	if (timed && r->messages != RESULT_UNKNOWN)
		row(out, "messages/s", "%.2f million",
		    (double)r->messages / seconds / 1e6);
	if (timed && r->bytes != RESULT_UNKNOWN)
		row(out, "throughput", "%.2f GB/s",
		    (double)r->bytes / seconds / 1e9);
	put_figure(out, "mismatches", r->mismatches, "");
}

static void put_lab(FILE *out, const struct lab_result *r)
{
	put_figures(out, r);
	if (r->page_len)
		put_region(out, r);
	row(out, "KVM", "%s", r->kvm[0] ? r->kvm : "none");
	if (r->start_ns)
		row(out, "start",
		    "%.1f ms to the first instruction of the last VM, %.1f ms "
		    "of it inside KVM",
		    (double)r->start_ns / 1e6, (double)r->start_kvm_ns / 1e6);
	if (r->private_dir[0])
		row(out, "changes",
		    "%s/VM/SHARE has what VM changed in a share of mode cow",
		    r->private_dir);
}

/* The figures that are not in the tables already. */
static void put_reports(FILE *out, const struct vm_result *vm)
{
	static const char *const known[] = { "messages", "bytes", "ns",
					     "mismatches" };

	for (uint32_t i = 0; i < vm->reports_nr; i++) {
		bool is_known = false;

		for (size_t k = 0; k < sizeof(known) / sizeof(*known); k++)
			is_known = is_known ||
				   strcmp(vm->reports[i].key, known[k]) == 0;
		if (!is_known)
			fprintf(out, "%s: %s = %llu\n", vm->name,
				vm->reports[i].key,
				(unsigned long long)vm->reports[i].value);
	}
}

static void widen(int *width, const char *text)
{
	if ((int)strlen(text) > *width)
		*width = (int)strlen(text);
}

static bool any_share(const struct lab_result *r)
{
	for (uint32_t i = 0; i < r->vms_nr; i++)
		if (r->vms[i].share || r->vms[i].shared_all_ns)
			return true;
	return false;
}

static void put_share(FILE *out, const struct vm_result *vm)
{
	char percent[16] = "-", share[16] = "-";

	if (vm->shared_all_ns)
		snprintf(percent, sizeof(percent), "%.1f",
			 result_cpu_percent(vm));
	if (vm->share)
		snprintf(share, sizeof(share), "%u", vm->share);
	fprintf(out, " %6s %6s", percent, share);
}

/* "-": it has no shared directories, or asked for nothing. */
static void put_files(FILE *out, const struct lab_result *r, int name_width)
{
	bool any = false;

	for (uint32_t i = 0; i < r->vms_nr; i++)
		any = any || r->vms[i].shares_nr;
	if (!any)
		return;
	fprintf(out, "\n%-*s %12s %12s %12s %14s %15s\n", name_width, "files",
		"requests", "read", "written", "exits/request",
		"interrupts/req.");
	for (uint32_t i = 0; i < r->vms_nr; i++) {
		const struct vm_result *vm = &r->vms[i];
		double requests = (double)vm->files_requests;
		char read[SIZE_TEXT_LEN], written[SIZE_TEXT_LEN];

		if (!vm->files_requests) {
			fprintf(out, "%-*s %12s %12s %12s %14s %15s\n",
				name_width, vm->name, "-", "-", "-", "-", "-");
			continue;
		}
		fprintf(out, "%-*s %12llu %12s %12s %14.2f %15.2f\n",
			name_width, vm->name,
			(unsigned long long)vm->files_requests,
			size_format(vm->files_read_len, read),
			size_format(vm->files_written_len, written),
			(double)vm->files_doorbells / requests,
			(double)vm->files_interrupts / requests);
	}
}

/* Why is a percentage not the share? */
static void put_share_words(FILE *out, const struct lab_result *r,
			    const struct vm_result *vm)
{
	switch (result_share(r, vm)) {
	case RESULT_SHARE_TOO_SOON:
		fprintf(out,
			"%s: CPU %% is of the %.3f s that VMs wanted that CPU "
			"at a time; shares hold from %.3g s on\n",
			vm->name, (double)vm->shared_all_ns / 1e9,
			(double)(RESULT_SHARE_QUANTA * r->quantum_ns) / 1e9);
		break;
	case RESULT_SHARE_LEFT:
		fprintf(out,
			"%s: did not want all of its share, as when it "
			"sleeps; the others had the rest\n",
			vm->name);
		break;
	case RESULT_SHARE_KEPT:
	case RESULT_SHARE_NONE:
		break;
	}
}

static void put_vms(FILE *out, const struct lab_result *r)
{
	int name_width = (int)strlen("vm");
	int end_width = (int)strlen("end");
	bool shares = any_share(r);

	for (uint32_t i = 0; i < r->vms_nr; i++) {
		widen(&name_width, r->vms[i].name);
		widen(&end_width, stats_end_name(r->vms[i].end));
	}
	fprintf(out, "\n%-*s  %-*s %6s %10s %10s %10s %10s %9s%s\n", name_width,
		"vm", end_width, "end", "status", "exits", "KVM exits",
		"doorbells", "interrupts", "CPU s",
		shares ? "  CPU %  share" : "");
	for (uint32_t i = 0; i < r->vms_nr; i++) {
		const struct vm_result *vm = &r->vms[i];
		char kvm_exits[24] = "-";

		if (vm->kvm_exits != UINT64_MAX)
			snprintf(kvm_exits, sizeof(kvm_exits), "%llu",
				 (unsigned long long)vm->kvm_exits);
		fprintf(out, "%-*s  %-*s %6d %10llu %10s %10llu %10llu %9.3f",
			name_width, vm->name, end_width,
			stats_end_name(vm->end), vm->status,
			(unsigned long long)vm->exits, kvm_exits,
			(unsigned long long)vm->doorbells,
			(unsigned long long)vm->interrupts,
			(double)vm->cpu_ns / 1e9);
		if (shares)
			put_share(out, vm);
		fputc('\n', out);
	}
	widen(&name_width, "files");
	put_files(out, r, name_width);
	for (uint32_t i = 0; i < r->vms_nr; i++) {
		put_share_words(out, r, &r->vms[i]);
		put_reports(out, &r->vms[i]);
	}
}

int report_text(FILE *out, const struct lab_result *result)
{
	put_lab(out, result);
	if (result->vms_nr)
		put_vms(out, result);
	if (fflush(out) || ferror(out))
		return -EIO;
	return 0;
}
