/* SPDX-License-Identifier: MIT */
/* fuzz_virtqueue.c - can a driver make the device's side of a queue touch
 * what is not its memory, loop, or give back what it did not take? */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/steps.h"
#include "tests/unit/guarded.h"
#include "vmm/devices/virtqueue.h"

/* Small, so that wild values often hit. Its neighbours may not be touched. */
#define RAM_LEN	  0x4000u
#define DESC_OFF  0x0000u
#define AVAIL_OFF 0x1000u
#define USED_OFF  0x2000u
#define ROOM_OFF  0x3000u

enum op {
	OP_START,      /* arg: 2 bits length, features; off: adds to a part */
	OP_DESC,       /* number arg: value is address / 16 and length */
	OP_DESC_FLAGS, /* number arg: off is flags and next */
	OP_OFFER,      /* head arg */
	OP_STORE,      /* value, anywhere */
	OP_TAKE,
	OP_GIVE, /* the arg-th that is out */
	OP_KICKS,
	OP_STOP,
	OP_NR,
};

struct world {
	struct memory memory;
	struct virtqueue queue;
	struct virtqueue_chain chain;
	uint16_t out[VIRTQUEUE_LEN_MAX];
	uint32_t out_nr;
	uint16_t avail_idx;
};

static struct world world;

static void *at(uint32_t off)
{
	return world.memory.hva + off;
}

static void start(const struct step *step)
{
	struct virtqueue_place place = {
		.len = (uint16_t)(4u << (step->arg & 3)),
		.desc_gpa = DESC_OFF,
		.avail_gpa = AVAIL_OFF,
		.used_gpa = USED_OFF,
	};
	uint64_t *parts[] = { &place.desc_gpa, &place.avail_gpa,
			      &place.used_gpa };
	int err;

	if (step->arg & 4)
		place.features |= VIRTIO_F_INDIRECT_DESC;
	if (step->arg & 8)
		place.features |= VIRTIO_F_EVENT_IDX;
	if (step->arg & 16)
		place.len = (uint16_t)step->value;
	*parts[step->arg % 3] += step->arg & 32 ? UINT64_MAX << 6 : 0;
	*parts[step->arg % 3] += step->off;
	world.out_nr = 0;
	world.avail_idx = 0;
	err = virtqueue_start(&world.queue, &world.memory, &place);
	FUZZ_CHECK(err == 0 || err == -EINVAL || err == -EFAULT);
	FUZZ_CHECK(!err == !world.queue.fault && !err == !!world.queue.len);
	if (!err)
		memset(world.queue.avail, 0, 4);
}

static void check_chain(void)
{
	const struct virtqueue_chain *chain = &world.chain;
	uint64_t lens[2] = { 0, 0 };

	FUZZ_CHECK(chain->head < world.queue.len);
	FUZZ_CHECK(chain->read_nr + chain->write_nr <= VIRTQUEUE_LEN_MAX);
	for (uint32_t i = 0; i < chain->read_nr + chain->write_nr; i++) {
		const struct iovec *iov = &chain->iov[i];
		uint64_t off =
			(uint64_t)((uint8_t *)iov->iov_base - world.memory.hva);

		FUZZ_CHECK(iov->iov_len && iov->iov_len <= RAM_LEN &&
			   off <= RAM_LEN - iov->iov_len);
		lens[i >= chain->read_nr] += iov->iov_len;
	}
	FUZZ_CHECK(lens[0] == chain->read_len && lens[1] == chain->write_len);
	for (uint32_t i = 0; i < world.out_nr; i++)
		FUZZ_CHECK(world.out[i] != chain->head);
}

static void take(void)
{
	bool was_broken = world.queue.fault;
	int ret = virtqueue_take(&world.queue, &world.chain);

	FUZZ_CHECK(ret == 1 || ret == 0 || ret == -EPROTO || ret == -EFAULT);
	FUZZ_CHECK(!was_broken || ret == -EPROTO);
	FUZZ_CHECK((ret < 0) == !!world.queue.fault);
	if (ret != 1)
		return;
	check_chain();
	FUZZ_CHECK(world.out_nr < world.queue.len);
	world.out[world.out_nr++] = world.chain.head;
}

static void give(const struct step *step)
{
	uint32_t nr = world.out_nr ? step->arg % world.out_nr : 0;

	if (!world.out_nr)
		return;
	virtqueue_give(&world.queue, world.out[nr], step->value);
	world.out[nr] = world.out[--world.out_nr];
}

static void offer(const struct step *step)
{
	struct virtq_avail *avail = world.queue.avail;

	if (!world.queue.len)
		return;
	avail->ring[world.avail_idx & (world.queue.len - 1)] = step->arg;
	avail->idx = ++world.avail_idx;
}

