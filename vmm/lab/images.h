/* SPDX-License-Identifier: MIT */
/*
 * images.h - where the files that came with ivlab are.
 *
 * In a build tree they stand beside the ivlab binary, after `make install`
 * in ../lib/ivlab from it.
 */
#ifndef VMM_LAB_IMAGES_H
#define VMM_LAB_IMAGES_H

/*
 * The file for `image = NAME`: with a slash in it a path, relative to dir
 * (NULL: the working directory); without, the guest NAME that came with
 * ivlab. *path is the caller's, also on -ENOENT (the place looked at last).
 * -ENOENT, -EACCES: not a readable regular file; -ENOMEM.
 */
int images_guest(const char *name, const char *dir, char **path);

/* The helper program NAME that came with ivlab; the same results. */
int images_program(const char *name, char **path);

#endif
