/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* fakes: quiet_log */
/* test_flat_run.c - who runs a flat machine's vCPUs, until when, and where does
 * what they print go? */
#include <errno.h>
#include <unistd.h>

#include "tests/unit/flat_room.h"
#include "vmm/abi/out.h"

static void kick_ends_one_step_and_nothing_else(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_INTR },
		{ .reason = KVM_EXIT_HLT },
	};

	BEGIN(script);
	flat_cpu_kick(&flat->cpu[0]);
	flat_cpu_kick(&flat->cpu[0]);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_KICKED);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.kicks, 1);
	expect_end(FLAT_HALTED);
	end();
}

static void stop_before_the_first_step_is_stopped(void)
{
	static const struct fake_exit script[] = { { .reason = KVM_EXIT_HLT } };

	BEGIN(script);
	CU_ASSERT_FALSE(flat_stopping(flat));
	flat_stop(flat);
	CU_ASSERT_TRUE(flat_stopping(flat));
	expect_end(FLAT_STOPPED);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.exits, 0);
	end();
}

static void threads_of_endless_guests_end_by_stop(void)
{
	desc.cpus_nr = FLAT_CPUS_MAX;
	desc.ended = NULL;
	begin(NULL, 0);
	flat_cpu_drop(&flat->cpu[0]);
	CU_ASSERT_EQUAL(flat_start(flat), 0);
	flat_stop(flat);
	flat_wait(flat);
	for (uint32_t i = 0; i < FLAT_CPUS_MAX; i++) {
		CU_ASSERT_EQUAL(flat->cpu[i].end, FLAT_STOPPED);
		CU_ASSERT_TRUE(flat_cpu_time_ns(&flat->cpu[i]) <=
			       flat_time_ns(flat));
	}
	flat_cpu_take(&flat->cpu[0]);
	end();
}

static void sleeper_wakes_by_kick_time_and_stop(void)
{
	begin(NULL, 0);
	flat_cpu_kick(&flat->cpu[0]);
	CU_ASSERT_EQUAL(flat_cpu_sleep(&flat->cpu[0], 0), 0);
	/* That kick is used up. */
	CU_ASSERT_EQUAL(flat_cpu_sleep(&flat->cpu[0], 1), 0);
	CU_ASSERT_EQUAL(flat->cpu[0].end, FLAT_RUNNING);
	flat_stop(flat);
	CU_ASSERT_EQUAL(flat_cpu_sleep(&flat->cpu[0], 0), -ECANCELED);
	CU_ASSERT_EQUAL(flat->cpu[0].end, FLAT_STOPPED);
	end();
}

static void cpu_time_is_counted_while_taken(void)
{
	uint64_t ns;

	begin(NULL, 0);
	do {
		ns = flat_cpu_time_ns(&flat->cpu[0]);
	} while (!ns);
	flat_cpu_drop(&flat->cpu[0]);
	ns = flat_cpu_time_ns(&flat->cpu[0]);
	CU_ASSERT_TRUE(ns > 0);
	CU_ASSERT_EQUAL(flat_cpu_time_ns(&flat->cpu[0]), ns);
	flat_cpu_take(&flat->cpu[0]);
	end();
}

static void output_leaves_once_per_exit(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = 0x20,
		  .len = 1,
		  .count = 5,
		  .is_write = true,
		  .data = "hello" },
		{ .reason = KVM_EXIT_HLT },
	};
	struct out *out;
	char text[16];
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	CU_ASSERT_EQUAL_FATAL(out_create(&out, fds[1], false), 0);
	desc.out = out;
	BEGIN(script);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(read(fds[0], text, sizeof(text)), 5);
	CU_ASSERT_EQUAL(memcmp(text, "hello", 5), 0);
	expect_end(FLAT_HALTED);
	end();
	out_destroy(out);
	close(fds[0]);
	close(fds[1]);
}

static void guest_whose_output_is_lost_ends_mute(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = 0x20,
		  .len = 1,
		  .is_write = true,
		  .data = "x" },
	};
	struct out *out;

	CU_ASSERT_EQUAL_FATAL(out_create(&out, -1, false), 0);
	desc.out = out;
	BEGIN(script);
	expect_end(FLAT_MUTE);
	CU_ASSERT_EQUAL(out_error(out), -EBADF);
	end();
	out_destroy(out);
}

static void every_end_has_a_name(void)
{
	for (int i = FLAT_RUNNING; i <= FLAT_MUTE; i++)
		CU_ASSERT_PTR_NOT_NULL(flat_end_name((enum flat_end)i));
}

static const struct unit_test tests[] = {
	{ "kick_ends_one_step_and_nothing_else",
	  kick_ends_one_step_and_nothing_else },
	{ "stop_before_the_first_step_is_stopped",
	  stop_before_the_first_step_is_stopped },
	{ "threads_of_endless_guests_end_by_stop",
	  threads_of_endless_guests_end_by_stop },
	{ "sleeper_wakes_by_kick_time_and_stop",
	  sleeper_wakes_by_kick_time_and_stop },
	{ "cpu_time_is_counted_while_taken", cpu_time_is_counted_while_taken },
	{ "output_leaves_once_per_exit", output_leaves_once_per_exit },
	{ "guest_whose_output_is_lost_ends_mute",
	  guest_whose_output_is_lost_ends_mute },
	{ "every_end_has_a_name", every_end_has_a_name },
};

UNIT_MAIN("flat_run", tests)
