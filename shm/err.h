/* SPDX-License-Identifier: MIT */
/*
 * err.h - the named errors of the freestanding code.
 *
 * Functions return 0 or one of these negated (-SHM_EFULL). Hosted code uses
 * errno values; the border between both is where a name is printed.
 */
#ifndef SHM_ERR_H
#define SHM_ERR_H

enum shm_err {
	SHM_OK = 0,
	SHM_EFULL = 1,	    /* no room: directory, region or ring */
	SHM_EEMPTY = 2,	    /* nothing to take */
	SHM_ETIMEDOUT = 3,  /* the time given passed */
	SHM_EPEER = 4,	    /* shared memory holds what no honest peer writes */
	SHM_EINVAL = 5,	    /* the caller's argument is out of its range */
	SHM_ENOENT = 6,	    /* no such channel, peer or device */
	SHM_EEXIST = 7,	    /* the name or the end is taken */
	SHM_ENOTREADY = 8,  /* another peer is still setting this up */
	SHM_EVERSION = 9,   /* layout of another version */
	SHM_ETOOSMALL = 10, /* the region cannot hold it */
	SHM_EIO = 11,	    /* the surroundings failed (host error, device) */
	SHM_EGONE = 12,	    /* the peer at the other end is dead */
	SHM_EOWNER = 13,    /* another peer took this end over from us */
	SHM_ERR_NR
};

/* The sentence for an error; err may be negative or positive. Never NULL. */
const char *shm_strerror(int err);

#endif
