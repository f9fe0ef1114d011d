/* SPDX-License-Identifier: MIT */
/*
 * user.h - the shell of mini_shell_os.c and its programs, linked to run at
 * USER_LINEAR (flat.ld).
 */
#ifndef GUESTS_APPS_CLASSIC_LIB_USER_H
#define GUESTS_APPS_CLASSIC_LIB_USER_H

#define USER_LINEAR 0x01000000u

#define LINE_LEN 80

/* First of all its code; returns when 0 was chosen. */
void user_start(void);

/* A line of input, echoed, with backspace; cut to LINE_LEN - 1 characters. */
void user_line(char line[LINE_LEN]);
/*
 * A whole number, with blanks before it, from *text on, which is moved behind
 * it. 0, or -1: there is none, or it has more than 31 bits.
 */
int user_number(const char **text, int *number);
/* Is there nothing but blanks? */
int user_at_end(const char *text);

struct user_program {
	const char *name;
	void (*run)(void);
};

#define USER_PROGRAMS_NR 9
extern const struct user_program user_programs[USER_PROGRAMS_NR];

#endif
