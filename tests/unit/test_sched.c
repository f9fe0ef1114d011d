/* SPDX-License-Identifier: MIT */
/*
 * test_sched.c - does the decision who may run keep every part, whatever the
 * members do?
 *
 * A CPU is played: in each look's time those that may run and want to, do, in
 * equal parts, as the kernel would let them.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/harness.h"
#include "vmm/lab/sched.h"

#define LOOK_NS	      10000000ull /* a tenth of the default quantum */
#define PER_QUANTUM   10
#define QUANTA	      10
#define LAG_MAX_NS    (LOOK_NS * PER_QUANTUM * 10)
#define MEMBERS_MAX   6
#define POINTS	      2.0 /* of a hundred, that may be missed */
#define WEIGHT_OF_ONE 10000u

/* How one member behaves. */
struct actor {
	uint32_t share;
	uint32_t duty; /* percent of the time it would like to run */
	bool sly;      /* naps exactly when it is looked at */
};

struct play {
	struct sched_group group;
	struct actor actors[MEMBERS_MAX];
	uint64_t ran_ns[MEMBERS_MAX];
	uint64_t cpu_ns; /* of a look's time; the host takes the rest */
	/* Percent of the looks that come when the kernel's account of who runs
	 * is old, and what it has not told yet. */
	uint32_t old_account;
	uint64_t untold_ns[MEMBERS_MAX];
	uint32_t random;
};

/* The same on every machine; xorshift32. */
static uint32_t next_random(struct play *play, uint32_t below)
{
	play->random ^= play->random << 13;
	play->random ^= play->random >> 17;
	play->random ^= play->random << 5;
	return play->random % below;
}

static void play_begin(struct play *play, const struct actor *actors,
		       uint32_t nr)
{
	*play = (struct play){ .cpu_ns = LOOK_NS, .random = 2463534242u };
	play->group.lag_max_ns = LAG_MAX_NS;
	play->group.members_nr = nr;
	for (uint32_t i = 0; i < nr; i++) {
		play->actors[i] = actors[i];
		play->group.members[i].weight = actors[i].share * WEIGHT_OF_ONE;
	}
}

static uint64_t wish_ns(const struct play *play, uint32_t i)
{
	const struct sched_member *member = &play->group.members[i];

	return member->weight && !member->held
		       ? LOOK_NS * play->actors[i].duty / 100
		       : 0;
}

/* Equal parts, but nobody more than he likes. */
static void divide(const struct play *play, struct sched_seen *seen)
{
	uint64_t left_ns = play->cpu_ns, part_ns;

	do {
		uint32_t hungry_nr = 0;

		for (uint32_t i = 0; i < play->group.members_nr; i++)
			hungry_nr += wish_ns(play, i) > seen[i].ran_ns;
		part_ns = hungry_nr ? left_ns / hungry_nr : 0;
		for (uint32_t i = 0; i < play->group.members_nr; i++) {
			uint64_t more_ns = wish_ns(play, i) - seen[i].ran_ns;

			if (wish_ns(play, i) <= seen[i].ran_ns)
				continue;
			more_ns = more_ns < part_ns ? more_ns : part_ns;
			seen[i].ran_ns += more_ns;
			left_ns -= more_ns;
		}
	} while (part_ns > 100);
}

/* The account has a tenth of it, and the rest the next time. Who never sleeps
 * can be told by that. */
static void tell(struct play *play, uint32_t i, struct sched_seen *seen)
{
	uint64_t all_ns = seen->ran_ns + play->untold_ns[i];

	seen->steady = seen->ready && play->actors[i].duty == 100;
	seen->ran_ns = next_random(play, 100) < play->old_account ? all_ns / 10
								  : all_ns;
	play->untold_ns[i] = all_ns - seen->ran_ns;
}

static void play_look(struct play *play)
{
	struct sched_seen seen[SCHED_MEMBERS_MAX] = { { 0 } };

	divide(play, seen);
	for (uint32_t i = 0; i < play->group.members_nr; i++) {
		const struct actor *actor = &play->actors[i];
		bool open = wish_ns(play, i) > 0;

		if (open && wish_ns(play, i) > seen[i].ran_ns)
			seen[i].waited_ns = wish_ns(play, i) - seen[i].ran_ns;
		seen[i].ready = open && !actor->sly &&
				next_random(play, 100) < actor->duty;
		play->ran_ns[i] += seen[i].ran_ns;
		if (play->old_account)
			tell(play, i, &seen[i]);
	}
	sched_look(&play->group, LOOK_NS, seen);
}

static void play_looks(struct play *play, uint32_t looks_nr)
{
	for (uint32_t i = 0; i < looks_nr; i++)
		play_look(play);
}

static double percent_of(const struct play *play, uint32_t i)
{
	uint64_t all_ns = 0;

	for (uint32_t m = 0; m < play->group.members_nr; m++)
		all_ns += play->ran_ns[m];
	return all_ns ? (double)play->ran_ns[i] * 100 / (double)all_ns : 0;
}

