/* SPDX-License-Identifier: MIT */
/* test_virtqueue.c - does every allowed layout arrive, and no other? */
#include "vmm/devices/virtqueue.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/harness.h"
#include "tests/unit/virtq_room.h"

#define LEN  8u
#define NEXT VIRTQ_DESC_F_NEXT
#define WR   VIRTQ_DESC_F_WRITE
#define IND  VIRTQ_DESC_F_INDIRECT
#define BUF  VIRTQ_BUF_GPA

struct rig {
	struct virtq_room room;
	struct virtqueue queue;
	struct virtqueue_chain chain;
};

static struct virtqueue_place good_place(void)
{
	return (struct virtqueue_place){
		.len = LEN,
		.desc_gpa = VIRTQ_DESC_GPA,
		.avail_gpa = VIRTQ_AVAIL_GPA,
		.used_gpa = VIRTQ_USED_GPA,
		.features = VIRTIO_F_INDIRECT_DESC,
	};
}

static void rig_init_with(struct rig *rig, uint16_t len, uint64_t features)
{
	struct virtqueue_place place = good_place();

	place.len = len;
	place.features = features;
	memset(rig, 0, sizeof(*rig));
	virtq_room_init(&rig->room, len);
	CU_ASSERT_EQUAL_FATAL(
		virtqueue_start(&rig->queue, &rig->room.memory, &place), 0);
}

static void rig_init(struct rig *rig)
{
	rig_init_with(rig, LEN, VIRTIO_F_INDIRECT_DESC);
}

static void rig_done(struct rig *rig)
{
	virtqueue_stop(&rig->queue);
	virtq_room_done(&rig->room);
}

static int take(struct rig *rig)
{
	return virtqueue_take(&rig->queue, &rig->chain);
}

static bool piece_is(struct rig *rig, uint32_t nr, uint64_t gpa, uint32_t len)
{
	return rig->chain.iov[nr].iov_base == virtq_at(&rig->room, gpa) &&
	       rig->chain.iov[nr].iov_len == len;
}

static bool is_fault(const struct virtqueue *queue, const char *fault)
{
	return queue->fault && strcmp(queue->fault, fault) == 0;
}

/* The queue says so, and goes on saying so. */
static void expect_fault(struct rig *rig, int err, const char *fault)
{
	CU_ASSERT_EQUAL(take(rig), err);
	CU_ASSERT_TRUE(is_fault(&rig->queue, fault));
	CU_ASSERT_EQUAL(take(rig), -EPROTO);
	/* Nothing is told to the driver of a broken queue. */
	virtqueue_give(&rig->queue, 0, 1);
	CU_ASSERT_EQUAL(virtq_used(&rig->room)->idx, 0);
	CU_ASSERT_FALSE(virtqueue_wants_interrupt(&rig->queue));
	CU_ASSERT_FALSE(virtqueue_kicks_on(&rig->queue));
	rig_done(rig);
}

/* --- starting ------------------------------------------------------------- */

static void start_expect(struct virtqueue_place place, int err,
			 const char *fault)
{
	struct virtq_room room;
	struct virtqueue queue;

	virtq_room_init(&room, LEN);
	CU_ASSERT_EQUAL(virtqueue_start(&queue, &room.memory, &place), err);
	CU_ASSERT_TRUE(is_fault(&queue, fault));
	virtq_room_done(&room);
}

static void size_that_is_no_power_of_two_in_range_is_einval(void)
{
	static const uint16_t lens[] = { 0, 3, 9, 255, 512, 0x8000, 0xffff };

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct virtqueue_place place = good_place();

		place.len = lens[i];
		start_expect(place, -EINVAL, "queue size");
	}
}

static void part_that_is_not_aligned_is_einval(void)
{
	struct virtqueue_place place = good_place();

	place.desc_gpa += 8;
	start_expect(place, -EINVAL, "queue alignment");
	place = good_place();
	place.avail_gpa += 1;
	start_expect(place, -EINVAL, "queue alignment");
	place = good_place();
	place.used_gpa += 2;
	start_expect(place, -EINVAL, "queue alignment");
}

