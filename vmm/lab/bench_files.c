/* SPDX-License-Identifier: MIT */
/*
 * bench_files.c - how fast is our 9P server beside diod, with the same client
 * and the same directory?
 *
 * Each figure is taken in slices: one through our mount, one through diod's,
 * in turn, and who begins changes. A pair of slices gives a ratio; the report
 * has the medians of both and of the ratios.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/core/clock.h"
#include "vmm/core/log.h"
#include "vmm/lab/bench.h"
#include "vmm/lab/bench_files.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/report.h"

#define ROUNDS_DEFAULT 5
#define FILES_DEFAULT  10000
#define LARGE_LEN      (1u << 20)
#define FILE_LEN       (32u << 20)
#define SMALL_LEN      4096u
#define SMALL_NR       2000u

struct run {
	struct files_bed bed;
	const struct bench_opts *opts;
	uint32_t rounds_nr, files_nr;
	uint64_t random;
	uint8_t *bytes; /* LARGE_LEN of them */
};

/* One slice on one side: how much was done, in what unit is told. */
typedef int slice_fn(struct run *run, const struct files_side *side,
		     uint32_t round, double *amount);

struct work {
	const char *name, *unit;
	slice_fn *slice;
	double rates[FILES_SIDES][BENCH_ROUNDS_MAX];
	double ratios[BENCH_ROUNDS_MAX];
	uint32_t nr;
};

/* --- bytes ---------------------------------------------------------------- */

static int open_file(struct run *run, const struct files_side *side,
		     const char *name, int flags)
{
	char path[FILES_PATH_LEN + 16];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", side->mount, name);
	fd = open(path, flags | O_CLOEXEC, 0644);
	return fd < 0 ? files_bed_fail(&run->bed, path) : fd;
}

static int sequential(struct run *run, int fd, bool writes, double *amount)
{
	uint64_t done = 0;

	while (done < FILE_LEN) {
		ssize_t n = writes ? write(fd, run->bytes, LARGE_LEN)
				   : read(fd, run->bytes, LARGE_LEN);

		if (n <= 0)
			return files_bed_fail(&run->bed,
					      writes ? "write" : "read");
		done += (uint64_t)n;
	}
	*amount = FILE_LEN / 1048576.0;
	return 0;
}

static int slice_write(struct run *run, const struct files_side *side,
		       uint32_t round, double *amount)
{
	int fd = open_file(run, side, "written", O_WRONLY | O_CREAT), err;

	(void)round;
	if (fd < 0)
		return fd;
	err = sequential(run, fd, true, amount);
	if (close(fd) < 0 && !err)
		err = files_bed_fail(&run->bed, "close");
	return err;
}

static int slice_read(struct run *run, const struct files_side *side,
		      uint32_t round, double *amount)
{
	int fd = open_file(run, side, "large", O_RDONLY), err;

	(void)round;
	if (fd < 0)
		return fd;
	err = sequential(run, fd, false, amount);
	close(fd);
	return err;
}

static int slice_random(struct run *run, const struct files_side *side,
			uint32_t round, double *amount)
{
	int fd = open_file(run, side, "large", O_RDONLY);
	/* The same places on both sides. */
	uint64_t random = run->random + round;

	if (fd < 0)
		return fd;
	for (uint32_t i = 0; i < SMALL_NR; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (pread(fd, run->bytes, SMALL_LEN,
			  (off_t)((random >> 33) % (FILE_LEN / SMALL_LEN) *
				  SMALL_LEN)) != SMALL_LEN) {
			int err = files_bed_fail(&run->bed, "read");

			close(fd);
			return err;
		}
	}
	close(fd);
	*amount = SMALL_NR;
	return 0;
}

/* --- names ---------------------------------------------------------------- */

static int create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

static int look(const char *path)
{
	struct stat st;

	return stat(path, &st);
}

/* Round's part of all the files; each side has a directory of its own. */
static int each_file(struct run *run, const struct files_side *side,
		     uint32_t round, int (*act)(const char *path),
		     double *amount)
{
	uint32_t first =
		(uint32_t)((uint64_t)run->files_nr * round / run->rounds_nr);
	uint32_t end = (uint32_t)((uint64_t)run->files_nr * (round + 1) /
				  run->rounds_nr);
	char path[FILES_PATH_LEN + 40];

	for (uint32_t i = first; i < end; i++) {
		(void)snprintf(path, sizeof(path), "%s/of-%s/file-%05u",
			       side->mount, side->name, i);
		if (act(path) < 0)
			return files_bed_fail(&run->bed, path);
	}
	*amount = end - first;
	return 0;
}

static int slice_create(struct run *run, const struct files_side *side,
			uint32_t round, double *amount)
{
	return each_file(run, side, round, create, amount);
}

static int slice_stat(struct run *run, const struct files_side *side,
		      uint32_t round, double *amount)
{
	return each_file(run, side, round, look, amount);
}

static int slice_unlink(struct run *run, const struct files_side *side,
			uint32_t round, double *amount)
{
	return each_file(run, side, round, unlink, amount);
}

/* --- rounds --------------------------------------------------------------- */

