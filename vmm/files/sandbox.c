/* SPDX-License-Identifier: MIT */
/* sandbox.c - which rights does a file server give away? */
#include "vmm/files/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A sanitizer's run-time reads /proc, starts processes and traces itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* --- Landlock ------------------------------------------------------------- */

/* Of version 3, which Debian 12's header does not name. */
#define RIGHT_TRUNCATE (1ull << 14)

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* All of version 1 but to execute. */
#define RIGHTS_CHANGE                                                     \
	(RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |                    \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |     \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |     \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |   \
	 LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER |         \
	 RIGHT_TRUNCATE)

static uint64_t rights_of(enum sandbox_right right)
{
	switch (right) {
	case SANDBOX_READ:
		return RIGHTS_READ;
	case SANDBOX_CHANGE:
		return RIGHTS_CHANGE;
	case SANDBOX_REMOVE:
		return LANDLOCK_ACCESS_FS_REMOVE_FILE;
	}
	return 0;
}

static int allow_dir(int rules_fd, const struct sandbox_dir *dir,
		     uint64_t handled)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights_of(dir->right) & handled,
	};
	long ret;
	int err = 0;

	rule.parent_fd = open(dir->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return -errno;
	ret = syscall(SYS_landlock_add_rule, rules_fd,
		      LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	if (ret < 0)
		err = -errno;
	close(rule.parent_fd);
	return err;
}

static int enter_landlock(const struct sandbox_dir *dirs, uint32_t dirs_nr,
			  bool *entered)
{
	struct landlock_ruleset_attr rules = {
		.handled_access_fs = RIGHTS_CHANGE | LANDLOCK_ACCESS_FS_EXECUTE,
	};
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	int rules_fd, err = 0;

	/* Version 1 forbids every rename between directories. */
	if (version < 2)
		return 0;
	if (version < 3)
		rules.handled_access_fs &= ~RIGHT_TRUNCATE;
	rules_fd = (int)syscall(SYS_landlock_create_ruleset, &rules,
				sizeof(rules), 0);
	if (rules_fd < 0)
		return -errno;
	for (uint32_t i = 0; !err && i < dirs_nr; i++)
		err = allow_dir(rules_fd, &dirs[i], rules.handled_access_fs);
	if (!err && syscall(SYS_landlock_restrict_self, rules_fd, 0) < 0)
		err = -errno;
	close(rules_fd);
	*entered = !err;
	return err;
}

/* --- seccomp -------------------------------------------------------------- */

/* What the share layers, the ring, a socket and the C library call. Opening
 * goes by descriptors (openat2); sockets are accepted, never made. */
static const int allowed[] = {
	/* memory, time, signals, the end */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(mprotect),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getegid),
	SCMP_SYS(getuid),
	SCMP_SYS(getgid),
	SCMP_SYS(umask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield),
	SCMP_SYS(rseq),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* descriptors and their bytes */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(preadv),
	SCMP_SYS(pwritev),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(dup3),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(fallocate),
	SCMP_SYS(ftruncate),
	SCMP_SYS(truncate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(syncfs),
	/* names and attributes */
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(readlinkat),
	SCMP_SYS(mkdirat),
	SCMP_SYS(symlinkat),
	SCMP_SYS(linkat),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(chmod),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchmodat),
	SCMP_SYS(utimensat),
	SCMP_SYS(getxattr),
	SCMP_SYS(fgetxattr),
	SCMP_SYS(listxattr),
	SCMP_SYS(flistxattr),
	SCMP_SYS(setxattr),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(removexattr),
	SCMP_SYS(fremovexattr),
	/* clients */
	SCMP_SYS(accept4),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt),
};

/* No path of ours leads there: somebody else has taken over. */
static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(mount),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(bpf),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
};

static int add_rules(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp clone = { .arg = 1,
					    .op = SCMP_CMP_EQ,
					    .datum_a = FICLONE };
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(allowed) / sizeof(*allowed); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !err && i < sizeof(deadly) / sizeof(*deadly); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i],
				       0);
	/* Copies that share their blocks, and no other. */
	if (!err)
		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
					     SCMP_SYS(ioctl), 1, &clone);
	return err;
}

static int enter_seccomp(bool *entered)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err;

	if (!filter)
		return -ENOMEM;
	err = add_rules(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	*entered = !err;
	return err;
}

int sandbox_enter(const struct sandbox_dir *dirs, uint32_t dirs_nr,
		  struct sandbox *got)
{
	int err;

	*got = (struct sandbox){ 0 };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	got->no_new_privileges = true;
	if (SANITIZED)
		return 0;
	err = enter_landlock(dirs, dirs_nr, &got->landlock);
	return err ? err : enter_seccomp(&got->seccomp);
}
