/* SPDX-License-Identifier: MIT */
/* cmd_doctor.c - `ivlab doctor`: the findings, as a table or as JSON. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/core/kvm.h"
#include "vmm/core/log.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/doctor.h"
#include "vmm/lab/report.h"

static const char *const status_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warning",
	[DOCTOR_FAIL] = "FAILED",
	[DOCTOR_SKIP] = "skipped",
};

static void help(void)
{
	puts("usage: ivlab doctor [--json]\n"
	     "Say whether this machine can run labs, and how to cure it if "
	     "not. Exit status 0\nwhen `ivlab run` can work, 1 when it "
	     "cannot.\n\n"
	     "  --json  the findings as JSON\n"
	     "  --help  this text");
}

static int put_text(const struct doctor *doctor)
{
	for (uint32_t i = 0; i < doctor->checks_nr; i++) {
		const struct doctor_check *check = &doctor->checks[i];

		printf("%-30s %-8s %s\n", check->name,
		       status_names[check->status], check->detail);
		if (check->cure[0])
			printf("%-30s %-8s cure: %s\n", "", "", check->cure);
	}
	puts(doctor->failed_nr ? "labs cannot run here yet"
			       : "labs can run here");
	return fflush(stdout);
}

static int put_json(const struct doctor *doctor)
{
	json_t *checks = json_array();

	for (uint32_t i = 0; i < doctor->checks_nr; i++) {
		const struct doctor_check *check = &doctor->checks[i];

		json_array_append_new(
			checks, json_pack("{s:s, s:s, s:s, s:s}", "check",
					  check->name, "status",
					  status_names[check->status], "detail",
					  check->detail, "cure", check->cure));
	}
	return report_json_write(
		stdout, json_pack("{s:b, s:s, s:o}", "ok", !doctor->failed_nr,
				  "kvm", kvm_kind_name(), "checks", checks));
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct doctor *doctor;
	bool json = false;
	int status, c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h') {
			help();
			return 0;
		}
		if (c != 'j')
			return cmd_bad_option("doctor", c, argv, options);
		json = true;
	}
	if (optind != argc)
		return cmd_usage("doctor", "what is %s?", argv[optind]);
	doctor = malloc(sizeof(*doctor));
	if (!doctor) {
		log_error("out of memory");
		return CMD_FAILED;
	}
	doctor_examine(doctor);
	status = doctor->failed_nr ? CMD_FAILED : 0;
	if (json ? put_json(doctor) : put_text(doctor))
		status = CMD_FAILED;
	free(doctor);
	return status;
}
