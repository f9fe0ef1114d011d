/* SPDX-License-Identifier: MIT */
/* stats.c - the shared page of counters of one VM process. */
#include "vmm/core/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/atomic.h"

static int page_map(struct stats **out, int fd)
{
	void *page = mmap(NULL, STATS_PAGE_LEN, PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	*out = page;
	return 0;
}

int stats_create(struct stats **out, int *fd)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int err, memfd;

	memfd = memfd_create("ivlab-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memfd < 0)
		return -errno;
	if (ftruncate(memfd, STATS_PAGE_LEN) ||
	    fcntl(memfd, F_ADD_SEALS, seals)) {
		err = -errno;
		goto fail;
	}
	err = page_map(out, memfd);
	if (err)
		goto fail;
	(*out)->magic = STATS_MAGIC;
	(*out)->version = STATS_VERSION;
	store_relaxed(&(*out)->peer_id, UINT32_MAX);
	store_relaxed(&(*out)->kvm_exits, UINT64_MAX);
	*fd = memfd;
	return 0;

fail:
	close(memfd);
	return err;
}

int stats_map(struct stats **out, int fd)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size != STATS_PAGE_LEN)
		return -EINVAL;
	err = page_map(out, fd);
	if (err)
		return err;
	if ((*out)->magic == STATS_MAGIC && (*out)->version == STATS_VERSION)
		return 0;
	stats_unmap(*out);
	*out = NULL;
	return -EINVAL;
}

void stats_unmap(struct stats *stats)
{
	if (stats)
		munmap(stats, STATS_PAGE_LEN);
}

static uint32_t reports_nr(const struct stats *stats)
{
	uint32_t nr = load_acquire(&stats->reports_nr); /* [STATS-REPORT] */

	return nr < STATS_REPORTS_MAX ? nr : STATS_REPORTS_MAX;
}

int stats_report_set(struct stats *stats, const char *key, uint64_t value)
{
	uint32_t i, nr = reports_nr(stats);

	for (i = 0; i < nr; i++)
		if (!strncmp(stats->reports[i].key, key, BARE_KEY_LEN))
			break;
	if (i == STATS_REPORTS_MAX)
		return -ENOSPC;
	store_relaxed(&stats->reports[i].value, value);
	if (i < nr)
		return 0;
	strncpy(stats->reports[i].key, key, BARE_KEY_LEN - 1);
	/* [STATS-REPORT] the key is whole before the reader may look at it;
	 * pairs with reports_nr(). */
	store_release(&stats->reports_nr, nr + 1);
	return 0;
}

uint64_t stats_report_get(const struct stats *stats, const char *key,
			  uint64_t otherwise)
{
	uint32_t nr = reports_nr(stats);

	for (uint32_t i = 0; i < nr; i++)
		if (!strncmp(stats->reports[i].key, key, BARE_KEY_LEN))
			return load_relaxed(&stats->reports[i].value);
	return otherwise;
}

uint64_t stats_exits(const struct stats *stats)
{
	uint64_t sum = 0;

	for (int i = 0; i < STATS_EXIT_NR; i++)
		sum += load_relaxed(&stats->exits[i]);
	return sum;
}

uint64_t stats_cpu_ns(const struct stats *stats)
{
	uint64_t sum = 0;

	for (int i = 0; i < BARE_CPUS_MAX; i++)
		sum += load_relaxed(&stats->cpu_ns[i]);
	return sum;
}

const char *stats_end_name(enum stats_end end)
{
	static const char *const names[] = {
		[STATS_END_NONE] = "vanished",
		[STATS_END_EXIT] = "exited",
		[STATS_END_FAULT] = "faulted",
		[STATS_END_SHUTDOWN] = "shut down (triple fault)",
		[STATS_END_KVM] = "KVM error",
		[STATS_END_STOPPED] = "stopped",
		[STATS_END_HALTED] = "halted for ever",
	};

	if ((unsigned int)end >= sizeof(names) / sizeof(*names))
		return "unknown";
	return names[end];
}
