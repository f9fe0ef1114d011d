/* SPDX-License-Identifier: MIT */
/* test_terminal.c - is the terminal as before, however the process ends? */
#include "vmm/abi/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/harness.h"

/* A terminal of our own: what is set at its far end shows at this one. */
static int terminal_open(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0 && !grantpt(fd) && !unlockpt(fd));
	return fd;
}

static bool gives_keys(int fd)
{
	struct termios now;

	return !tcgetattr(fd, &now) && !(now.c_lflag & (ICANON | ECHO)) &&
	       now.c_lflag & ISIG;
}

/* In a child: begin a session whose terminal this is. */
static int session_begin(int master)
{
	const struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	if (setsid() < 0)
		_exit(99);
	return open(ptsname(master), O_RDWR | O_CLOEXEC);
}

/* Run fn(terminal) in a process of its own; its wait status. */
static int in_child(int master, void (*fn)(int fd))
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		fn(session_begin(master));
		_exit(0);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	return status;
}

static void check(bool good)
{
	if (!good)
		_exit(1);
}

static void take_and_restore(int fd)
{
	struct termios now;

	check(!terminal_take_keys(fd));
	check(gives_keys(fd));
	check(terminal_take_keys(fd) == -EBUSY);
	terminal_restore();
	check(!gives_keys(fd));
	terminal_restore();
	check(!tcgetattr(fd, &now) && now.c_lflag & ICANON &&
	      now.c_lflag & ECHO);
}

static void keys_are_taken_and_given_back(void)
{
	int master = terminal_open();

	CU_ASSERT_EQUAL(in_child(master, take_and_restore), 0);
	close(master);
}

static int dying_signal;

static void take_and_die(int fd)
{
	/* Not the sanitizers', which would report it and exit. */
	check(signal(dying_signal, SIG_DFL) != SIG_ERR);
	check(!terminal_take_keys(fd));
	check(gives_keys(fd));
	pthread_kill(pthread_self(), dying_signal);
}

static void signals_that_kill_restore_it_first(void)
{
	static const int signals[] = { SIGQUIT, SIGABRT, SIGSEGV,
				       SIGBUS,	SIGFPE,	 SIGILL };
	int master = terminal_open();
	int far = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		int status;

		dying_signal = signals[i];
		status = in_child(master, take_and_die);

		CU_ASSERT_TRUE(WIFSIGNALED(status));
		CU_ASSERT_EQUAL(WTERMSIG(status), signals[i]);
		CU_ASSERT_FALSE(gives_keys(far));
	}
	close(far);
	close(master);
}

/*
 * A job that stops itself and is continued, as a shell does it: the job is a
 * process group of its own, and in the foreground.
 */
static void stop_and_go_on(int fd)
{
	int status;
	pid_t job;

	check(signal(SIGTTOU, SIG_IGN) != SIG_ERR);
	job = fork();
	if (!job) {
		setpgid(0, 0);
		tcsetpgrp(fd, getpgrp());
		check(!terminal_take_keys(fd));
		pthread_kill(pthread_self(), SIGTSTP);
		check(gives_keys(fd)); /* again, after it goes on */
		terminal_restore();
		_exit(0);
	}
	check(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status));
	check(!gives_keys(fd));
	kill(job, SIGCONT);
	check(waitpid(job, &status, 0) == job && !status);
}

static void stopping_gives_it_back_until_it_goes_on(void)
{
	int master = terminal_open();

	CU_ASSERT_EQUAL(in_child(master, stop_and_go_on), 0);
	close(master);
}

static void take_in_background(int fd)
{
	int status;
	pid_t job = fork();

	if (!job) {
		setpgid(0, 0); /* the terminal's group is the parent's */
		check(terminal_take_keys(fd) == -EBUSY);
		check(!gives_keys(fd));
		_exit(0);
	}
	check(waitpid(job, &status, 0) == job && !status);
}

static void process_in_the_background_leaves_it_alone(void)
{
	int master = terminal_open();

	CU_ASSERT_EQUAL(in_child(master, take_in_background), 0);
	close(master);
}

static void pipe_is_no_terminal(void)
{
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	CU_ASSERT_EQUAL(terminal_take_keys(fds[0]), -ENOTTY);
	terminal_restore();
	close(fds[0]);
	close(fds[1]);
}

static const struct unit_test tests[] = {
	{ "keys_are_taken_and_given_back", keys_are_taken_and_given_back },
	{ "signals_that_kill_restore_it_first",
	  signals_that_kill_restore_it_first },
	{ "stopping_gives_it_back_until_it_goes_on",
	  stopping_gives_it_back_until_it_goes_on },
	{ "process_in_the_background_leaves_it_alone",
	  process_in_the_background_leaves_it_alone },
	{ "pipe_is_no_terminal", pipe_is_no_terminal },
};

UNIT_MAIN("terminal", tests)
