/* SPDX-License-Identifier: MIT */
/* bus.c - which device answers an address? */
#include "vmm/devices/bus.h"

#include <errno.h>
#include <string.h>

/* The number of ranges that start at or below addr. */
static uint32_t ranges_up_to(const struct bus *bus, uint64_t addr)
{
	uint32_t low = 0, high = bus->ranges_nr;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (bus->ranges[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Last byte, not end: a range may reach the top of the address space. */
static uint64_t last_of(const struct bus_range *range)
{
	return range->start + (range->len - 1);
}

int bus_add(struct bus *bus, uint64_t start, uint64_t len, bus_fn *fn,
	    void *arg)
{
	struct bus_range range = {
		.start = start, .len = len, .fn = fn, .arg = arg
	};
	uint32_t at;

	if (!len || last_of(&range) < start)
		return -EINVAL;
	at = ranges_up_to(bus, start);
	if (at && last_of(&bus->ranges[at - 1]) >= start)
		return -EEXIST;
	if (at < bus->ranges_nr && bus->ranges[at].start <= last_of(&range))
		return -EEXIST;
	if (bus->ranges_nr == BUS_RANGES_MAX)
		return -ENOSPC;

	memmove(&bus->ranges[at + 1], &bus->ranges[at],
		(bus->ranges_nr - at) * sizeof(range));
	bus->ranges[at] = range;
	bus->ranges_nr++;
	return 0;
}

int bus_del(struct bus *bus, uint64_t start)
{
	uint32_t above = ranges_up_to(bus, start);

	if (!above || bus->ranges[above - 1].start != start)
		return -ENOENT;
	memmove(&bus->ranges[above - 1], &bus->ranges[above],
		(bus->ranges_nr - above) * sizeof(bus->ranges[0]));
	bus->ranges_nr--;
	return 0;
}

static uint64_t ones(uint32_t len)
{
	return len >= 8 ? UINT64_MAX : (1ull << (8 * len)) - 1;
}

/* KVM hands out the pieces of an access that crosses a page as they fall. */
static bool is_natural(uint32_t len)
{
	return len == 1 || len == 2 || len == 4 || len == 8;
}

static const struct bus_range *range_of(const struct bus *bus,
					const struct bus_access *access)
{
	uint32_t nr = ranges_up_to(bus, access->addr);
	const struct bus_range *range;
	uint64_t off;

	if (!nr || !is_natural(access->len))
		return NULL;
	range = &bus->ranges[nr - 1];
	off = access->addr - range->start;
	if (off >= range->len || access->len > range->len - off)
		return NULL;
	return range->fn ? range : NULL;
}

enum bus_result bus_access(struct bus *bus, struct bus_access *access)
{
	const struct bus_range *range = range_of(bus, access);
	enum bus_result result = BUS_NOT_MINE;

	access->value = access->is_write ? access->value & ones(access->len)
					 : 0;
	if (range) {
		access->off = access->addr - range->start;
		result = range->fn(range->arg, access);
	}
	if (result == BUS_NOT_MINE) {
		bus->unclaimed_nr++;
		if (!access->is_write)
			access->value = UINT64_MAX;
	}
	if (!access->is_write)
		access->value &= ones(access->len);
	return result;
}