static void part_outside_of_ram_is_efault(void)
{
	struct virtqueue_place place = good_place();

	place.desc_gpa = VIRTQ_RAM_LEN - VIRTQ_DESC_LEN(LEN) + 16;
	start_expect(place, -EFAULT, "queue outside of RAM");
	place = good_place();
	place.avail_gpa = VIRTQ_RAM_LEN - VIRTQ_AVAIL_LEN(LEN) + 2;
	start_expect(place, -EFAULT, "queue outside of RAM");
	place = good_place();
	place.used_gpa = UINT64_MAX - 3;
	start_expect(place, -EFAULT, "queue outside of RAM");
}

static void queue_at_the_very_end_of_ram_starts(void)
{
	struct virtqueue_place place = good_place();
	struct virtq_room room;
	struct virtqueue queue;

	virtq_room_init(&room, LEN);
	place.desc_gpa = VIRTQ_RAM_LEN - VIRTQ_DESC_LEN(LEN);
	CU_ASSERT_EQUAL(virtqueue_start(&queue, &room.memory, &place), 0);
	virtq_room_done(&room);
}

static void queue_that_is_not_started_has_nothing(void)
{
	struct virtqueue queue = { 0 };
	struct virtqueue_chain chain;

	CU_ASSERT_EQUAL(virtqueue_take(&queue, &chain), 0);
	CU_ASSERT_FALSE(virtqueue_wants_interrupt(&queue));
	virtqueue_kicks_off(&queue);
	CU_ASSERT_FALSE(virtqueue_kicks_on(&queue));
	virtqueue_give(&queue, 0, 0);
}

/* --- layouts -------------------------------------------------------------- */

static void chain_of_reads_then_writes_arrives_in_order(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(take(&rig), 0);
	virtq_put(&rig.room, 5, BUF, 7, NEXT, 0);
	virtq_put(&rig.room, 0, BUF + 0x100, 16, NEXT, 7);
	virtq_put(&rig.room, 7, BUF + 0x200, 4096, NEXT | WR, 2);
	virtq_put(&rig.room, 2, VIRTQ_RAM_LEN - 1, 1, WR, 5);
	virtq_offer(&rig.room, 5);
	CU_ASSERT_EQUAL(take(&rig), 1);
	CU_ASSERT_EQUAL(rig.chain.head, 5);
	CU_ASSERT_EQUAL(rig.chain.read_nr, 2);
	CU_ASSERT_EQUAL(rig.chain.read_len, 23);
	CU_ASSERT_EQUAL(rig.chain.write_nr, 2);
	CU_ASSERT_EQUAL(rig.chain.write_len, 4097);
	CU_ASSERT_TRUE(piece_is(&rig, 0, BUF, 7));
	CU_ASSERT_TRUE(piece_is(&rig, 1, BUF + 0x100, 16));
	CU_ASSERT_TRUE(piece_is(&rig, 2, BUF + 0x200, 4096));
	CU_ASSERT_TRUE(piece_is(&rig, 3, VIRTQ_RAM_LEN - 1, 1));
	CU_ASSERT_EQUAL(take(&rig), 0);
	rig_done(&rig);
}

/* 2.7.5.3.2: WRITE of the entry itself means nothing. */
static void indirect_table_arrives(void)
{
	/* The second is not aligned, which nothing forbids. */
	static const uint64_t gpas[] = { VIRTQ_TABLE_GPA, VIRTQ_TABLE_GPA + 3 };

	for (int i = 0; i < 2; i++) {
		struct rig rig;

		rig_init(&rig);
		virtq_put_at(&rig.room, gpas[i], 0,
			     (struct virtq_desc){ BUF, 23, NEXT, 2 });
		virtq_put_at(&rig.room, gpas[i], 2,
			     (struct virtq_desc){ BUF + 64, 11, WR, 0 });
		virtq_put(&rig.room, 1, gpas[i], 48, IND | WR, 0);
		virtq_offer(&rig.room, 1);
		CU_ASSERT_EQUAL(take(&rig), 1);
		CU_ASSERT_EQUAL(rig.chain.head, 1);
		CU_ASSERT_EQUAL(rig.chain.read_nr, 1);
		CU_ASSERT_EQUAL(rig.chain.write_nr, 1);
		CU_ASSERT_TRUE(piece_is(&rig, 0, BUF, 23));
		CU_ASSERT_TRUE(piece_is(&rig, 1, BUF + 64, 11));
		rig_done(&rig);
	}
}

