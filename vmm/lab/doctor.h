/* SPDX-License-Identifier: MIT */
/* doctor.h - what a host must have for labs, and how to give it that. */
#ifndef VMM_LAB_DOCTOR_H
#define VMM_LAB_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#define DOCTOR_CHECKS_MAX 64
#define DOCTOR_TEXT_LEN	  256

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_WARN, /* labs run, but not at their best */
	DOCTOR_FAIL, /* labs do not run */
	DOCTOR_SKIP, /* could not be looked at */
};

struct doctor_check {
	char name[40];
	enum doctor_status status;
	char detail[DOCTOR_TEXT_LEN];
	char cure[DOCTOR_TEXT_LEN]; /* "": none needed */
};

struct doctor {
	struct doctor_check checks[DOCTOR_CHECKS_MAX];
	uint32_t checks_nr;
	uint32_t failed_nr;
};

/* Of a machine whose /dev/kvm does not open for want of a driver. */
struct doctor_absence {
	bool has_vmx, has_svm; /* as /proc/cpuinfo has it */
	bool in_vm;	       /* it says that there is a hypervisor */
	bool has_pvm;	       /* software KVM is loaded */
};

/* Look at everything. Changes nothing on the host. */
void doctor_examine(struct doctor *doctor);

/* Add a finding; what does not fit is cut. Later ones than the table holds
 * are only counted. For doctor_kvm() and doctor_host(). */
__attribute__((format(printf, 5, 6))) void
doctor_add(struct doctor *doctor, const char *name, enum doctor_status status,
	   const char *cure, const char *fmt, ...);
/* Both fit a finding and are not NULL. */
void doctor_why_absent(const struct doctor_absence *is, const char **why,
		       const char **cure);
void doctor_kvm(struct doctor *doctor);	 /* doctor_kvm.c */
void doctor_host(struct doctor *doctor); /* doctor_host.c */

#endif
