/* SPDX-License-Identifier: MIT */
/*
 * test_launcher.c - labs whose VMs are this very program: the launcher starts
 * /proc/self/exe, and main() then plays a VM that does what its args say.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/link/client.h"
#include "shm/link/host_peer.h"
#include "shm/spsc.h"
#include "tests/unit/harness.h"
#include "vmm/core/kvm.h"
#include "vmm/core/stats.h"
#include "vmm/lab/console_lines.h"
#include "vmm/lab/launcher.h"
#include "vmm/lab/size.h"

#define SECOND_NS     1000000000ull
#define FDS_NR	      256
#define STREAM_NR     30
#define LONG_LINE_LEN 1300 /* two and a half CONSOLE_LINE_LEN */

/* In place of kvm.c: no KVM is needed for processes that only play VMs. */
int kvm_open(int *fd)
{
	*fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

const char *kvm_kind_name(void)
{
	return "played";
}

/* --- the played VM ------------------------------------------------------- */

static uint32_t number(const char *text)
{
	uint64_t n = 0;

	return size_parse_number(text, 0, INT32_MAX, &n) ? 77 : (uint32_t)n;
}

static int open_fds(void)
{
	int nr = 0;

	for (int fd = 0; fd < FDS_NR; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

static int join_and_check_id(const char *socket, const char *args)
{
	const struct client_events events = { .arg = NULL };
	struct client *client;
	uint32_t id;

	if (client_connect(&client, socket, 10000, &events))
		return 90;
	id = client_id(client);
	client_destroy(client);
	return id == number(args + strlen("id ")) ? 0 : 91;
}

/* Send and take messages, alone at both ends. */
static int stream(const char *socket)
{
	struct host_peer *host;
	struct region region;
	struct spsc_tx tx;
	struct spsc_rx rx;
	struct peer *peer;
	uint64_t word = 0;

	if (host_peer_open(&host, socket, 1, 10000))
		return 90;
	peer = host_peer_peer(host);
	if (region_attach(&region, peer->region, peer->region_len) ||
	    spsc_create(&region, "r", sizeof(word), 64, peer->id) ||
	    spsc_open_tx(&tx, &region, "r", peer, 0) ||
	    spsc_open_rx(&rx, &region, "r", peer, 0))
		return 91;
	for (uint32_t i = 0; i < STREAM_NR; i++)
		if (spsc_push(&tx, &word, 1) != 1 ||
		    spsc_pop(&rx, &word, 1) != 1)
			return 92;
	spsc_close_tx(&tx);
	spsc_close_rx(&rx);
	return 0;
}

static void flood(void)
{
	char line[1000];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	while (write(STDOUT_FILENO, line, sizeof(line)) > 0)
		;
}

static int ended(struct stats *stats, enum stats_end why, uint32_t status)
{
	atomic_store(&stats->status, status);
	atomic_store(&stats->end, why);
	return why == STATS_END_EXIT && !status ? 0 : 101;
}

static int play(struct stats *stats, const char *args, const char *socket)
{
	if (strncmp(args, "exit ", 5) == 0)
		return ended(stats, STATS_END_EXIT, number(args + 5));
	if (strcmp(args, "report") == 0) {
		stats_report_set(stats, "messages", 1000);
		stats_report_set(stats, "bytes", 64000);
		stats_report_set(stats, "ns", 5000);
		atomic_store(&stats->exits[STATS_EXIT_IO], 7);
		atomic_store(&stats->guest_doorbells, 3);
	} else if (strcmp(args, "mismatch") == 0) {
		stats_report_set(stats, "mismatches", 2);
	} else if (strcmp(args, "fault") == 0) {
		atomic_store(&stats->fault[0], 14);
		atomic_store(&stats->fault[3], 0xdead);
		return ended(stats, STATS_END_FAULT, 0);
	} else if (strcmp(args, "die") == 0) {
		raise(SIGKILL);
	} else if (strcmp(args, "print") == 0) {
		fputs("one\n\ntwo \x1b[2J\r\n", stdout);
		fputs("to stderr\n", stderr);
		fputs("no newline", stdout);
		(void)fflush(stdout);
	} else if (strcmp(args, "complain") == 0) {
		puts("many words\nthat is why");
		(void)fflush(stdout);
		return ended(stats, STATS_END_EXIT, 1);
	} else if (strcmp(args, "long") == 0) {
		for (int i = 0; i < LONG_LINE_LEN; i++)
			putchar('y');
		(void)fflush(stdout);
	} else if (strncmp(args, "id ", 3) == 0) {
		return ended(stats, STATS_END_EXIT,
			     (uint32_t)join_and_check_id(socket, args));
	} else if (strcmp(args, "fds") == 0) {
		return ended(stats, STATS_END_EXIT, (uint32_t)open_fds());
	} else if (strcmp(args, "flood") == 0) {
		flood();
	} else if (strncmp(args, "stream", strlen("stream")) == 0) {
		int err = stream(socket);

		if (err)
			return err;
		if (strcmp(args, "stream, then die") == 0)
			raise(SIGKILL);
		kill(getppid(), SIGTERM);
		pause();
	} else if (strncmp(args, "signal parent ", 14) == 0) {
		kill(getppid(), (int)number(args + 14));
		pause();
	} else if (strcmp(args, "stubborn") == 0) {
		(void)signal(SIGTERM, SIG_IGN);
		puts("ready");
		(void)fflush(stdout);
		for (;;)
			pause();
	} else {
		pause();
	}
	return ended(stats, STATS_END_EXIT, 0);
}

static int play_vm(int argc, char **argv)
{
	const char *args = "";
	const char *socket = "";
	struct stats *stats = NULL;

	alarm(UNIT_TIMEOUT_S);
	for (int i = 2; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--args") == 0)
			args = argv[i + 1];
		if (strcmp(argv[i], "--socket") == 0)
			socket = argv[i + 1];
		if (strcmp(argv[i], "--stats-fd") == 0 &&
		    stats_map(&stats, (int)number(argv[i + 1])))
			return 92;
	}
	if (!stats)
		return 93;
	return play(stats, args, socket);
}

/* --- the labs ------------------------------------------------------------ */

static struct lab_result result;
static char screen[65536];

/* VMs named a, b, ... with these args, up to a NULL. */
static void lab_of(struct lab *lab, const char *const *args)
{
	*lab = (struct lab){ .region_len = 1 << 20, .vectors_nr = 2 };
	for (; args[lab->vms_nr]; lab->vms_nr++)
		lab->vms[lab->vms_nr] = (struct lab_vm){
			.name = { (char)('a' + lab->vms_nr) },
			.image = (char *)"none",
			.args = (char *)args[lab->vms_nr],
			.memory_len = 4 << 20,
			.cpus_nr = 1,
			.vectors_nr = 2,
		};
}

static int run_opts(const char *const *args, const struct launcher_opts *opts)
{
	static struct lab lab;
	int old_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int file_fd = memfd_create("screen", MFD_CLOEXEC);
	FILE *file = fdopen(file_fd, "w+");
	size_t len;
	int status;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	CU_ASSERT_TRUE_FATAL(dup2(file_fd, STDERR_FILENO) >= 0);
	lab_of(&lab, args);
	status = launcher_run(&lab, opts, &result);
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	rewind(file);
	len = fread(screen, 1, sizeof(screen) - 1, file);
	screen[len] = '\0';
	(void)fclose(file);
	CU_ASSERT_EQUAL(status, result.exit_code);
	CU_ASSERT_EQUAL(status == 0, result.error[0] == '\0');
	/* Nothing is left: neither a child, waited for or not ... */
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
	CU_ASSERT_EQUAL(errno, ECHILD);
	return status;
}

static int run(const char *const *args)
{
	const struct launcher_opts opts = { .quiet = true,
					    .timeout_ns = 30 * SECOND_NS };

	return run_opts(args, &opts);
}
#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static void assert_error(const char *expected)
{
	CU_ASSERT_STRING_EQUAL(result.error, expected);
	if (strcmp(result.error, expected) != 0)
		printf("# error: %s\n", result.error);
}

static void lab_whose_vms_exit_zero_is_ok(void)
{
	CU_ASSERT_EQUAL(RUN("exit 0", "exit 0", "exit 0"), 0);
	CU_ASSERT_EQUAL(result.vms_nr, 3);
	CU_ASSERT_STRING_EQUAL(result.vms[2].name, "c");
	CU_ASSERT_TRUE(result.vms[2].ok);
	CU_ASSERT_EQUAL(result.vms[2].end, STATS_END_EXIT);
	CU_ASSERT_EQUAL(result.page_len, 4096);
	CU_ASSERT_STRING_EQUAL(result.kvm, "played");
}

static void figures_of_vms_are_added_up(void)
{
	CU_ASSERT_EQUAL(RUN("report", "report"), 0);
	CU_ASSERT_EQUAL(result.messages, 2000);
	CU_ASSERT_EQUAL(result.bytes, 128000);
	CU_ASSERT_EQUAL(result.ns, 5000);
	CU_ASSERT_EQUAL(result.vms[1].exits, 7);
	CU_ASSERT_EQUAL(result.vms[1].doorbells, 3);
}

static void mismatch_makes_the_lab_fail(void)
{
	CU_ASSERT_EQUAL(RUN("exit 0", "mismatch"), 1);
	assert_error("2 messages did not match");
}

static void vms_get_the_id_of_their_place_in_the_lab(void)
{
	CU_ASSERT_EQUAL(RUN("id 0", "id 1", "id 2"), 0);
}

static void vm_inherits_its_own_fds_only(void)
{
	/* What the test was given itself is not the launcher's doing. */
	for (int fd = STDERR_FILENO + 1; fd < FDS_NR; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	/* stdin, stdout, stderr, stats page. */
	CU_ASSERT_EQUAL(RUN("fds"), 1);
	assert_error("vm a: guest ended with status 4");
}

static void failing_vm_ends_the_others(void)
{
	CU_ASSERT_EQUAL(RUN("wait", "exit 3", "wait"), 1);
	assert_error("vm b: guest ended with status 3");
	CU_ASSERT_EQUAL(result.vms[0].status, 128 + SIGTERM);
	CU_ASSERT_EQUAL(result.vms[1].status, 3);
	CU_ASSERT_EQUAL(result.vms[2].status, 128 + SIGTERM);
}

static void killed_vm_is_named_with_its_signal(void)
{
	CU_ASSERT_EQUAL(RUN("wait", "die"), 1);
	assert_error("vm b: killed by signal 9 (Killed)");
}

static void faulting_guest_is_named_with_its_fault(void)
{
	CU_ASSERT_EQUAL(RUN("fault"), 1);
	assert_error("vm a: guest fault: vector 14 (page fault), error code "
		     "0x0, rip 0x0, cr2 0xdead");
}

static void vm_that_ignores_sigterm_is_killed(void)
{
	CU_ASSERT_EQUAL(RUN("stubborn", "exit 1"), 1);
	assert_error("vm b: guest ended with status 1");
	CU_ASSERT_TRUE(result.vms[0].status == 128 + SIGKILL ||
		       result.vms[0].status == 128 + SIGTERM);
}

static void signal_ends_the_lab_with_its_number(void)
{
	CU_ASSERT_EQUAL(RUN("wait", "signal parent 15"), 128 + SIGTERM);
	assert_error("ended by SIGTERM");
	CU_ASSERT_EQUAL(RUN("wait", "signal parent 2"), 128 + SIGINT);
	assert_error("ended by SIGINT");
	CU_ASSERT_EQUAL(RUN("signal parent 1"), 128 + SIGHUP);
	assert_error("ended by SIGHUP");
}

static void lab_that_takes_too_long_is_ended(void)
{
	const struct launcher_opts opts = { .quiet = true,
					    .timeout_ns = SECOND_NS / 10 };
	const char *const args[] = { "wait", "wait", NULL };

	CU_ASSERT_EQUAL(run_opts(args, &opts), 1);
	assert_error("still running after 0.1 s");
	CU_ASSERT_TRUE(result.timed_out);
	CU_ASSERT_TRUE(result.incomplete);
}

/* What its rings knew when it was stopped stands in the report. */
static void lab_that_is_ended_early_tells_what_it_did(void)
{
	CU_ASSERT_EQUAL(RUN("stream, then stop"), 128 + SIGTERM);
	CU_ASSERT_TRUE(result.incomplete);
	CU_ASSERT_FALSE(result.timed_out);
	CU_ASSERT_EQUAL(result.messages, STREAM_NR);
	CU_ASSERT_EQUAL(result.bytes, STREAM_NR * sizeof(uint64_t));
	CU_ASSERT_EQUAL(RUN("stream, then die", "wait"), 1);
	CU_ASSERT_EQUAL(result.messages, STREAM_NR);
	/* It was through before it was stopped. */
	CU_ASSERT_EQUAL(RUN("report", "exit 0"), 0);
	CU_ASSERT_FALSE(result.incomplete);
}

static void output_is_shown_as_named_harmless_lines(void)
{
	CU_ASSERT_EQUAL(RUN("print"), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(screen, "a| to stderr\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(screen, "a| one\na| \n"
					      "a| two \\x1b[2J\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(screen, "a| no newline\n"));
	CU_ASSERT_PTR_NULL(strchr(screen, '\x1b'));
}

static void long_line_is_split(void)
{
	const char *p = screen;
	int lines = 0;
	int bytes = 0;

	CU_ASSERT_EQUAL(RUN("long"), 0);
	for (; *p; p++) {
		bytes += *p == 'y';
		lines += *p == '\n';
	}
	CU_ASSERT_EQUAL(bytes, LONG_LINE_LEN);
	CU_ASSERT_EQUAL(lines, LONG_LINE_LEN / CONSOLE_LINE_LEN + 1);
}

static void muted_lab_shows_last_line_of_the_failing_vm_only(void)
{
	const struct launcher_opts opts = { .quiet = true,
					    .mute = true,
					    .timeout_ns = 30 * SECOND_NS };
	const char *const good[] = { "print", NULL };
	const char *const bad[] = { "exit 0", "complain", NULL };

	CU_ASSERT_EQUAL(run_opts(good, &opts), 0);
	CU_ASSERT_STRING_EQUAL(screen, "");
	CU_ASSERT_EQUAL(run_opts(bad, &opts), 1);
	CU_ASSERT_STRING_EQUAL(screen, "b| that is why\n");
}

/* A pager that stopped reading must not keep a dead VM from being noticed. */
static void stuck_stderr_does_not_hold_the_lab(void)
{
	const struct launcher_opts opts = { .timeout_ns = 30 * SECOND_NS };
	const char *const args[] = { "flood", "exit 5", NULL };
	static struct lab lab;
	int old_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	dup2(fds[1], STDERR_FILENO);
	lab_of(&lab, args);
	CU_ASSERT_EQUAL(launcher_run(&lab, &opts, &result), 1);
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	close(fds[0]);
	close(fds[1]);
	assert_error("vm b: guest ended with status 5");
}

static void stderr_that_is_gone_does_not_kill_the_launcher(void)
{
	const struct launcher_opts opts = { .timeout_ns = 30 * SECOND_NS };
	const char *const args[] = { "print", "exit 0", NULL };
	static struct lab lab;
	int old_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int fds[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_CLOEXEC), 0);
	dup2(fds[1], STDERR_FILENO);
	close(fds[0]);
	lab_of(&lab, args);
	CU_ASSERT_EQUAL(launcher_run(&lab, &opts, &result), 0);
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	close(fds[1]);
}

static void socket_goes_away_with_the_lab(void)
{
	char dir[] = "/tmp/ivlab-test-XXXXXX";
	char path[sizeof(dir) + 8];
	struct launcher_opts opts = { .quiet = true,
				      .socket_path = path,
				      .timeout_ns = 30 * SECOND_NS };
	const char *const args[] = { "id 0", NULL };

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	CU_ASSERT_EQUAL(run_opts(args, &opts), 0);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	/* Now there is no such directory. */
	CU_ASSERT_EQUAL(run_opts(args, &opts), 1);
	CU_ASSERT_EQUAL(result.vms_nr, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.error, "cannot serve on "));
}

static void private_directory_goes_away_with_the_lab(void)
{
	char dir[] = "/tmp/ivlab-test-XXXXXX";

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	setenv("XDG_RUNTIME_DIR", dir, 1);
	CU_ASSERT_EQUAL(RUN("id 0", "wait", "die"), 1);
	unsetenv("XDG_RUNTIME_DIR");
	/* Only an empty directory can be removed. */
	CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static const struct unit_test tests[] = {
	{ "lab_whose_vms_exit_zero_is_ok", lab_whose_vms_exit_zero_is_ok },
	{ "figures_of_vms_are_added_up", figures_of_vms_are_added_up },
	{ "mismatch_makes_the_lab_fail", mismatch_makes_the_lab_fail },
	{ "vms_get_the_id_of_their_place_in_the_lab",
	  vms_get_the_id_of_their_place_in_the_lab },
	{ "vm_inherits_its_own_fds_only", vm_inherits_its_own_fds_only },
	{ "failing_vm_ends_the_others", failing_vm_ends_the_others },
	{ "killed_vm_is_named_with_its_signal",
	  killed_vm_is_named_with_its_signal },
	{ "faulting_guest_is_named_with_its_fault",
	  faulting_guest_is_named_with_its_fault },
	{ "vm_that_ignores_sigterm_is_killed",
	  vm_that_ignores_sigterm_is_killed },
	{ "signal_ends_the_lab_with_its_number",
	  signal_ends_the_lab_with_its_number },
	{ "lab_that_takes_too_long_is_ended",
	  lab_that_takes_too_long_is_ended },
	{ "lab_that_is_ended_early_tells_what_it_did",
	  lab_that_is_ended_early_tells_what_it_did },
	{ "output_is_shown_as_named_harmless_lines",
	  output_is_shown_as_named_harmless_lines },
	{ "long_line_is_split", long_line_is_split },
	{ "muted_lab_shows_last_line_of_the_failing_vm_only",
	  muted_lab_shows_last_line_of_the_failing_vm_only },
	{ "stuck_stderr_does_not_hold_the_lab",
	  stuck_stderr_does_not_hold_the_lab },
	{ "stderr_that_is_gone_does_not_kill_the_launcher",
	  stderr_that_is_gone_does_not_kill_the_launcher },
	{ "socket_goes_away_with_the_lab", socket_goes_away_with_the_lab },
	{ "private_directory_goes_away_with_the_lab",
	  private_directory_goes_away_with_the_lab },
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "vm") == 0)
		return play_vm(argc, argv);
	return unit_main("launcher", tests, sizeof(tests) / sizeof(*tests));
}
