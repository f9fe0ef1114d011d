/* SPDX-License-Identifier: MIT */
/* test_report.c - what people and programs get to read about a run. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/unit/harness.h"
#include "vmm/lab/report.h"

static struct lab_result result;
static struct stats stats;
static char text[65536];

static const struct lab lab = { .region_len = 64 << 20 };
static const siginfo_t exited_0 = { .si_code = CLD_EXITED };

/* Two VMs that did well. */
static void fill(void)
{
	result_init(&result, &lab);
	memset(&stats, 0, sizeof(stats));
	result.page_len = 4096;
	strcpy(result.kvm, "kvm-test");
	stats.end = STATS_END_EXIT;
	stats.exits[STATS_EXIT_IO] = 5;
	stats.exits[STATS_EXIT_MMIO] = 6;
	stats.kvm_exits = UINT64_MAX;
	stats.guest_doorbells = 8;
	stats.guest_interrupts = 9;
	stats.doorbells_slow = 10;
	stats.first_run_ns = 31000000;
	stats.kvm_setup_ns = 4000000;
	stats.cpu_ns[0] = 2000000000;
	stats.cpu_ns[BARE_CPUS_MAX - 1] = 250000000;
	result_take_vm(&result.vms[0], "producer", &stats, &exited_0, false);
	stats.kvm_exits = 1234;
	stats.reports_nr = 5;
	strcpy(stats.reports[0].key, "messages");
	stats.reports[0].value = 50000000;
	strcpy(stats.reports[1].key, "bytes");
	stats.reports[1].value = 3200000000;
	strcpy(stats.reports[2].key, "ns");
	stats.reports[2].value = 2000000000;
	strcpy(stats.reports[3].key, "sleeps");
	stats.reports[3].value = 17;
	strcpy(stats.reports[4].key, "mismatches");
	result_take_vm(&result.vms[1], "consumer", &stats, &exited_0, false);
	result.vms_nr = 2;
	result_sum(&result, 1000000);
}

