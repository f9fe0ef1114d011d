/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* test_virtio_9p.c - do requests reach a server whole, and replies the guest,
 * whatever either of them does? */
#include "vmm/devices/virtio_9p.h"

#include <errno.h>

#include "shm/p9.h"
#include "tests/unit/virtio_room.h"

#define BUF  VIRTQ_BUF_GPA
#define ROOM (VIRTQ_BUF_GPA + 0x8000u)
#define NEXT VIRTQ_DESC_F_NEXT
#define WR   VIRTQ_DESC_F_WRITE

#define HELD_MAX 16

/* A server that keeps each request until the test answers it. */
struct rig {
	struct virtio_room room;
	struct virtio_9p *dev;
	struct virtio_9p_request *held[HELD_MAX];
	uint32_t held_nr, resets_nr;
	bool at_once; /* answers with the head, before submit() returns */
	bool lets_go; /* of all, when told to begin anew */
	int err;
};

static int submit(void *arg, struct virtio_9p_request *req)
{
	struct rig *rig = arg;
	uint32_t len = req->head_len;

	if (rig->err)
		return rig->err;
	if (!rig->at_once) {
		CU_ASSERT_FATAL(rig->held_nr < HELD_MAX);
		rig->held[rig->held_nr++] = req;
		return 0;
	}
	if (len > req->room->iov_len)
		len = (uint32_t)req->room->iov_len;
	memcpy(req->room->iov_base, req->head, len);
	virtio_9p_done(rig->dev, req, len);
	return 0;
}

static void answer(struct rig *rig, uint32_t nr, uint32_t len)
{
	virtio_9p_done(rig->dev, rig->held[nr], len);
}

static void begin_anew(void *arg)
{
	struct rig *rig = arg;

	rig->resets_nr++;
	for (uint32_t i = 0; rig->lets_go && i < rig->held_nr; i++)
		answer(rig, i, 0);
}

static const struct virtio_9p_ops ops = { submit, begin_anew };

static struct virtio_9p_opts rig_opts(struct rig *rig, const char *tag)
{
	return (struct virtio_9p_opts){
		.kvm = rig->room.vm,
		.mmio = &rig->room.mmio,
		.memory = &rig->room.queue.memory,
		.tag = tag,
		.ops = &ops,
		.arg = rig,
	};
}

static void rig_init_with(struct rig *rig, uint64_t features)
{
	struct virtio_9p_opts opts;

	memset(rig, 0, sizeof(*rig));
	virtio_room_init(&rig->room);
	opts = rig_opts(rig, "data");
	CU_ASSERT_EQUAL_FATAL(virtio_9p_create(&rig->dev, &opts), 0);
	rig->room.pci = virtio_9p_pci(rig->dev);
	virtio_room_map(&rig->room);
	virtio_enable_msix(&rig->room);
	virtio_go(&rig->room, features);
}

static void rig_init(struct rig *rig)
{
	rig_init_with(rig, VIRTIO_F_INDIRECT_DESC);
}

static void rig_done(struct rig *rig)
{
	virtio_9p_destroy(rig->dev);
	virtio_room_done(&rig->room);
}

static void kick(struct rig *rig)
{
	CU_ASSERT_TRUE(fake_kvm_store32(
		rig->room.vm, VIRTIO_BAR0_GPA + VIRTIO_PCI_NOTIFY_OFF, 0));
	while (virtio_readable(virtio_9p_kick_fd(rig->dev)))
		virtio_9p_kicked(rig->dev);
}

/* The start of a message at gpa. */
static uint8_t *message(struct rig *rig, uint64_t gpa, uint32_t size,
			uint8_t type)
{
	uint8_t *at = virtq_at(&rig->room.queue, gpa);

	for (uint32_t i = 0; i < 4; i++)
		at[i] = (uint8_t)(size >> (8 * i));
	at[4] = type;
	return at;
}