static void assert_percent(const struct play *play, uint32_t i, double want)
{
	double got = percent_of(play, i);

	CU_ASSERT(got > want - POINTS && got < want + POINTS);
	if (got <= want - POINTS || got >= want + POINTS)
		printf("# member %u: %.2f, wanted %.2f\n", i, got, want);
}

static void two_that_never_stop_get_their_shares(void)
{
	for (uint32_t share = 1; share < 100; share++) {
		const struct actor actors[] = { { share, 100, false },
						{ 100 - share, 100, false } };
		struct play play;

		play_begin(&play, actors, 2);
		play_looks(&play, QUANTA * PER_QUANTUM);
		assert_percent(&play, 0, share);
		assert_percent(&play, 1, 100 - share);
	}
}

static void busy_host_changes_no_share(void)
{
	const struct actor actors[] = { { 70, 100, false },
					{ 30, 100, false } };
	struct play play;

	play_begin(&play, actors, 2);
	for (uint32_t i = 0; i < QUANTA * PER_QUANTUM; i++) {
		play.cpu_ns = next_random(&play, LOOK_NS);
		play_look(&play);
	}
	assert_percent(&play, 0, 70);
}

static void account_that_comes_late_changes_no_share(void)
{
	const struct actor actors[] = { { 70, 100, false },
					{ 30, 100, false } };

	for (uint32_t old = 10; old <= 70; old += 10) {
		struct play play;

		play_begin(&play, actors, 2);
		play.old_account = old;
		play_looks(&play, 10 * QUANTA * PER_QUANTUM);
		assert_percent(&play, 0, 70);
	}
}

static void random_shares_of_many_are_kept(void)
{
	struct actor actors[MEMBERS_MAX] = { { 0 } };
	struct play dice = { .random = 88172645u };

	for (uint32_t round = 0; round < 200; round++) {
		uint32_t nr = 2 + next_random(&dice, MEMBERS_MAX - 1);
		uint32_t sum = 0;
		struct play play;

		for (uint32_t i = 0; i < nr; i++) {
			actors[i] = (struct actor){
				.share = 1 + next_random(&dice, 16), .duty = 100
			};
			sum += actors[i].share;
		}
		play_begin(&play, actors, nr);
		play_looks(&play, QUANTA * PER_QUANTUM);
		for (uint32_t i = 0; i < nr; i++)
			assert_percent(&play, i, actors[i].share * 100.0 / sum);
	}
}

static void who_ends_leaves_his_part_to_the_others(void)
{
	const struct actor actors[] = { { 50, 100, false },
					{ 30, 100, false },
					{ 20, 100, false } };
	struct play play;

	play_begin(&play, actors, 3);
	play_looks(&play, 500);
	play.group.members[0] = (struct sched_member){ .weight = 0 };
	memset(play.ran_ns, 0, sizeof(play.ran_ns));
	play_looks(&play, 1 + QUANTA * PER_QUANTUM);
	CU_ASSERT_EQUAL(play.ran_ns[0], 0);
	assert_percent(&play, 1, 60);
	assert_percent(&play, 2, 40);
	/* And the last one has all of it. */
	play.group.members[1] = (struct sched_member){ .weight = 0 };
	memset(play.ran_ns, 0, sizeof(play.ran_ns));
	play_looks(&play, 11);
	CU_ASSERT(play.ran_ns[2] >= 10 * LOOK_NS);
	CU_ASSERT_FALSE(play.group.members[2].held);
}

static void sleeper_costs_nobody_and_saves_nothing_up(void)
{
	const struct actor actors[] = { { 90, 0, false }, { 10, 100, false } };
	struct play play;

	play_begin(&play, actors, 2);
	play_looks(&play, 1000);
	CU_ASSERT_EQUAL(play.ran_ns[1], 1000 * LOOK_NS);
	/* It wakes up: from now on its part, not what it has slept through. */
	play.actors[0].duty = 100;
	memset(play.ran_ns, 0, sizeof(play.ran_ns));
	play_looks(&play, QUANTA * PER_QUANTUM);
	assert_percent(&play, 0, 90);
}

static void light_sleeper_holds_nobody(void)
{
	const struct actor actors[] = { { 70, 5, false }, { 30, 100, false } };
	struct play play;

	play_begin(&play, actors, 2);
	play_looks(&play, 1000);
	/* The CPU is never idle, and the sleeper has what it likes. */
	CU_ASSERT(play.ran_ns[0] + play.ran_ns[1] > 995 * LOOK_NS);
	assert_percent(&play, 0, 5);
}

static void sly_napper_gets_his_share_and_no_more(void)
{
	const struct actor actors[] = { { 10, 45, true }, { 90, 100, false } };
	struct play play;

	play_begin(&play, actors, 2);
	play_looks(&play, QUANTA * PER_QUANTUM);
	assert_percent(&play, 0, 10);
	assert_percent(&play, 1, 90);
}