static void print(int (*report)(FILE *, const struct lab_result *))
{
	FILE *out = fmemopen(text, sizeof(text), "w");

	memset(text, 0, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_EQUAL(report(out, &result), 0);
	(void)fclose(out);
}

static json_t *print_json(void)
{
	json_t *root;

	print(report_json);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(root);
	return root;
}

static void assert_line(const char *line)
{
	const char *found = strstr(text, line);

	CU_ASSERT_TRUE(found && (found == text || found[-1] == '\n'));
	if (!found)
		printf("# no line %s in:\n%s", line, text);
}

static void text_shows_every_figure(void)
{
	fill();
	print(report_text);
	assert_line("messages        50000000\n");
	assert_line("bytes           3200000000\n");
	assert_line("seconds         2.000\n");
	assert_line("messages/s      25.00 million\n");
	assert_line("throughput      1.60 GB/s\n");
	assert_line("mismatches      0\n");
	assert_line("region          64 MiB, write-back, 4 KiB pages\n");
	assert_line("KVM             kvm-test\n");
	assert_line("start           30.0 ms to the first instruction of the "
		    "last VM, 4.0 ms of it inside KVM\n");
	assert_line("consumer: sleeps = 17\n");
}

/* Where needle is; it must be there. */
static const char *find(const char *haystack, const char *needle)
{
	const char *found = strstr(haystack, needle);

	CU_ASSERT_PTR_NOT_NULL(found);
	return found ? found : "";
}

static void text_columns_are_aligned(void)
{
	static const char *const heads[] = { "exits", "KVM exits", "doorbells",
					     "interrupts" };
	static const char *const values[] = { "11", "1234", "8", "9" };
	const char *head, *row;

	fill();
	print(report_text);
	head = find(text, "\nvm ");
	row = find(text, "\nconsumer  ");
	for (int i = 0; i < 4; i++) {
		size_t end = (size_t)(find(head, heads[i]) - head) +
			     strlen(heads[i]);
		size_t len = strlen(values[i]);

		CU_ASSERT_TRUE(end < strlen(row));
		CU_ASSERT_EQUAL(strncmp(row + end - len, values[i], len), 0);
		CU_ASSERT_EQUAL(row[end - len - 1], ' ');
	}
}

static void text_shows_unknown_kvm_exits_as_dash(void)
{
	fill();
	print(report_text);
	find(find(text, "\nproducer"), " - ");
}

static void text_says_when_huge_pages_were_not_there(void)
{
	fill();
	result.hugepages_wanted = true;
	print(report_text);
	assert_line("region          64 MiB, write-back, 4 KiB pages (no huge "
		    "ones were free)\n");
	result.page_len = 2 << 20;
	print(report_text);
	assert_line("region          64 MiB, write-back, 2 MiB pages\n");
}

static void text_of_an_empty_result_divides_by_nothing(void)
{
	memset(&result, 0, sizeof(result));
	print(report_text);
	assert_line("seconds         0.000\n");
	result_init(&result, &lab);
	result.messages = 1;
	print(report_text);
	assert_line("seconds         -\n");
	CU_ASSERT_PTR_NULL(strstr(text, "nan"));
	CU_ASSERT_PTR_NULL(strstr(text, "inf"));
}

/* Guests that stream nothing, as hello, report no figures. */
static void figures_nobody_reported_are_left_out(void)
{
	static const char *const keys[] = {
		"messages",	    "bytes",
		"seconds",	    "messages_per_second",
		"bytes_per_second", "mismatches"
	};
	json_t *root;

	fill();
	result_init(&result, &lab);
	stats.reports_nr = 0;
	result_take_vm(&result.vms[0], "hello", &stats, &exited_0, false);
	result.vms_nr = 1;
	result_sum(&result, 0);
	CU_ASSERT_EQUAL(result.exit_code, 0);
	print(report_text);
	CU_ASSERT_PTR_NULL(strstr(text, "messages"));
	CU_ASSERT_PTR_NULL(strstr(text, "bytes  "));
	CU_ASSERT_PTR_NULL(strstr(text, "seconds"));
	CU_ASSERT_PTR_NULL(strstr(text, "mismatches"));
	CU_ASSERT_PTR_NULL(strstr(text, "throughput"));
	root = print_json();
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		CU_ASSERT_TRUE(json_is_null(json_object_get(root, keys[i])));
	CU_ASSERT_PTR_NULL(json_object_get(root, "incomplete"));
	json_decref(root);
}

static void lab_cut_short_tells_what_its_rings_knew(void)
{
	json_t *root;

	fill();
	result_init(&result, &lab);
	stats.reports_nr = 0;
	result_take_vm(&result.vms[0], "producer", &stats, &exited_0, true);
	result_take_vm(&result.vms[1], "consumer", &stats, &exited_0, true);
	result.vms_nr = 2;
	result_sum(&result, 1000000);
	result_cut_short(&result, 30000000, 1920000000, 1031000000);
	print(report_text);
	assert_line("messages        30000000 (incomplete: the lab was cut "
		    "short)\n");
	assert_line("bytes           1920000000\n");
	assert_line("seconds         1.000\n");
	assert_line("messages/s      30.00 million\n");
	assert_line("mismatches      -\n");
	CU_ASSERT_PTR_NULL(strstr(text, "messages        0"));
	root = print_json();
	CU_ASSERT_TRUE(json_is_true(json_object_get(root, "incomplete")));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(root, "messages")),
			30000000);
	json_decref(root);
}

