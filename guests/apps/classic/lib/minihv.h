/* SPDX-License-Identifier: MIT */
/*
 * minihv.h - mini-hypervisor's ports from C: the console, and files.
 *
 * Source: docs/classic-guests.md.
 */
#ifndef GUESTS_APPS_CLASSIC_LIB_MINIHV_H
#define GUESTS_APPS_CLASSIC_LIB_MINIHV_H

#include <stdint.h>

#define MINIHV_CONSOLE	 0xe9 /* OUT 8, IN 8 */
#define MINIHV_FILES	 0x278
#define MINIHV_FILES_MAX 32 /* open at a time */

#define FILES_READ  0
#define FILES_WRITE 1
/* A path of 0 or 255 bytes is refused by its length alone. */
#define FILES_PATH_REFUSED 255

/* A handle, 0..31, or -1. */
int files_open(const char *path, uint8_t flags);
/* The same with any length said; so many bytes of path follow. */
int files_open_len(const char *path, uint8_t len, uint8_t flags);
/* 0 or -1. */
int files_close(int handle);
/* Up to 254 bytes: how many came, 0 at the end of the file, or -1. */
int files_read(int handle, char *buf, uint8_t len);
/* Up to 254 bytes: len or -1. */
int files_write(int handle, const char *buf, uint8_t len);
/* A byte that begins no request: -1 */
int files_nonsense(uint8_t command);

/* All of a file, up to max - 1 bytes, and a 0 behind: its length or -1. */
int files_load(const char *path, char *buf, int max);
/* Open, write all of text, close: 0 or -1. */
int files_append(const char *path, const char *text);

/* "NAME: SUCCESS" or "NAME: FAILED". */
void minihv_verdict(const char *name, int good);
void minihv_put(char c);

#endif
