/* SPDX-License-Identifier: MIT */
/*
 * bus.h - from an exit's address to the device behind it; one bus for ports,
 * one for MMIO.
 *
 * Threads: all calls under the machine lock (machine.h).
 * Trust:   addresses, lengths and values come from the guest. An access that
 *          no device claims reads all ones and is dropped when written, as on
 *          a PC's bus.
 */
#ifndef VMM_DEVICES_BUS_H
#define VMM_DEVICES_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct bus_access {
	uint64_t addr; /* port, or guest-physical */
	uint64_t off;  /* addr - start of the range, for the handler */
	uint32_t len;  /* 1, 2, 4 or 8 (ports: up to 4) */
	bool is_write;
	uint64_t value; /* to write, or read: the handler's answer */
};

enum bus_result {
	BUS_HANDLED,
	BUS_NOT_MINE, /* in the range, but nothing there: as if unclaimed */
	BUS_FATAL,    /* stop this VM; the handler logged why */
};

typedef enum bus_result bus_fn(void *arg, struct bus_access *access);

#define BUS_RANGES_MAX 64

struct bus_range {
	uint64_t start, len;
	bus_fn *fn;
	void *arg;
};

struct bus {
	struct bus_range ranges[BUS_RANGES_MAX]; /* sorted by start */
	uint32_t ranges_nr;
	uint64_t unclaimed_nr; /* accesses nobody answered */
};

/* An empty bus: struct bus b = { 0 }. */

/*
 * Claim [start, start+len). -EINVAL: empty or wraps; -EEXIST: overlaps
 * another; -ENOSPC. The bus does not own arg. With fn NULL the range is only
 * kept from others: accesses to it are unclaimed.
 */
int bus_add(struct bus *bus, uint64_t start, uint64_t len, bus_fn *fn,
	    void *arg);
/* -ENOENT when no range starts there. */
int bus_del(struct bus *bus, uint64_t start);

/*
 * Carry out one access. An access that runs over the end of its range is
 * unclaimed. Reads of unclaimed addresses give all ones in access->len bytes;
 * a handler's value is cut to access->len bytes.
 */
enum bus_result bus_access(struct bus *bus, struct bus_access *access);

#endif
