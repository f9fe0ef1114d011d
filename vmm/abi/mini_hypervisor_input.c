/* SPDX-License-Identifier: MIT */
/* mini_hypervisor_input.c - what does a VM get for IN from port 0xe9? */
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/abi/mini_hypervisor.h"
#include "vmm/core/log.h"

#define END_OF_INPUT 0xffu

int minihv_input_create(struct minihv_input *input, bool numbers,
			void (*arrived)(void *arg), void *arg)
{
	int err = keys_create(&input->keys, STDIN_FILENO, arrived, arg);

	if (err)
		return err;
	pthread_mutex_init(&input->lock, NULL);
	input->numbers = numbers;
	input->prompts = numbers && isatty(STDIN_FILENO);
	return 0;
}

void minihv_input_destroy(struct minihv_input *input)
{
	if (!input->keys)
		return;
	keys_destroy(input->keys);
	pthread_mutex_destroy(&input->lock);
}

void minihv_input_prompt(const struct minihv_input *input, const char *name)
{
	if (input->prompts)
		fprintf(stderr, "%s, a number: ", name);
}

/* One more byte of a number; true: it is whole. */
static bool number_byte(struct minihv_input *input, uint8_t byte,
			uint8_t *value)
{
	static struct log_limit limit;
	bool whole = input->any && !input->bad;

	if (!isspace(byte)) {
		bool first = !input->any && !input->negative && !input->value;

		if (isdigit(byte)) {
			input->any = true;
			/* Wraps, which the low eight bits do not notice. */
			input->value = input->value * 10 + (byte - '0');
		} else if (byte == '-' && first) {
			input->negative = true;
		} else {
			input->bad = true;
		}
		return false;
	}
	if (whole)
		*value = (uint8_t)(input->negative ? -input->value
						   : input->value);
	else if (input->any || input->bad || input->negative)
		log_limited(&limit, "input: a word that is no number is "
				    "ignored");
	input->any = input->bad = input->negative = false;
	input->value = 0;
	return whole;
}

static bool take_number(struct minihv_input *input, uint8_t *value,
			uint32_t *bytes)
{
	uint8_t byte;

	while (keys_take(input->keys, &byte)) {
		++*bytes;
		/* The terminal shows nothing by itself: keys.h. */
		if (input->prompts)
			fputc(byte, stderr);
		if (number_byte(input, byte, value))
			return true;
	}
	if (!keys_ended(input->keys))
		return false;
	if (!number_byte(input, '\n', value))
		*value = END_OF_INPUT;
	return true;
}

bool minihv_input_take(struct minihv_input *input, uint8_t *value,
		       uint32_t *bytes)
{
	*bytes = 0;
	if (input->numbers) {
		bool taken;

		/* A number goes to one VM, whoever saw its digits come. */
		pthread_mutex_lock(&input->lock);
		taken = take_number(input, value, bytes);
		pthread_mutex_unlock(&input->lock);
		return taken;
	}
	if (keys_take(input->keys, value)) {
		*bytes = 1;
		return true;
	}
	*value = END_OF_INPUT;
	return keys_ended(input->keys);
}
