/* SPDX-License-Identifier: MIT */
/* machine.c - what does this host say about itself? */
#include "producer-consumer/bench/machine.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/rounds.h"

/* The Makefile tells; a lone compiler (lint) does not. */
#ifndef BENCH_FLAGS
#define BENCH_FLAGS "unknown flags"
#define BENCH_BUILD "unknown"
#endif

#define TICKS_NS 20000000u

const char machine_compiler[] = "gcc " __VERSION__;
const char machine_flags[] = BENCH_FLAGS;
const char machine_build[] = BENCH_BUILD;

/* The value behind the first line that begins with key, in file. */
static void take_line(const char *file, const char *key,
		      char text[MACHINE_TEXT_LEN])
{
	char line[512];
	FILE *f = fopen(file, "r");

	snprintf(text, MACHINE_TEXT_LEN, "unknown");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		const char *colon;

		line[strcspn(line, "\n")] = '\0';
		colon = strchr(line, ':');
		if (strncmp(line, key, strlen(key)) != 0 || !colon)
			continue;
		snprintf(text, MACHINE_TEXT_LEN, "%.150s",
			 colon + 1 + strspn(colon + 1, " \t"));
		break;
	}
	(void)fclose(f);
}

/* Both have the same list of threads of their core. */
static bool are_siblings(const uint32_t cpus[2])
{
	char lists[2][64] = { "0", "1" };

	for (int i = 0; i < 2; i++) {
		char path[96];
		FILE *f;

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%u/topology/"
			 "thread_siblings_list",
			 cpus[i]);
		f = fopen(path, "r");
		if (!f)
			return false;
		if (!fgets(lists[i], sizeof(lists[i]), f))
			lists[i][0] = (char)('0' + i);
		(void)fclose(f);
	}
	return strcmp(lists[0], lists[1]) == 0;
}

/* Try it on ourselves: whether it is allowed depends on too much. */
static bool realtime_allowed(void)
{
	struct sched_param realtime = { .sched_priority = 1 };
	struct sched_param other = { .sched_priority = 0 };

	if (sched_setscheduler(0, SCHED_RR, &realtime))
		return false;
	(void)sched_setscheduler(0, SCHED_OTHER, &other);
	return true;
}

/*
 * A name that only one process can have, until it ends. Of two runs at once
 * only one may have real-time priority: else each waits for CPUs that the
 * other spins on.
 */
static bool alone(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
				    .sun_path = "\0ivlab-bench-peers" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || !bind(fd, (struct sockaddr *)&name, sizeof(name));
}

static double measure_tick(void)
{
	uint64_t start_ns = rounds_now_ns(), start = loops_stamp();
	uint64_t now = start_ns;

	while (now - start_ns < TICKS_NS)
		now = rounds_now_ns();
	return (double)(now - start_ns) / (double)(loops_stamp() - start);
}

static int choose_cpus(struct machine *m, const uint32_t cpus[2],
		       uint32_t cpus_nr)
{
	cpu_set_t allowed;
	uint32_t nr = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -errno;
	for (; nr < cpus_nr; nr++) {
		m->cpus[nr] = cpus[nr];
		if (cpus[nr] >= CPU_SETSIZE || !CPU_ISSET(cpus[nr], &allowed))
			return -ENXIO;
	}
	for (uint32_t cpu = 0; nr < 2 && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			m->cpus[nr++] = cpu;
	return nr < 2 ? -ENODEV : 0;
}

int machine_look(struct machine *m, const uint32_t cpus[2], uint32_t cpus_nr)
{
	struct utsname uts;
	int err;

	*m = (struct machine){ .kvm = "no lab was run" };
	err = choose_cpus(m, cpus, cpus_nr);
	if (err)
		return err;
	take_line("/proc/cpuinfo", "model name", m->cpu);
	if (!uname(&uts))
		snprintf(m->kernel, sizeof(m->kernel), "%s %.100s", uts.sysname,
			 uts.release);
	m->siblings = are_siblings(m->cpus);
	m->realtime = realtime_allowed() && alone();
	m->page_len = (uint64_t)sysconf(_SC_PAGESIZE);
	m->tick_ns = measure_tick();
	return 0;
}
