/* SPDX-License-Identifier: MIT */
/* vms.c - how fast is a ring between two guests, and beside two threads? */
#include "producer-consumer/bench/vms.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "producer-consumer/bench/peers.h"

#define GUESTS_NR_MAX 6u /* workloads for guests: their reports are few */
#define SAMPLES_NR    5u
#define LAB_TIMEOUT_S "10"
#define NICE	      (-20)
#define KEY_LEN	      24

static char why[160];

struct pairing {
	struct rows_row *guests, *threads;
};

/* The workloads' words for the guests: length:batch:ring:messages. */
static void write_lab(FILE *f, const struct pairing *pairs, uint32_t nr,
		      const uint32_t cpus[2])
{
	static const char *const roles[] = { "produce", "consume" };

	fputs("[lab]\nregion = 64M\n", f);
	for (int i = 0; i < 2; i++) {
		fprintf(f, "[vm %s]\nimage = bench\npin = %u\nargs = %s %u",
			roles[i], cpus[i], roles[i], SAMPLES_NR);
		for (uint32_t k = 0; k < nr; k++) {
			const struct plan_workload *w =
				pairs[k].guests->workload;

			fprintf(f, " %u:%u:%llu:%llu", w->shape.msg_len,
				w->shape.batch,
				(unsigned long long)w->shape.ring_len,
				(unsigned long long)pairs[k].guests->messages);
		}
		fputs("\n", f);
	}
}

/*
 * The child's half: its output goes to out_fd. Guests are not real-time, so
 * that a guest that spins cannot lock the host out; but they go first.
 */
static _Noreturn void be_lab(const char *ivlab, const char *path, int out_fd,
			     pid_t parent)
{
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	if (!prctl(PR_SET_PDEATHSIG, SIGTERM) && getppid() == parent &&
	    dup2(out_fd, STDOUT_FILENO) >= 0)
		execl(ivlab, "ivlab", "run", "--json", "--quiet", "--timeout",
		      LAB_TIMEOUT_S, path, (char *)NULL);
	_exit(127);
}

/* The lab's JSON object; NULL: why[] says it. */
static json_t *run_lab(const char *ivlab, const char *path)
{
	pid_t parent = getpid();
	json_t *root = NULL;
	json_error_t error;
	int fds[2];
	FILE *out;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return NULL;
	pid = fork();
	if (pid == 0)
		be_lab(ivlab, path, fds[1], parent);
	close(fds[1]);
	out = fdopen(fds[0], "r");
	if (out && pid > 0)
		root = json_loadf(out, 0, &error);
	if (out)
		(void)fclose(out);
	else
		close(fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!root)
		snprintf(why, sizeof(why), "%s run did not work", ivlab);
	return root;
}

/* The samples that the consumer reports as <workload>.<sample>, in ns. */
static int take_samples(const json_t *reports, uint32_t index,
			struct rows_row *row)
{
	for (uint32_t i = 0; i < SAMPLES_NR; i++) {
		char key[KEY_LEN];
		json_int_t ns;

		snprintf(key, sizeof(key), "ns.%u.%u", index, i);
		ns = json_integer_value(json_object_get(reports, key));
		if (ns <= 0)
			return -EPROTO;
		row->samples_nr++;
		/* Sorted below; the round's value is one of them. */
		row->values[row->nr + i].ns = (double)ns /
					      (double)row->messages;
	}
	/* Insertion sort of a handful. */
	for (uint32_t i = 1; i < SAMPLES_NR; i++)
		for (uint32_t k = row->nr + i; k > row->nr; k--) {
			struct rows_value v = row->values[k];

			if (v.ns >= row->values[k - 1].ns)
				break;
			row->values[k] = row->values[k - 1];
			row->values[k - 1] = v;
		}
	/* A guest cannot see that it was preempted, so that such a sample
	 * could be dropped: the lower quartile has fewest of them. */
	row->values[row->nr].ns = row->values[row->nr + SAMPLES_NR / 4].ns;
	row->nr++;
	return 0;
}