static void lab_cut_short_keeps_what_was_reported(void)
{
	fill();
	result.mismatches = 1;
	/* No more than that went through the rings, one of them wrong. */
	result_cut_short(&result, 50000001, 1, UINT64_MAX);
	CU_ASSERT_TRUE(result.incomplete);
	CU_ASSERT_EQUAL(result.messages, 50000000);
	CU_ASSERT_EQUAL(result.ns, 2000000000);
	/* Nothing went through at all: that is not a figure. */
	result_init(&result, &lab);
	result_cut_short(&result, 0, 0, 1);
	CU_ASSERT_EQUAL(result.messages, RESULT_UNKNOWN);
	/* One of them never ran: the time is not known. */
	fill();
	result.vms[0].first_run_ns = 0;
	result_cut_short(&result, 60000000, 1, UINT64_MAX);
	CU_ASSERT_EQUAL(result.messages, 60000000);
	CU_ASSERT_EQUAL(result.ns, RESULT_UNKNOWN);
}

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	CU_ASSERT_TRUE(json_is_number(value));
	if (!json_is_number(value))
		printf("# no number %s\n", key);
	return json_number_value(value);
}

static void json_has_every_promised_key(void)
{
	const json_t *vm, *vms, *region;
	json_t *root;

	fill();
	root = print_json();
	CU_ASSERT_TRUE(json_is_true(json_object_get(root, "ok")));
	CU_ASSERT_PTR_NULL(json_object_get(root, "error"));
	CU_ASSERT_EQUAL(number(root, "messages"), 50000000);
	CU_ASSERT_EQUAL(number(root, "bytes"), 3200000000);
	CU_ASSERT_EQUAL(number(root, "seconds"), 2);
	CU_ASSERT_EQUAL(number(root, "messages_per_second"), 25000000);
	CU_ASSERT_EQUAL(number(root, "bytes_per_second"), 1600000000);
	CU_ASSERT_EQUAL(number(root, "mismatches"), 0);
	CU_ASSERT_EQUAL(number(root, "start_ms"), 30);
	CU_ASSERT_EQUAL(number(root, "start_kvm_ms"), 4);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(root, "kvm")),
			       "kvm-test");
	region = json_object_get(root, "region");
	CU_ASSERT_EQUAL(number(region, "bytes"), 64 << 20);
	CU_ASSERT_EQUAL(number(region, "page_bytes"), 4096);
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_object_get(region, "memory_type")),
		"write-back");
	CU_ASSERT_TRUE(
		json_is_false(json_object_get(region, "hugepages_wanted")));
	vms = json_object_get(root, "vms");
	CU_ASSERT_EQUAL_FATAL(json_array_size(vms), 2);
	vm = json_array_get(vms, 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(vm, "name")),
			       "consumer");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(vm, "end")),
			       stats_end_name(STATS_END_EXIT));
	CU_ASSERT_EQUAL(number(vm, "status"), 0);
	CU_ASSERT_EQUAL(number(vm, "exits"), 11);
	CU_ASSERT_EQUAL(number(json_object_get(vm, "exits_by_reason"), "mmio"),
			6);
	CU_ASSERT_EQUAL(number(vm, "kvm_exits"), 1234);
	CU_ASSERT_EQUAL(number(vm, "doorbells"), 8);
	CU_ASSERT_EQUAL(number(vm, "interrupts"), 9);
	CU_ASSERT_EQUAL(number(vm, "doorbells_slow"), 10);
	CU_ASSERT_EQUAL(number(json_object_get(vm, "reports"), "sleeps"), 17);
	CU_ASSERT_EQUAL(json_real_value(json_object_get(vm, "cpu_seconds")),
			2.25);
	CU_ASSERT_TRUE(json_is_null(json_object_get(vm, "cpu_percent")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(vm, "share")));
	CU_ASSERT_TRUE(json_is_null(
		json_object_get(json_array_get(vms, 0), "kvm_exits")));
	json_decref(root);
}