static void run(const struct step *step)
{
	uint8_t *desc = at(DESC_OFF + 16u * step->arg);
	uint64_t addr = step->value >> 12;
	uint32_t len = step->value & 0xfff;

	switch (step->op % OP_NR) {
	case OP_START:
		start(step);
		break;
	case OP_DESC:
		memcpy(desc, &addr, sizeof(addr));
		memcpy(desc + 8, &len, sizeof(len));
		break;
	case OP_DESC_FLAGS:
		desc[12] = step->off & 7;
		desc[14] = (uint8_t)(step->off >> 8);
		break;
	case OP_OFFER:
		offer(step);
		break;
	case OP_STORE:
		memcpy(at(step->off % (RAM_LEN - 4)), &step->value, 4);
		break;
	case OP_TAKE:
		take();
		break;
	case OP_GIVE:
		give(step);
		break;
	case OP_KICKS:
		(void)virtqueue_wants_interrupt(&world.queue);
		virtqueue_kicks_off(&world.queue);
		(void)virtqueue_kicks_on(&world.queue);
		break;
	case OP_STOP:
		virtqueue_stop(&world.queue);
		world.out_nr = 0;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct steps steps = steps_of(data, len);
	struct step step;

	if (!world.memory.hva)
		world.memory = (struct memory){ guarded_map(RAM_LEN), RAM_LEN };
	memset(world.memory.hva, 0, RAM_LEN);
	virtqueue_stop(&world.queue);
	world.out_nr = 0;
	start(&(struct step){ .arg = 4 | 1 });
	while (steps_next(&steps, &step))
		run(&step);
	return 0;
}

/* --- seeds ---------------------------------------------------------------- */

#define DESC(nr, addr, len)                                    \
	{                                                      \
		OP_DESC, nr, 0, (uint32_t)(addr) << 12 | (len) \
	}
#define FLAGS(nr, flags, next)                              \
	{                                                   \
		OP_DESC_FLAGS, nr, (next) << 8 | (flags), 0 \
	}
#define OFFER(head)                  \
	{                            \
		OP_OFFER, head, 0, 0 \
	}
#define TAKE                     \
	{                        \
		OP_TAKE, 0, 0, 0 \
	}
#define GIVE                      \
	{                         \
		OP_GIVE, 0, 0, 64 \
	}
#define KICKS                     \
	{                         \
		OP_KICKS, 0, 0, 0 \
	}

static const struct steps_seed seeds[] = {
	{ "chain_there_and_back",
	  9,
	  { DESC(0, ROOM_OFF, 64), FLAGS(0, VIRTQ_DESC_F_NEXT, 1),
	    DESC(1, ROOM_OFF + 64, 64), FLAGS(1, VIRTQ_DESC_F_WRITE, 0),
	    OFFER(0), TAKE, GIVE, KICKS, TAKE } },
	{ "indirect_table",
	  6,
	  { DESC(2, DESC_OFF + 64, 32), FLAGS(2, VIRTQ_DESC_F_INDIRECT, 0),
	    DESC(4, ROOM_OFF, 8), FLAGS(4, VIRTQ_DESC_F_NEXT, 1), OFFER(2),
	    TAKE } },
	{ "loop",
	  4,
	  { DESC(0, ROOM_OFF, 1), FLAGS(0, VIRTQ_DESC_F_NEXT, 0), OFFER(0),
	    TAKE } },
	{ "out_of_ram", 3, { DESC(0, RAM_LEN, 1), OFFER(0), TAKE } },
	{ "same_head_twice",
	  5,
	  { DESC(0, ROOM_OFF, 1), OFFER(0), OFFER(0), TAKE, TAKE } },
	{ "events",
	  8,
	  { { OP_START, 8 | 4 | 2, 0, 0 },
	    DESC(0, ROOM_OFF, 9),
	    FLAGS(0, VIRTQ_DESC_F_WRITE, 0),
	    OFFER(0),
	    TAKE,
	    GIVE,
	    KICKS,
	    { OP_STOP, 0, 0, 0 } } },
	{ "index_too_far",
	  2,
	  { { OP_STORE, 0, AVAIL_OFF, 0x7fff0000 }, TAKE } },
	{ "parts_elsewhere",
	  4,
	  { { OP_START, 4, RAM_LEN - 64, 0 },
	    { OP_START, 5, 1, 0 },
	    { OP_START, 16, 0, 3 },
	    { OP_START, 32 | 2, 0, 0 } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	return nr < sizeof(seeds) / sizeof(*seeds) &&
	       steps_seed(seed, &seeds[nr]);
}
