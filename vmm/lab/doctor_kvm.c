/* SPDX-License-Identifier: MIT */
/* doctor_kvm.c - is there a KVM that can run our guests? */
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core/kvm.h"
#include "vmm/lab/doctor.h"

/* What there is where KVM is not. */
#define EMULATED                                                          \
	"make run, make demo-files and make test-nested use an emulated " \
	"KVM, tests/nested/bed -- COMMAND runs anything else on it"

#define API_VERSION 12 /* the only one since Linux 2.6.22 */

/* Is flag one of the words of the first "flags" line of /proc/cpuinfo? */
static bool cpu_has(const char *flag)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[8192];
	bool found = false;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		char *rest = line;
		char *word;

		if (strncmp(line, "flags", 5) != 0)
			continue;
		while ((word = strsep(&rest, " \t\n")))
			found = found || strcmp(word, flag) == 0;
		break;
	}
	(void)fclose(file);
	return found;
}

void doctor_why_absent(const struct doctor_absence *is, const char **why,
		       const char **cure)
{
	*why = "is not there";
	if (is->has_vmx) {
		*cure = "modprobe kvm_intel (fails: enable VT-x in the BIOS)";
	} else if (is->has_svm) {
		*cure = "modprobe kvm_amd (fails: enable SVM in the BIOS)";
	} else if (is->in_vm && is->has_pvm) {
		*why = "cannot be had on this virtual machine: it has no VT-x "
		       "or SVM, and kvm_pvm, though loaded, does not work in "
		       "it";
		*cure = "another machine; " EMULATED;
	} else if (is->in_vm) {
		*why = "is not there: this is a virtual machine without VT-x "
		       "or SVM";
		*cure = "nested virtualization, switched on at its host; until "
			"then " EMULATED;
	} else {
		*cure = "enable virtualization in the BIOS, then modprobe "
			"kvm_intel or kvm_amd";
	}
}

static void add_absent(struct doctor *doctor)
{
	const struct doctor_absence is = {
		.has_vmx = cpu_has("vmx"),
		.has_svm = cpu_has("svm"),
		.in_vm = cpu_has("hypervisor"),
		.has_pvm = access("/sys/module/kvm_pvm", F_OK) == 0,
	};
	const char *why, *cure;

	doctor_why_absent(&is, &why, &cure);
	doctor_add(doctor, KVM_DEVICE_PATH, DOCTOR_FAIL, cure, "%s", why);
}

static void add_unopened(struct doctor *doctor, int err)
{
	char cure[DOCTOR_TEXT_LEN];
	const struct passwd *user;

	switch (err) {
	case -ENOENT:
	case -ENODEV: /* a node without a driver behind it */
	case -ENXIO:
		add_absent(doctor);
		return;
	case -EACCES:
	case -EPERM:
		user = getpwuid(geteuid());
		snprintf(cure, sizeof(cure),
			 "sudo usermod -aG kvm %s, then log in again",
			 user ? user->pw_name : "$USER");
		doctor_add(doctor, KVM_DEVICE_PATH, DOCTOR_FAIL, cure,
			   "may not be opened by this user");
		return;
	default:
		doctor_add(doctor, KVM_DEVICE_PATH, DOCTOR_FAIL,
			   "see the kernel's messages: dmesg | grep -i kvm",
			   "%s", strerror(-err));
	}
}

static void add_kind(struct doctor *doctor)
{
	switch (kvm_kind()) {
	case KVM_KIND_HARDWARE:
		doctor_add(doctor, "KVM kind", DOCTOR_OK, NULL, "%s",
			   kvm_kind_name());
		break;
	case KVM_KIND_SOFTWARE:
		doctor_add(doctor, "KVM kind", DOCTOR_OK, NULL,
			   "%s: ring 0 of guests is slow, ring 3 is not",
			   kvm_kind_name());
		break;
	case KVM_KIND_NONE:
	case KVM_KIND_UNKNOWN:
		doctor_add(doctor, "KVM kind", DOCTOR_WARN, NULL, "%s",
			   kvm_kind_name());
		break;
	}
}

static void add_needs(struct doctor *doctor, int kvm_fd)
{
	for (const struct kvm_need *need = kvm_needs; need->name; need++) {
		bool there = kvm_check_extension(kvm_fd, need->cap) > 0;

		doctor_add(doctor, need->name, there ? DOCTOR_OK : DOCTOR_FAIL,
			   there ? NULL : "use a newer kernel",
			   there ? "there" : "this KVM does not have it");
	}
}

/* Opening says little: some hosts refuse only here. */
static void add_vcpu(struct doctor *doctor)
{
	struct kvm_vcpu *vcpu = NULL;
	struct kvm_vm *vm = NULL;
	int err;

	err = kvm_vm_create(&vm);
	if (!err)
		err = kvm_vcpu_create(vm, 0, &vcpu);
	if (err)
		doctor_add(doctor, "virtual machine", DOCTOR_FAIL,
			   "end other hypervisors (VirtualBox, ...); dmesg | "
			   "grep -i kvm",
			   "cannot be created: %s", strerror(-err));
	else
		doctor_add(doctor, "virtual machine", DOCTOR_OK, NULL,
			   "one with a vCPU was created");
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

void doctor_kvm(struct doctor *doctor)
{
	int kvm_fd;
	int err = kvm_open(&kvm_fd);
	int version;

	if (err) {
		add_unopened(doctor, err);
		doctor_add(doctor, "KVM", DOCTOR_SKIP, NULL,
			   "cannot be looked at before %s opens",
			   KVM_DEVICE_PATH);
		return;
	}
	doctor_add(doctor, KVM_DEVICE_PATH, DOCTOR_OK, NULL, "opens");
	version = kvm_api_version(kvm_fd);
	if (version == API_VERSION)
		doctor_add(doctor, "KVM API version", DOCTOR_OK, NULL, "%d",
			   version);
	else
		doctor_add(doctor, "KVM API version", DOCTOR_FAIL,
			   "use a kernel with version 12", "%d", version);
	add_kind(doctor);
	add_needs(doctor, kvm_fd);
	close(kvm_fd);
	add_vcpu(doctor);
}
