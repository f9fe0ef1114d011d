/* SPDX-License-Identifier: MIT */
/* shares.c - how is what sched.c decides seen, and done to the VMs? */
#include "vmm/lab/shares.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "vmm/core/clock.h"
#include "vmm/core/gate.h"
#include "vmm/core/vcpu.h"
#include "vmm/lab/sched.h"

/* A tenth: so that over ten quanta a part is right to one in a hundred. */
#define LOOKS_PER_QUANTUM 10u
/* What a late launcher may do to the parts is made up for, to this limit. */
#define LAG_MAX_QUANTA 10u
#define WEIGHT_OF_ONE  10000u /* percent */
#define PATH_LEN       64
#define TEXT_LEN       512

/* A vCPU's thread, at the last look. */
struct cpu_seen {
	uint32_t tid;
	uint64_t ran_ns, waited_ns;
	uint64_t turns_nr; /* how often it was given the CPU */
};

struct vm_seen {
	pid_t pid;  /* 0: it does not run */
	bool begun; /* a vCPU of it was seen */
	struct stats *stats;
	struct cpu_seen cpus[BARE_CPUS_MAX];
};

/* What is shared: one host CPU. */
struct shared_cpu {
	uint32_t cpu;
	struct sched_group group;
	uint32_t vm[SCHED_MEMBERS_MAX];	  /* of each member */
	uint32_t mask[SCHED_MEMBERS_MAX]; /* its vCPUs on this CPU */
	uint32_t weight[SCHED_MEMBERS_MAX];
};

struct shares {
	const struct lab *lab;
	struct loop *loop;
	struct loop_watch *timer;
	uint64_t looked_ns;
	struct vm_seen vms[LAB_VMS_MAX];
	uint32_t cpus_nr;
	struct shared_cpu cpus[];
};

/* --- which CPUs are shared, by whom -------------------------------------- */

static uint32_t mask_on(const struct lab_vm *vm, uint32_t cpu)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < vm->pin_nr; i++)
		if (vm->pin[i] == cpu)
			mask |= 1u << i;
	return mask;
}

static bool cpu_is_known(const struct shares *shares, uint32_t cpu)
{
	for (uint32_t i = 0; i < shares->cpus_nr; i++)
		if (shares->cpus[i].cpu == cpu)
			return true;
	return false;
}

static void cpu_add(struct shares *shares, uint32_t cpu)
{
	struct shared_cpu *shared = &shares->cpus[shares->cpus_nr++];
	const struct lab *lab = shares->lab;
	struct sched_group *group = &shared->group;
	uint32_t rest = 100, rest_nr = 0;

	shared->cpu = cpu;
	group->lag_max_ns = LAG_MAX_QUANTA * lab->quantum_ns;
	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		uint32_t nr = group->members_nr;

		shared->mask[nr] = mask_on(&lab->vms[i], cpu);
		if (!shared->mask[nr])
			continue;
		shared->vm[nr] = i;
		shared->weight[nr] = lab->vms[i].share * WEIGHT_OF_ONE;
		group->members_nr++;
		rest -= lab->vms[i].share;
		rest_nr += !lab->vms[i].share;
	}
	/* The lab file was checked: if there is anybody, there is a rest. */
	for (uint32_t i = 0; rest_nr && i < group->members_nr; i++)
		if (!shared->weight[i])
			shared->weight[i] = rest * WEIGHT_OF_ONE / rest_nr;
}

static void cpus_add(struct shares *shares)
{
	for (uint32_t i = 0; i < shares->lab->vms_nr; i++) {
		const struct lab_vm *vm = &shares->lab->vms[i];

		for (uint32_t j = 0; j < vm->pin_nr && vm->share; j++)
			if (!cpu_is_known(shares, vm->pin[j]))
				cpu_add(shares, vm->pin[j]);
	}
}

/* --- looking -------------------------------------------------------------- */

/* The file's beginning as a string. */
static int read_text(const char *path, char text[TEXT_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, TEXT_LEN - 1);
	close(fd);
	if (len <= 0)
		return -ESRCH;
	text[len] = '\0';
	return 0;
}

/* "RAN WAITED TURNS", the first two in nanoseconds. */
static int read_times(const char *path, struct cpu_seen *seen)
{
	char text[TEXT_LEN];
	char *rest;
	int err = read_text(path, text);

	if (err)
		return err;
	seen->ran_ns = strtoull(text, &rest, 10);
	seen->waited_ns = strtoull(rest, &rest, 10);
	seen->turns_nr = strtoull(rest, NULL, 10);
	return 0;
}

/* "PID (NAME) STATE ...": does it run, or wait for the CPU? */
static bool read_ready(pid_t pid, uint32_t tid)
{
	char path[PATH_LEN], text[TEXT_LEN];
	const char *name_end;

	snprintf(path, sizeof(path), "/proc/%d/task/%u/stat", (int)pid, tid);
	if (read_text(path, text))
		return false;
	name_end = strrchr(text, ')');
	return name_end && name_end[1] == ' ' && name_end[2] == 'R';
}

/* The kernel brings ran_ns up to date at the clock ticks of the thread's CPU,
 * and a virtual machine's CPU that does not run has none: a thread may seem to
 * have done little. But who is ready and was given the CPU no more often since
 * the last look has not slept. */
static void see_cpu(struct vm_seen *vm, uint32_t nr, bool held,
		    struct sched_seen *seen)
{
	struct cpu_seen *last = &vm->cpus[nr];
	struct cpu_seen now = { .tid = load_relaxed(&vm->stats->cpu_tid[nr]) };
	char path[PATH_LEN];
	bool ready;