static void files_are_shown_where_there_are_any(void)
{
	json_t *root, *vm, *files;

	fill();
	print(report_text);
	CU_ASSERT_PTR_NULL(strstr(text, "exits/request"));
	stats.files.shares_nr = 2;
	stats.files.requests = 1000;
	stats.files.read_bytes = 3 << 20;
	stats.files.written_bytes = 4096;
	stats.files.doorbells = 250;
	stats.files.interrupts = 500;
	result_take_vm(&result.vms[1], "consumer", &stats, &exited_0, false);
	print(report_text);
	assert_line("files        requests         read      written  "
		    "exits/request interrupts/req.\n");
	assert_line("producer            -            -            -  "
		    "            -               -\n");
	assert_line("consumer         1000        3 MiB        4 KiB  "
		    "         0.25            0.50\n");
	root = print_json();
	vm = json_array_get(json_object_get(root, "vms"), 0);
	CU_ASSERT_TRUE(json_is_null(json_object_get(vm, "files")));
	vm = json_array_get(json_object_get(root, "vms"), 1);
	files = json_object_get(vm, "files");
	CU_ASSERT_EQUAL(number(files, "requests"), 1000);
	CU_ASSERT_EQUAL(number(files, "bytes_read"), 3 << 20);
	CU_ASSERT_EQUAL(number(files, "bytes_written"), 4096);
	CU_ASSERT_EQUAL(number(files, "exits"), 250);
	CU_ASSERT_EQUAL(number(files, "interrupts"), 500);
	CU_ASSERT_EQUAL(number(files, "exits_per_request"), 0.25);
	CU_ASSERT_EQUAL(number(files, "interrupts_per_request"), 0.5);
	json_decref(root);
}

static void shares_are_shown_where_there_are_any(void)
{
	json_t *root;
	const json_t *vm;

	fill();
	print(report_text);
	CU_ASSERT_PTR_NULL(strstr(text, "share"));
	find(find(text, "\nconsumer  "), " 2.250\n");
	result.vms[1].share = 70;
	result.vms[1].shared_ns = 712;
	result.vms[1].shared_all_ns = 1000;
	print(report_text);
	find(text, "CPU s  CPU %  share\n");
	find(find(text, "\nproducer  "), "      -      -\n");
	find(find(text, "\nconsumer  "), "   71.2     70\n");
	root = print_json();
	vm = json_array_get(json_object_get(root, "vms"), 1);
	CU_ASSERT_EQUAL(number(vm, "share"), 70);
	CU_ASSERT_DOUBLE_EQUAL(
		json_real_value(json_object_get(vm, "cpu_percent")), 71.2,
		1e-9);
	json_decref(root);
}

static void share_that_was_missed_is_explained(void)
{
	const uint64_t s_ns = 1000000000;

	fill();
	result.quantum_ns = s_ns / 10;
	result.vms[0].share = 70;
	result.vms[0].shared_ns = 617 * s_ns / 1000;
	result.vms[0].shared_all_ns = s_ns;
	print(report_text);
	assert_line("producer: did not want all of its share, as when it "
		    "sleeps; the others had the rest\n");
	result.vms[0].shared_ns = 685 * s_ns / 1000;
	print(report_text);
	CU_ASSERT_PTR_NULL(strstr(text, "producer: did"));
	result.vms[0].shared_all_ns = s_ns - 1;
	print(report_text);
	assert_line("producer: CPU % is of the 1.000 s that VMs wanted that "
		    "CPU at a time; shares hold from 1 s on\n");
	result.vms[0].shared_ns = 0;
	result.vms[0].shared_all_ns = 0;
	print(report_text);
	CU_ASSERT_PTR_NULL(strstr(text, "producer: CPU"));
}

static void lab_with_copies_says_where_they_are(void)
{
	static struct lab copies;
	static char dir[] = "labs/.ivlab/x";
	json_t *root;

	fill();
	print(report_text);
	CU_ASSERT_PTR_NULL(strstr(text, "changes"));
	root = print_json();
	CU_ASSERT_TRUE(json_is_null(json_object_get(root, "private_dir")));
	json_decref(root);
	copies.vms_nr = 1;
	copies.vms[0].shares_nr = 1;
	copies.shares[0].mode = SHARE_RW;
	copies.private_dir = dir;
	result_init(&result, &copies);
	CU_ASSERT_STRING_EQUAL(result.private_dir, "");
	copies.shares[0].mode = SHARE_COW;
	result_init(&result, &copies);
	print(report_text);
	assert_line(
		"changes         labs/.ivlab/x/VM/SHARE has what VM changed "
		"in a share of mode cow\n");
}

