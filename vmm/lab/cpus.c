/* SPDX-License-Identifier: MIT */
/* cpus.c - is that a CPU for us, and which are? */
#include "vmm/lab/cpus.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#define LIST_LEN 128 /* of a host with many holes only the first are told */

/* "0-3,8", as taskset(1) writes it. */
static void list(const cpu_set_t *set, char text[LIST_LEN])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		size_t last = cpu;

		if (!CPU_ISSET(cpu, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		if (len > LIST_LEN - sizeof(",1023-1023,...")) {
			snprintf(text + len, LIST_LEN - len, ",...");
			return;
		}
		len += (size_t)snprintf(text + len, LIST_LEN - len,
					last > cpu ? "%s%zu-%zu" : "%s%zu",
					len ? "," : "", cpu, last);
		cpu = last;
	}
}

int cpus_check(const uint32_t *cpus, uint32_t nr, char *reason,
	       size_t reason_len)
{
	char ours[LIST_LEN];
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set)) {
		snprintf(reason, reason_len, "the host does not tell its CPUs");
		return -ENODEV;
	}
	for (uint32_t i = 0; i < nr; i++) {
		if (cpus[i] < CPU_SETSIZE && CPU_ISSET(cpus[i], &set))
			continue;
		list(&set, ours);
		snprintf(reason, reason_len,
			 "there is no CPU %u for us on this host, only %s",
			 cpus[i], ours);
		return -ENODEV;
	}
	return 0;
}
