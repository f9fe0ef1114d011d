/* SPDX-License-Identifier: MIT */
/*
 * tuning.h - what `ivlab tune` found for this machine, in a file of the
 * user's: $XDG_CONFIG_HOME/ivlab/tuning.ini, or ~/.config/ivlab/tuning.ini.
 *
 * ivlab run and ivlab server write it into the regions they make
 * (shm/region.h), from where every ring takes its defaults.
 */
#ifndef VMM_LAB_TUNING_H
#define VMM_LAB_TUNING_H

#include <limits.h>

#include "shm/region.h"

/* Where the file is. -ENOENT: neither variable nor home is set. */
int tuning_path(char path[PATH_MAX]);
/*
 * What the file says, fields it does not mention 0. No file: all 0. A file
 * that cannot be read or understood is named in a warning and not used.
 */
void tuning_load(struct region_tuning *tuning);
/* Write it, whole or not at all. -errno. */
int tuning_save(const struct region_tuning *tuning);
/* Remove the file; 0 also when there is none. */
int tuning_forget(void);

#endif
