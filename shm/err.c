/* SPDX-License-Identifier: MIT */
/* err.c - what to call an error in front of people. */
#include "shm/err.h"

static const char *const names[SHM_ERR_NR] = {
	[SHM_OK] = "success",
	[SHM_EFULL] = "no room left",
	[SHM_EEMPTY] = "nothing to take",
	[SHM_ETIMEDOUT] = "timed out",
	[SHM_EPEER] = "the peer wrote an impossible value",
	[SHM_EINVAL] = "argument out of range",
	[SHM_ENOENT] = "not found",
	[SHM_EEXIST] = "already taken",
	[SHM_ENOTREADY] = "another peer is still setting this up",
	[SHM_EVERSION] = "layout of another version",
	[SHM_ETOOSMALL] = "the region is too small for it",
	[SHM_EIO] = "the device or the host failed",
	[SHM_EGONE] = "the peer at the other end is gone",
	[SHM_EOWNER] = "another peer took this end over",
};

const char *shm_strerror(int err)
{
	/* Unsigned: INT_MIN has no positive counterpart. */
	unsigned int nr = err < 0 ? 0u - (unsigned int)err : (unsigned int)err;

	return nr < SHM_ERR_NR ? names[nr] : "unknown error";
}
