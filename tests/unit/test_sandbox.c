/* SPDX-License-Identifier: MIT */
/* test_sandbox.c - what a sandboxed process can and cannot do. Each claim is
 * tried in a child, which the walls do not come down for. */
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/harness.h"
#include "tests/unit/share_tree.h"
#include "vmm/files/sandbox.h"

#define NOT_HERE 77

static struct tree_path dir;

/* Enter with one directory in reach, then try: the child's wait status. */
static int child(enum sandbox_right right, int (*try)(const struct sandbox *))
{
	int status = -1;
	pid_t pid;

	dir = tree_make();
	tree_file(dir.text, "f", "hello");
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (!pid) {
		const struct sandbox_dir dirs[] = { { dir.text, right } };
		struct sandbox got;

		_exit(sandbox_enter(dirs, 1, &got) ? 99 : try(&got));
	}
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	tree_remove(dir.text);
	return status;
}

static void expect_true(enum sandbox_right right,
			int (*try)(const struct sandbox *))
{
	int status = child(right, try);

	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
		unit_skip("this wall is not there: kernel or sanitizer");
	else
		CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* files.bats looks at the process from outside. */
static int has_no_new_privileges(const struct sandbox *got)
{
	return got->no_new_privileges ? 0 : 1;
}

static int opens_only_below(const struct sandbox *got)
{
	struct tree_path path = tree_path(dir.text, "f");

	if (!got->landlock)
		return NOT_HERE;
	if (open(path.text, O_RDONLY | O_CLOEXEC) < 0)
		return 1;
	if (open(path.text, O_RDWR | O_CLOEXEC) >= 0 || errno != EACCES)
		return 2;
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		return 3;
	return 0;
}

static int changes_below(const struct sandbox *got)
{
	struct tree_path path = tree_path(dir.text, "new");
	struct tree_path sub = tree_path(dir.text, "sub");
	struct tree_path moved = tree_path(sub.text, "moved");

	if (!got->landlock)
		return NOT_HERE;
	/* Also a rename between directories, which version 1 forbade. */
	return mkdirat(AT_FDCWD, sub.text, 0700) ||
	       open(path.text, O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0 ||
	       renameat(AT_FDCWD, path.text, AT_FDCWD, moved.text) ||
	       truncate(moved.text, 5) || unlinkat(AT_FDCWD, moved.text, 0);
}

static int removes_and_nothing_else(const struct sandbox *got)
{
	struct tree_path path = tree_path(dir.text, "f");

	if (!got->landlock)
		return NOT_HERE;
	if (open(path.text, O_RDONLY | O_CLOEXEC) >= 0)
		return 1;
	return unlinkat(AT_FDCWD, path.text, 0) ? 2 : 0;
}

static int makes_no_sockets(const struct sandbox *got)
{
	if (!got->seccomp)
		return NOT_HERE;
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM ? 0 : 1;
}

static int runs_a_program(const struct sandbox *got)
{
	char name[] = "/bin/true";
	char *words[] = { name, NULL }, *none[] = { NULL };

	if (!got->seccomp)
		return NOT_HERE;
	(void)execve(name, words, none);
	return 1;
}

static void gains_no_privileges(void)
{
	expect_true(SANDBOX_READ, has_no_new_privileges);
}

static void read_right_reads_and_nothing_outside(void)
{
	expect_true(SANDBOX_READ, opens_only_below);
}

static void change_right_makes_moves_and_removes(void)
{
	expect_true(SANDBOX_CHANGE, changes_below);
}

static void remove_right_removes_only(void)
{
	expect_true(SANDBOX_REMOVE, removes_and_nothing_else);
}

static void no_socket_can_be_made(void)
{
	expect_true(SANDBOX_READ, makes_no_sockets);
}

static void program_that_is_run_ends_the_process(void)
{
	int status = child(SANDBOX_READ, runs_a_program);

	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
		unit_skip("no seccomp under a sanitizer");
	else
		CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static const struct unit_test tests[] = {
	{ "gains_no_privileges", gains_no_privileges },
	{ "read_right_reads_and_nothing_outside",
	  read_right_reads_and_nothing_outside },
	{ "change_right_makes_moves_and_removes",
	  change_right_makes_moves_and_removes },
	{ "remove_right_removes_only", remove_right_removes_only },
	{ "no_socket_can_be_made", no_socket_can_be_made },
	{ "program_that_is_run_ends_the_process",
	  program_that_is_run_ends_the_process },
};

UNIT_MAIN("sandbox", tests)
