/* SPDX-License-Identifier: MIT */
/*
 * mount_ops.c - does each operation of a file system do through a mount what
 * its manual page says?
 *
 * usage: mount_ops [-r] DIR
 *        -r  nothing may change: each change must be EROFS
 *
 * DIR keeps owners and special files. It is empty, with -r it has a file
 * "kept" and a directory "kept-dir". Needs root, to make devices.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "tests/system/mount_ops.h"

/* --- special files, links ------------------------------------------------- */

static void write_to_fifo(const void *path)
{
	int fd = open(path, O_WRONLY);

	CLAIM(fd >= 0);
	CLAIM(write(fd, "through", 7) == 7);
}

static void special_files(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "socket" };
	char bytes[8];
	pid_t writer;
	int fd;

	CLAIM(mkfifo("fifo", 0600) == 0);
	CLAIM(S_ISFIFO(look("fifo").st_mode));
	writer = claim_begin(write_to_fifo, "fifo");
	fd = open("fifo", O_RDONLY);
	CLAIM(fd >= 0);
	CLAIM(read(fd, bytes, sizeof(bytes)) == 7);
	claim_end(writer);
	close(fd);
	CLAIM(mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	CLAIM(look("null").st_rdev == makedev(1, 3));
	fd = open("null", O_RDWR);
	CLAIM(fd >= 0);
	CLAIM(write(fd, "gone", 4) == 4 && read(fd, bytes, 4) == 0);
	close(fd);
	CLAIM(mknod("block", S_IFBLK | 0640, makedev(7, 300)) == 0);
	CLAIM(look("block").st_rdev == makedev(7, 300));
	CLAIM(mknod("plain", S_IFREG | 0604, 0) == 0);
	CLAIM(look("plain").st_mode == (S_IFREG | 0604));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CLAIM(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CLAIM(S_ISSOCK(look("socket").st_mode));
	close(fd);
	CLAIM(unlink("fifo") == 0 && unlink("null") == 0 &&
	      unlink("block") == 0 && unlink("plain") == 0 &&
	      unlink("socket") == 0);
}

static void links(void)
{
	char target[1001], got[1100];

	make("first", "bytes");
	CLAIM(link("first", "second") == 0);
	CLAIM(look("first").st_nlink == 2);
	CLAIM(look("first").st_ino == look("second").st_ino);
	make("first", "other bytes");
	CLAIM(look("second").st_size == 11);
	REFUSED(link("first", "second"), EEXIST);
	CLAIM(mkdir("d", 0755) == 0);
	REFUSED(link("d", "e"), EPERM);
	CLAIM(unlink("first") == 0 && look("second").st_nlink == 1);
	memset(target, 't', 1000);
	target[1000] = '\0';
	CLAIM(symlink(target, "long") == 0);
	CLAIM(readlink("long", got, sizeof(got)) == 1000);
	CLAIM(memcmp(got, target, 1000) == 0);
	CLAIM(symlink("round", "round") == 0);
	REFUSED(open("round", O_RDONLY), ELOOP);
	CLAIM(symlink("../d/../second", "d/up") == 0);
	CLAIM(access("d/up", R_OK) == 0);
	CLAIM(unlink("long") == 0 && unlink("round") == 0 &&
	      unlink("d/up") == 0 && unlink("second") == 0);
	CLAIM(rmdir("d") == 0);
}

/* --- attributes ----------------------------------------------------------- */

static void attributes(void)
{
	struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
	struct stat st;

	make("file", "12345");
	CLAIM(chmod("file", 06751) == 0);
	CLAIM((look("file").st_mode & 07777) == 06751);
	CLAIM(chown("file", 1234, 5678) == 0);
	st = look("file");
	CLAIM(st.st_uid == 1234 && st.st_gid == 5678);
	CLAIM(utimensat(AT_FDCWD, "file", times, 0) == 0);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_sec = 3000;
	CLAIM(utimensat(AT_FDCWD, "file", times, 0) == 0);
	st = look("file");
	CLAIM(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_sec == 3000);
	times[1].tv_nsec = UTIME_NOW;
	CLAIM(utimensat(AT_FDCWD, "file", times, 0) == 0);
	CLAIM(look("file").st_mtim.tv_sec > 1000000000);
	CLAIM(truncate("file", 3) == 0 && look("file").st_size == 3);
	CLAIM(truncate("file", 1 << 20) == 0);
	CLAIM(look("file").st_size == 1 << 20 && look("file").st_blocks < 100);
	CLAIM(mkdir("dir", 0755) == 0 && chmod("dir", 03777) == 0);
	CLAIM((look("dir").st_mode & 07777) == 03777);
	CLAIM(rmdir("dir") == 0 && unlink("file") == 0);
}

static void file_systems(void)
{
	struct statfs fs;

	CLAIM(statfs(".", &fs) == 0);
	CLAIM(fs.f_bsize > 0 && fs.f_blocks > 0 && fs.f_files > 0);
	CLAIM(fs.f_bfree <= fs.f_blocks && fs.f_bavail <= fs.f_bfree);
	CLAIM(fs.f_namelen == 255);
}

/* --- names ---------------------------------------------------------------- */

static void names(void)
{
	char longest[257];
	int fd;

	memset(longest, 'n', 255);
	longest[255] = '\0';
	make(longest, "bytes");
	CLAIM(look(longest).st_size == 5);
	longest[255] = 'n';
	longest[256] = '\0';
	REFUSED(open(longest, O_WRONLY | O_CREAT, 0600), ENAMETOOLONG);
	longest[255] = '\0';
	CLAIM(unlink(longest) == 0);
	make(" \n\\\xff\x01*", "bytes");
	CLAIM(unlink(" \n\\\xff\x01*") == 0);
	make("there", "bytes");
	REFUSED(open("there", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	REFUSED(open("there/below", O_RDONLY), ENOTDIR);
	REFUSED(rmdir("there"), ENOTDIR);
	REFUSED(open("not-there", O_RDONLY), ENOENT);
	CLAIM(mkdir("d", 0755) == 0);
	REFUSED(unlink("d"), EISDIR);
	make("d/below", "bytes");
	REFUSED(rmdir("d"), ENOTEMPTY);
	REFUSED(rename("there", "d"), EISDIR);
	REFUSED(rename("d", "d/self"), EINVAL);
	CLAIM(rename("there", "d/below") == 0);
	REFUSED(open("there", O_RDONLY), ENOENT);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CLAIM(fd >= 0 && fsync(fd) == 0 && close(fd) == 0);
	CLAIM(unlink("d/below") == 0 && rmdir("d") == 0);
}

/* More steps than one message has. */
static void deep_paths(void)
{
	enum {
		DEPTH = 40
	};
	char path[DEPTH * 3 + 1] = "";

	for (int i = 0; i < DEPTH; i++) {
		(void)snprintf(path + strlen(path), sizeof(path) - strlen(path),
			       "%s%02d", i ? "/" : "", i);
		CLAIM(mkdir(path, 0755) == 0);
	}
	CLAIM(S_ISDIR(look(path).st_mode));
	for (int i = DEPTH; i; i--) {
		CLAIM(rmdir(path) == 0);
		path[i > 1 ? i * 3 - 4 : 0] = '\0';
	}
}

static void open_files(void)
{
	char bytes[32];
	struct stat st;
	int fd;

	make("open", "before");
	fd = open("open", O_RDWR | O_APPEND);
	CLAIM(fd >= 0);
	CLAIM(rename("open", "moved") == 0 && unlink("moved") == 0);
	CLAIM(write(fd, " and after", 10) == 10);
	CLAIM(pread(fd, bytes, sizeof(bytes), 0) == 16);
	CLAIM(memcmp(bytes, "before and after", 16) == 0);
	CLAIM(fstat(fd, &st) == 0 && st.st_size == 16);
	CLAIM(ftruncate(fd, 4) == 0 && fsync(fd) == 0 && fdatasync(fd) == 0);
	CLAIM(pread(fd, bytes, sizeof(bytes), 0) == 4);
	CLAIM(close(fd) == 0);
	REFUSED(open("moved", O_RDONLY), ENOENT);
}

/* --- readdir -------------------------------------------------------------- */

enum {
	MANY = 300
};

static void read_names(DIR *dir, int until, int seen[MANY])
{
	struct dirent *entry;

	while (until-- && (entry = readdir(dir)))
		if (entry->d_name[0] == 'm')
			seen[strtoul(entry->d_name + 1, NULL, 10)]++;
}

/* What stays is seen once, whatever goes in between. */
static void offsets(void)
{
	int seen[MANY] = { 0 };
	char name[16];
	long middle;
	DIR *dir;

	CLAIM(mkdir("many", 0755) == 0 && chdir("many") == 0);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		make(name, "");
	}
	dir = opendir(".");
	CLAIM(dir != NULL);
	read_names(dir, MANY / 2, seen);
	middle = telldir(dir);
	read_names(dir, MANY / 4, (int[MANY]){ 0 });
	for (int i = 0; i < MANY; i += 3) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		CLAIM(unlink(name) == 0);
	}
	seekdir(dir, middle);
	read_names(dir, -1, seen);
	for (int i = 0; i < MANY; i++)
		CLAIM(seen[i] == 1 || (i % 3 == 0 && seen[i] == 0));
	memset(seen, 0, sizeof(seen));
	rewinddir(dir);
	read_names(dir, -1, seen);
	for (int i = 0; i < MANY; i++)
		CLAIM(seen[i] == (i % 3 != 0));
	closedir(dir);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "m%d", i);
		CLAIM(i % 3 == 0 || unlink(name) == 0);
	}
	CLAIM(chdir("..") == 0 && rmdir("many") == 0);
}