static void chain_that_ends_in_an_indirect_table_arrives(void)
{
	struct rig rig;

	rig_init(&rig);
	virtq_put(&rig.room, 3, BUF, 5, NEXT, 4);
	virtq_put(&rig.room, 4, VIRTQ_TABLE_GPA, 16, IND, 0);
	virtq_put_at(&rig.room, VIRTQ_TABLE_GPA, 0,
		     (struct virtq_desc){ BUF + 8, 9, WR, 0 });
	virtq_offer(&rig.room, 3);
	CU_ASSERT_EQUAL(take(&rig), 1);
	CU_ASSERT_TRUE(piece_is(&rig, 0, BUF, 5));
	CU_ASSERT_TRUE(piece_is(&rig, 1, BUF + 8, 9));
	rig_done(&rig);
}

static void longest_indirect_chain_arrives_and_one_more_does_not(void)
{
	struct rig rig;

	for (uint32_t nr = VIRTQUEUE_LEN_MAX; nr <= VIRTQUEUE_LEN_MAX + 1;
	     nr++) {
		rig_init(&rig);
		for (uint32_t i = 0; i < nr; i++)
			virtq_put_at(&rig.room, VIRTQ_TABLE_GPA, i,
				     (struct virtq_desc){ BUF, 1,
							  i + 1 < nr ? NEXT : 0,
							  (uint16_t)(i + 1) });
		virtq_put(&rig.room, 0, VIRTQ_TABLE_GPA, nr * 16, IND, 0);
		virtq_offer(&rig.room, 0);
		if (nr > VIRTQUEUE_LEN_MAX) {
			expect_fault(&rig, -EPROTO, "chain too long");
			break;
		}
		CU_ASSERT_EQUAL(take(&rig), 1);
		CU_ASSERT_EQUAL(rig.chain.read_nr, VIRTQUEUE_LEN_MAX);
		rig_done(&rig);
	}
}

static void empty_piece_is_left_out(void)
{
	struct rig rig;

	rig_init(&rig);
	virtq_put(&rig.room, 0, BUF, 0, NEXT, 1);
	virtq_put(&rig.room, 1, BUF, 4, 0, 0);
	virtq_offer(&rig.room, 0);
	CU_ASSERT_EQUAL(take(&rig), 1);
	CU_ASSERT_EQUAL(rig.chain.read_nr, 1);
	CU_ASSERT_TRUE(piece_is(&rig, 0, BUF, 4));
	rig_done(&rig);
}

/* --- rules ---------------------------------------------------------------- */

struct bad_desc {
	struct virtq_desc desc[2];
	int err;
	const char *fault;
};

