/* SPDX-License-Identifier: MIT */
/* terminal.c - who puts the terminal back? */
#include "vmm/abi/terminal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

static const int fatal_signals[] = { SIGQUIT, SIGABRT, SIGSEGV,
				     SIGBUS,  SIGFPE,  SIGILL };
#define FATAL_NR (sizeof(fatal_signals) / sizeof(*fatal_signals))

/* Global, since a signal handler has no argument. */
static struct {
	volatile sig_atomic_t held;
	int fd;
	struct termios before, keys;
	struct sigaction fatal[FATAL_NR], stop; /* the handlers before ours */
} terminal;

static void restore_and_die(int sig)
{
	int err = errno;

	if (terminal.held)
		tcsetattr(terminal.fd, TCSANOW, &terminal.before);
	/* Blocked until we return; then it does what it did before us. */
	for (size_t i = 0; i < FATAL_NR; i++)
		if (fatal_signals[i] == sig)
			sigaction(sig, &terminal.fatal[i], NULL);
	pthread_kill(pthread_self(), sig);
	errno = err;
}

static void restore_and_stop(int sig)
{
	struct sigaction ours;
	int err = errno;
	sigset_t set, old;

	if (terminal.held)
		tcsetattr(terminal.fd, TCSANOW, &terminal.before);
	sigaction(sig, &terminal.stop, &ours);
	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_kill(pthread_self(), sig);
	pthread_sigmask(SIG_UNBLOCK, &set, &old); /* stops here */
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	sigaction(sig, &ours, NULL);
	if (terminal.held)
		tcsetattr(terminal.fd, TCSANOW, &terminal.keys);
	errno = err;
}

/* A signal that is ignored stays so: nohup and shells without job control. */
static void handle(int sig, void (*fn)(int), struct sigaction *before)
{
	struct sigaction action = { .sa_handler = fn, .sa_flags = SA_RESTART };

	sigaction(sig, NULL, before);
	if (before->sa_flags & SA_SIGINFO || before->sa_handler != SIG_IGN)
		sigaction(sig, &action, NULL);
}

int terminal_take_keys(int fd)
{
	struct termios before;

	if (!isatty(fd))
		return -ENOTTY;
	if (terminal.held || tcgetpgrp(fd) != getpgrp())
		return -EBUSY;
	if (tcgetattr(fd, &before))
		return -errno;
	terminal.fd = fd;
	terminal.before = before;
	terminal.keys = before;
	terminal.keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	terminal.keys.c_iflag |= ICRNL;
	terminal.keys.c_cc[VMIN] = 1;
	terminal.keys.c_cc[VTIME] = 0;
	for (size_t i = 0; i < FATAL_NR; i++)
		handle(fatal_signals[i], restore_and_die, &terminal.fatal[i]);
	handle(SIGTSTP, restore_and_stop, &terminal.stop);
	terminal.held = true;
	if (tcsetattr(fd, TCSANOW, &terminal.keys)) {
		int err = -errno;

		terminal_restore();
		return err;
	}
	return 0;
}

void terminal_restore(void)
{
	if (!terminal.held)
		return;
	tcsetattr(terminal.fd, TCSANOW, &terminal.before);
	terminal.held = false;
	for (size_t i = 0; i < FATAL_NR; i++)
		sigaction(fatal_signals[i], &terminal.fatal[i], NULL);
	sigaction(SIGTSTP, &terminal.stop, NULL);
}
