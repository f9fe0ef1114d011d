/* SPDX-License-Identifier: MIT */
/* bench_boot.c - how long from nothing to a guest's first exit? */
#include <errno.h>

#include "vmm/core/clock.h"
#include "vmm/lab/bench_flat.h"

static int round_boot(struct bench_flat *mode)
{
	static const uint8_t halt[] = { 0xf4 };
	uint64_t start_ns = clock_now_ns(), made_ns;
	struct flat *flat;
	int err;

	err = bench_flat_create(&flat, mode, halt, sizeof(halt), NULL);
	if (err)
		return err;
	made_ns = clock_now_ns();
	flat_cpu_take(&flat->cpu[0]);
	while (flat_step(&flat->cpu[0]) != FLAT_ENDED)
		;
	mode->first[mode->nr] = (double)(clock_now_ns() - start_ns);
	mode->second[mode->nr] = (double)(made_ns - start_ns);
	flat_cpu_drop(&flat->cpu[0]);
	if (flat->cpu[0].end != FLAT_HALTED)
		err = -EIO;
	flat_destroy(flat);
	return err;
}

int bench_boot(const struct bench_opts *opts)
{
	static const struct bench_flat_report report = {
		.name = "boot",
		.first = "first_exit",
		.second = "created",
		.unit = "us",
		.per = 1e3,
		.note = "from no VM to its HLT, and how much of it was "
			"creating it",
	};

	return bench_flat_run(opts, round_boot, &report);
}
