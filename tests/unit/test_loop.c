/* SPDX-License-Identifier: MIT */
/* test_loop.c - does the loop call who asked, as often as asked, no more? */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/loop_room.h"

static void stop_before_run_returns_at_once_with_its_status(void)
{
	loop_open();
	loop_stop(loop, 41);
	loop_stop(loop, 42);
	CU_ASSERT_EQUAL(loop_run(loop), 42);
	/* The stop is used up: the next run needs one of its own. */
	later(stop_with_7);
	CU_ASSERT_EQUAL(loop_run(loop), 7);
	loop_close();
}

static void *stop_thread(void *arg)
{
	loop_stop(arg, 3);
	return NULL;
}

static void stop_from_another_thread_ends_the_run(void)
{
	loop_open();
	for (int i = 0; i < 50; i++) {
		pthread_t other;

		CU_ASSERT_EQUAL_FATAL(
			pthread_create(&other, NULL, stop_thread, loop), 0);
		CU_ASSERT_EQUAL(loop_run(loop), 3);
		CU_ASSERT_EQUAL(pthread_join(other, NULL), 0);
	}
	loop_close();
}

static void timer_fires_until_it_is_deleted(void)
{
	loop_open();
	count_to = 5;
	CU_ASSERT_EQUAL(loop_watch_timer(loop, MS_NS, count_and_stop, NULL,
					 &watches[0]),
			0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(counted, 5);
	loop_watch_del(loop, &watches[0]);
	CU_ASSERT_PTR_NULL(watches[0]);
	run_for_a_while();
	CU_ASSERT_EQUAL(counted, 5);
	loop_watch_del(loop, &watches[0]);
	loop_close();
}

static void timer_does_not_fire_before_its_time(void)
{
	uint64_t before_ns;

	loop_open();
	before_ns = deadline_now_ns();
	count_to = 3;
	CU_ASSERT_EQUAL(loop_watch_timer(loop, 5 * MS_NS, count_and_stop, NULL,
					 &watches[0]),
			0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT(deadline_now_ns() - before_ns >= 15 * MS_NS);
	loop_close();
}

static void timer_of_ages_does_not_fire(void)
{
	loop_open();
	CU_ASSERT_EQUAL(loop_watch_timer(loop, UINT64_MAX, count_and_stop, NULL,
					 &watches[0]),
			0);
	run_for_a_while();
	CU_ASSERT_EQUAL(counted, 0);
	loop_close();
}

static void fd_that_becomes_readable_is_told_each_time(void)
{
	int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	loop_open();
	CU_ASSERT_EQUAL(loop_watch_fd(loop, efd, POLLIN, take_and_stop, &efd,
				      &watches[0]),
			0);
	for (int i = 1; i <= 20; i++) {
		CU_ASSERT_EQUAL(eventfd_write(efd, 1), 0);
		CU_ASSERT_EQUAL(loop_run(loop), 0);
		CU_ASSERT_EQUAL(counted, i);
		CU_ASSERT_EQUAL(last_revents & POLLIN, POLLIN);
	}
	loop_watch_del(loop, &watches[0]);
	CU_ASSERT_EQUAL(eventfd_write(efd, 1), 0);
	run_for_a_while();
	CU_ASSERT_EQUAL(counted, 20);
	loop_close();
	close(efd);
}

static void fd_that_was_ready_before_is_told(void)
{
	int efd = eventfd(5, EFD_CLOEXEC | EFD_NONBLOCK);

	loop_open();
	CU_ASSERT_EQUAL(loop_watch_fd(loop, efd, POLLIN, take_and_stop, &efd,
				      &watches[0]),
			0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(counted, 1);
	loop_close();
	close(efd);
}

static void writer_that_is_gone_is_a_hang_up_told_a_few_times_only(void)
{
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	loop_open();
	CU_ASSERT_EQUAL(loop_watch_fd(loop, ends[0], POLLIN, count_events, NULL,
				      &watches[0]),
			0);
	close(ends[1]);
	run_for_a_while();
	CU_ASSERT(counted >= 1);
	CU_ASSERT(counted < 10);
	CU_ASSERT_EQUAL(last_revents & POLLHUP, POLLHUP);
	loop_close();
	close(ends[0]);
}

static void callback_may_delete_its_own_watch(void)
{
	int efd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	loop_open();
	CU_ASSERT_EQUAL(loop_watch_fd(loop, efd, POLLIN, delete_first, NULL,
				      &watches[0]),
			0);
	CU_ASSERT_EQUAL(
		loop_watch_timer(loop, MS_NS, delete_second, NULL, &watches[1]),
		0);
	run_for_a_while();
	CU_ASSERT_EQUAL(counted, 2);
	CU_ASSERT_EQUAL(eventfd_write(efd, 1), 0);
	run_for_a_while();
	CU_ASSERT_EQUAL(counted, 2);
	loop_close();
	close(efd);
}

static void callback_may_delete_the_others_that_are_ready_too(void)
{
	int efds[2];

	loop_open();
	/* Both are ready at once; whoever comes first deletes both. */
	for (int i = 0; i < 2; i++) {
		efds[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
		CU_ASSERT_EQUAL(loop_watch_fd(loop, efds[i], POLLIN,
					      delete_both, NULL, &watches[i]),
				0);
	}
	run_for_a_while();
	CU_ASSERT_EQUAL(counted, 1);
	loop_close();
	close(efds[0]);
	close(efds[1]);
}

static void callback_may_delete_itself_and_watch_again(void)
{
	int efd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	loop_open();
	CU_ASSERT_EQUAL(loop_watch_fd(loop, efd, POLLIN, watch_again, &efd,
				      &watches[0]),
			0);
	/* efd is never read: each new watch finds it ready. */
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(counted, 100);
	loop_close();
	close(efd);
}

static void file_that_cannot_be_polled_is_an_error_event(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	loop_open();
	CU_ASSERT_EQUAL(loop_watch_fd(loop, fd, POLLIN, delete_first, NULL,
				      &watches[0]),
			0);
	CU_ASSERT_EQUAL(loop_watch_fd(loop, -1, POLLIN, delete_second_fd, NULL,
				      &watches[1]),
			0);
	run_for_a_while();
	CU_ASSERT_EQUAL(counted, 2);
	CU_ASSERT_EQUAL(last_revents & POLLERR, POLLERR);
	loop_close();
	close(fd);
}

static void many_watches_are_all_told(void)
{
	static struct loop_watch *many[MANY];
	int efds[MANY];

	loop_open();
	count_to = MANY;
	for (int i = 0; i < MANY; i++) {
		efds[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
		CU_ASSERT_EQUAL(loop_watch_fd(loop, efds[i], POLLIN,
					      take_and_count, &efds[i],
					      &many[i]),
				0);
	}
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(counted, MANY);
	/* Half are deleted by hand, half by destroy. */
	for (int i = 0; i < MANY; i += 2)
		loop_watch_del(loop, &many[i]);
	loop_close();
	for (int i = 0; i < MANY; i++)
		close(efds[i]);
}

static void destroy_without_a_run_frees_what_was_added(void)
{
	int efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	loop_open();
	for (int i = 0; i < MANY; i++) {
		CU_ASSERT_EQUAL(loop_watch_fd(loop, efd, POLLIN, count_events,
					      NULL, NULL),
				0);
		CU_ASSERT_EQUAL(loop_watch_timer(loop, 1000000 * MS_NS,
						 count_and_stop, NULL, NULL),
				0);
	}
	loop_close();
	CU_ASSERT_EQUAL(counted, 0);
	close(efd);
	loop_destroy(NULL);
}

static void loops_that_come_and_go_leave_nothing(void)
{
	/* The harness counts the descriptors. */
	for (int i = 0; i < 20; i++) {
		loop_open();
		loop_stop(loop, 0);
		CU_ASSERT_EQUAL(loop_run(loop), 0);
		loop_close();
	}
}

static const struct unit_test tests[] = {
	{ "stop_before_run_returns_at_once_with_its_status",
	  stop_before_run_returns_at_once_with_its_status },
	{ "stop_from_another_thread_ends_the_run",
	  stop_from_another_thread_ends_the_run },
	{ "timer_fires_until_it_is_deleted", timer_fires_until_it_is_deleted },
	{ "timer_does_not_fire_before_its_time",
	  timer_does_not_fire_before_its_time },
	{ "timer_of_ages_does_not_fire", timer_of_ages_does_not_fire },
	{ "fd_that_becomes_readable_is_told_each_time",
	  fd_that_becomes_readable_is_told_each_time },
	{ "fd_that_was_ready_before_is_told",
	  fd_that_was_ready_before_is_told },
	{ "writer_that_is_gone_is_a_hang_up_told_a_few_times_only",
	  writer_that_is_gone_is_a_hang_up_told_a_few_times_only },
	{ "callback_may_delete_its_own_watch",
	  callback_may_delete_its_own_watch },
	{ "callback_may_delete_the_others_that_are_ready_too",
	  callback_may_delete_the_others_that_are_ready_too },
	{ "callback_may_delete_itself_and_watch_again",
	  callback_may_delete_itself_and_watch_again },
	{ "file_that_cannot_be_polled_is_an_error_event",
	  file_that_cannot_be_polled_is_an_error_event },
	{ "many_watches_are_all_told", many_watches_are_all_told },
	{ "destroy_without_a_run_frees_what_was_added",
	  destroy_without_a_run_frees_what_was_added },
	{ "loops_that_come_and_go_leave_nothing",
	  loops_that_come_and_go_leave_nothing },
};

UNIT_MAIN("loop", tests)
