/* SPDX-License-Identifier: MIT */
/* flat_image.h - a file's bytes, as they are, into guest RAM. */
#ifndef VMM_BOOT_FLAT_IMAGE_H
#define VMM_BOOT_FLAT_IMAGE_H

#include <stdint.h>

#include "vmm/core/memory.h"

/*
 * Read all of the file to guest-physical gpa; it may take up to max_len bytes
 * there. *len gets its length. Errors are logged by name and have left RAM
 * partly written: the errno of open or read; -ENOTSUP: neither file nor
 * directory (-EISDIR); -ENODATA: empty; -EFBIG: longer than max_len; -EINVAL:
 * [gpa, gpa+max_len) is not inside RAM.
 */
int flat_image_load(const struct memory *memory, const char *path, uint64_t gpa,
		    uint64_t max_len, uint64_t *len);

#endif