/* head: the chain's first descriptor, its second is the next. */
static void ask(struct rig *rig, uint16_t head, uint32_t size)
{
	uint64_t gpa = BUF + head * 64ull;

	message(rig, gpa, size, P9_TGETATTR)[5] = (uint8_t)head;
	virtq_put(&rig->room.queue, head, gpa, size, NEXT, head + 1);
	virtq_put(&rig->room.queue, head + 1, ROOM + head * 64ull, 64, WR, 0);
	virtq_offer(&rig->room.queue, head);
}

static bool interrupted(struct rig *rig)
{
	return virtio_interrupted(&rig->room, 0x40);
}

static void expect_broken(struct rig *rig)
{
	kick(rig);
	CU_ASSERT_EQUAL(virtio_status(&rig->room),
			0x0f | VIRTIO_STATUS_NEEDS_RESET);
	CU_ASSERT_TRUE(virtio_interrupted(&rig->room, 0x41));
	/* It stays so, and comes back after a reset. */
	kick(rig);
	CU_ASSERT_EQUAL(rig->resets_nr, 0);
	virtio_store(&rig->room, VIRTIO_COMMON_STATUS, 1, 0);
	kick(rig);
	CU_ASSERT_EQUAL(virtio_status(&rig->room), 0);
	CU_ASSERT_EQUAL(rig->resets_nr, 1);
	rig->err = 0;
	virtio_go(&rig->room, 0);
	ask(rig, 0, 19);
	kick(rig);
	CU_ASSERT_EQUAL(rig->held_nr, 1);
	answer(rig, 0, 11);
	CU_ASSERT_TRUE(interrupted(rig));
	rig_done(rig);
}

static void mount_tag_is_in_the_configuration(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_PCI_DEVICE_OFF, 8),
			0x617461640004);
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_COMMON_NUM_QUEUES, 2), 1);
	CU_ASSERT_EQUAL(pci_config_read(rig.room.pci, 0, 4), 0x10491af4);
	rig_done(&rig);
}

static void tag_that_is_empty_or_too_long_is_einval(void)
{
	struct virtio_9p_opts opts;
	struct virtio_9p *dev;
	struct rig rig;

	virtio_room_init(&rig.room);
	opts = rig_opts(&rig, "");
	CU_ASSERT_EQUAL(virtio_9p_create(&dev, &opts), -EINVAL);
	opts = rig_opts(&rig, "a23456789b23456789c23456789d23456");
	CU_ASSERT_EQUAL(virtio_9p_create(&dev, &opts), -EINVAL);
	opts = rig_opts(&rig, "a23456789b23456789c23456789d2345");
	CU_ASSERT_EQUAL_FATAL(virtio_9p_create(&dev, &opts), 0);
	virtio_9p_destroy(dev);
	virtio_9p_destroy(NULL);
	virtio_room_done(&rig.room);
}

static void request_arrives_whole_and_its_reply_goes_back(void)
{
	struct virtio_9p_request *req;
	struct rig rig;
	uint32_t head = 99;

	rig_init(&rig);
	ask(&rig, 2, 19);
	kick(&rig);
	CU_ASSERT_EQUAL_FATAL(rig.held_nr, 1);
	req = rig.held[0];
	CU_ASSERT_EQUAL(req->len, 19);
	CU_ASSERT_EQUAL(req->head_len, 19);
	CU_ASSERT_EQUAL(req->head[4], P9_TGETATTR);
	CU_ASSERT_EQUAL(req->head[5], 2);
	CU_ASSERT_EQUAL(req->data_nr, 0);
	CU_ASSERT_EQUAL_FATAL(req->room_nr, 1);
	CU_ASSERT_EQUAL(req->room->iov_len, 64);
	CU_ASSERT_FALSE(interrupted(&rig));
	CU_ASSERT_EQUAL(virtq_back(&rig.room.queue, &head), -1);
	answer(&rig, 0, 33);
	CU_ASSERT_TRUE(interrupted(&rig));
	CU_ASSERT_EQUAL(virtq_back(&rig.room.queue, &head), 33);
	CU_ASSERT_EQUAL(head, 2);
	CU_ASSERT_EQUAL(virtio_9p_counters(rig.dev)->requests, 1);
	CU_ASSERT_EQUAL(virtio_9p_counters(rig.dev)->interrupts, 1);
	rig_done(&rig);
}

