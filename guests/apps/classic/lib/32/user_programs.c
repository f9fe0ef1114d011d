/* SPDX-License-Identifier: MIT */
/* user_programs.c - the nine programs of the shell. */
#include <stddef.h>
#include <stdint.h>

#include "guests/apps/classic/lib/print.h"
#include "guests/apps/classic/lib/user.h"

#define TABLE_MAX     9
#define FIBONACCI_NR  20
#define PRIMES_MAX    100
#define FACTORIAL_MAX 12 /* the last that 31 bits hold */

/* Ask for whole numbers on one line until it holds just these. */
static void ask(const char *question, int *first, int *second)
{
	for (;;) {
		char line[LINE_LEN];
		const char *text = line;

		print("%s: ", question);
		user_line(line);
		if (!user_number(&text, first) &&
		    (!second || !user_number(&text, second)) &&
		    user_at_end(text))
			return;
		print("%s, please\n", second ? "two numbers" : "a number");
	}
}

static void multiplication(void)
{
	for (int row = 1; row <= TABLE_MAX; row++) {
		for (int column = 1; column <= TABLE_MAX; column++) {
			int product = row * column;

			print("%s%d", product < 10 ? "  " : " ", product);
		}
		print("\n");
	}
}

static void counter(void)
{
	for (int i = 0; i < 10; i++)
		print("%d%c", i, i < 9 ? ' ' : '\n');
}

static void echo(void)
{
	char line[LINE_LEN];

	print("an empty line ends it\n");
	for (;;) {
		user_line(line);
		if (!line[0])
			break;
		print("%s\n", line);
	}
}

static void fibonacci(void)
{
	int a = 0, b = 1;

	for (int i = 0; i < FIBONACCI_NR; i++) {
		int next = a + b;

		print("%d%c", a, i + 1 < FIBONACCI_NR ? ' ' : '\n');
		a = b;
		b = next;
	}
}

static int is_prime(int number)
{
	for (int divisor = 2; divisor * divisor <= number; divisor++)
		if (number % divisor == 0)
			return 0;
	return number >= 2;
}

static void primes(void)
{
	const char *gap = "";

	for (int i = 2; i <= PRIMES_MAX; i++) {
		if (!is_prime(i))
			continue;
		print("%s%d", gap, i);
		gap = " ";
	}
	print("\n");
}

/* NULL, or what is wrong with it. */
static const char *combine(int left, char sign, int right, int *result)
{
	int overflow = 0;

	switch (sign) {
	case '+':
		overflow = __builtin_add_overflow(left, right, result);
		break;
	case '-':
		overflow = __builtin_sub_overflow(left, right, result);
		break;
	case '*':
		overflow = __builtin_mul_overflow(left, right, result);
		break;
	case '/':
	case '%':
		if (!right)
			return "division by zero";
		*result = sign == '/' ? left / right : left % right;
		break;
	default:
		return "the sign is one of + - * / %";
	}
	return overflow ? "too large" : NULL;
}

static const char *calculate(const char *text, int *result)
{
	int left, right;
	char sign;

	if (user_number(&text, &left))
		return "a number first";
	while (*text == ' ')
		text++;
	sign = *text;
	if (!sign)
		return "then a sign: + - * / %";
	text++;
	if (user_number(&text, &right) || !user_at_end(text))
		return "one number last";
	return combine(left, sign, right, result);
}

static void calculator(void)
{
	char line[LINE_LEN];

	print("like 12 + 5; q ends it\n");
	for (;;) {
		const char *fault;
		int result;

		print("= ");
		user_line(line);
		if (line[0] == 'q' && !line[1])
			break;
		fault = calculate(line, &result);
		if (fault)
			print("%s\n", fault);
		else
			print("%d\n", result);
	}
}

static void factorial(void)
{
	int number, product = 1;

	ask("of", &number, NULL);
	if (number < 0 || number > FACTORIAL_MAX) {
		print("0 to %d only\n", FACTORIAL_MAX);
		return;
	}
	for (int i = 2; i <= number; i++)
		product *= i;
	print("%d! = %d\n", number, product);
}

static void greatest_divisor(void)
{
	int a, b;

	ask("of two numbers", &a, &b);
	while (b) {
		int rest = a % b;

		a = b;
		b = rest;
	}
	print("%d\n", a < 0 ? -a : a);
}

static void about(void)
{
	print("shell OS, a guest of ivlab that keeps its own page tables\n"
	      "this program runs at %x, 100%% in 32 bit\n",
	      (unsigned int)(uintptr_t)user_start);
}

const struct user_program user_programs[USER_PROGRAMS_NR] = {
	{ "multiplication table", multiplication },
	{ "counter", counter },
	{ "echo", echo },
	{ "Fibonacci numbers", fibonacci },
	{ "primes up to 100", primes },
	{ "calculator", calculator },
	{ "factorial", factorial },
	{ "greatest common divisor", greatest_divisor },
	{ "about", about },
};
