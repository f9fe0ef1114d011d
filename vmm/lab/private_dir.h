/* SPDX-License-Identifier: MIT */
/*
 * private_dir.h - is the directory that a user names as a private one such a
 * thing, or may it become one? Makes nothing.
 */
#ifndef VMM_LAB_PRIVATE_DIR_H
#define VMM_LAB_PRIVATE_DIR_H

#include <stdbool.h>

#define PRIVATE_DIR_NOT_APART \
	"it and the shared directory must not be inside each other"

/*
 * Is neither in the other, or would be, once the private one is made? share.h
 * looks, too, but has to make it first. True as well where one cannot look:
 * then it cannot be made either.
 */
bool private_dir_is_apart(const char *shared, const char *private_dir);
/* Why there is no private layer at path; NULL: there is one. */
const char *private_dir_absent(const char *path);
/* Why there is no directory to share at path; NULL: there is one. */
const char *private_dir_shared_absent(const char *path);

#endif
