/* SPDX-License-Identifier: MIT */
/*
 * bench_files_bed.c - how do our 9P server and diod come to serve the same
 * directory to the same client?
 *
 * The mounts are in a namespace of this process's: when it ends, however, they
 * are gone, and so are the servers.
 */
#include "vmm/lab/bench_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/core/clock.h"
#include "vmm/files/file_view.h"

#define START_LIMIT_NS (60 * CLOCK_NS_PER_S)
#define LOOK_EACH_US   20000
#define OPTIONS                                                            \
	"trans=unix,version=9p2000.L,msize=1048576,cache=none,access=any," \
	"uname=root"

int files_bed_fail(struct files_bed *bed, const char *what)
{
	int err = errno ? errno : EIO;

	(void)snprintf(bed->error, sizeof(bed->error), "%s: %s", what,
		       strerror(err));
	return -err;
}

/* One that could be started: where Debian puts it is not in every PATH. */
static const char *find_diod(void)
{
	static const char *const places[] = { "/usr/sbin/diod",
					      "/usr/local/sbin/diod",
					      "/usr/bin/diod" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static int has_client(void)
{
	FILE *known = fopen("/proc/filesystems", "re");
	char line[80];
	int has = 0;

	if (!known)
		return 0;
	while (!has && fgets(line, sizeof(line), known))
		has = strcmp(line, "nodev\t9p\n") == 0;
	(void)fclose(known);
	return has;
}

static int check_machine(struct files_bed *bed)
{
	const char *missing = NULL;

	bed->diod = find_diod();
	if (geteuid() != 0)
		missing = "only root may mount: run it as root";
	else if (!bed->diod)
		missing = "diod is not installed: apt-get install diod";
	else if (!has_client())
		missing = "this kernel has no 9p client: modprobe -a 9p "
			  "9pnet_fd; or use the emulated machine of "
			  "docs/nested-bed.md";
	if (!missing)
		return 0;
	(void)snprintf(bed->error, sizeof(bed->error), "%s", missing);
	return -ENOENT;
}

/* --- servers -------------------------------------------------------------- */

static void become(const char *log, const char *const *argv)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
	    dup2(fd, STDERR_FILENO) >= 0)
		/* execv() changes none of them; its type is older than const.
		 */
		execv(argv[0], (char *const *)argv);
	_exit(127);
}

static int start(struct files_bed *bed, struct files_side *side,
		 const char *const *argv)
{
	char log[FILES_PATH_LEN];

	(void)snprintf(log, sizeof(log), "%s/%s.log", bed->scratch, side->name);
	if (!argv[0])
		return -ENOENT;
	side->server = fork();
	if (side->server < 0) {
		side->server = 0;
		return files_bed_fail(bed, "fork");
	}
	if (!side->server)
		become(log, argv);
	return 0;
}

/* The last line that a server said. */
static void last_words(struct files_bed *bed, const struct files_side *side)
{
	char log[FILES_PATH_LEN], line[160], last[160] = "";
	FILE *said;

	(void)snprintf(log, sizeof(log), "%s/%s.log", bed->scratch, side->name);
	said = fopen(log, "re");
	while (said && fgets(line, sizeof(line), said))
		memcpy(last, line, sizeof(last));
	if (said)
		(void)fclose(said);
	last[strcspn(last, "\n")] = '\0';
	(void)snprintf(bed->error, sizeof(bed->error), "%s: %s", side->name,
		       last[0] ? last : "it ended without a word");
}

/* As soon as it listens; an error only when it has ended or takes too long. */
static int mount_when_ready(struct files_bed *bed, struct files_side *side,
			    const char *socket, const char *options)
{
	uint64_t limit_ns = clock_now_ns() + START_LIMIT_NS;

	while (mount(socket, side->mount, "9p", 0, options) < 0) {
		if (errno != ENOENT && errno != ECONNREFUSED)
			return files_bed_fail(bed, side->name);
		if (waitpid(side->server, NULL, WNOHANG) == side->server) {
			side->server = 0;
			last_words(bed, side);
			return -EIO;
		}
		if (clock_now_ns() > limit_ns) {
			errno = ETIMEDOUT;
			return files_bed_fail(bed, side->name);
		}
		(void)usleep(LOOK_EACH_US);
	}
	return 0;
}

/* What client and server have agreed on; 0: the mount does not say. */
static uint32_t msize_of(const char *dir)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[1024];
	uint32_t msize = 0;

	if (!mounts)
		return 0;
	while (!msize && fgets(line, sizeof(line), mounts)) {
		const char *text = strstr(line, "msize=");

		if (strstr(line, dir) && text)
			msize = (uint32_t)strtoul(text + 6, NULL, 10);
	}
	(void)fclose(mounts);
	return msize;
}

static int start_side(struct files_bed *bed, int nr)
{
	struct files_side *side = &bed->sides[nr];
	char socket[FILES_PATH_LEN], options[FILES_PATH_LEN + 128];
	const char *const ours[] = { "/proc/self/exe", "files",	   "serve",
				     bed->dir,	       "--socket", socket,
				     "--mode",	       "rw",	   NULL };
	/* In front, for whoever comes, with no look at /etc/passwd. */
	const char *const diod[] = { bed->diod, "-f", "-n",   "-N", "-e",
				     bed->dir,	"-l", socket, NULL };
	int err;

	side->name = nr == FILES_OURS ? "ours" : "diod";
	(void)snprintf(socket, sizeof(socket), "%s/%s.sock", bed->scratch,
		       side->name);
	(void)snprintf(side->mount, sizeof(side->mount), "%s/%s", bed->scratch,
		       side->name);
	/* The one name they do not agree on: diod wants the path. */
	(void)snprintf(options, sizeof(options), OPTIONS ",aname=%s",
		       nr == FILES_OURS ? "share" : bed->dir);
	if (mkdir(side->mount, 0700) < 0)
		return files_bed_fail(bed, side->mount);
	err = start(bed, side, nr == FILES_OURS ? ours : diod);
	if (!err)
		err = mount_when_ready(bed, side, socket, options);
	if (!err)
		side->msize = msize_of(side->mount);
	return err;
}

int files_bed_start(struct files_bed *bed, const char *below)
{
	char scratch[FILES_SCRATCH_LEN];
	int err = check_machine(bed);

	if (err)
		return err;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return files_bed_fail(bed, "mounts of our own");
	if (snprintf(scratch, sizeof(scratch), "%s/ivlab-bench-XXXXXX",
		     below) >= FILES_SCRATCH_LEN) {
		errno = ENAMETOOLONG;
		return files_bed_fail(bed, below);
	}
	if (!mkdtemp(scratch))
		return files_bed_fail(bed, below);
	memcpy(bed->scratch, scratch, sizeof(scratch));
	(void)snprintf(bed->dir, sizeof(bed->dir), "%s/shared", scratch);
	if (mkdir(bed->dir, 0755) < 0)
		return files_bed_fail(bed, bed->dir);
	for (int i = 0; !err && i < FILES_SIDES; i++)
		err = start_side(bed, i);
	return err;
}

void files_bed_end(struct files_bed *bed)
{
	for (int i = 0; i < FILES_SIDES; i++) {
		struct files_side *side = &bed->sides[i];

		if (side->mount[0])
			(void)umount2(side->mount, MNT_DETACH);
		if (!side->server)
			continue;
		(void)kill(side->server, SIGKILL);
		(void)waitpid(side->server, NULL, 0);
		side->server = 0;
	}
	if (bed->scratch[0])
		(void)file_view_discard(bed->scratch);
	bed->scratch[0] = '\0';
}
