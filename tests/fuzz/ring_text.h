/* SPDX-License-Identifier: MIT */
/*
 * ring_text.h - programs against a ring as text: the seeds of a ring's target
 * are read from tests/fuzz/seeds/NAME, and any input can be printed so.
 *
 *	# consumer lies about head
 *	program consumer_lies_about_head shape=0 wraps
 *		push arg=15
 *		write_field head_idx add=17 bytes=8 at_load=2
 *
 * A step is a call's name and its numbers (steps.h: arg, off, value), 0 when
 * not named. Of a write the value is named by what it means (scribble.h: set,
 * add, high, not); bytes are 8 unless said.
 */
#ifndef TESTS_FUZZ_RING_TEXT_H
#define TESTS_FUZZ_RING_TEXT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/ring_program.h"

static const char *const text_meanings[] = {
	[SCRIBBLE_SET] = "set",
	[SCRIBBLE_ADD] = "add",
	[SCRIBBLE_HIGH] = "high",
	[SCRIBBLE_NOT] = "not",
};

_Noreturn static inline void text_fail(const char *path, const char *what)
{
	fprintf(stderr, "%s: %s\n", path, what);
	exit(EXIT_FAILURE);
}

/* The writes that take a width and an ambush. */
static inline bool text_is_write(const struct ring_call *call)
{
	return call->run == program_write || call->run == program_write_ring ||
	       call->run == program_write_field;
}

/* --- printing ------------------------------------------------------------- */

static inline void text_print_step(const struct ring_type *type,
				   const struct step *step)
{
	const struct ring_call *kind = program_call(type, step->op);
	bool write = text_is_write(kind);

	printf("\t%s", kind->name);
	if (kind->run == program_write_field)
		printf(" %s", type->fields[step->off % type->fields_nr].name);
	else if (step->off)
		printf(" off=%u", step->off);
	if (step->arg && !write)
		printf(" arg=%u", step->arg);
	if (step->value && !write)
		printf(" value=%u", step->value);
	if (write)
		printf(" %s=%d", text_meanings[step->arg >> 2 & 3],
		       (int)step->value);
	if (write && SCRIBBLE_WIDTH(step->arg) != 8)
		printf(" bytes=%u", SCRIBBLE_WIDTH(step->arg));
	if (write && step->arg >> 4)
		printf(" at_load=%d", step->arg >> 4);
	printf("\n");
}

static inline void text_print(const struct ring_type *type, const uint8_t *data,
			      size_t len)
{
	struct steps steps;
	struct step step;

	if (!len)
		return;
	printf("program NAME shape=%u%s\n", data[0] & PROGRAM_SHAPES,
	       data[0] & PROGRAM_WRAPS ? " wraps" : "");
	steps = steps_of(data + 1, len - 1);
	while (steps_next(&steps, &step))
		text_print_step(type, &step);
}

/* --- reading -------------------------------------------------------------- */

static inline bool text_read_op(const struct ring_type *type, const char *name,
				struct step *step)
{
	for (uint32_t op = 0; op < PROGRAM_CALLS_NR + type->calls_nr; op++)
		if (strcmp(program_call(type, op)->name, name) == 0) {
			step->op = (uint8_t)op;
			return true;
		}
	return false;
}

static inline bool text_read_field(const struct ring_type *type,
				   const char *name, struct step *step)
{
	for (uint32_t i = 0; i < type->fields_nr; i++)
		if (strcmp(type->fields[i].name, name) == 0) {
			step->off = (uint16_t)i;
			return true;
		}
	return false;
}

/* What a write's value means. */
static inline bool text_read_meaning(const char *key, uint32_t value,
				     struct step *step)
{
	for (uint32_t i = 0; i < 4; i++)
		if (strcmp(key, text_meanings[i]) == 0) {
			step->arg = (uint8_t)((step->arg & ~12u) | i << 2);
			step->value = value;
			return true;
		}
	return false;
}

