/* SPDX-License-Identifier: MIT */
/* bench_host.c - how fast is the ring between two threads of the host? */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/core/clock.h"
#include "vmm/lab/bench.h"
#include "vmm/lab/images.h"

#define PROGRAM	   "host_pair"
#define OUTPUT_LEN 4096

/* Read until its end; -ETIMEDOUT, -E2BIG, -errno. */
static int read_all(int fd, char *text, size_t text_len, uint64_t deadline_ns)
{
	size_t len = 0;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_now_ns();
		ssize_t nr;

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		nr = poll(&pfd, 1, (int)((deadline_ns - now) / 1000000) + 1);
		if (nr < 0 && errno != EINTR)
			return -errno;
		if (nr <= 0)
			continue;
		if (len == text_len - 1)
			return -E2BIG;
		nr = read(fd, text + len, text_len - 1 - len);
		if (nr < 0)
			return -errno;
		if (nr == 0)
			break;
		len += (size_t)nr;
	}
	text[len] = '\0';
	return 0;
}

/* The child's half of run_program(). */
static void become(const char *path, char *const *argv, pid_t parent,
		   int out_fd)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		return;
	if (dup2(out_fd, STDOUT_FILENO) < 0)
		return;
	execv(path, argv);
}

static int run_program(const char *path, char *const *argv, char *text,
		       size_t text_len, uint64_t deadline_ns)
{
	pid_t parent = getpid();
	siginfo_t how;
	int fds[2];
	pid_t pid;
	int err;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0) {
		become(path, argv, parent, fds[1]);
		_exit(127);
	}
	err = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!err) {
		err = read_all(fds[0], text, text_len, deadline_ns);
		if (err)
			kill(pid, SIGKILL);
		while (waitid(P_PID, (id_t)pid, &how, WEXITED) &&
		       errno == EINTR)
			;
		if (!err && (how.si_code != CLD_EXITED || how.si_status != 0))
			err = -ECHILD;
	}
	close(fds[0]);
	return err;
}

static int take(struct bench_host *host, const char *text)
{
	json_int_t messages, ns, mismatches;
	json_t *root = json_loads(text, 0, NULL);
	int err = 0;

	if (json_unpack(root, "{s:I, s:I, s:I}", "messages", &messages, "ns",
			&ns, "mismatches", &mismatches) ||
	    messages <= 0 || ns <= 0 || mismatches < 0)
		err = -EPROTO;
	else
		*host = (struct bench_host){ (uint64_t)messages, (uint64_t)ns,
					     (uint64_t)mismatches };
	json_decref(root);
	return err;
}

/* The command line of one run. */
struct command {
	char words[16][24];
	char *argv[17];
	int nr;
};

static void add(struct command *command, const char *option, uint64_t value)
{
	snprintf(command->words[command->nr++], sizeof(command->words[0]), "%s",
		 option);
	snprintf(command->words[command->nr++], sizeof(command->words[0]),
		 "%llu", (unsigned long long)value);
}

static void command_init(struct command *command,
			 const struct bench_host_opts *opts)
{
	const struct region_tuning *tuning = &opts->tuning;

	*command = (struct command){ .nr = 0 };
	snprintf(command->words[command->nr++], sizeof(command->words[0]),
		 PROGRAM);
	snprintf(command->words[command->nr++], sizeof(command->words[0]),
		 "--json");
	snprintf(command->words[command->nr++], sizeof(command->words[0]),
		 "--cpus");
	snprintf(command->words[command->nr++], sizeof(command->words[0]),
		 "%u,%u", opts->cpus[0], opts->cpus[1]);
	if (opts->messages)
		add(command, "--messages", opts->messages);
	if (opts->wakes)
		add(command, "--wakes", opts->wakes);
	if (tuning->prefetch_read_len)
		add(command, "--prefetch-read", tuning->prefetch_read_len);
	if (tuning->prefetch_write_len)
		add(command, "--prefetch-write", tuning->prefetch_write_len);
	if (tuning->spin_ns)
		add(command, "--spin-ns", tuning->spin_ns);
	for (int i = 0; i < command->nr; i++)
		command->argv[i] = command->words[i];
}

int bench_host_run(struct bench_host *host, const struct bench_host_opts *opts,
		   char *error, size_t error_len)
{
	struct command command;
	char text[OUTPUT_LEN];
	char *path;
	int err;

	command_init(&command, opts);
	err = images_program(PROGRAM, &path);
	if (err) {
		snprintf(error, error_len, "no program %s (build it: make)",
			 path ? path : PROGRAM);
		free(path);
		return err;
	}
	err = run_program(path, command.argv, text, sizeof(text),
			  opts->deadline_ns);
	if (!err)
		err = take(host, text);
	if (err == -ETIMEDOUT)
		snprintf(error, error_len, PROGRAM " took too long");
	else if (err == -ECHILD)
		snprintf(error, error_len, PROGRAM " failed (see above)");
	else if (err == -EPROTO)
		snprintf(error, error_len, PROGRAM " printed no result");
	else if (err)
		snprintf(error, error_len, "%s: %s", path, strerror(-err));
	free(path);
	return err;
}