static void descriptor_that_breaks_a_rule_breaks_the_queue(void)
{
	static const struct bad_desc cases[] = {
		{ { { BUF, 1, NEXT, LEN } }, -EPROTO, "descriptor index" },
		{ { { BUF, 1, NEXT, 0xffff } }, -EPROTO, "descriptor index" },
		{ { { BUF, 1, NEXT, 0 } }, -EPROTO, "chain too long" },
		{ { { BUF, 1, NEXT, 1 }, { BUF, 1, NEXT, 0 } },
		  -EPROTO,
		  "chain too long" },
		{ { { BUF, 1, NEXT | WR, 1 }, { BUF, 1, 0, 0 } },
		  -EPROTO,
		  "readable after writable" },
		{ { { VIRTQ_RAM_LEN, 1, 0, 0 } },
		  -EFAULT,
		  "buffer outside of RAM" },
		{ { { VIRTQ_RAM_LEN - 1, 2, WR, 0 } },
		  -EFAULT,
		  "buffer outside of RAM" },
		{ { { UINT64_MAX, 2, 0, 0 } },
		  -EFAULT,
		  "buffer outside of RAM" },
		{ { { BUF, UINT32_MAX, 0, 0 } },
		  -EFAULT,
		  "buffer outside of RAM" },
		{ { { VIRTQ_RAM_LEN + 1, 0, 0, 0 } },
		  -EFAULT,
		  "buffer outside of RAM" },
		{ { { BUF, 16, IND | NEXT, 1 } },
		  -EPROTO,
		  "indirect with next" },
		{ { { BUF, 0, IND, 0 } }, -EPROTO, "indirect table length" },
		{ { { BUF, 15, IND, 0 } }, -EPROTO, "indirect table length" },
		{ { { BUF, 0x100010, IND, 0 } },
		  -EPROTO,
		  "indirect table length" },
		{ { { VIRTQ_RAM_LEN - 16, 32, IND, 0 } },
		  -EFAULT,
		  "indirect table outside of RAM" },
		{ { { UINT64_MAX - 15, 16, IND, 0 } },
		  -EFAULT,
		  "indirect table outside of RAM" },
		/* The table is the queue's own: its first entry is itself. */
		{ { { VIRTQ_DESC_GPA, 16, IND, 0 } },
		  -EPROTO,
		  "indirect inside indirect" },
		{ { { VIRTQ_DESC_GPA + 16, 16, IND, 0 }, { BUF, 1, NEXT, 1 } },
		  -EPROTO,
		  "descriptor index" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rig rig;

		rig_init(&rig);
		virtq_put_at(&rig.room, VIRTQ_DESC_GPA, 0, cases[i].desc[0]);
		virtq_put_at(&rig.room, VIRTQ_DESC_GPA, 1, cases[i].desc[1]);
		virtq_offer(&rig.room, 0);
		expect_fault(&rig, cases[i].err, cases[i].fault);
	}
}

static void indirect_table_without_the_feature_breaks_the_queue(void)
{
	struct rig rig;

	rig_init_with(&rig, LEN, 0);
	virtq_put(&rig.room, 0, VIRTQ_TABLE_GPA, 16, IND, 0);
	virtq_offer(&rig.room, 0);
	expect_fault(&rig, -EPROTO, "indirect without the feature");
}

static void chain_that_sums_up_beyond_4_gib_breaks_the_queue(void)
{
	static struct virtqueue_chain chain;
	struct virtqueue_place place = good_place();
	struct virtqueue queue;
	/* Never touched: only the sizes count. */
	struct memory memory = { guarded_map(VIRTQ_RAM_LEN), 0xc0000000 };
	struct virtq_room room = { .memory = memory, .len = LEN };

	CU_ASSERT_EQUAL_FATAL(virtqueue_start(&queue, &memory, &place), 0);
	virtq_put(&room, 0, 0, 0xc0000000, NEXT, 1);
	virtq_put(&room, 1, 0, 0x40000000, WR, 0);
	virtq_offer(&room, 0);
	CU_ASSERT_EQUAL(virtqueue_take(&queue, &chain), -EPROTO);
	CU_ASSERT_TRUE(is_fault(&queue, "chain longer than 4 GiB"));
	guarded_unmap(memory.hva, VIRTQ_RAM_LEN);
}

static void available_index_too_far_ahead_breaks_the_queue(void)
{
	struct rig rig;

	rig_init(&rig);
	virtq_avail(&rig.room)->idx = LEN + 1;
	expect_fault(&rig, -EPROTO, "available index");
}

static void available_index_that_runs_back_breaks_the_queue(void)
{
	struct rig rig;

	rig_init(&rig);
	virtq_put(&rig.room, 0, BUF, 1, 0, 0);
	virtq_offer(&rig.room, 0);
	CU_ASSERT_EQUAL(take(&rig), 1);
	virtq_avail(&rig.room)->idx = 0;
	expect_fault(&rig, -EPROTO, "available index");
}

static void available_entry_beyond_the_table_breaks_the_queue(void)
{
	struct rig rig;

	rig_init(&rig);
	virtq_offer(&rig.room, LEN);
	expect_fault(&rig, -EPROTO, "available entry");
}

static void head_that_is_already_out_breaks_the_queue(void)
{
	struct rig rig;

	rig_init(&rig);
	virtq_put(&rig.room, 3, BUF, 1, 0, 0);
	virtq_offer(&rig.room, 3);
	virtq_offer(&rig.room, 3);
	CU_ASSERT_EQUAL(take(&rig), 1);
	expect_fault(&rig, -EPROTO, "buffer is in use");
}

/* --- giving back ---------------------------------------------------------- */

static void chains_come_back_in_any_order_with_their_lengths(void)
{
	struct rig rig;
	uint32_t head = 99;

	rig_init(&rig);
	for (uint16_t i = 0; i < 3; i++) {
		virtq_put(&rig.room, i, BUF, 8, WR, 0);
		virtq_offer(&rig.room, i);
	}
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(take(&rig), 1);
	virtqueue_give(&rig.queue, 2, 8);
	virtqueue_give(&rig.queue, 0, 0);
	CU_ASSERT_EQUAL(virtq_back(&rig.room, &head), 8);
	CU_ASSERT_EQUAL(head, 2);
	CU_ASSERT_EQUAL(virtq_back(&rig.room, &head), 0);
	CU_ASSERT_EQUAL(head, 0);
	CU_ASSERT_EQUAL(virtq_back(&rig.room, &head), -1);
	/* Back means free to offer again. */
	virtq_offer(&rig.room, 2);
	CU_ASSERT_EQUAL(take(&rig), 1);
	rig_done(&rig);
}

static void indices_wrap_at_65536(void)
{
	static const uint64_t features[] = { 0, VIRTIO_F_EVENT_IDX };
	uint32_t head;

	for (int i = 0; i < 2; i++) {
		struct rig rig;

		rig_init_with(&rig, LEN, features[i]);
		virtq_put(&rig.room, 0, BUF, 1, WR, 0);
		for (uint32_t n = 0; n < 65536 + 2 * LEN; n++) {
			*virtq_used_event(&rig.room) = (uint16_t)n;
			virtq_offer(&rig.room, 0);
			if (take(&rig) != 1)
				break;
			virtqueue_give(&rig.queue, 0, 1);
			if (!virtqueue_wants_interrupt(&rig.queue) ||
			    virtq_back(&rig.room, &head) != 1)
				break;
		}
		CU_ASSERT_EQUAL(rig.queue.avail_idx, 2 * LEN);
		CU_ASSERT_EQUAL(rig.room.seen_idx, 2 * LEN);
		rig_done(&rig);
	}
}

static void give_n(struct rig *rig, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		virtq_offer(&rig->room, 0);
		CU_ASSERT_EQUAL(take(rig), 1);
		virtqueue_give(&rig->queue, 0, 0);
	}
}