static inline bool text_read_number(const char *key, uint32_t value,
				    struct step *step)
{
	if (strcmp(key, "arg") == 0)
		step->arg = (uint8_t)value;
	else if (strcmp(key, "off") == 0)
		step->off = (uint16_t)value;
	else if (strcmp(key, "value") == 0)
		step->value = value;
	else if (strcmp(key, "bytes") == 0 && value <= 8 &&
		 __builtin_popcount(value) == 1)
		step->arg = (uint8_t)((step->arg & ~3u) |
				      (uint32_t)__builtin_ctz(value));
	else if (strcmp(key, "at_load") == 0 && value < 16)
		step->arg = (uint8_t)((step->arg & 15u) | value << 4);
	else
		return text_read_meaning(key, value, step);
	return true;
}

static inline bool text_read_step(const struct ring_type *type, char *line,
				  struct step *step)
{
	char *at = NULL, *word = strtok_r(line, " \t\n", &at);

	*step = (struct step){ 0 };
	if (!word || !text_read_op(type, word, step))
		return false;
	if (text_is_write(program_call(type, step->op)))
		step->arg = SCRIBBLE(3, SCRIBBLE_SET);
	while ((word = strtok_r(NULL, " \t\n", &at))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		if (value ? !text_read_number(word,
					      (uint32_t)strtol(value, NULL, 0),
					      step)
			  : !text_read_field(type, word, step))
			return false;
	}
	return true;
}

static inline bool text_is_program(const char *line)
{
	return strncmp(line, "program ", strlen("program ")) == 0;
}

/* program NAME shape=N [wraps] */
static inline bool text_read_head(char *line, struct fuzz_seed *seed)
{
	static char name[64];
	char *at = NULL, *end = NULL;
	const char *word, *shape;
	unsigned long nr;

	(void)strtok_r(line, " \n", &at);
	word = strtok_r(NULL, " \n", &at);
	shape = strtok_r(NULL, " \n", &at);
	if (!word || !shape || strncmp(shape, "shape=", strlen("shape=")) != 0)
		return false;
	nr = strtoul(shape + strlen("shape="), &end, 10);
	if (*end || nr > PROGRAM_SHAPES)
		return false;
	(void)snprintf(name, sizeof(name), "%s", word);
	word = strtok_r(NULL, " \n", &at);
	if (word && strcmp(word, "wraps") != 0)
		return false;
	seed->name = name;
	seed->bytes[0] = (uint8_t)(nr | (word ? PROGRAM_WRAPS : 0));
	seed->len = 1;
	return true;
}

/* The lines of one program, the first of which is read already. */
static inline void text_read_program(const struct ring_type *type,
				     const char *path, FILE *file, char *line,
				     size_t line_len, struct fuzz_seed *seed)
{
	struct step step;

	if (!text_read_head(line, seed))
		text_fail(path, "a program's first line is wrong");
	while (fgets(line, (int)line_len, file) && line[0] == '\t') {
		if (seed->len + sizeof(step) > sizeof(seed->bytes) ||
		    !text_read_step(type, line, &step))
			text_fail(seed->name, "has a step that is none");
		memcpy(seed->bytes + seed->len, &step, sizeof(step));
		seed->len += sizeof(step);
	}
}

/* fuzz_seed() of a ring's target. */
static inline bool text_seed(const struct ring_type *type, uint32_t nr,
			     struct fuzz_seed *seed)
{
	char path[256], line[128];
	bool found = false;
	FILE *file;

	(void)snprintf(path, sizeof(path), "tests/fuzz/seeds/%s", type->target);
	file = fopen(path, "re");
	if (!file)
		text_fail(path, strerror(errno));
	while (!found && fgets(line, sizeof(line), file))
		found = text_is_program(line) && nr-- == 0;
	if (found)
		text_read_program(type, path, file, line, sizeof(line), seed);
	(void)fclose(file);
	return found;
}

/* A ring's target, but for its struct ring_type. */
#define RING_TARGET(type)                                           \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) \
	{                                                           \
		program_run(&(type), data, len);                    \
		return 0;                                           \
	}                                                           \
	bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)         \
	{                                                           \
		return text_seed(&(type), nr, seed);                \
	}                                                           \
	void fuzz_print(const uint8_t *data, size_t len)            \
	{                                                           \
		text_print(&(type), data, len);                     \
	}

#endif
