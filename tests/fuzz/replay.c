/* SPDX-License-Identifier: MIT */
/*
 * replay.c - does a fuzz target still live through the inputs kept for it?
 *
 * usage: fuzz_NAME DIR          one test per input of DIR
 *        fuzz_NAME --seeds DIR  write the target's seeds there
 *        fuzz_NAME --print FILE print what an input does, as seeds are written
 *
 * Inputs with a name in words are tests of their own; those the fuzzer found
 * (it names them by 40 hex digits) are one test together. Each runs in a
 * child, so that one that crashes does not hide the others.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX_LEN (1u << 20)
#define TIMEOUT_S     60
#define FOUND_LEN     40

static const char *target; /* this program's name */

static size_t file_read(const char *path, uint8_t *bytes)
{
	size_t len;
	FILE *file;

	file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	len = fread(bytes, 1, INPUT_MAX_LEN, file);
	(void)fclose(file);
	return len;
}

static size_t input_read(const char *dir, const char *name, uint8_t *bytes)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return file_read(path, bytes);
}

_Noreturn static void run_here(const char *dir, const char *name)
{
	uint8_t *bytes = malloc(INPUT_MAX_LEN);
	uint8_t *exact;
	size_t len;

	if (!bytes)
		exit(EXIT_FAILURE);
	len = input_read(dir, name, bytes);
	/* Of its own length, so that a sanitizer sees a read behind it. */
	exact = realloc(bytes, len ? len : 1);
	if (!exact)
		exit(EXIT_FAILURE);
	alarm(TIMEOUT_S); /* default action: the child dies */
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	exit(EXIT_SUCCESS); /* not _exit(): leaks are looked for now */
}

static bool survives(const char *dir, const char *name)
{
	int status = 0;
	pid_t child;

	(void)fflush(stdout);
	child = fork();
	if (child < 0)
		return false;
	if (!child)
		run_here(dir, name);
	if (waitpid(child, &status, 0) != child)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool is_found(const char *name)
{
	return strlen(name) == FOUND_LEN &&
	       strspn(name, "0123456789abcdef") == FOUND_LEN;
}

/* Seeds and corpus are kept apart: is what one says what the other does? */
static bool seeds_are_kept(const char *dir)
{
	static struct fuzz_seed seed;
	static uint8_t bytes[INPUT_MAX_LEN];
	bool kept = true;

	for (uint32_t nr = 0; fuzz_seed(nr, &seed); nr++) {
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, seed.name);
		if (access(path, R_OK) == 0 &&
		    file_read(path, bytes) == seed.len &&
		    memcmp(bytes, seed.bytes, seed.len) == 0)
			continue;
		fprintf(stderr, "%s: not as the seed says: run %s --seeds %s\n",
			path, target, dir);
		kept = false;
	}
	return kept;
}

static int replay(const char *dir)
{
	struct dirent **inputs = NULL;
	int inputs_nr = scandir(dir, &inputs, is_input, alphasort);
	int found_nr = 0, failed_nr = 0;

	if (inputs_nr <= 0) {
		printf("not ok %s/there_are_inputs_in %s\n", target, dir);
		return EXIT_FAILURE;
	}
	for (int i = 0; i < inputs_nr; i++) {
		const char *name = inputs[i]->d_name;

		if (!survives(dir, name)) {
			printf("not ok %s/%s\n", target, name);
			failed_nr++;
		} else if (is_found(name)) {
			found_nr++;
		} else {
			printf("ok %s/%s\n", target, name);
		}
		free(inputs[i]);
	}
	free(inputs);
	if (found_nr)
		printf("ok %s/inputs_found_by_fuzzing (%d)\n", target,
		       found_nr);
	if (!seeds_are_kept(dir)) {
		printf("not ok %s/seeds_are_in_the_corpus\n", target);
		failed_nr++;
	} else {
		printf("ok %s/seeds_are_in_the_corpus\n", target);
	}
	return failed_nr ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int write_seeds(const char *dir)
{
	static struct fuzz_seed seed;

	for (uint32_t nr = 0; fuzz_seed(nr, &seed); nr++) {
		char path[4096];
		bool whole;
		FILE *file;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, seed.name);
		file = fopen(path, "we");
		whole = file &&
			fwrite(seed.bytes, 1, seed.len, file) == seed.len;
		if (!file || fclose(file) || !whole) {
			fprintf(stderr, "%s: cannot write it\n", path);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}

static int print(const char *path)
{
	static uint8_t bytes[INPUT_MAX_LEN];

	if (!fuzz_print) {
		fprintf(stderr, "%s: its inputs are not programs\n", target);
		return 2;
	}
	fuzz_print(bytes, file_read(path, bytes));
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	target = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	if (argc == 2)
		return replay(argv[1]);
	if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
		return write_seeds(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--print") == 0)
		return print(argv[2]);
	fprintf(stderr, "usage: %s DIR | --seeds DIR | --print FILE\n", target);
	return 2;
}