static void interrupt_is_asked_for_by_the_flag(void)
{
	struct rig rig;

	rig_init(&rig);
	virtq_put(&rig.room, 0, BUF, 1, WR, 0);
	CU_ASSERT_FALSE(virtqueue_wants_interrupt(&rig.queue));
	give_n(&rig, 1);
	CU_ASSERT_TRUE(virtqueue_wants_interrupt(&rig.queue));
	CU_ASSERT_FALSE(virtqueue_wants_interrupt(&rig.queue));
	virtq_avail(&rig.room)->flags = VIRTQ_AVAIL_F_NO_INTERRUPT;
	give_n(&rig, 1);
	CU_ASSERT_FALSE(virtqueue_wants_interrupt(&rig.queue));
	rig_done(&rig);
}

static void interrupt_is_asked_for_by_the_event_index(void)
{
	struct rig rig;

	rig_init_with(&rig, LEN, VIRTIO_F_EVENT_IDX);
	virtq_put(&rig.room, 0, BUF, 1, WR, 0);
	/* The flag means nothing then (2.7.7.1). */
	virtq_avail(&rig.room)->flags = VIRTQ_AVAIL_F_NO_INTERRUPT;
	*virtq_used_event(&rig.room) = 2;
	give_n(&rig, 2);
	CU_ASSERT_FALSE(virtqueue_wants_interrupt(&rig.queue));
	give_n(&rig, 1);
	CU_ASSERT_TRUE(virtqueue_wants_interrupt(&rig.queue));
	give_n(&rig, 1);
	CU_ASSERT_FALSE(virtqueue_wants_interrupt(&rig.queue));
	/* Stepped over in one go. */
	*virtq_used_event(&rig.room) = 5;
	give_n(&rig, 3);
	CU_ASSERT_TRUE(virtqueue_wants_interrupt(&rig.queue));
	rig_done(&rig);
}

