/* SPDX-License-Identifier: MIT */
/*
 * mount_shared.c - do two mounts of one share see each other's locks and
 * bytes, and is one well when its processes are killed in the middle?
 *
 * usage: mount_shared DIR OTHER
 *        mount_shared -k TIMES DIR
 *        -k  kill a process that reads and writes, so many times
 *
 * The mounts ask again for a lock after a second (locktimeout=1). Signals and
 * kills come at any moment: the claims hold whenever that is.
 */
#include <signal.h>
#include <stdint.h>
#include <sys/file.h>
#include <time.h>

#include "tests/system/mount_ops.h"

/* The same file, by the one mount and by the other. */
static char here[4096], there[4096];

static int file(const char *path, int flags)
{
	int fd = open(path, flags | O_CREAT, 0644);

	CLAIM(fd >= 0);
	return fd;
}

static int set(int fd, int command, short type, off_t start, off_t len)
{
	struct flock lock = { .l_type = type,
			      .l_whence = SEEK_SET,
			      .l_start = start,
			      .l_len = len };

	return fcntl(fd, command, &lock);
}

/* The type of what stands in the way of a write lock there. */
static short holder(int fd, off_t start, off_t len)
{
	struct flock lock = { .l_type = F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = start,
			      .l_len = len };

	CLAIM(fcntl(fd, F_GETLK, &lock) == 0);
	return lock.l_type;
}

static void nap(void)
{
	const struct timespec moment = { .tv_nsec = 200000000 };

	(void)nanosleep(&moment, NULL);
}

/* --- locks ---------------------------------------------------------------- */

static void locks_keep_others_out(void)
{
	int a = file(here, O_RDWR), b = file(there, O_RDWR);

	CLAIM(set(a, F_SETLK, F_WRLCK, 100, 50) == 0);
	REFUSED(set(b, F_SETLK, F_WRLCK, 149, 1), EAGAIN);
	REFUSED(set(b, F_SETLK, F_RDLCK, 0, 0), EAGAIN);
	CLAIM(set(b, F_SETLK, F_WRLCK, 150, 50) == 0);
	CLAIM(holder(b, 0, 150) == F_WRLCK);
	CLAIM(holder(b, 0, 100) == F_UNLCK);
	CLAIM(set(a, F_SETLK, F_UNLCK, 100, 50) == 0);
	CLAIM(holder(b, 0, 150) == F_UNLCK);
	CLAIM(set(b, F_SETLK, F_UNLCK, 0, 0) == 0);
	CLAIM(set(a, F_SETLK, F_RDLCK, 0, 10) == 0);
	CLAIM(set(b, F_SETLK, F_RDLCK, 5, 10) == 0);
	CLAIM(holder(b, 0, 1) == F_RDLCK);
	REFUSED(set(a, F_SETLK, F_WRLCK, 0, 10), EAGAIN);
	/* What is closed holds nothing. */
	CLAIM(close(b) == 0);
	CLAIM(set(a, F_SETLK, F_WRLCK, 0, 10) == 0);
	CLAIM(close(a) == 0);
}

static void whole_files_are_locked(void)
{
	int a = file(here, O_RDWR), b = file(there, O_RDWR);

	CLAIM(flock(a, LOCK_EX) == 0);
	REFUSED(flock(b, LOCK_EX | LOCK_NB), EAGAIN);
	CLAIM(flock(a, LOCK_UN) == 0);
	CLAIM(flock(b, LOCK_EX | LOCK_NB) == 0);
	CLAIM(close(b) == 0 && flock(a, LOCK_EX) == 0);
	CLAIM(close(a) == 0);
}

static void wait_for_lock(const void *arg)
{
	int b = file(there, O_RDWR);

	(void)arg;
	CLAIM(set(b, F_SETLKW, F_WRLCK, 0, 10) == 0);
}

static void waiter_gets_the_lock(void)
{
	int a = file(here, O_RDWR);
	pid_t waiter;

	CLAIM(set(a, F_SETLK, F_WRLCK, 0, 10) == 0);
	waiter = claim_begin(wait_for_lock, NULL);
	nap();
	CLAIM(waitpid(waiter, NULL, WNOHANG) == 0);
	CLAIM(set(a, F_SETLK, F_UNLCK, 0, 10) == 0);
	claim_end(waiter);
	CLAIM(close(a) == 0);
}

static void hear(int signal)
{
	(void)signal;
}

/* Signals until the lock's waiter has heard one while it waited. */
static void wait_interrupted(const void *arg)
{
	const struct sigaction heard = { .sa_handler = hear };
	int b = file(there, O_RDWR);

	(void)arg;
	CLAIM(sigaction(SIGUSR1, &heard, NULL) == 0);
	/* EINTR is what fcntl(2) says, and Linux 6.1's client does not. */
	CLAIM(set(b, F_SETLKW, F_WRLCK, 0, 10) < 0 &&
	      (errno == EINTR || errno == EAGAIN));
	CLAIM(close(b) == 0);
}

