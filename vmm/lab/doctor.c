/* SPDX-License-Identifier: MIT */
/* doctor.c - what is looked at, in which order? */
#include "vmm/lab/doctor.h"

#include <stdarg.h>
#include <stdio.h>

void doctor_add(struct doctor *doctor, const char *name,
		enum doctor_status status, const char *cure, const char *fmt,
		...)
{
	struct doctor_check *check;
	va_list args;

	doctor->failed_nr += status == DOCTOR_FAIL;
	if (doctor->checks_nr == DOCTOR_CHECKS_MAX)
		return;
	check = &doctor->checks[doctor->checks_nr++];
	check->status = status;
	snprintf(check->name, sizeof(check->name), "%s", name);
	snprintf(check->cure, sizeof(check->cure), "%s", cure ? cure : "");
	va_start(args, fmt);
	vsnprintf(check->detail, sizeof(check->detail), fmt, args);
	va_end(args);
}

void doctor_examine(struct doctor *doctor)
{
	*doctor = (struct doctor){ 0 };
	doctor_kvm(doctor);
	doctor_host(doctor);
}
