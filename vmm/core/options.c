/* SPDX-License-Identifier: MIT */
/* options.c - which word of the command line was it? */
#include "vmm/core/options.h"

#include <stdio.h>
#include <string.h>

#include "vmm/core/near.h"

#define OPTIONS_MAX 64

static const char *nearest(const char *word, const struct option *options)
{
	const char *names[OPTIONS_MAX];
	char name[32];
	size_t nr;

	/* "--name=value" */
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="),
		 word + 2);
	for (nr = 0; nr < OPTIONS_MAX && options[nr].name; nr++)
		names[nr] = options[nr].name;
	return near_name(name, names, nr);
}

const char *options_fault(char *text, int result, char **argv,
			  const struct option *options)
{
	const char *word = argv[optind - 1], *near;

	if (result == ':') {
		snprintf(text, OPTIONS_FAULT_LEN, "option %s needs a value",
			 word);
	} else if (strncmp(word, "--", 2) != 0) {
		/* Inside a cluster of short options optind has not moved. */
		snprintf(text, OPTIONS_FAULT_LEN, "unknown option -%c", optopt);
	} else if (optopt) {
		/* Known, so it was the value that it did not want. */
		snprintf(text, OPTIONS_FAULT_LEN, "option %s takes no value",
			 word);
	} else {
		near = nearest(word, options);
		snprintf(text, OPTIONS_FAULT_LEN, "unknown option %s%s%s%s",
			 word, near ? ": did you mean --" : "",
			 near ? near : "", near ? "?" : "");
	}
	return text;
}
