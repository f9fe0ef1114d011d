/* SPDX-License-Identifier: MIT */
/*
 * terminal.h - a guest's keyboard is the user's terminal: keys come one by
 * one and are not shown by the terminal, since the guest does that.
 *
 * Ctrl-C, Ctrl-\ and Ctrl-Z still are signals, Enter is a line feed, and
 * output is as before. However the process ends, the terminal is put back:
 * by terminal_restore(), and by handlers for the signals that end it without
 * asking (SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL) or stop it
 * (SIGTSTP; it gets the keys again when it goes on). SIGINT, SIGTERM and
 * SIGHUP are the session's, which ends in order. Only SIGKILL leaves it.
 *
 * Threads: one at a time; a process has one terminal.
 */
#ifndef VMM_ABI_TERMINAL_H
#define VMM_ABI_TERMINAL_H

/*
 * Take the keys of fd. Keeps fd, which outlives it. 0; -ENOTTY: not a
 * terminal; -EBUSY: one is held, or the process is in the background and
 * must not touch it; others of tcsetattr(3).
 */
int terminal_take_keys(int fd);
/* As it was. Safe when nothing is held. */
void terminal_restore(void);

#endif