static void json_of_a_failure_says_why(void)
{
	siginfo_t killed = { .si_code = CLD_KILLED };
	const json_t *vm;
	json_t *root;

	killed.si_status = SIGKILL;
	fill();
	result_take_vm(&result.vms[0], "producer", NULL, &killed, false);
	result_fail(&result, 1, "vm producer: %s", result.vms[0].reason);
	result_fail(&result, 130, "only the first counts");
	root = print_json();
	CU_ASSERT_TRUE(json_is_false(json_object_get(root, "ok")));
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_object_get(root, "error")),
		"vm producer: killed by signal 9 (Killed)");
	vm = json_array_get(json_object_get(root, "vms"), 0);
	CU_ASSERT_EQUAL(number(vm, "status"), 128 + SIGKILL);
	CU_ASSERT_TRUE(json_is_false(json_object_get(vm, "ok")));
	CU_ASSERT_EQUAL(result.exit_code, 1);
	json_decref(root);
}

static void json_error_alone_is_an_object(void)
{
	FILE *out = fmemopen(text, sizeof(text), "w");
	json_t *root;

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_EQUAL(report_json_error(out, "t.lab:1: \xff no \"UTF-8\""),
			0);
	(void)fclose(out);
	root = json_loads(text, 0, NULL);
	CU_ASSERT_TRUE(json_is_false(json_object_get(root, "ok")));
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_object_get(root, "error")),
		"t.lab:1: \\xff no \"UTF-8\"");
	json_decref(root);
}

/* A guest writes its stats through the monitor, but chooses keys and values. */
static void hostile_reports_cannot_break_a_report(void)
{
	json_t *root;

	fill();
	stats.reports_nr = UINT32_MAX;
	for (int i = 0; i < STATS_REPORTS_MAX; i++) {
		memset(stats.reports[i].key, '\x1b', BARE_KEY_LEN);
		stats.reports[i].key[0] = (char)i;
		stats.reports[i].value = UINT64_MAX;
	}
	strcpy(stats.reports[0].key, "ns");
	strcpy(stats.reports[1].key, "messages");
	result_take_vm(&result.vms[0], "producer", &stats, &exited_0, false);
	CU_ASSERT_EQUAL(result.vms[0].reports_nr, STATS_REPORTS_MAX);
	result_sum(&result, 0);
	root = print_json();
	json_decref(root);
	print(report_text);
	CU_ASSERT_PTR_NULL(strchr(text, '\x1b'));
}

/* Whatever it says: more than none is a failure. */
static void mismatches_of_any_number_fail_the_lab(void)
{
	static const uint64_t numbers[] = { 1, UINT64_MAX - 1, UINT64_MAX };

	for (int i = 0; i < 3; i++) {
		fill();
		result_init(&result, &lab);
		strcpy(stats.reports[0].key, "mismatches");
		stats.reports[0].value = numbers[i];
		for (int vm = 0; vm < 2; vm++)
			result_take_vm(&result.vms[vm], "v", &stats, &exited_0,
				       false);
		result.vms_nr = 2;
		result_sum(&result, 0);
		CU_ASSERT_EQUAL(result.exit_code, 1);
	}
}

static void report_to_a_full_disk_is_an_error(void)
{
	FILE *out = fopen("/dev/full", "w");

	fill();
	if (!out) {
		unit_skip("no /dev/full");
		return;
	}
	CU_ASSERT_EQUAL(report_text(out, &result), -EIO);
	clearerr(out);
	CU_ASSERT_EQUAL(report_json(out, &result), -EIO);
	(void)fclose(out);
}

