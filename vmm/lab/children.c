/* SPDX-License-Identifier: MIT */
/* children.c - how does a VM process begin, and how does it end? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/lab/labfile_shares.h"
#include "vmm/lab/launcher_private.h"

#define EXEC_FAILED 127
#define READ_LEN    1024
/* Shown, the worst of READ_LEN bytes is a line each. */
_Static_assert(READ_LEN *(LAB_NAME_LEN + 4) <= SCREEN_ROOM, "it fits");

struct command {
	char memory[24], cpus[16], vectors[16], stats_fd[16];
	char pin[BARE_CPUS_MAX * 11];
	char quotas[LAB_VM_SHARES_MAX][24];
	char *shares[LAB_VM_SHARES_MAX], *privates[LAB_VM_SHARES_MAX];
	const char *argv[24 + 11 * LAB_VM_SHARES_MAX];
};

/* A share's words, from argv[nr] on; where they end. -ENOMEM. */
static int command_share(struct command *c, uint32_t *nr, uint32_t i,
			 const struct child *child)
{
	static const char *const modes[] = {
		[SHARE_RO] = "ro", [SHARE_RW] = "rw", [SHARE_COW] = "cow"
	};
	const struct lab *lab = child->launcher->lab;
	const struct lab_share *share = &lab->shares[child->vm->shares[i]];

	if (asprintf(&c->shares[i], "%s=%s", share->name, share->path) < 0) {
		c->shares[i] = NULL;
		return -ENOMEM;
	}
	c->argv[(*nr)++] = "--share";
	c->argv[(*nr)++] = c->shares[i];
	c->argv[(*nr)++] = "--mode";
	c->argv[(*nr)++] = modes[share->mode];
	c->argv[(*nr)++] = "--policy";
	c->argv[(*nr)++] = share->policy == SHARE_SQUASH ? "squash" : "record";
	if (share->mode != SHARE_COW)
		return 0;
	c->privates[i] = lab_shares_private(lab, child->vm, share);
	if (!c->privates[i])
		return -ENOMEM;
	c->argv[(*nr)++] = "--private";
	c->argv[(*nr)++] = c->privates[i];
	if (share->quota) {
		snprintf(c->quotas[i], sizeof(c->quotas[i]), "%llu",
			 (unsigned long long)share->quota);
		c->argv[(*nr)++] = "--quota";
		c->argv[(*nr)++] = c->quotas[i];
	}
	if (child->launcher->opts->fresh)
		c->argv[(*nr)++] = "--fresh";
	return 0;
}

static void command_free(struct command *c)
{
	for (uint32_t i = 0; i < LAB_VM_SHARES_MAX; i++) {
		free(c->shares[i]);
		free(c->privates[i]);
	}
}

/* command_free() it in any case. */
static int command_build(struct command *c, const struct child *child)
{
	const struct lab_vm *vm = child->vm;
	uint32_t nr = 0;
	size_t len = 0;
	int err = 0;

	*c = (struct command){ .argv = { NULL } };

	snprintf(c->memory, sizeof(c->memory), "%llu",
		 (unsigned long long)vm->memory_len);
	snprintf(c->cpus, sizeof(c->cpus), "%u", vm->cpus_nr);
	snprintf(c->vectors, sizeof(c->vectors), "%u", vm->vectors_nr);
	snprintf(c->stats_fd, sizeof(c->stats_fd), "%d", child->stats_fd);
	c->pin[0] = '\0';
	for (uint32_t i = 0; i < vm->pin_nr; i++)
		len += (size_t)snprintf(c->pin + len, sizeof(c->pin) - len,
					"%s%u", i ? "," : "", vm->pin[i]);
	c->argv[nr++] = "ivlab";
	c->argv[nr++] = "vm";
	c->argv[nr++] = "--name";
	c->argv[nr++] = vm->name;
	c->argv[nr++] = "--image";
	c->argv[nr++] = vm->image;
	c->argv[nr++] = "--memory";
	c->argv[nr++] = c->memory;
	c->argv[nr++] = "--cpus";
	c->argv[nr++] = c->cpus;
	if (vm->pin_nr) {
		c->argv[nr++] = "--pin";
		c->argv[nr++] = c->pin;
	}
	c->argv[nr++] = "--socket";
	c->argv[nr++] = child->launcher->socket_path;
	if (vm->plain) {
		c->argv[nr++] = "--plain";
	} else {
		c->argv[nr++] = "--vectors";
		c->argv[nr++] = c->vectors;
	}
	c->argv[nr++] = "--stats-fd";
	c->argv[nr++] = c->stats_fd;
	c->argv[nr++] = "--args";
	c->argv[nr++] = vm->args;
	for (uint32_t i = 0; i < vm->shares_nr && !err; i++)
		err = command_share(c, &nr, i, child);
	return err;
}