static void kicks_are_asked_for_by_flag_or_event_index(void)
{
	struct rig rig;

	rig_init(&rig);
	virtqueue_kicks_off(&rig.queue);
	CU_ASSERT_EQUAL(virtq_used(&rig.room)->flags, VIRTQ_USED_F_NO_NOTIFY);
	CU_ASSERT_FALSE(virtqueue_kicks_on(&rig.queue));
	CU_ASSERT_EQUAL(virtq_used(&rig.room)->flags, 0);
	rig_done(&rig);

	rig_init_with(&rig, LEN, VIRTIO_F_EVENT_IDX);
	virtq_put(&rig.room, 0, BUF, 1, WR, 0);
	give_n(&rig, 3);
	virtqueue_kicks_off(&rig.queue);
	CU_ASSERT_FALSE(virtqueue_kicks_on(&rig.queue));
	CU_ASSERT_EQUAL(virtq_used(&rig.room)->flags, 0);
	CU_ASSERT_EQUAL(*virtq_avail_event(&rig.room), 3);
	rig_done(&rig);
}

static void what_came_before_kicks_were_on_is_told(void)
{
	static const uint64_t features[] = { 0, VIRTIO_F_EVENT_IDX };

	for (int i = 0; i < 2; i++) {
		struct rig rig;

		rig_init_with(&rig, LEN, features[i]);
		virtqueue_kicks_off(&rig.queue);
		CU_ASSERT_EQUAL(take(&rig), 0);
		virtq_put(&rig.room, 0, BUF, 1, WR, 0);
		virtq_offer(&rig.room, 0);
		CU_ASSERT_TRUE(virtqueue_kicks_on(&rig.queue));
		rig_done(&rig);
	}
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(size_that_is_no_power_of_two_in_range_is_einval),
	TEST(part_that_is_not_aligned_is_einval),
	TEST(part_outside_of_ram_is_efault),
	TEST(queue_at_the_very_end_of_ram_starts),
	TEST(queue_that_is_not_started_has_nothing),
	TEST(chain_of_reads_then_writes_arrives_in_order),
	TEST(indirect_table_arrives),
	TEST(chain_that_ends_in_an_indirect_table_arrives),
	TEST(longest_indirect_chain_arrives_and_one_more_does_not),
	TEST(empty_piece_is_left_out),
	TEST(descriptor_that_breaks_a_rule_breaks_the_queue),
	TEST(indirect_table_without_the_feature_breaks_the_queue),
	TEST(chain_that_sums_up_beyond_4_gib_breaks_the_queue),
	TEST(available_index_too_far_ahead_breaks_the_queue),
	TEST(available_index_that_runs_back_breaks_the_queue),
	TEST(available_entry_beyond_the_table_breaks_the_queue),
	TEST(head_that_is_already_out_breaks_the_queue),
	TEST(chains_come_back_in_any_order_with_their_lengths),
	TEST(indices_wrap_at_65536),
	TEST(interrupt_is_asked_for_by_the_flag),
	TEST(interrupt_is_asked_for_by_the_event_index),
	TEST(kicks_are_asked_for_by_flag_or_event_index),
	TEST(what_came_before_kicks_were_on_is_told),
};
UNIT_MAIN("virtqueue", tests)
