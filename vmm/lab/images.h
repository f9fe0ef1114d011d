/* SPDX-License-Identifier: MIT */
/*
 * images.h - where the files that came with ivlab are.
 *
 * In a build tree they stand beside the ivlab binary, after `make install`
 * in ../lib/ivlab from it.
 */
#ifndef VMM_LAB_IMAGES_H
#define VMM_LAB_IMAGES_H

#include <stddef.h>

/*
 * The file for `image = NAME`: with a slash in it a path, relative to dir
 * (NULL: the working directory); without, the guest NAME that came with
 * ivlab. *path is the caller's, also on an error (the place looked at last),
 * or NULL. -ENOENT; -EACCES: not ours to read; -EISDIR; -EINVAL: no regular
 * file for another reason; -ENOMEM.
 */
int images_guest(const char *name, const char *dir, char **path);
/*
 * What was wrong: err and path are what images_guest() made of name. For a
 * name without a slash it tells the guests there are.
 */
void images_guest_why(const char *name, const char *path, int err, char *text,
		      size_t text_len);

/* The flat image NAME for a classic ABI (vmm/abi/) that came with ivlab; the
 * same results. */
int images_classic(const char *name, char **path);
/* Of those whose names begin with prefix: all, "a, b, c"; and the one that
 * name may have meant, with or without the prefix, "" if none. Cut. */
void images_classic_names(const char *prefix, char *text, size_t text_len);
void images_classic_near(const char *prefix, const char *name, char *text,
			 size_t text_len);

/* The helper program NAME that came with ivlab; the same results. */
int images_program(const char *name, char **path);

#endif