static int prepare(struct run *run)
{
	char path[FILES_PATH_LEN + 40];
	double amount;
	int err = 0, fd;

	run->bytes = malloc(LARGE_LEN);
	if (!run->bytes)
		return files_bed_fail(&run->bed, "memory");
	memset(run->bytes, 'x', LARGE_LEN);
	(void)snprintf(path, sizeof(path), "%s/large", run->bed.dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return files_bed_fail(&run->bed, path);
	err = sequential(run, fd, true, &amount);
	close(fd);
	for (int i = 0; !err && i < FILES_SIDES; i++) {
		(void)snprintf(path, sizeof(path), "%s/of-%s", run->bed.dir,
			       run->bed.sides[i].name);
		if (mkdir(path, 0755) < 0)
			err = files_bed_fail(&run->bed, path);
	}
	return err;
}

static int run_pair(struct run *run, struct work *work, uint32_t round)
{
	for (int i = 0; i < FILES_SIDES; i++) {
		int side = (i + (int)round) % FILES_SIDES;
		uint64_t start_ns = clock_now_ns();
		double amount = 0;
		int err = work->slice(run, &run->bed.sides[side], round,
				      &amount);

		if (err)
			return err;
		work->rates[side][round] = amount * (double)CLOCK_NS_PER_S /
					   (double)(clock_now_ns() - start_ns);
	}
	work->ratios[round] = work->rates[FILES_OURS][round] /
			      work->rates[FILES_DIOD][round];
	work->nr = round + 1;
	return 0;
}

/* Bytes are moved once before it counts; a file is made once. */
static int run_work(struct run *run, struct work *work)
{
	bool warms = work->slice == slice_read || work->slice == slice_write ||
		     work->slice == slice_random;
	int err = 0;

	if (!run->opts->json)
		log_info("%s ...", work->name);
	if (warms)
		err = run_pair(run, work, 0);
	for (uint32_t i = 0; !err && i < run->rounds_nr; i++)
		err = run_pair(run, work, i);
	return err;
}

/* --- report --------------------------------------------------------------- */

static json_t *figure_json(const struct bench_figure *figure)
{
	return json_pack("{s:f, s:f, s:f}", "median", figure->median, "min",
			 figure->min, "max", figure->max);
}

static int put_json(struct run *run, struct work *works, size_t works_nr)
{
	json_t *list = json_array();

	for (size_t i = 0; i < works_nr; i++) {
		struct work *w = &works[i];
		struct bench_figure ours, diod, ratio;

		if (!w->nr)
			continue;
		ours = bench_figure_of(w->rates[FILES_OURS], w->nr);
		diod = bench_figure_of(w->rates[FILES_DIOD], w->nr);
		ratio = bench_figure_of(w->ratios, w->nr);
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", w->name,
				  "unit", w->unit, "ours", figure_json(&ours),
				  "diod", figure_json(&diod), "ratio",
				  figure_json(&ratio)));
	}
	return report_json_write(
		stdout,
		json_pack("{s:b, s:s, s:i, s:i, s:i, s:i, s:o}", "ok", 1,
			  "bench", "files", "rounds", (int)run->rounds_nr,
			  "files", (int)run->files_nr, "msize_ours",
			  (int)run->bed.sides[FILES_OURS].msize, "msize_diod",
			  (int)run->bed.sides[FILES_DIOD].msize, "workloads",
			  list));
}

static int put_text(struct run *run, struct work *works, size_t works_nr)
{
	printf("%-18s %-8s %10s %10s %10s %6s %6s\n", "workload", "unit",
	       "ours", "diod", "ours/diod", "min", "max");
	for (size_t i = 0; i < works_nr; i++) {
		struct work *w = &works[i];
		struct bench_figure ratio;

		if (!w->nr)
			continue;
		ratio = bench_figure_of(w->ratios, w->nr);
		printf("%-18s %-8s %10.1f %10.1f %10.2f %6.2f %6.2f\n", w->name,
		       w->unit,
		       bench_figure_of(w->rates[FILES_OURS], w->nr).median,
		       bench_figure_of(w->rates[FILES_DIOD], w->nr).median,
		       ratio.median, ratio.min, ratio.max);
	}
	printf("medians of %u pairs; msize: ours %u, diod %u\n", run->rounds_nr,
	       run->bed.sides[FILES_OURS].msize,
	       run->bed.sides[FILES_DIOD].msize);
	return fflush(stdout) ? -EIO : 0;
}

int bench_files(const struct bench_opts *opts)
{
	static struct work works[] = {
		{ .name = "write 1 MiB", .unit = "MiB/s", slice_write },
		{ .name = "read 1 MiB", .unit = "MiB/s", slice_read },
		{ .name = "random read 4 KiB", .unit = "1/s", slice_random },
		{ .name = "create", .unit = "1/s", slice_create },
		{ .name = "stat", .unit = "1/s", slice_stat },
		{ .name = "unlink", .unit = "1/s", slice_unlink },
	};
	const size_t works_nr = sizeof(works) / sizeof(*works);
	const char *tmp = getenv("TMPDIR");
	struct run run = {
		.opts = opts,
		.rounds_nr = opts->rounds_nr ? opts->rounds_nr : ROUNDS_DEFAULT,
		.files_nr = opts->files_nr ? opts->files_nr : FILES_DEFAULT,
		.random = 1,
	};
	int err;

	if (!tmp || !tmp[0])
		tmp = "/tmp";
	err = files_bed_start(&run.bed, opts->dir ? opts->dir : tmp);
	if (!err)
		err = prepare(&run);
	for (size_t i = 0; !err && i < works_nr; i++)
		err = run_work(&run, &works[i]);
	if (err) {
		log_error("bench files: %s", run.bed.error);
		if (opts->json)
			report_json_error(stdout, run.bed.error);
	} else {
		err = opts->json ? put_json(&run, works, works_nr)
				 : put_text(&run, works, works_nr);
	}
	files_bed_end(&run.bed);
	free(run.bytes);
	return err ? CMD_FAILED : 0;
}
