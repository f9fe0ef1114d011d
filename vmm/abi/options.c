/* SPDX-License-Identifier: MIT */
/* options.c - how do all ABIs read their command lines? */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/abi/abi.h"
#include "vmm/core/log.h"
#include "vmm/core/options.h"

#define TIMEOUT_MAX_S	100000000ull
#define GUESTS_TEXT_LEN 1024
#define NEAR_TEXT_LEN	64

/* "a, b, c" in lines. */
static void put_names(const char *names)
{
	const size_t width = 76;

	while (strlen(names) > width) {
		size_t len = width;

		while (len && names[len - 1] != ' ')
			len--;
		if (!len)
			break;
		printf("  %.*s\n", (int)(len - 1), names);
		names += len;
	}
	printf("  %s\n", names);
}

static void help(const struct abi_call *call)
{
	const struct abi *abi = call->abi;
	char guests[GUESTS_TEXT_LEN];

	printf("usage: ivlab boot %s %s\n%s.\n\n", abi->name, abi->synopsis,
	       abi->summary);
	if (abi->help[0])
		printf("%s\n", abi->help);
	fputs("  --stats[=FILE]    what it did: exits by reason and port, "
	      "bytes, CPU time;\n"
	      "                    to stderr or FILE\n"
	      "  --json            --stats as one JSON object\n"
	      "  --dump-state      first registers and page tables, on stderr\n"
	      "  --trace FILE      a line per exit\n"
	      "  --tag             the guest's name before each line it "
	      "prints\n"
	      "  --timeout SECONDS end the guests, as failed, after that "
	      "time\n"
	      "  --help            this text\n",
	      stdout);
	call->guest_names(abi->guest_prefix, guests, sizeof(guests));
	if (!guests[0])
		return;
	puts("\nGuests that came with ivlab, each the IMAGE of that name:");
	put_names(guests);
}

int abi_usage(const struct abi_call *call, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "ivlab boot %s: ", call->abi->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\ntry: ivlab boot %s --help\n", call->abi->name);
	return ABI_FAILED;
}

int abi_option(const struct abi_call *call, struct session_opts *opts, int c,
	       const struct option *options)
{
	char text[OPTIONS_FAULT_LEN];

	switch (c) {
	case ABI_OPTION_STATS:
		opts->stats = true;
		opts->stats_path = optarg;
		return -1;
	case ABI_OPTION_JSON:
		opts->stats = true;
		opts->json = true;
		return -1;
	case ABI_OPTION_DUMP_STATE:
		opts->dump_state = true;
		return -1;
	case ABI_OPTION_TRACE:
		opts->trace_path = optarg;
		return -1;
	case ABI_OPTION_TAG:
		opts->tag = true;
		return -1;
	case ABI_OPTION_TIMEOUT:
		if (abi_number(optarg, 1, TIMEOUT_MAX_S, &opts->timeout_s))
			return abi_usage(call,
					 "--timeout %s; allowed: 1 to %llu "
					 "seconds",
					 optarg, TIMEOUT_MAX_S);
		return -1;
	case ABI_OPTION_HELP:
		help(call);
		return ABI_OK;
	default:
		return abi_usage(call, "%s",
				 options_fault(text, c, call->argv, options));
	}
}

int abi_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	unsigned long long n;
	char *end;

	/* strtoull() would take blanks and signs, too. */
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (*end)
		return -EINVAL;
	if (errno || n < min || n > max)
		return -ERANGE;
	*number = n;
	return 0;
}

static void say_no_image(const struct abi_call *call, const char *image)
{
	char near[NEAR_TEXT_LEN];

	call->guest_near(call->abi->guest_prefix, image, near, sizeof(near));
	log_error("image %s: %s, and no guest of that name came with ivlab%s%s;"
		  " ivlab boot %s --help lists them",
		  image, strerror(ENOENT), near[0] ? "; did you mean " : "",
		  near, call->abi->name);
}

int abi_image_path(const struct abi_call *call, const char *image, char **path)
{
	*path = NULL;
	if (!strchr(image, '/') && access(image, F_OK)) {
		int err = call->guest_path(image, path);

		if (!err)
			return 0;
		free(*path);
		*path = NULL;
		if (err == -ENOENT) {
			say_no_image(call, image);
			return err;
		}
	}
	*path = strdup(image);
	return *path ? 0 : -ENOMEM;
}

void abi_guest_name(char *name, size_t len, const char *path, uint32_t nr,
		    uint32_t guests_nr)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');
	int base_len = (int)(dot && dot > base ? (size_t)(dot - base)
					       : strlen(base));

	/* The number is what tells guests of one image apart: it stays. */
	if (base_len > (int)len - 12)
		base_len = (int)len - 12;
	if (guests_nr > 1)
		snprintf(name, len, "%.*s.%u", base_len, base, nr);
	else
		snprintf(name, len, "%.*s", base_len, base);
}
