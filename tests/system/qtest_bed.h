/* SPDX-License-Identifier: MIT */
/*
 * qtest_bed.h - our server, a host peer and a stock QEMU without a guest, all
 * joined; and QEMU's machine as its qtest socket lets us drive it.
 */
#ifndef TESTS_SYSTEM_QTEST_BED_H
#define TESTS_SYSTEM_QTEST_BED_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/link/deadline.h"
#include "shm/link/host_peer.h"
#include "shm/link/server.h"
#include "shm/link/shmem.h"
#include "shm/link/socket.h"
#include "shm/pci.h"

#define QEMU	   "qemu-system-x86_64"
#define TIMEOUT_NS 20000000000ull /* of any one wait; all are far shorter */
#define TIMEOUT_MS 20000
#define LINE_LEN   256
#define VECTORS_NR 2
#define SHM_LEN	   0x100000u
#define OUR_ID	   0u /* first to join */
#define QEMU_ID	   1u

struct bed {
	char dir[64];
	char link_path[80];
	char qtest_path[80];
	struct shmem shmem;
	struct server *server;
	pthread_t thread;
	bool thread_runs;
	int stop_efd;
	int left_efd; /* counts who left, id + 1 */
	struct host_peer *host;
	struct peer *peer;
	pid_t qemu_pid; /* 0: not held */
	int qtest_fd;
	uint32_t slot;
	bool broken; /* qtest no longer answers */
};

/* --- the room: server, host peer, QEMU ---------------------------------- */

static inline void left(void *arg, uint32_t peer_id)
{
	const struct bed *bed = arg;

	(void)eventfd_write(bed->left_efd, peer_id + 1);
}

static inline void *serve(void *arg)
{
	struct bed *bed = arg;
	struct pollfd fds[2] = {
		{ .fd = server_fd(bed->server), .events = POLLIN },
		{ .fd = bed->stop_efd, .events = POLLIN },
	};

	while (!fds[1].revents && deadline_poll(fds, 2, DEADLINE_NEVER) > 0)
		if (server_dispatch(bed->server))
			break;
	return NULL;
}

