/* SPDX-License-Identifier: MIT */
/*
 * virtio_liar.c - breaks the rules of a virtqueue, one after the other, on the
 * share named "data": each time the device has to ask for a reset, and to work
 * after it.
 */
#include "guests/driver/files.h"
#include "guests/runtime/runtime.h"
#include "shm/atomic.h"
#include "shm/err.h"
#include "tests/guest/check.h"

#define LONG_NS 60000000000ull
#define OWN_GPA 0x200000u /* stands for memory of ours */

static struct files files;
static uint8_t reply[64];

struct lie {
	const char *name;
	struct virtq_desc desc[2];
	uint16_t head, ahead;
	uint32_t size; /* of the message */
};

static const struct lie lies[] = {
	{ "an address outside of RAM",
	  { { UINT64_MAX - 8, 64, 0, 0 } },
	  0,
	  1,
	  0 },
	{ "a length outside of RAM",
	  { { OWN_GPA, UINT32_MAX, 0, 0 } },
	  0,
	  1,
	  0 },
	{ "a loop", { { OWN_GPA, 7, VIRTQ_DESC_F_NEXT, 0 } }, 0, 1, 0 },
	{ "a descriptor that is not there",
	  { { OWN_GPA, 7, VIRTQ_DESC_F_NEXT, VIRTIO_9P_QUEUE_LEN } },
	  0,
	  1,
	  0 },
	{ "an indirect table without the feature",
	  { { OWN_GPA, 16, VIRTQ_DESC_F_INDIRECT, 0 } },
	  0,
	  1,
	  0 },
	{ "an entry that is no descriptor",
	  { { 0 } },
	  VIRTIO_9P_QUEUE_LEN,
	  1,
	  0 },
	{ "an index too far ahead", { { 0 } }, 0, VIRTIO_9P_QUEUE_LEN + 1, 0 },
	{ "no room for a reply", { { OWN_GPA, 7, 0, 0 } }, 0, 1, 7 },
	{ "a size beyond the buffer",
	  { { OWN_GPA, 7, VIRTQ_DESC_F_NEXT, 1 },
	    { OWN_GPA, 64, VIRTQ_DESC_F_WRITE, 0 } },
	  0,
	  1,
	  UINT32_MAX },
};

static void tell(const struct lie *lie)
{
	struct virtio_9p *virtio = &files.client.virtio;
	struct virtq_avail *avail = (void *)virtio->rings.avail;
	static uint32_t message[2];

	message[0] = lie->size;
	for (int i = 0; i < 2; i++) {
		virtio->rings.desc[i] = lie->desc[i];
		if (lie->desc[i].addr != OWN_GPA)
			continue;
		virtio->rings.desc[i].addr = lie->desc[i].flags &
							     VIRTQ_DESC_F_WRITE
						     ? (uintptr_t)reply
						     : (uintptr_t)message;
	}
	avail->ring[virtio->avail_idx % VIRTIO_9P_QUEUE_LEN] = lie->head;
	store_release(&avail->idx, (uint16_t)(virtio->avail_idx + lie->ahead));
	*virtio->doorbell = VIRTIO_9P_QUEUE_REQUESTS;
}

static void try(const struct lie *lie)
{
	uint32_t slot, len;

	if (files_mount(&files, "data")) {
		check(false, "the share is there");
		return;
	}
	tell(lie);
	check_equal((uint64_t)virtio_9p_receive(&files.client.virtio, LONG_NS,
						&slot, &len),
		    (uint64_t)-SHM_EIO, lie->name);
	virtio_9p_close(&files.client.virtio);
}

int app_main(int argc, char **argv)
{
	struct files_stat stat;

	(void)argc;
	(void)argv;
	for (uint32_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		try(&lies[i]);
	check(!files_mount(&files, "data"), "it works again after all that");
	check(!files_stat(&files, "hello", &stat), "and serves files");
	return (int)checks_failed;
}