/* What the guest changes after the look is its own business. */
static void head_is_a_copy(void)
{
	struct rig rig;

	rig_init(&rig);
	ask(&rig, 0, 19);
	kick(&rig);
	memset(virtq_at(&rig.room.queue, BUF), 0xff, 64);
	CU_ASSERT_EQUAL_FATAL(rig.held_nr, 1);
	CU_ASSERT_EQUAL(rig.held[0]->head[4], P9_TGETATTR);
	answer(&rig, 0, 11);
	rig_done(&rig);
}

/* Cut anywhere, also inside the size. */
static void twrite_keeps_its_data_in_guest_memory_however_it_is_cut(void)
{
	for (uint32_t cut = 1; cut < 40; cut++) {
		struct virtio_9p_request *req;
		struct virtq_room *queue;
		uint32_t len = 0;
		struct rig rig;

		rig_init(&rig);
		queue = &rig.room.queue;
		message(&rig, BUF, 40, P9_TWRITE);
		/* More buffer than message: the rest is nobody's. */
		virtq_put(queue, 0, BUF, cut, NEXT, 1);
		virtq_put(queue, 1, BUF + cut, 40 - cut + 5, NEXT, 2);
		virtq_put(queue, 2, ROOM, 11, WR, 0);
		virtq_offer(queue, 0);
		kick(&rig);
		CU_ASSERT_EQUAL_FATAL(rig.held_nr, 1);
		req = rig.held[0];
		CU_ASSERT_EQUAL(req->head_len, 23);
		CU_ASSERT_EQUAL(req->len, 40);
		CU_ASSERT_PTR_EQUAL(req->data[0].iov_base,
				    virtq_at(queue, BUF + 23));
		for (uint32_t i = 0; i < req->data_nr; i++)
			len += (uint32_t)req->data[i].iov_len;
		CU_ASSERT_EQUAL(len, 17);
		CU_ASSERT_EQUAL(req->room_nr, 1);
		answer(&rig, 0, 11);
		rig_done(&rig);
	}
}

static void other_request_beyond_the_limit_comes_without_its_end(void)
{
	struct virtq_room *queue;
	struct rig rig;

	rig_init(&rig);
	queue = &rig.room.queue;
	message(&rig, BUF, 10000, P9_TWALK);
	virtq_put(queue, 0, BUF, 10000, NEXT, 1);
	virtq_put(queue, 1, ROOM, 11, WR, 0);
	virtq_offer(queue, 0);
	kick(&rig);
	CU_ASSERT_EQUAL_FATAL(rig.held_nr, 1);
	CU_ASSERT_EQUAL(rig.held[0]->len, 10000);
	CU_ASSERT_EQUAL(rig.held[0]->head_len, VIRTIO_9P_HEAD_MAX);
	answer(&rig, 0, 11);
	rig_done(&rig);
}

static void several_are_under_way_and_end_in_any_order(void)
{
	static const uint32_t order[] = { 2, 0, 3, 1 };
	struct rig rig;
	uint32_t head = 99;

	rig_init(&rig);
	for (uint16_t i = 0; i < 4; i++)
		ask(&rig, i * 2, 19);
	kick(&rig);
	CU_ASSERT_EQUAL_FATAL(rig.held_nr, 4);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(rig.held[i]->slot,
					    rig.held[j]->slot);
	for (uint32_t i = 0; i < 4; i++) {
		answer(&rig, order[i], 20 + order[i]);
		CU_ASSERT_EQUAL(virtq_back(&rig.room.queue, &head),
				20 + order[i]);
		CU_ASSERT_EQUAL(head, order[i] * 2);
	}
	rig_done(&rig);
}

static void answers_of_one_batch_are_one_interrupt(void)
{
	struct rig rig;
	uint32_t head = 99;

	rig_init(&rig);
	rig.at_once = true;
	for (uint16_t i = 0; i < 4; i++)
		ask(&rig, i * 2, 19);
	kick(&rig);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(virtq_back(&rig.room.queue, &head), 19);
	CU_ASSERT_EQUAL(virtio_9p_counters(rig.dev)->interrupts, 1);
	CU_ASSERT_EQUAL(virtio_9p_counters(rig.dev)->kicks, 1);
	CU_ASSERT_EQUAL(virtio_9p_counters(rig.dev)->requests, 4);
	rig_done(&rig);
}