	snprintf(path, sizeof(path), "/proc/%d/task/%u/schedstat", (int)vm->pid,
		 now.tid);
	/* Not begun, or gone: then what it did last is not known, and little.
	 */
	if (!now.tid || read_times(path, &now))
		return;
	if (last->tid == now.tid && now.ran_ns >= last->ran_ns)
		seen->ran_ns += now.ran_ns - last->ran_ns;
	if (last->tid == now.tid && now.waited_ns >= last->waited_ns)
		seen->waited_ns += now.waited_ns - last->waited_ns;
	ready = !held && read_ready(vm->pid, now.tid);
	seen->ready = seen->ready || ready;
	seen->steady = seen->steady || (ready && last->tid == now.tid &&
					now.turns_nr <= last->turns_nr);
	*last = now;
	vm->begun = true;
}

/* --- and doing ------------------------------------------------------------ */

static void hold(const struct vm_seen *vm, uint32_t mask)
{
	gate_hold(&vm->stats->gate, mask);
	for (uint32_t nr = 0; nr < BARE_CPUS_MAX; nr++) {
		pid_t tid = (pid_t)load_relaxed(&vm->stats->cpu_tid[nr]);

		/* The process was not waited for, so it is still this one. */
		if (mask & 1u << nr && tid)
			(void)tgkill(vm->pid, tid, VCPU_KICK_SIGNAL);
	}
}

static void let_go(struct vm_seen *vm, uint32_t mask)
{
	gate_open(&vm->stats->gate, mask);
	/* To go on is a turn, but no sleep of the guest's. */
	for (uint32_t nr = 0; nr < BARE_CPUS_MAX; nr++)
		vm->cpus[nr].turns_nr += mask >> nr & 1;
}

static void look_at_cpu(struct shares *shares, struct shared_cpu *shared,
			uint64_t wall_ns)
{
	struct sched_seen seen[SCHED_MEMBERS_MAX] = { { 0 } };
	struct sched_group *group = &shared->group;
	bool held[SCHED_MEMBERS_MAX] = { false };

	for (uint32_t i = 0; i < group->members_nr; i++) {
		struct vm_seen *vm = &shares->vms[shared->vm[i]];

		held[i] = group->members[i].held;
		for (uint32_t nr = 0; nr < BARE_CPUS_MAX && vm->pid; nr++)
			if (shared->mask[i] & 1u << nr)
				see_cpu(vm, nr, held[i], &seen[i]);
		if (vm->begun)
			group->members[i].weight = shared->weight[i];
	}
	sched_look(group, wall_ns, seen);
	for (uint32_t i = 0; i < group->members_nr; i++) {
		struct vm_seen *vm = &shares->vms[shared->vm[i]];

		if (!vm->pid || group->members[i].held == held[i])
			continue;
		if (held[i])
			let_go(vm, shared->mask[i]);
		else
			hold(vm, shared->mask[i]);
	}
}

static void look(void *arg)
{
	struct shares *shares = arg;
	uint64_t now_ns = clock_now_ns();
	uint64_t wall_ns = now_ns - shares->looked_ns;

	shares->looked_ns = now_ns;
	for (uint32_t i = 0; i < shares->cpus_nr; i++)
		look_at_cpu(shares, &shares->cpus[i], wall_ns);
}

/* --- from the first VM to the last ---------------------------------------- */

int shares_create(struct shares **out, struct loop *loop, const struct lab *lab)
{
	struct cpu_seen self;
	struct shares *shares;
	uint32_t cpus_max = 0;
	int err;

	*out = NULL;
	for (uint32_t i = 0; i < lab->vms_nr; i++)
		cpus_max += lab->vms[i].share ? lab->vms[i].pin_nr : 0;
	if (!cpus_max)
		return 0;
	if (read_times("/proc/thread-self/schedstat", &self))
		return -ENOTSUP;
	shares = calloc(1, sizeof(*shares) + cpus_max * sizeof(*shares->cpus));
	if (!shares)
		return -ENOMEM;
	shares->lab = lab;
	shares->loop = loop;
	shares->looked_ns = clock_now_ns();
	cpus_add(shares);
	err = loop_watch_timer(loop, lab->quantum_ns / LOOKS_PER_QUANTUM, look,
			       shares, &shares->timer);
	if (err)
		free(shares);
	else
		*out = shares;
	return err;
}

void shares_destroy(struct shares *shares)
{
	if (!shares)
		return;
	loop_watch_del(shares->loop, &shares->timer);
	free(shares);
}

void shares_begin(struct shares *shares, uint32_t vm, pid_t pid,
		  struct stats *stats)
{
	if (!shares)
		return;
	shares->vms[vm] = (struct vm_seen){ .pid = pid, .stats = stats };
}

void shares_end(struct shares *shares, uint32_t vm, uint64_t *ns,
		uint64_t *all_ns)
{
	*ns = 0;
	*all_ns = 0;
	if (!shares)
		return;
	shares->vms[vm] = (struct vm_seen){ .pid = 0 };
	for (uint32_t i = 0; i < shares->cpus_nr; i++) {
		struct shared_cpu *shared = &shares->cpus[i];

		for (uint32_t m = 0; m < shared->group.members_nr; m++) {
			struct sched_member *member = &shared->group.members[m];

			if (shared->vm[m] != vm)
				continue;
			*ns += member->shared_ns;
			*all_ns += member->shared_all_ns;
			*member = (struct sched_member){ .weight = 0 };
		}
	}
}