static inline bool qemu_is_there(void)
{
	const char *path = getenv("PATH");
	char file[4096];

	while (path && *path) {
		size_t len = strcspn(path, ":");

		(void)snprintf(file, sizeof(file), "%.*s/" QEMU, (int)len,
			       path);
		if (access(file, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

static inline void exec_qemu(const struct bed *bed, pid_t parent)
{
	char qtest[128];
	char chardev[128];

	/* Whatever becomes of us, QEMU ends; the parent may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(1);
	(void)snprintf(qtest, sizeof(qtest), "unix:%s,server=on,wait=off",
		       bed->qtest_path);
	(void)snprintf(chardev, sizeof(chardev), "socket,id=link,path=%s",
		       bed->link_path);
	(void)execlp(QEMU, QEMU, "-machine", "pc,accel=tcg", "-m", "64",
		     "-display", "none", "-nodefaults", "-S", "-qtest", qtest,
		     "-qtest-log", "/dev/null", "-chardev", chardev, "-device",
		     "ivshmem-doorbell,chardev=link,vectors=2", (char *)NULL);
	_exit(1);
}

static inline int connect_qtest(struct bed *bed)
{
	uint64_t deadline_ns = deadline_after_ns(TIMEOUT_NS);
	int err;

	while ((err = socket_connect(&bed->qtest_fd, bed->qtest_path,
				     deadline_ns))) {
		if (waitpid(bed->qemu_pid, NULL, WNOHANG) != 0) {
			bed->qemu_pid = 0; /* no longer ours to kill */
			return err;
		}
		if (deadline_now_ns() >= deadline_ns)
			return err;
		/* Not there yet; 10 ms until the next look. */
		(void)deadline_poll(NULL, 0, deadline_after_ns(10000000));
	}
	return 0;
}

static inline int bed_create(struct bed *bed)
{
	struct server_opts opts = { .vectors_nr = VECTORS_NR,
				    .left = left,
				    .arg = bed };
	const char *tmp = getenv("TMPDIR");
	pid_t self = getpid();
	int err;

	(void)snprintf(bed->dir, sizeof(bed->dir), "%s/ivlab-XXXXXX",
		       tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	if (!mkdtemp(bed->dir)) {
		bed->dir[0] = '\0';
		return -errno;
	}
	(void)snprintf(bed->link_path, sizeof(bed->link_path), "%s/link",
		       bed->dir);
	(void)snprintf(bed->qtest_path, sizeof(bed->qtest_path), "%s/qtest",
		       bed->dir);
	bed->stop_efd = eventfd(0, EFD_CLOEXEC);
	bed->left_efd = eventfd(0, EFD_CLOEXEC);
	if (bed->stop_efd < 0 || bed->left_efd < 0)
		return -errno;
	err = shmem_create(&bed->shmem, "qtest-peer", SHM_LEN, false);
	if (err)
		return err;
	opts.socket_path = bed->link_path;
	opts.shm_fd = bed->shmem.fd;
	err = server_create(&bed->server, &opts);
	if (err)
		return err;
	err = -pthread_create(&bed->thread, NULL, serve, bed);
	if (err)
		return err;
	bed->thread_runs = true;
	err = host_peer_open(&bed->host, bed->link_path, VECTORS_NR,
			     TIMEOUT_MS);
	if (err)
		return err;
	bed->peer = host_peer_peer(bed->host);
	bed->qemu_pid = fork();
	if (bed->qemu_pid == 0)
		exec_qemu(bed, self);
	if (bed->qemu_pid < 0)
		return -errno;
	return connect_qtest(bed);
}

static inline void kill_qemu(struct bed *bed)
{
	if (bed->qemu_pid <= 0)
		return;
	(void)kill(bed->qemu_pid, SIGKILL);
	(void)waitpid(bed->qemu_pid, NULL, 0);
	bed->qemu_pid = 0;
}

static inline void bed_destroy(struct bed *bed)
{
	kill_qemu(bed);
	host_peer_close(bed->host);
	if (bed->thread_runs) {
		(void)eventfd_write(bed->stop_efd, 1);
		(void)pthread_join(bed->thread, NULL);
	}
	server_destroy(bed->server);
	shmem_destroy(&bed->shmem);
	if (bed->qtest_fd >= 0)
		close(bed->qtest_fd);
	if (bed->left_efd >= 0)
		close(bed->left_efd);
	if (bed->stop_efd >= 0)
		close(bed->stop_efd);
	if (bed->dir[0]) {
		(void)unlink(bed->qtest_path);
		(void)unlink(bed->link_path);
		(void)rmdir(bed->dir);
	}
}

/* --- QEMU's machine through qtest ---------------------------------------- */

/* One command; its answer's number, 0 when it has none. */
__attribute__((format(printf, 2, 3))) static uint64_t
ask(struct bed *bed, const char *format, ...)
{
	uint64_t deadline_ns = deadline_after_ns(TIMEOUT_NS);
	char line[LINE_LEN];
	size_t len = 0;
	va_list args;

	va_start(args, format);
	len = (size_t)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (bed->broken || write(bed->qtest_fd, line, len) != (ssize_t)len)
		goto broken;
	for (len = 0; len < sizeof(line) - 1; len++) {
		struct pollfd qtest = { .fd = bed->qtest_fd, .events = POLLIN };

		if (deadline_poll(&qtest, 1, deadline_ns) <= 0 ||
		    read(bed->qtest_fd, &line[len], 1) != 1)
			goto broken;
		if (line[len] == '\n')
			break;
	}
	line[len] = '\0';
	if (strncmp(line, "OK", 2) != 0)
		goto broken;
	return strtoull(line + 2, NULL, 0);

broken:
	if (!bed->broken)
		printf("# qtest does not answer\n");
	bed->broken = true;
	return 0;
}

static inline void select_config(struct bed *bed, uint32_t reg)
{
	(void)ask(bed, "outl 0x%x 0x%x\n", PCI_PORT_ADDRESS,
		  PCI_ADDRESS(0, bed->slot, 0, reg));
}

static inline uint32_t config_read(struct bed *bed, uint32_t reg)
{
	select_config(bed, reg);
	return (uint32_t)ask(bed, "inl 0x%x\n", PCI_PORT_DATA);
}

static inline void config_write(struct bed *bed, uint32_t reg, uint32_t value)
{
	select_config(bed, reg);
	(void)ask(bed, "outl 0x%x 0x%x\n", PCI_PORT_DATA, value);
}

static inline uint32_t memory_read(struct bed *bed, uint64_t gpa)
{
	return (uint32_t)ask(bed, "readl 0x%" PRIx64 "\n", gpa);
}

static inline void memory_write(struct bed *bed, uint64_t gpa, uint32_t value)
{
	(void)ask(bed, "writel 0x%" PRIx64 " 0x%x\n", gpa, value);
}

#endif