static void heavy_napper_still_gets_his_share(void)
{
	const struct actor actors[] = { { 70, 85, false }, { 30, 100, false } };
	struct play play;

	play_begin(&play, actors, 2);
	play_looks(&play, 1000);
	CU_ASSERT(percent_of(&play, 0) > 60);
	CU_ASSERT(percent_of(&play, 0) < 72);
}

/* A launcher that was stopped for a second has let one of them run. */
static void late_look_is_made_up_for(void)
{
	const struct actor actors[] = { { 50, 100, false },
					{ 50, 100, false } };
	struct sched_seen seen[SCHED_MEMBERS_MAX] = { { 0 } };
	struct play play;
	uint32_t open;

	play_begin(&play, actors, 2);
	play_looks(&play, 3);
	open = play.group.members[0].held;
	seen[open] = (struct sched_seen){ .ran_ns = 90 * LOOK_NS,
					  .ready = true };
	sched_look(&play.group, 90 * LOOK_NS, seen);
	play.ran_ns[open] += 90 * LOOK_NS;
	play_looks(&play, 120);
	assert_percent(&play, 0, 50);
}

static void debts_have_a_limit(void)
{
	const struct actor actors[] = { { 50, 100, false },
					{ 50, 100, false } };
	struct sched_seen seen[SCHED_MEMBERS_MAX] = { { 0 } };
	struct play play;

	play_begin(&play, actors, 2);
	play_looks(&play, 2);
	seen[0] = (struct sched_seen){ .ran_ns = UINT32_MAX * LOOK_NS,
				       .ready = true };
	seen[1] = (struct sched_seen){ .ready = true };
	sched_look(&play.group, LOOK_NS, seen);
	CU_ASSERT(play.group.members[0].lag_ns >= -(double)LAG_MAX_NS);
	CU_ASSERT(play.group.members[1].lag_ns <= (double)LAG_MAX_NS);
	CU_ASSERT_TRUE(play.group.members[0].held);
	play_looks(&play, 2 * LAG_MAX_NS / LOOK_NS + 2);
	memset(play.ran_ns, 0, sizeof(play.ran_ns));
	play_looks(&play, QUANTA * PER_QUANTUM);
	assert_percent(&play, 0, 50);
}

static void alone_is_never_held(void)
{
	const struct actor actors[] = { { 1, 100, false } };
	struct play play;

	play_begin(&play, actors, 1);
	for (uint32_t i = 0; i < 50; i++) {
		play_look(&play);
		CU_ASSERT_FALSE(play.group.members[0].held);
	}
	CU_ASSERT_EQUAL(play.group.members[0].shared_all_ns, 0);
}

/* However they behave: somebody may run as long as anybody wants to. */
static void somebody_may_always_run(void)
{
	struct sched_seen seen[SCHED_MEMBERS_MAX] = { { 0 } };
	struct play play = { .random = 521288629u };

	play.group.lag_max_ns = LAG_MAX_NS;
	play.group.members_nr = MEMBERS_MAX;
	for (uint32_t look = 0; look < 5000; look++) {
		uint32_t open_nr = 0;

		for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
			struct sched_member *member = &play.group.members[i];

			if (next_random(&play, 50) == 0)
				*member = (struct sched_member){
					.weight = next_random(&play, 3)
				};
			seen[i] = (struct sched_seen){
				.ran_ns = next_random(&play, LOOK_NS),
				.waited_ns = next_random(&play, LOOK_NS),
				.ready = !member->held && next_random(&play, 2)
			};
		}
		sched_look(&play.group, LOOK_NS, seen);
		for (uint32_t i = 0; i < MEMBERS_MAX; i++)
			open_nr += !play.group.members[i].held;
		CU_ASSERT(open_nr > 0);
	}
}

static const struct unit_test tests[] = {
	{ "two_that_never_stop_get_their_shares",
	  two_that_never_stop_get_their_shares },
	{ "busy_host_changes_no_share", busy_host_changes_no_share },
	{ "account_that_comes_late_changes_no_share",
	  account_that_comes_late_changes_no_share },
	{ "random_shares_of_many_are_kept", random_shares_of_many_are_kept },
	{ "who_ends_leaves_his_part_to_the_others",
	  who_ends_leaves_his_part_to_the_others },
	{ "sleeper_costs_nobody_and_saves_nothing_up",
	  sleeper_costs_nobody_and_saves_nothing_up },
	{ "light_sleeper_holds_nobody", light_sleeper_holds_nobody },
	{ "sly_napper_gets_his_share_and_no_more",
	  sly_napper_gets_his_share_and_no_more },
	{ "heavy_napper_still_gets_his_share",
	  heavy_napper_still_gets_his_share },
	{ "late_look_is_made_up_for", late_look_is_made_up_for },
	{ "debts_have_a_limit", debts_have_a_limit },
	{ "alone_is_never_held", alone_is_never_held },
	{ "somebody_may_always_run", somebody_may_always_run },
};
UNIT_MAIN("sched", tests)
