/* SPDX-License-Identifier: MIT */
/* crew.c - who runs a sample: threads or processes, made, awaited, judged. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "producer-consumer/bench/crew.h"
#include "producer-consumer/bench/work.h"
#include "producer-consumer/bench/worker.h"

#define HANG_S 3 /* a sample takes milliseconds */

static uint32_t workers_of(uint32_t kind)
{
	if (kind == BENCH_COPY)
		return 1;
	return kind == BENCH_CROWD ? 4 : 2;
}

static enum bench_role role_of(uint32_t kind, uint32_t index)
{
	if (crew_is_rtt(kind))
		return index ? BENCH_PONG : BENCH_PING;
	if (kind == BENCH_PAIRS)
		return BENCH_BOTH;
	return index % 2 ? BENCH_CONSUME : BENCH_PRODUCE;
}

/* --- memory -------------------------------------------------------------- */

static int memory_make(struct worker_memory *m, uint64_t len)
{
	*m = (struct worker_memory){ .fd = -1, .len = len };
	m->fd = memfd_create("ivlab-bench", MFD_CLOEXEC);
	if (m->fd < 0)
		return -errno;
	if (ftruncate(m->fd, (off_t)len))
		return -errno;
	m->mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_POPULATE, m->fd, 0);
	if (m->mem == MAP_FAILED) {
		m->mem = NULL;
		return -errno;
	}
	return 0;
}

static void memory_free(struct worker_memory *m)
{
	if (m->mem)
		munmap(m->mem, m->len);
	if (m->fd >= 0)
		close(m->fd);
}

/* --- workers ------------------------------------------------------------- */

/* In a process of the sample's own: what goes wrong ends with it. */
static int run_threads(struct worker *workers, uint32_t nr)
{
	pthread_t threads[CREW_MAX];
	int err = 0;

	for (uint32_t i = 0; i < nr && !err; i++)
		err = -pthread_create(&threads[i], NULL, worker_main,
				      &workers[i]);
	/* Those that wait for the others would wait for ever. */
	if (err)
		return err;
	for (uint32_t i = 0; i < nr && !err; i++)
		err = -pthread_join(threads[i], NULL);
	return err;
}

/* A child's first step: never outlive the parent, never hang. */
static void be_child(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	alarm(HANG_S);
}

/* 0; -ETIMEDOUT: its alarm ended it; -EIO: it failed. */
static int await_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return -ETIMEDOUT;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int run_processes(struct worker *workers, uint32_t nr)
{
	pid_t parent = getpid();
	pid_t pids[CREW_MAX];
	uint32_t made = 0;
	int err = 0;

	for (; made < nr; made++) {
		pids[made] = fork();
		if (pids[made] == 0) {
			be_child(parent);
			workers[made].own_mapping = true;
			(void)worker_main(&workers[made]);
			_exit(0);
		}
		if (pids[made] < 0) {
			err = -errno;
			break;
		}
	}
	/* Those that wait for the others would wait for ever. */
	for (uint32_t i = 0; err && i < made; i++)
		kill(pids[i], SIGKILL);
	for (uint32_t i = 0; i < made; i++) {
		int child_err = await_child(pids[i]);

		err = err ? err : child_err;
	}
	return err;
}

/* --- what came out ------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * The value at rank of nr sorted ones. Some processors' counters go in steps
 * of 10 ns, so many values are the same: rank's place among them says where
 * within the step it would be.
 */
static double quantile(const double *sorted, uint64_t nr, uint64_t rank,
		       double step)
{
	uint64_t first = rank, last = rank;

	while (first > 0 && sorted[first - 1] > sorted[rank] - step / 2)
		first--;
	while (last + 1 < nr && sorted[last + 1] < sorted[rank] + step / 2)
		last++;
	return sorted[rank] - step / 2 +
	       step * ((double)(rank - first) + 0.5) /
		       (double)(last - first + 1);
}

/* The smallest step between different values. */
static double step_of(const double *sorted, uint64_t nr, double tick_ns)
{
	double step = 1e9;

	for (uint64_t i = 1; i < nr; i++)
		if (sorted[i] - sorted[i - 1] > tick_ns / 2 &&
		    sorted[i] - sorted[i - 1] < step)
			step = sorted[i] - sorted[i - 1];
	return step < 1e9 ? step : tick_ns;
}

static void round_trips(const struct crew_task *task, const uint64_t *stamps,
			struct crew_sample *sample)
{
	static double rtts[CREW_RTTS_MAX];
	uint64_t nr = task->messages;
	double step;

	for (uint64_t i = 0; i < nr; i++)
		rtts[i] = (double)(stamps[i + 1] - stamps[i]) * task->tick_ns;
	qsort(rtts, nr, sizeof(*rtts), compare);
	step = step_of(rtts, nr, task->tick_ns);
	sample->p50 = quantile(rtts, nr, nr / 2, step);
	sample->p99 = quantile(rtts, nr, nr - 1 - nr / 100, step);
	sample->p999 = quantile(rtts, nr, nr - 1 - nr / 1000, step);
}

