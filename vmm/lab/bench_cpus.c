/* SPDX-License-Identifier: MIT */
/* bench_cpus.c - on which two CPUs do the ends of a measured ring run? */
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "vmm/lab/bench.h"
#include "vmm/lab/cpus.h"

int bench_cpus(uint32_t cpus[2], const uint32_t *wished, uint32_t wished_nr,
	       char *error, size_t error_len)
{
	cpu_set_t allowed;
	uint32_t nr = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed)) {
		snprintf(error, error_len, "the host does not tell its CPUs");
		return -ENODEV;
	}
	if (cpus_check(wished, wished_nr, error, error_len))
		return -ENODEV;
	for (; nr < wished_nr; nr++)
		cpus[nr] = wished[nr];
	for (uint32_t cpu = 0; nr < 2 && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			cpus[nr++] = cpu;
	if (nr == 2)
		return 0;
	snprintf(error, error_len,
		 "two CPUs are needed, one for each end, but this process may "
		 "use one only");
	return -ENODEV;
}
