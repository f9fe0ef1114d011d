/* SPDX-License-Identifier: MIT */
/* sched.c - who is owed how much of a CPU, and who may run? */
#include "vmm/lab/sched.h"

#include <stddef.h>

static bool is_there(const struct sched_member *member)
{
	return member->weight > 0;
}

/* For the report: by what they wanted while they did it. */
static void account(struct sched_group *group, const struct sched_seen *seen)
{
	uint32_t wanting_nr = 0;
	uint64_t all_ns = 0;

	for (uint32_t i = 0; i < group->members_nr; i++) {
		if (!is_there(&group->members[i]))
			continue;
		wanting_nr += group->members[i].wants;
		all_ns += seen[i].ran_ns;
	}
	for (uint32_t i = 0; i < group->members_nr && wanting_nr > 1; i++) {
		struct sched_member *member = &group->members[i];

		if (!is_there(member))
			continue;
		member->shared_ns += seen[i].ran_ns;
		member->shared_all_ns += all_ns;
	}
}

/*
 * Does it need the CPU so much that others should be held for it? Who naps
 * most of the time and never has to wait gets along: the kernel lets a thread
 * that wakes up run soon.
 */
static bool wants_cpu(const struct sched_seen *seen, uint64_t wall_ns)
{
	uint64_t busy_ns = seen->ran_ns + seen->waited_ns;

	if (!seen->ready)
		return false;
	if (seen->steady)
		return true;
	/* None: it woke up just now, or has waited since the last look. */
	return busy_ns == 0 || busy_ns >= wall_ns / 2 ||
	       seen->waited_ns > wall_ns / 8;
}

/* What a member that used less than its part leaves is the others'. */
static bool is_content(const struct sched_member *member,
		       const struct sched_seen *seen, double all_ns,
		       double weights)
{
	return !member->wants && member->lag_ns >= 0 &&
	       (double)seen->ran_ns * weights <= all_ns * member->weight;
}

/* Give each its part of what all of them ran, and take what it ran itself. */
static void charge(struct sched_group *group, const struct sched_seen *seen)
{
	bool settled[SCHED_MEMBERS_MAX];
	double all_ns = 0, weights = 0;
	bool again = true;

	for (uint32_t i = 0; i < group->members_nr; i++) {
		struct sched_member *member = &group->members[i];

		settled[i] = !is_there(member) ||
			     (!member->wants && member->lag_ns >= 0 &&
			      !seen[i].ran_ns);
		if (settled[i])
			continue;
		all_ns += (double)seen[i].ran_ns;
		weights += member->weight;
	}
	while (again) {
		again = false;
		for (uint32_t i = 0; i < group->members_nr; i++) {
			if (settled[i] ||
			    !is_content(&group->members[i], &seen[i], all_ns,
					weights))
				continue;
			settled[i] = true;
			again = true;
			all_ns -= (double)seen[i].ran_ns;
			weights -= group->members[i].weight;
		}
	}
	for (uint32_t i = 0; i < group->members_nr; i++) {
		struct sched_member *member = &group->members[i];
		double max_ns = (double)group->lag_max_ns;

		if (settled[i])
			continue;
		member->lag_ns += all_ns * member->weight / weights -
				  (double)seen[i].ran_ns;
		if (member->lag_ns > max_ns)
			member->lag_ns = max_ns;
		if (member->lag_ns < -max_ns)
			member->lag_ns = -max_ns;
	}
}

/* Who sleeps saves nothing up; who is alone takes nothing from anybody. */
static void forgive(struct sched_group *group, const struct sched_seen *seen,
		    uint64_t wall_ns)
{
	struct sched_member *alone = NULL;
	uint32_t wanting_nr = 0;

	for (uint32_t i = 0; i < group->members_nr; i++) {
		struct sched_member *member = &group->members[i];

		if (is_there(member) && member->wants) {
			wanting_nr++;
			alone = member;
		} else if (!member->held && member->lag_ns > 0 &&
			   seen[i].ran_ns + seen[i].waited_ns < wall_ns / 2) {
			member->lag_ns = 0;
		}
	}
	if (wanting_nr == 1 && alone->lag_ns < 0)
		alone->lag_ns = 0;
}

static void decide(struct sched_group *group)
{
	struct sched_member *best = NULL;

	for (uint32_t i = 0; i < group->members_nr; i++) {
		struct sched_member *member = &group->members[i];

		if (is_there(member) && member->wants &&
		    (!best || member->lag_ns > best->lag_ns))
			best = member;
	}
	for (uint32_t i = 0; i < group->members_nr; i++) {
		struct sched_member *member = &group->members[i];

		member->held = is_there(member) && best && member != best &&
			       (member->wants || member->lag_ns < 0);
	}
}

void sched_look(struct sched_group *group, uint64_t wall_ns,
		const struct sched_seen *seen)
{
	account(group, seen);
	for (uint32_t i = 0; i < group->members_nr; i++) {
		struct sched_member *member = &group->members[i];

		/* What one that is held wants cannot be seen. */
		if (!member->held)
			member->wants = wants_cpu(&seen[i], wall_ns);
	}
	charge(group, seen);
	forgive(group, seen, wall_ns);
	decide(group);
}
