/* SPDX-License-Identifier: MIT */
/* matrix_options.c - how shall the two guests of matrix take turns? */
#include <string.h>

#include "vmm/abi/matrix.h"
#include "vmm/core/clock.h"
#include "vmm/core/duration.h"

#define FRAC_MAX       1000u
#define QUANTUM_MIN_NS 1000000ull
#define TIME_MAX_NS    (3600 * CLOCK_NS_PER_S)

static int schedule_option(const struct abi_call *call,
			   struct matrix_words *words, const char *text)
{
	static const char *const names[] = { "io", "timer", "frac" };

	for (uint32_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(text, names[i]) == 0) {
			words->schedule = (enum matrix_schedule)i;
			return -1;
		}
	return abi_usage(call, "--schedule %s; allowed: io, timer or frac",
			 text);
}

static int frac_option(const struct abi_call *call, struct matrix_words *words,
		       const char *text)
{
	char first[16];
	size_t len = strcspn(text, ":");
	uint64_t a, b;

	words->has_frac = true;
	if (len < sizeof(first) && text[len] == ':') {
		memcpy(first, text, len);
		first[len] = '\0';
		if (!abi_number(first, 1, FRAC_MAX, &a) &&
		    !abi_number(text + len + 1, 1, FRAC_MAX, &b)) {
			words->frac[0] = (uint32_t)a;
			words->frac[1] = (uint32_t)b;
			return -1;
		}
	}
	return abi_usage(call,
			 "--frac %s; allowed: A:B, each 1 to %u, as in 7:3",
			 text, FRAC_MAX);
}

static int order_option(const struct abi_call *call, struct matrix_words *words,
			const char *text)
{
	words->has_order = true;
	words->spread = strcmp(text, "spread") == 0;
	if (!words->spread && strcmp(text, "block") != 0)
		return abi_usage(call, "--order %s; allowed: block or spread",
				 text);
	return -1;
}

static int time_option(const struct abi_call *call, const char *option,
		       uint64_t min_ns, uint64_t *ns)
{
	if (!duration_parse(optarg, min_ns, TIME_MAX_NS, ns))
		return -1;
	return abi_usage(call, "%s %s; allowed: %s to 3600s, with us, ms or s",
			 option, optarg, min_ns ? "1ms" : "0s");
}

static const struct option options[] = {
	{ "schedule", required_argument, NULL, 's' },
	{ "quantum", required_argument, NULL, 'q' },
	{ "frac", required_argument, NULL, 'f' },
	{ "order", required_argument, NULL, 'o' },
	{ "slices", required_argument, NULL, 'n' },
	{ "pause", required_argument, NULL, 'p' },
	{ "load", required_argument, NULL, 'l' },
	ABI_COMMON_OPTIONS,
};

static int own_option(const struct abi_call *call, struct matrix_words *words,
		      int c)
{
	switch (c) {
	case 's':
		return schedule_option(call, words, optarg);
	case 'q':
		words->has_quantum = true;
		return time_option(call, "--quantum", QUANTUM_MIN_NS,
				   &words->quantum_ns);
	case 'f':
		return frac_option(call, words, optarg);
	case 'o':
		return order_option(call, words, optarg);
	case 'p':
		return time_option(call, "--pause", 0, &words->pause_ns);
	case 'n':
		if (!abi_number(optarg, 1, INT64_MAX, &words->slices_nr))
			return -1;
		return abi_usage(call, "--slices %s; allowed: 1 or more",
				 optarg);
	case 'l':
		if (!abi_number(optarg, 0, MATRIX_RAM_LEN - 1,
				&words->load_gpa))
			return -1;
		return abi_usage(call, "--load %s; allowed: 0 to 0x%x", optarg,
				 MATRIX_RAM_LEN - 1);
	default:
		return abi_option(call, &words->common, c, options);
	}
}

/* An option that would do nothing is a mistake worth telling. */
static int check(const struct abi_call *call, struct matrix_words *words)
{
	int images_nr = call->argc - optind;

	if (words->has_quantum && words->schedule == MATRIX_IO)
		return abi_usage(call, "--quantum needs --schedule timer or "
				       "frac");
	if (words->has_frac && words->schedule != MATRIX_FRAC)
		return abi_usage(call, "--frac needs --schedule frac");
	if (words->has_order && words->schedule != MATRIX_FRAC)
		return abi_usage(call, "--order needs --schedule frac");
	if (words->schedule != MATRIX_FRAC)
		words->frac[0] = words->frac[1] = 1;
	if (images_nr != 0 && images_nr != (int)MATRIX_VMS_NR)
		return abi_usage(call, "two images, or none for those that "
				       "came with ivlab");
	for (int i = 0; i < images_nr; i++)
		words->images[i] = call->argv[optind + i];
	return -1;
}

static void defaults(const struct abi_call *call, struct matrix_words *words)
{
	const char *slash = strrchr(call->argv[0], '/');
	const char *name = slash ? slash + 1 : call->argv[0];

	*words = (struct matrix_words){ .schedule = MATRIX_FRAC,
					.quantum_ns = CLOCK_NS_PER_S,
					.load_gpa = MATRIX_LOAD_GPA,
					.frac = { 7, 3 } };
	if (strcmp(name, "matrix-a") == 0)
		words->schedule = MATRIX_IO;
	if (strcmp(name, "matrix-b") == 0)
		words->schedule = MATRIX_TIMER;
}

int matrix_options(const struct abi_call *call, struct matrix_words *words)
{
	int c, status = -1;

	defaults(call, words);
	while (status < 0 && (c = getopt_long(call->argc, call->argv, ":",
					      options, NULL)) != -1)
		status = own_option(call, words, c);
	return status < 0 ? check(call, words) : status;
}
