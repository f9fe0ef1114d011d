/* SPDX-License-Identifier: MIT */
/*
 * file_share.h - a shared directory of a VM: where virtio 9P device and 9P
 * server, who do not know each other, meet.
 *
 * Threads: the loop's.
 */
#ifndef VMM_LAB_FILE_SHARE_H
#define VMM_LAB_FILE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/loop.h"
#include "vmm/core/memory.h"
#include "vmm/devices/machine.h"
#include "vmm/files/share.h"

struct file_share;

struct file_share_opts {
	const char *name;	 /* the mount tag; outlives it */
	struct share_opts share; /* say, copying and arg are its own */
	bool fresh;		 /* SHARE_COW: forget what was changed before */
	int stop_fd; /* readable: a long copy is given up; -1: never */
};

/*
 * Open the directory, and put the private one in order. What is wrong was
 * said. -errno of share.h.
 */
int file_share_create(struct file_share **out,
		      const struct file_share_opts *opts);
/*
 * NULL is fine. Waits for what is under way in guest memory. Before the loop
 * and the device.
 */
void file_share_destroy(struct file_share *share);

/* Since it was served. */
struct file_share_counters {
	uint64_t requests, read_len, written_len, doorbells, interrupts;
};
/* Zeros before file_share_start(). */
struct file_share_counters file_share_counters(const struct file_share *share);

/* For the machine's options. */
struct machine_share file_share_device(struct file_share *share);
/* The machine is there: serve dev, whose guest memory is memory. */
int file_share_start(struct file_share *share, struct loop *loop,
		     struct virtio_9p *dev, const struct memory *memory);

#endif
