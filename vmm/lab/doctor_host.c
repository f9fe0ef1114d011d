/* SPDX-License-Identifier: MIT */
/* doctor_host.c - has the host what labs need besides KVM? */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "shm/link/shmem.h"
#include "vmm/core/loop.h"
#include "vmm/lab/doctor.h"
#include "vmm/lab/size.h"

#define HUGEPAGES_DIR  "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define HUGEPAGES_WANT 32 /* 64 MiB: the region a lab has by default */
#define URING_SYSCTL   "/proc/sys/kernel/io_uring_disabled"

/* The number in a file of the kernel's; -ENOENT when it has none. */
static int read_number(const char *path, uint64_t *number)
{
	FILE *file = fopen(path, "re");
	char line[32] = "";

	if (!file)
		return -ENOENT;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	(void)fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return size_parse_number(line, 0, UINT64_MAX, number);
}

static void add_uring(struct doctor *doctor)
{
	struct loop *loop = NULL;
	int err = loop_create(&loop);
	uint64_t disabled;

	loop_destroy(loop);
	if (!err)
		doctor_add(doctor, "io_uring", DOCTOR_OK, NULL, "works");
	else if (!read_number(URING_SYSCTL, &disabled) && disabled)
		doctor_add(doctor, "io_uring", DOCTOR_FAIL,
			   "sudo sysctl kernel.io_uring_disabled=0",
			   "switched off (kernel.io_uring_disabled = %llu)",
			   (unsigned long long)disabled);
	else if (err == -ENOSYS)
		doctor_add(doctor, "io_uring", DOCTOR_FAIL,
			   "use a kernel from 5.13 on with CONFIG_IO_URING",
			   "this kernel has none");
	else if (err == -EPERM)
		doctor_add(doctor, "io_uring", DOCTOR_FAIL,
			   "allow the io_uring system calls in the "
			   "container's seccomp profile",
			   "not allowed");
	else
		doctor_add(doctor, "io_uring", DOCTOR_FAIL,
			   "raise the limit of locked memory: ulimit -l", "%s",
			   strerror(-err));
}

static void add_memfd(struct doctor *doctor)
{
	struct shmem shmem = { .fd = -1 };
	int err = shmem_create(&shmem, "ivlab-doctor", SHMEM_MIN_LEN, false);

	if (err)
		doctor_add(doctor, "sealed memfd", DOCTOR_FAIL,
			   "use a kernel with CONFIG_MEMFD_CREATE", "%s",
			   strerror(-err));
	else
		doctor_add(doctor, "sealed memfd", DOCTOR_OK, NULL, "works");
	shmem_destroy(&shmem);
}

static void add_hugepages(struct doctor *doctor)
{
	char cure[DOCTOR_TEXT_LEN];
	unsigned long long want;
	uint64_t nr, free_nr;

	if (read_number(HUGEPAGES_DIR "nr_hugepages", &nr) ||
	    read_number(HUGEPAGES_DIR "free_hugepages", &free_nr)) {
		doctor_add(doctor, "2 MiB pages", DOCTOR_WARN,
			   "use a kernel with CONFIG_HUGETLBFS",
			   "this kernel has none: hugepages = yes has no "
			   "effect");
		return;
	}
	want = nr + HUGEPAGES_WANT;
	snprintf(cure, sizeof(cure), "sudo sysctl vm.nr_hugepages=%llu", want);
	doctor_add(doctor, "2 MiB pages", free_nr ? DOCTOR_OK : DOCTOR_WARN,
		   free_nr ? NULL : cure, "%llu free of %llu%s",
		   (unsigned long long)free_nr, (unsigned long long)nr,
		   free_nr ? "" : " (only hugepages = yes wants them)");
}

static void add_cpus(struct doctor *doctor)
{
	cpu_set_t allowed;
	int nr;

	if (sched_getaffinity(0, sizeof(allowed), &allowed)) {
		doctor_add(doctor, "CPUs", DOCTOR_SKIP, NULL, "%s",
			   strerror(errno));
		return;
	}
	nr = CPU_COUNT(&allowed);
	doctor_add(doctor, "CPUs", nr > 1 ? DOCTOR_OK : DOCTOR_WARN,
		   nr > 1 ? NULL : "give this machine or process a second CPU",
		   nr > 1 ? "%d" : "%d: VMs take turns, figures mean little",
		   nr);
}

void doctor_host(struct doctor *doctor)
{
	add_uring(doctor);
	add_memfd(doctor);
	add_cpus(doctor);
	add_hugepages(doctor);
}
