/* SPDX-License-Identifier: MIT */
/* user_shell.c - the menu: digit by digit from a line to a program. */
#include "guests/apps/classic/lib/mini.h"
#include "guests/apps/classic/lib/print.h"
#include "guests/apps/classic/lib/user.h"

#define BACKSPACE 0x08
#define DELETE	  0x7f

/* The most that a number of 31 bits has before its last digit. */
#define NUMBER_MAX 2147483647

void user_line(char line[LINE_LEN])
{
	int len = 0;

	for (;;) {
		char c = mini_get();

		if (c == '\r' || c == '\n')
			break;
		if (c == BACKSPACE || c == DELETE) {
			if (!len)
				continue;
			len--;
			print("\b \b");
		} else if (len + 1 < LINE_LEN) {
			line[len++] = c;
			put_char(c);
		}
	}
	line[len] = '\0';
	put_char('\n');
}

int user_number(const char **text, int *number)
{
	const char *at = *text;
	int negative, value = 0;

	while (*at == ' ')
		at++;
	negative = *at == '-';
	if (negative)
		at++;
	if (*at < '0' || *at > '9')
		return -1;
	for (; *at >= '0' && *at <= '9'; at++) {
		int digit = *at - '0';

		if (value > (NUMBER_MAX - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	*number = negative ? -value : value;
	*text = at;
	return 0;
}

int user_at_end(const char *text)
{
	while (*text == ' ')
		text++;
	return !*text;
}

static void show_menu(void)
{
	print("\n");
	for (int i = 0; i < USER_PROGRAMS_NR; i++)
		print("%d %s\n", i + 1, user_programs[i].name);
	print("0 exit\n");
}

__attribute__((section(".text.entry"))) void user_start(void)
{
	char line[LINE_LEN];

	for (;;) {
		const char *text = line;
		int choice;

		show_menu();
		print("choose: ");
		user_line(line);
		if (user_number(&text, &choice) || !user_at_end(text) ||
		    choice < 0 || choice > USER_PROGRAMS_NR) {
			print("no such program: %s\n", line);
			continue;
		}
		if (choice == 0)
			break;
		user_programs[choice - 1].run();
	}
	print("bye\n");
}