static void end_of_a_vm_is_judged_by_all_that_is_known(void)
{
	struct vm_result vm;
	siginfo_t failed = exited_0;

	failed.si_status = 1;
	fill();
	/* The process says 0, the guest does not. */
	stats.status = 3;
	result_take_vm(&vm, "v", &stats, &exited_0, false);
	CU_ASSERT_FALSE(vm.ok);
	CU_ASSERT_STRING_EQUAL(vm.reason, "guest ended with status 3");
	/* The guest says 0, the process does not. */
	stats.status = 0;
	result_take_vm(&vm, "v", &stats, &failed, false);
	CU_ASSERT_FALSE(vm.ok);
	stats.end = STATS_END_NONE;
	result_take_vm(&vm, "v", &stats, &exited_0, false);
	CU_ASSERT_FALSE(vm.ok);
	CU_ASSERT_STRING_EQUAL(vm.reason,
			       "ended before its guest ran with status 0");
	stats.end = STATS_END_SHUTDOWN;
	result_take_vm(&vm, "v", &stats, &failed, false);
	CU_ASSERT_STRING_EQUAL(vm.reason, "guest shut down (triple fault)");
	stats.end = STATS_END_STOPPED;
	result_take_vm(&vm, "v", &stats, &failed, true);
	CU_ASSERT_STRING_EQUAL(vm.reason, "stopped");
	result_take_vm(&vm, "v", &stats, &failed, false);
	CU_ASSERT_STRING_EQUAL(vm.reason, "stopped by somebody else");
	stats.end = STATS_END_FAULT;
	stats.fault[0] = 999;
	result_take_vm(&vm, "v", &stats, &failed, false);
	CU_ASSERT_PTR_NOT_NULL(strstr(vm.reason, "vector 999"));
	stats.end = 4711;
	result_take_vm(&vm, "v", &stats, &failed, false);
	CU_ASSERT_FALSE(vm.ok);
	CU_ASSERT_NOT_EQUAL(vm.reason[0], '\0');
}

static void start_time_needs_every_vm_to_have_run(void)
{
	fill();
	result.vms[0].first_run_ns = 0;
	result.start_ns = 0;
	result_sum(&result, 1000000);
	CU_ASSERT_EQUAL(result.start_ns, 0);
}

static const struct unit_test tests[] = {
	{ "text_shows_every_figure", text_shows_every_figure },
	{ "text_columns_are_aligned", text_columns_are_aligned },
	{ "files_are_shown_where_there_are_any",
	  files_are_shown_where_there_are_any },
	{ "share_that_was_missed_is_explained",
	  share_that_was_missed_is_explained },
	{ "lab_with_copies_says_where_they_are",
	  lab_with_copies_says_where_they_are },
	{ "shares_are_shown_where_there_are_any",
	  shares_are_shown_where_there_are_any },
	{ "text_shows_unknown_kvm_exits_as_dash",
	  text_shows_unknown_kvm_exits_as_dash },
	{ "text_says_when_huge_pages_were_not_there",
	  text_says_when_huge_pages_were_not_there },
	{ "text_of_an_empty_result_divides_by_nothing",
	  text_of_an_empty_result_divides_by_nothing },
	{ "figures_nobody_reported_are_left_out",
	  figures_nobody_reported_are_left_out },
	{ "lab_cut_short_tells_what_its_rings_knew",
	  lab_cut_short_tells_what_its_rings_knew },
	{ "lab_cut_short_keeps_what_was_reported",
	  lab_cut_short_keeps_what_was_reported },
	{ "mismatches_of_any_number_fail_the_lab",
	  mismatches_of_any_number_fail_the_lab },
	{ "json_has_every_promised_key", json_has_every_promised_key },
	{ "json_of_a_failure_says_why", json_of_a_failure_says_why },
	{ "json_error_alone_is_an_object", json_error_alone_is_an_object },
	{ "hostile_reports_cannot_break_a_report",
	  hostile_reports_cannot_break_a_report },
	{ "report_to_a_full_disk_is_an_error",
	  report_to_a_full_disk_is_an_error },
	{ "end_of_a_vm_is_judged_by_all_that_is_known",
	  end_of_a_vm_is_judged_by_all_that_is_known },
	{ "start_time_needs_every_vm_to_have_run",
	  start_time_needs_every_vm_to_have_run },
};
UNIT_MAIN("report", tests)