static int take_result(const json_t *root, const struct pairing *pairs,
		       uint32_t nr, struct machine *machine)
{
	const char *error = json_string_value(json_object_get(root, "error"));
	const char *kvm = json_string_value(json_object_get(root, "kvm"));
	const json_t *vms = json_object_get(root, "vms");
	const json_t *reports = json_object_get(json_array_get(vms, 1),
						"reports");

	if (!json_is_true(json_object_get(root, "ok"))) {
		snprintf(why, sizeof(why), "%s", error ? error : "lab failed");
		return -EIO;
	}
	if (kvm)
		snprintf(machine->kvm, sizeof(machine->kvm), "%s", kvm);
	for (uint32_t i = 0; i < nr; i++)
		if (take_samples(reports, i, pairs[i].guests)) {
			snprintf(why, sizeof(why),
				 "the guests reported less "
				 "than they should");
			return -EPROTO;
		}
	return 0;
}

static int run_round(const struct rounds_opts *opts, const char *ivlab,
		     const struct pairing *pairs, uint32_t nr,
		     struct machine *machine)
{
	char path[] = "/tmp/ivlab-bench-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	json_t *root = NULL;
	int err;

	if (!f) {
		snprintf(why, sizeof(why), "%s: %s", path, strerror(errno));
		return -EIO;
	}
	write_lab(f, pairs, nr, opts->cpus);
	if (!fclose(f))
		root = run_lab(ivlab, path);
	(void)unlink(path);
	err = root ? take_result(root, pairs, nr, machine) : -EIO;
	json_decref(root);
	for (uint32_t i = 0; i < nr && !err; i++) {
		struct rows_row *guests = pairs[i].guests;
		struct rows_row *threads = pairs[i].threads;

		rounds_sample(opts, &bench_spsc, threads);
		/* Guests cannot tell how far their CPUs are from each other:
		 * as far as the threads' were, right behind. */
		if (threads->nr)
			guests->values[guests->nr - 1].probe_ns =
				threads->values[threads->nr - 1].probe_ns;
	}
	return err;
}

const char *vms_run(const struct plan *plan, const struct rounds_opts *opts,
		    const char *ivlab, struct machine *machine,
		    struct rows *rows)
{
	struct pairing pairs[GUESTS_NR_MAX];
	uint32_t nr = 0;

	for (uint32_t i = 0; i < plan->nr && nr < GUESTS_NR_MAX; i++) {
		const struct plan_workload *w = &plan->workloads[i];

		if (w->way != PLAN_VMS)
			continue;
		pairs[nr].guests = rows_add(rows, w, "spsc");
		pairs[nr].threads = rows_add(rows, w, "spsc, host threads");
		if (!pairs[nr].guests || !pairs[nr].threads)
			return "too many rows";
		pairs[nr].guests->ours = pairs[nr].threads->ours = true;
		pairs[nr].threads->trial = true;
		nr++;
	}
	if (!nr)
		return NULL;
	if (!ivlab)
		return "no ivlab to run labs with: use `ivlab bench peers`";
	if (access("/dev/kvm", R_OK | W_OK))
		return "no /dev/kvm that can be opened: see `ivlab doctor`";
	/* One more: it finds how many messages a sample takes. */
	for (uint32_t i = 0; i < nr; i++) {
		rounds_sample(opts, &bench_spsc, pairs[i].threads);
		pairs[i].guests->messages = pairs[i].threads->messages;
		if (!pairs[i].guests->messages)
			return "a ring could not be made";
	}
	for (uint32_t round = 0; round < opts->rounds_nr; round++) {
		if (round && rounds_now_ns() >= opts->deadline_ns)
			break;
		fprintf(stderr, "bench_peers: guests, round %u of %u\n",
			round + 1, opts->rounds_nr);
		if (run_round(opts, ivlab, pairs, nr, machine))
			fprintf(stderr, "bench_peers: guests: %s\n", why);
	}
	/* A lab that failed on a busy machine costs its round only. */
	for (uint32_t i = 0; i < nr; i++)
		if (!pairs[i].guests->nr)
			return why;
	return NULL;
}