/* Each is an exit, also one that finds the device looking already; what makes
 * the device look beside them is none. */
static void doorbells_are_counted_and_nothing_else(void)
{
	struct rig rig;

	rig_init(&rig);
	kick(&rig);
	CU_ASSERT_EQUAL(virtio_9p_counters(rig.dev)->doorbells, 1);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_TRUE(fake_kvm_store32(
			rig.room.vm, VIRTIO_BAR0_GPA + VIRTIO_PCI_NOTIFY_OFF,
			0));
	kick(&rig);
	CU_ASSERT_EQUAL(virtio_9p_counters(rig.dev)->doorbells, 5);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
	CU_ASSERT_TRUE(virtio_readable(virtio_9p_kick_fd(rig.dev)));
	virtio_9p_kicked(rig.dev);
	CU_ASSERT_EQUAL(virtio_9p_counters(rig.dev)->doorbells, 5);
	rig_done(&rig);
}

/* Each reply makes the same guest ask again: the loop gets its turn. */
static int submit_again(void *arg, struct virtio_9p_request *req)
{
	struct rig *rig = arg;

	virtio_9p_done(rig->dev, req, 11);
	if (rig->held_nr++ < 1000)
		virtq_offer(&rig->room.queue, 0);
	return 0;
}

static void guest_that_never_stops_asking_does_not_hold_the_loop(void)
{
	static const struct virtio_9p_ops again = { submit_again, begin_anew };
	struct virtio_9p_opts opts;
	uint32_t before = 0;
	struct rig rig;

	memset(&rig, 0, sizeof(rig));
	virtio_room_init(&rig.room);
	opts = rig_opts(&rig, "data");
	opts.ops = &again;
	CU_ASSERT_EQUAL_FATAL(virtio_9p_create(&rig.dev, &opts), 0);
	rig.room.pci = virtio_9p_pci(rig.dev);
	virtio_room_map(&rig.room);
	virtio_go(&rig.room, 0);
	ask(&rig, 0, 19);
	while (virtio_readable(virtio_9p_kick_fd(rig.dev))) {
		virtio_9p_kicked(rig.dev);
		CU_ASSERT_TRUE(rig.held_nr - before <= 64);
		before = rig.held_nr;
	}
	CU_ASSERT_EQUAL(rig.held_nr, 1001);
	rig_done(&rig);
}

static void frame_that_cannot_be_breaks_the_device(void)
{
	static const struct {
		uint32_t size, read_len, write_len;
	} cases[] = {
		{ 19, 6, 64 },	/* shorter than a header */
		{ 19, 18, 64 }, /* a size beyond the buffer */
		{ 6, 19, 64 },	/* a size below the header's */
		{ 0, 19, 64 },	/* ... */
		{ 1u << 31, 19, 64 }, { UINT32_MAX, 19, 64 },
		{ 19, 19, 10 }, /* no room for an error */
		{ 19, 19, 0 },	      { 19, 0, 64 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct virtq_room *queue;
		struct rig rig;

		rig_init(&rig);
		queue = &rig.room.queue;
		message(&rig, BUF, cases[i].size, P9_TGETATTR);
		virtq_put(queue, 0, BUF, cases[i].read_len, NEXT, 1);
		virtq_put(queue, 1, ROOM, cases[i].write_len, WR, 0);
		virtq_offer(queue, 0);
		expect_broken(&rig);
	}
}

static void queue_that_breaks_a_rule_breaks_the_device(void)
{
	struct rig rig;

	rig_init(&rig);
	virtq_put(&rig.room.queue, 0, VIRTQ_RAM_LEN, 64, 0, 0);
	virtq_offer(&rig.room.queue, 0);
	expect_broken(&rig);
}

static void queue_outside_of_ram_breaks_the_device(void)
{
	struct rig rig;

	rig_init(&rig);
	kick(&rig);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
	kick(&rig);
	rig.resets_nr = 0;
	virtio_begin(&rig.room, 0);
	virtio_store(&rig.room, VIRTIO_COMMON_QUEUE_DESC, 4, VIRTQ_RAM_LEN);
	virtio_store(&rig.room, VIRTIO_COMMON_CONFIG_VECTOR, 2, 1);
	virtio_store(&rig.room, VIRTIO_COMMON_QUEUE_ENABLE, 2, 1);
	virtio_add_status(&rig.room, VIRTIO_STATUS_DRIVER_OK);
	expect_broken(&rig);
}

static void server_that_gives_up_breaks_the_device(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.err = -EPROTO;
	ask(&rig, 0, 19);
	expect_broken(&rig);
}

static void queue_that_was_not_enabled_is_left_alone(void)
{
	struct rig rig;

	rig_init(&rig);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
	kick(&rig);
	virtio_begin(&rig.room, 0);
	virtio_add_status(&rig.room, VIRTIO_STATUS_DRIVER_OK);
	ask(&rig, 0, 19);
	kick(&rig);
	CU_ASSERT_EQUAL(rig.held_nr, 0);
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0x0f);
	rig_done(&rig);
}