/* --- read-only ------------------------------------------------------------ */

static void read_only(void)
{
	char bytes[8];
	int fd = open("kept", O_RDONLY);

	CLAIM(fd >= 0 && read(fd, bytes, sizeof(bytes)) == 5);
	CLAIM(fsync(fd) == 0 && close(fd) == 0);
	REFUSED(open("kept", O_WRONLY), EROFS);
	REFUSED(open("kept", O_RDONLY | O_TRUNC), EROFS);
	REFUSED(open("new", O_WRONLY | O_CREAT, 0600), EROFS);
	REFUSED(mkdir("new", 0755), EROFS);
	REFUSED(mknod("new", S_IFCHR | 0600, makedev(1, 3)), EROFS);
	REFUSED(mkfifo("new", 0600), EROFS);
	REFUSED(symlink("kept", "new"), EROFS);
	REFUSED(link("kept", "new"), EROFS);
	REFUSED(rename("kept", "new"), EROFS);
	REFUSED(unlink("kept"), EROFS);
	REFUSED(rmdir("kept-dir"), EROFS);
	REFUSED(chmod("kept", 0600), EROFS);
	REFUSED(chown("kept", 1, 1), EROFS);
	REFUSED(truncate("kept", 1), EROFS);
	REFUSED(utimensat(AT_FDCWD, "kept", NULL, 0), EROFS);
	REFUSED(mkdir("kept", 0755), EEXIST);
	file_systems();
}

int main(int argc, char **argv)
{
	bool refuses = argc > 2 && strcmp(argv[1], "-r") == 0;

	if (argc != 2 + refuses)
		return 2;
	umask(022);
	CLAIM(chdir(argv[argc - 1]) == 0);
	if (refuses) {
		read_only();
		return 0;
	}
	special_files();
	links();
	attributes();
	file_systems();
	names();
	deep_paths();
	open_files();
	offsets();
	return 0;
}