/* In the new process. Only async-signal-safe calls. */
static void become(const struct child *child, const struct command *command,
		   pid_t parent, int out_fd)
{
	const struct launcher *l = child->launcher;
	int null_fd;

	/* Our end is its end. The parent may have died before the request. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		return;
	/* Ctrl-C goes to the launcher alone, which ends VMs in order. */
	if (setpgid(0, 0))
		return;
	null_fd = open("/dev/null", O_RDONLY);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(out_fd, STDOUT_FILENO) < 0 || dup2(out_fd, STDERR_FILENO) < 0)
		return;
	if (null_fd > STDERR_FILENO)
		close(null_fd);
	if (fcntl(child->stats_fd, F_SETFD, 0))
		return;
	sigaction(SIGPIPE, &l->old_sigpipe, NULL);
	if (sigprocmask(SIG_SETMASK, &l->old_signals, NULL))
		return;
	execv("/proc/self/exe", (char *const *)command->argv);
}

static void put_line(void *arg, const char *line, size_t len)
{
	struct child *child = arg;

	if (!child->launcher->opts->mute) {
		screen_put(child->launcher->screen, line, len);
		return;
	}
	child->last_len = len < sizeof(child->last) ? len : sizeof(child->last);
	memcpy(child->last, line, child->last_len);
	child->last[child->last_len - 1] = '\n';
}

void child_init(struct child *child, struct launcher *launcher,
		const struct lab_vm *vm)
{
	*child = (struct child){
		.launcher = launcher,
		.vm = vm,
		.pidfd = -1,
		.out_fd = -1,
		.stats_fd = -1,
		.lines = { .name = vm->name, .put = put_line, .arg = child }
	};
}

int child_start(struct child *child)
{
	struct command command;
	pid_t parent = getpid();
	int fds[2];
	int err;

	err = stats_create(&child->stats, &child->stats_fd);
	if (err)
		return err;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	child->out_fd = fds[0];
	err = command_build(&command, child);
	if (err)
		goto out;
	/* Only our end: the VM's shall block when we are slow. */
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK)) {
		err = -errno;
		goto out;
	}
	child->pid = fork();
	if (child->pid < 0) {
		err = -errno;
		child->pid = 0;
		goto out;
	}
	if (child->pid == 0) {
		become(child, &command, parent, fds[1]);
		_exit(EXEC_FAILED);
	}
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0)
		err = -errno;
out:
	command_free(&command);
	close(fds[1]);
	return err;
}

void child_signal(struct child *child, int signo)
{
	/* Not waited for, so the pid is still this process's. */
	if (child->pid && !child->ended)
		kill(child->pid, signo);
}

void child_read_output(struct child *child)
{
	char bytes[READ_LEN];

	while (child->out_fd >= 0 && !screen_full(child->launcher->screen)) {
		ssize_t len = read(child->out_fd, bytes, sizeof(bytes));

		if (len > 0) {
			console_lines_feed(&child->lines, bytes, (size_t)len);
			continue;
		}
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN && !child->ended)
			return;
		/* The end; or nothing left of a VM that is no more, even if
		 * somebody else still holds the other end. */
		loop_watch_del(child->launcher->loop, &child->out_watch);
		close(child->out_fd);
		child->out_fd = -1;
		console_lines_end(&child->lines);
	}
}

bool child_reap(struct child *child)
{
	if (!child->pid || child->ended)
		return false;
	child->how.si_pid = 0;
	if (waitid(P_PID, (id_t)child->pid, &child->how, WEXITED | WNOHANG) ||
	    child->how.si_pid != child->pid)
		return false;
	child->ended = true;
	return true;
}

void child_destroy(struct child *child)
{
	if (child->pid && !child->ended) {
		kill(child->pid, SIGKILL);
		while (waitid(P_PID, (id_t)child->pid, &child->how, WEXITED) &&
		       errno == EINTR)
			;
		child->ended = true;
	}
	if (child->out_fd >= 0)
		close(child->out_fd);
	child->out_fd = -1;
	if (child->pidfd >= 0)
		close(child->pidfd);
	child->pidfd = -1;
	stats_unmap(child->stats);
	child->stats = NULL;
	if (child->stats_fd >= 0)
		close(child->stats_fd);
	child->stats_fd = -1;
}