static void reset_waits_until_the_server_has_let_go_of_guest_memory(void)
{
	struct rig rig;
	uint32_t head = 99;

	rig_init(&rig);
	ask(&rig, 0, 19);
	ask(&rig, 2, 19);
	kick(&rig);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
	kick(&rig);
	kick(&rig);
	CU_ASSERT_EQUAL(rig.resets_nr, 1);
	CU_ASSERT_NOT_EQUAL(virtio_status(&rig.room), 0);
	answer(&rig, 1, 11);
	CU_ASSERT_NOT_EQUAL(virtio_status(&rig.room), 0);
	answer(&rig, 0, 11);
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0);
	/* A device that was reset gives nothing back and does not ring. */
	CU_ASSERT_EQUAL(virtq_back(&rig.room.queue, &head), -1);
	CU_ASSERT_FALSE(interrupted(&rig));
	rig_done(&rig);
}

static void reset_is_done_at_once_when_the_server_lets_go(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.lets_go = true;
	ask(&rig, 0, 19);
	kick(&rig);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
	kick(&rig);
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0);
	rig_done(&rig);
}

static void broken_device_takes_answers_and_forgets_them(void)
{
	struct rig rig;
	uint32_t head = 99;

	rig_init(&rig);
	ask(&rig, 0, 19);
	kick(&rig);
	virtq_offer(&rig.room.queue, 200);
	kick(&rig);
	CU_ASSERT_TRUE(virtio_status(&rig.room) & VIRTIO_STATUS_NEEDS_RESET);
	answer(&rig, 0, 11);
	CU_ASSERT_EQUAL(virtq_back(&rig.room.queue, &head), -1);
	rig_done(&rig);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(mount_tag_is_in_the_configuration),
	TEST(tag_that_is_empty_or_too_long_is_einval),
	TEST(request_arrives_whole_and_its_reply_goes_back),
	TEST(head_is_a_copy),
	TEST(twrite_keeps_its_data_in_guest_memory_however_it_is_cut),
	TEST(other_request_beyond_the_limit_comes_without_its_end),
	TEST(several_are_under_way_and_end_in_any_order),
	TEST(doorbells_are_counted_and_nothing_else),
	TEST(answers_of_one_batch_are_one_interrupt),
	TEST(guest_that_never_stops_asking_does_not_hold_the_loop),
	TEST(frame_that_cannot_be_breaks_the_device),
	TEST(queue_that_breaks_a_rule_breaks_the_device),
	TEST(queue_outside_of_ram_breaks_the_device),
	TEST(server_that_gives_up_breaks_the_device),
	TEST(queue_that_was_not_enabled_is_left_alone),
	TEST(reset_waits_until_the_server_has_let_go_of_guest_memory),
	TEST(reset_is_done_at_once_when_the_server_lets_go),
	TEST(broken_device_takes_answers_and_forgets_them),
};
UNIT_MAIN("virtio_9p", tests)
