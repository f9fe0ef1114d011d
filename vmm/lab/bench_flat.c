/* SPDX-License-Identifier: MIT */
/* bench_flat.c - how are the processor modes measured beside each other? */
#include "vmm/lab/bench_flat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/memory_map.h"
#include "vmm/boot/flat_tables.h"
#include "vmm/core/log.h"
#include "vmm/core/x86.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/report.h"

#define RAM_LEN	       MAP_LARGE_LEN
#define TABLES_GPA     0x2000u
#define ROUNDS_DEFAULT 51

static int state_real(struct flat *flat, struct first_state *state)
{
	(void)flat;
	first_state_real(state, 0, 0);
	return 0;
}

static int state_protected(struct flat *flat, struct first_state *state)
{
	(void)flat;
	first_state_protected(state, 0);
	return 0;
}

static int state_paging32(struct flat *flat, struct first_state *state)
{
	first_state_paging32(state, 0, TABLES_GPA, CR0_ET | CR0_NE, CR4_PSE);
	return flat_tables_pse(&flat->memory, TABLES_GPA, 0, 0,
			       (uint32_t)PTE_USER);
}

static int state_long(struct flat *flat, struct first_state *state)
{
	uint64_t end_gpa;

	first_state_long(state, 0, TABLES_GPA, CR0_ET | CR0_NE);
	return flat_tables_long(&flat->memory, TABLES_GPA, RAM_LEN,
				MAP_LARGE_LEN, PTE_USER, &end_gpa);
}

int bench_flat_create(struct flat **out, const struct bench_flat *mode,
		      const uint8_t *code, size_t len,
		      const struct flat_port *ports)
{
	const struct flat_desc desc = {
		.name = mode->mode,
		.ram_len = RAM_LEN,
		.cpus_nr = 1,
		.ports = ports,
	};
	struct first_state state;
	struct flat *flat;
	int err;

	err = flat_create(&flat, &desc);
	if (err)
		return err;
	memcpy(memory_range(&flat->memory, 0, len), code, len);
	err = flat_cpu_get(&flat->cpu[0], &state);
	if (!err)
		err = mode->first_state(flat, &state);
	if (!err)
		err = flat_cpu_set(&flat->cpu[0], &state);
	if (err)
		flat_destroy(flat);
	else
		*out = flat;
	return err;
}

/* --- rounds -----------------------------------------------------------------
 */

static struct bench_flat *modes_new(void)
{
	static const struct {
		const char *name;
		int (*first_state)(struct flat *flat,
				   struct first_state *state);
	} known[BENCH_FLAT_MODES_NR] = {
		{ "real", state_real },
		{ "protected", state_protected },
		{ "paging32", state_paging32 },
		{ "long", state_long },
	};
	struct bench_flat *modes = calloc(BENCH_FLAT_MODES_NR, sizeof(*modes));
	bool has;

	if (!modes)
		return NULL;
	for (uint32_t i = 0; i < BENCH_FLAT_MODES_NR; i++) {
		modes[i].mode = known[i].name;
		modes[i].first_state = known[i].first_state;
		modes[i].missing = known[i].first_state == state_paging32 &&
				   (kvm_has_paging32(&has) || !has);
	}
	return modes;
}

static int rounds_run(struct bench_flat *modes, uint32_t rounds_nr,
		      bench_flat_fn *round)
{
	/* Round 0 warms up and is overwritten. */
	for (uint32_t i = 0; i <= rounds_nr; i++) {
		for (uint32_t m = 0; m < BENCH_FLAT_MODES_NR; m++) {
			int err;

			if (modes[m].missing)
				continue;
			modes[m].nr = i ? i - 1 : 0;
			err = round(&modes[m]);
			if (err)
				return err;
			modes[m].nr++;
		}
	}
	return 0;
}

/* --- report -----------------------------------------------------------------
 */

static struct bench_figure figure_of(double *values, uint32_t nr, double per)
{
	struct bench_figure figure = bench_figure_of(values, nr);

	figure.median /= per;
	figure.min /= per;
	figure.max /= per;
	return figure;
}

static int put_text(struct bench_flat *modes, uint32_t rounds_nr,
		    const struct bench_flat_report *report)
{
	printf("%-10s %14s %9s %9s %14s\n", "mode", report->first, "min", "max",
	       report->second);
	for (uint32_t m = 0; m < BENCH_FLAT_MODES_NR; m++) {
		struct bench_figure first, second;

		if (modes[m].missing) {
			printf("%-10s not on this KVM\n", modes[m].mode);
			continue;
		}
		first = figure_of(modes[m].first, modes[m].nr, report->per);
		second = figure_of(modes[m].second, modes[m].nr, report->per);
		printf("%-10s %11.2f %2s %9.2f %9.2f %11.2f %2s\n",
		       modes[m].mode, first.median, report->unit, first.min,
		       first.max, second.median, report->unit);
	}
	printf("medians of %u rounds on %s; %s\n", rounds_nr, kvm_kind_name(),
	       report->note);
	return fflush(stdout) ? -EIO : 0;
}

static json_t *figure_json(const struct bench_figure *figure)
{
	return json_pack("{s:f, s:f, s:f}", "median", figure->median, "min",
			 figure->min, "max", figure->max);
}

static json_t *mode_json(struct bench_flat *mode,
			 const struct bench_flat_report *report)
{
	struct bench_figure first, second;

	if (mode->missing)
		return json_pack("{s:s, s:b}", "mode", mode->mode, "missing",
				 1);
	first = figure_of(mode->first, mode->nr, report->per);
	second = figure_of(mode->second, mode->nr, report->per);
	return json_pack("{s:s, s:b, s:o, s:o}", "mode", mode->mode, "missing",
			 0, report->first, figure_json(&first), report->second,
			 figure_json(&second));
}

static int put_json(struct bench_flat *modes, uint32_t rounds_nr,
		    const struct bench_flat_report *report)
{
	json_t *list = json_array();

	for (uint32_t m = 0; m < BENCH_FLAT_MODES_NR; m++)
		json_array_append_new(list, mode_json(&modes[m], report));
	return report_json_write(
		stdout,
		json_pack("{s:b, s:s, s:s, s:i, s:s, s:o}", "ok", 1, "bench",
			  report->name, "kvm", kvm_kind_name(), "rounds",
			  (int)rounds_nr, "unit", report->unit, "modes", list));
}

int bench_flat_run(const struct bench_opts *opts, bench_flat_fn *round,
		   const struct bench_flat_report *report)
{
	uint32_t rounds_nr = opts->rounds_nr ? opts->rounds_nr : ROUNDS_DEFAULT;
	struct bench_flat *modes = modes_new();
	int err = modes ? rounds_run(modes, rounds_nr, round) : -ENOMEM;

	if (err) {
		log_error("bench %s: %s", report->name, strerror(-err));
		if (opts->json)
			report_json_error(stdout, strerror(-err));
	} else {
		err = opts->json ? put_json(modes, rounds_nr, report)
				 : put_text(modes, rounds_nr, report);
	}
	free(modes);
	return err ? CMD_FAILED : 0;
}