static void judge(const struct crew_task *task,
		  const struct worker_shared *shared, uint32_t nr,
		  struct crew_sample *sample)
{
	uint64_t read = 0, written = 0;
	uint64_t start_ns = UINT64_MAX, end_ns = 0;

	*sample = (struct crew_sample){ .probe_ns = shared->probe_ns };
	for (uint32_t i = 0; i < nr; i++) {
		const struct worker_result *w = &shared->results[i];

		read += w->read;
		written += w->written;
		sample->switches += w->switches;
		if (w->start_ns < start_ns)
			start_ns = w->start_ns;
		if (w->end_ns > end_ns)
			end_ns = w->end_ns;
	}
	sample->ns = (double)(end_ns - start_ns);
	if (shared->results[0].ticks)
		sample->ns = (double)shared->results[0].ticks * task->tick_ns;
	/* Bouncing lines carry no messages. */
	sample->wrong = read != written && !(crew_is_rtt(task->kind) &&
					     task->queue->flags & BENCH_LIMIT);
	if (crew_is_rtt(task->kind))
		round_trips(task, shared->stamps, sample);
}

/* The queue is made: run it. */
static int run(const struct crew_task *task, struct worker_memory *memory,
	       struct worker_shared *shared, struct crew_sample *sample)
{
	struct worker workers[CREW_MAX];
	uint32_t nr = workers_of(task->kind);
	bool crowd = task->kind == BENCH_CROWD;
	int err;

	err = worker_shared_init(shared, nr);
	if (err)
		return err;
	for (uint32_t i = 0; i < nr; i++)
		workers[i] = (struct worker){
			.shared = shared,
			.queue = task->queue,
			.memory = memory,
			.shape = task->shape,
			.role = role_of(task->kind, i),
			.index = i,
			.workers_nr = nr,
			.cpus = { task->cpus[crowd ? 0 : i],
				  task->cpus[crowd ? 1 : i] },
			.realtime = task->realtime && !crowd,
			.yield = crowd,
			.messages = nr == 4 || task->kind == BENCH_PAIRS
					    ? task->messages / 2
					    : task->messages,
		};
	err = task->way == CREW_THREADS ? run_threads(workers, nr)
					: run_processes(workers, nr);
	if (err)
		return err;
	if (shared->failed)
		return -EIO;
	judge(task, shared, nr, sample);
	return 0;
}

static int take_sample(const struct crew_task *task, struct crew_sample *sample)
{
	struct worker_memory memory[2] = { { .fd = -1 }, { .fd = -1 } };
	const struct bench_queue *q = task->queue;
	uint64_t len = q->mem_len(&task->shape);
	/* There and back takes two queues. */
	uint32_t queues_nr = crew_is_rtt(task->kind) ? 2 : 1;
	struct worker_shared *shared;
	uint32_t made = 0;
	int err = 0;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	for (; made < queues_nr && !err; made++) {
		err = memory_make(&memory[made], len);
		if (!err && q->create(memory[made].mem, &task->shape))
			err = -EIO;
		if (err)
			break;
	}
	if (!err)
		err = run(task, memory, shared, sample);
	for (uint32_t i = 0; i < made && q->destroy; i++)
		q->destroy(memory[i].mem, &task->shape);
	for (uint32_t i = 0; i < 2; i++)
		memory_free(&memory[i]);
	munmap(shared, sizeof(*shared));
	return err;
}

/*
 * Threads share a process that ends with the sample: queues that spin inside
 * their calls cannot be told to stop, and on a busy machine one of them may
 * wait for a thread that does not run for seconds.
 */
static int take_in_child(const struct crew_task *task,
			 struct crew_sample *sample)
{
	pid_t parent = getpid();
	struct {
		struct crew_sample sample;
		int err;
	} * answer;
	pid_t pid;
	int err;

	answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (answer == MAP_FAILED)
		return -errno;
	pid = fork();
	if (pid == 0) {
		be_child(parent);
		answer->err = take_sample(task, &answer->sample);
		_exit(0);
	}
	err = pid < 0 ? -errno : await_child(pid);
	if (!err)
		err = answer->err;
	*sample = answer->sample;
	munmap(answer, sizeof(*answer));
	return err;
}

int crew_run(const struct crew_task *task, struct crew_sample *sample)
{
	const struct bench_queue *q = task->queue;

	if (!q->mem_len(&task->shape) ||
	    (task->way != CREW_THREADS && !(q->flags & BENCH_SHARED)))
		return -ENOTSUP;
	return task->way == CREW_THREADS ? take_in_child(task, sample)
					 : take_sample(task, sample);
}