static void waiter_is_interrupted(void)
{
	int a = file(here, O_RDWR), status;
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	pid_t waiter;

	CLAIM(set(a, F_SETLK, F_WRLCK, 0, 10) == 0);
	CLAIM(sigaction(SIGUSR1, &ignored, NULL) == 0);
	waiter = claim_begin(wait_interrupted, NULL);
	do {
		nap();
		CLAIM(kill(waiter, SIGUSR1) == 0);
	} while (waitpid(waiter, &status, WNOHANG) == 0);
	CLAIM(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	/* Nothing is left of its wish. */
	CLAIM(set(a, F_SETLK, F_UNLCK, 0, 10) == 0);
	CLAIM(holder(a, 0, 10) == F_UNLCK);
	CLAIM(close(a) == 0);
}

static void hold_for_ever(const void *arg)
{
	int b = file(there, O_RDWR);
	const int *tell = arg;

	CLAIM(set(b, F_SETLK, F_WRLCK, 0, 10) == 0);
	CLAIM(write(tell[1], "", 1) == 1);
	pause();
}

static void lock_of_the_dead_is_free(void)
{
	int a = file(here, O_RDWR), tell[2];
	pid_t holder_pid;
	char byte;

	CLAIM(pipe(tell) == 0);
	holder_pid = claim_begin(hold_for_ever, tell);
	CLAIM(read(tell[0], &byte, 1) == 1);
	REFUSED(set(a, F_SETLK, F_WRLCK, 0, 10), EAGAIN);
	CLAIM(kill(holder_pid, SIGKILL) == 0);
	CLAIM(waitpid(holder_pid, NULL, 0) == holder_pid);
	CLAIM(set(a, F_SETLKW, F_WRLCK, 0, 10) == 0);
	CLAIM(close(a) == 0 && close(tell[0]) == 0 && close(tell[1]) == 0);
}

/* --- bytes ---------------------------------------------------------------- */

static void appends_do_not_overwrite(void)
{
	int a = file(here, O_RDWR | O_APPEND | O_TRUNC);
	int b = file(there, O_WRONLY | O_APPEND);
	char bytes[80];

	for (int i = 0; i < 10; i++) {
		CLAIM(write(a, "here", 4) == 4);
		CLAIM(write(b, "over", 4) == 4);
	}
	CLAIM(pread(a, bytes, sizeof(bytes), 0) == 80);
	for (size_t i = 0; i < 10; i++)
		CLAIM(memcmp(bytes + i * 8, "hereover", 8) == 0);
	CLAIM(close(a) == 0 && close(b) == 0);
}

static void others_bytes_are_seen(void)
{
	int a = file(here, O_RDWR), b = file(there, O_RDWR);
	char byte;

	for (int i = 0; i < 50; i++) {
		CLAIM(pwrite(a, &(char){ (char)i }, 1, i) == 1);
		CLAIM(pread(b, &byte, 1, i) == 1 && byte == (char)i);
	}
	CLAIM(ftruncate(b, 3) == 0 && pread(a, &byte, 1, 3) == 0);
	CLAIM(close(a) == 0 && close(b) == 0 && unlink(here) == 0);
	REFUSED(access(there, F_OK), ENOENT);
}

/* --- killed in the middle ------------------------------------------------- */

enum {
	LARGE_LEN = 1 << 20
};
static uint8_t large[LARGE_LEN];

/* Each write puts one byte everywhere. */
static void move_bytes(const void *arg)
{
	int fd = file(here, O_RDWR);

	(void)arg;
	for (int i = 1;; i++) {
		memset(large, i, sizeof(large));
		CLAIM(pwrite(fd, large, sizeof(large), 0) > 0);
		CLAIM(pread(fd, large, sizeof(large), 0) > 0);
	}
}

static void kill_movers(long times)
{
	int fd;

	for (long i = 0; i < times; i++) {
		const struct timespec moment = {
			.tv_nsec = i * 7919 % 40 * 1000000,
		};
		pid_t mover = claim_begin(move_bytes, NULL);

		(void)nanosleep(&moment, NULL);
		CLAIM(kill(mover, SIGKILL) == 0);
		CLAIM(waitpid(mover, NULL, 0) == mover);
	}
	/* What was asked for and not wanted any more has done no harm. */
	fd = file(here, O_RDWR);
	memset(large, 'x', sizeof(large));
	for (size_t off = 0; off < sizeof(large);) {
		ssize_t n = pwrite(fd, large + off, sizeof(large) - off,
				   (off_t)off);

		CLAIM(n > 0);
		off += (size_t)n;
	}
	for (size_t off = 0; off < sizeof(large);) {
		ssize_t n = pread(fd, large, sizeof(large), (off_t)off);

		CLAIM(n > 0);
		for (ssize_t i = 0; i < n; i++)
			CLAIM(large[i] == 'x');
		off += (size_t)n;
	}
	CLAIM(close(fd) == 0 && unlink(here) == 0);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "-k") == 0) {
		(void)snprintf(here, sizeof(here), "%s/shared", argv[3]);
		kill_movers(strtol(argv[2], NULL, 10));
		return 0;
	}
	if (argc != 3)
		return 2;
	(void)snprintf(here, sizeof(here), "%s/shared", argv[1]);
	(void)snprintf(there, sizeof(there), "%s/shared", argv[2]);
	locks_keep_others_out();
	whole_files_are_locked();
	waiter_gets_the_lock();
	waiter_is_interrupted();
	lock_of_the_dead_is_free();
	appends_do_not_overwrite();
	others_bytes_are_seen();
	return 0;
}
