/* SPDX-License-Identifier: MIT */
/* test_workload.c - is every lost, repeated or damaged message noticed? */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "producer-consumer/workload.h"
#include "shm/spsc.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN 4096ull
#define SLOTS_NR   32u /* to the end of a tiny region */

static void *mem;
static struct fake_peer producer, consumer;
static struct workload_opts opts;
static struct workload_result result;

static void open_pair(void)
{
	mem = guarded_map(REGION_LEN);
	fake_peer_init(&producer, 1, mem, REGION_LEN);
	fake_peer_init(&consumer, 2, mem, REGION_LEN);
	opts = (struct workload_opts){ .messages = SLOTS_NR,
				       .slots_nr = SLOTS_NR,
				       .batch = 5,
				       .channel = "messages" };
}

static void close_pair(void)
{
	guarded_unmap(mem, REGION_LEN);
}

static char said[256];

static int say(const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	return len;
}

static const char *describe(void)
{
	said[0] = '\0';
	workload_describe(&result, say);
	return said;
}

/* What a producer might send: message[i] carries number seqs[i]. */
static void send(const uint64_t *seqs, uint32_t nr, uint32_t damaged,
		 uint32_t word)
{
	struct region region;
	struct spsc_tx tx;

	CU_ASSERT_EQUAL_FATAL(workload_attach(&region, &producer.peer), 0);
	CU_ASSERT_EQUAL_FATAL(spsc_create(&region, opts.channel,
					  WORKLOAD_MSG_LEN, SLOTS_NR, 1),
			      0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_open_tx(&tx, &region, opts.channel, &producer.peer, 0), 0);
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t words[WORKLOAD_WORDS_NR];

		workload_fill(words, seqs[i]);
		if (i == damaged)
			words[word] ^= 1ull << 62;
		CU_ASSERT_EQUAL_FATAL(spsc_push(&tx, words, 1), 1);
	}
	spsc_close_tx(&tx);
	opts.messages = nr;
}

#define UNDAMAGED UINT32_MAX

static void all_messages_arrive(void)
{
	open_pair();
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, SLOTS_NR);
	CU_ASSERT_EQUAL(result.bytes, (uint64_t)SLOTS_NR * WORKLOAD_MSG_LEN);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, SLOTS_NR);
	CU_ASSERT_EQUAL(result.bytes, (uint64_t)SLOTS_NR * WORKLOAD_MSG_LEN);
	CU_ASSERT_EQUAL(result.mismatches, 0);
	CU_ASSERT(result.ns > 0);
	close_pair();
}

static void longer_run_over_the_same_ring_sends_the_rest(void)
{
	open_pair();
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
				0);
		CU_ASSERT_EQUAL(result.messages, SLOTS_NR);
		CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
				0);
		CU_ASSERT_EQUAL(result.messages, SLOTS_NR);
		CU_ASSERT_EQUAL(result.mismatches, 0);
		opts.messages += SLOTS_NR;
	}
	close_pair();
}

static void assert_why(int err, const char *why)
{
	CU_ASSERT_STRING_EQUAL(workload_strerror(err, &result), why);
	if (strcmp(workload_strerror(err, &result), why) != 0)
		printf("# it says: %s\n", workload_strerror(err, &result));
}

static void stream_that_has_ended_is_eempty_at_both_ends(void)
{
	open_pair();
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
			-SHM_EEMPTY);
	assert_why(-SHM_EEMPTY, "so many messages were sent through it before: "
				"take another channel, or a new region");
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, SLOTS_NR);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_EEMPTY);
	assert_why(-SHM_EEMPTY, "its stream has ended, and all of it was "
				"taken: take another channel, or a new region");
	CU_ASSERT_EQUAL(result.messages, 0);
	close_pair();
}

/* Both ends die when all is done, with their ends in hand. */
static void heirs_of_a_stream_that_has_ended_have_nothing_to_do(void)
{
	struct region region;
	struct spsc_tx tx;
	struct spsc_rx rx;

	open_pair();
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(workload_attach(&region, &producer.peer), 0);
	CU_ASSERT_EQUAL(
		spsc_open_tx(&tx, &region, opts.channel, &producer.peer, 0), 0);
	CU_ASSERT_EQUAL(
		spsc_open_rx(&rx, &region, opts.channel, &consumer.peer, 0), 0);
	region_peer_set(&region, producer.peer.id, REGION_PEER_GONE);
	region_peer_set(&region, consumer.peer.id, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, 0);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, 0);
	close_pair();
}

static void lost_message_is_named(void)
{
	static const uint64_t seqs[] = { 0, 1, 4, 5 };

	open_pair();
	send(seqs, 4, UNDAMAGED, 0);
	opts.messages = 6;
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, 3);
	CU_ASSERT_EQUAL(result.mismatches, 1);
	CU_ASSERT_EQUAL(result.fault.message, 2);
	CU_ASSERT_EQUAL(result.fault.found, 4);
	CU_ASSERT_FALSE(result.fault.bad_checksum);
	CU_ASSERT_STRING_EQUAL(describe(),
			       "message 2 is lost: number 4 came instead\n");
	close_pair();
}

static void repeated_message_is_named(void)
{
	static const uint64_t seqs[] = { 0, 1, 1, 0, 2 };

	open_pair();
	send(seqs, 5, UNDAMAGED, 0);
	opts.messages = 3;
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, 3);
	CU_ASSERT_EQUAL(result.mismatches, 2);
	CU_ASSERT_EQUAL(result.fault.message, 2);
	CU_ASSERT_EQUAL(result.fault.found, 1);
	CU_ASSERT_STRING_EQUAL(describe(), "message 2: number 1 came again\n");
	close_pair();
}

static void damaged_word_is_noticed_whichever_it_is(void)
{
	static const uint64_t seqs[] = { 0, 1, 2, 3, 4, 5, 6 };

	for (uint32_t word = 0; word < WORKLOAD_WORDS_NR; word++) {
		open_pair();
		send(seqs, 7, 3, word);
		CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
				0);
		/* Only that one: a damaged number says nothing of the rest. */
		CU_ASSERT_EQUAL(result.messages, 6);
		CU_ASSERT_EQUAL(result.mismatches, 1);
		CU_ASSERT_EQUAL(result.fault.message, 3);
		CU_ASSERT_TRUE(result.fault.bad_checksum);
		CU_ASSERT_PTR_NOT_NULL(strstr(describe(), "message 3: "));
		CU_ASSERT_PTR_NOT_NULL(strstr(describe(), "checksum"));
		close_pair();
	}
}

static void number_at_the_very_end_does_not_wrap(void)
{
	static const uint64_t seqs[] = { 0, UINT64_MAX, 1 };

	open_pair();
	send(seqs, 3, UNDAMAGED, 0);
	opts.messages = 2;
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, 2);
	CU_ASSERT_EQUAL(result.mismatches, 1);
	close_pair();
}

static void consumer_without_a_producer_times_out(void)
{
	open_pair();
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_ETIMEDOUT);
	assert_why(-SHM_ETIMEDOUT, "no producer came within 30 s");
	CU_ASSERT(consumer.clock_ns >= WORKLOAD_TIMEOUT_NS);
	close_pair();
}

static void consumer_of_a_silent_producer_times_out(void)
{
	static const uint64_t seqs[] = { 0, 1 };

	open_pair();
	send(seqs, 2, UNDAMAGED, 0);
	opts.messages = 3;
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(result.messages, 2);
	assert_why(-SHM_ETIMEDOUT,
		   "the producer left before this one's messages= were sent, "
		   "and no other came within 30 s");
	/* The end is free again. */
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_ETIMEDOUT);
	close_pair();
}

static void consumer_without_a_number_takes_what_the_producer_sends(void)
{
	static const uint64_t seqs[] = { 0, 1, 2, 3, 4 };

	open_pair();
	opts.until_left = true;
	opts.messages = 3; /* its number is not for it */
	send(seqs, 5, UNDAMAGED, 0);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, 5);
	CU_ASSERT_EQUAL(result.mismatches, 0);
	CU_ASSERT(consumer.clock_ns < WORKLOAD_TIMEOUT_NS / 10);
	close_pair();
}

static void consumer_without_a_number_still_waits_for_a_producer(void)
{
	struct region region;

	open_pair();
	opts.until_left = true;
	CU_ASSERT_EQUAL(workload_attach(&region, &producer.peer), 0);
	CU_ASSERT_EQUAL(spsc_create(&region, opts.channel, WORKLOAD_MSG_LEN,
				    SLOTS_NR, 1),
			0);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_ETIMEDOUT);
	assert_why(-SHM_ETIMEDOUT, "no producer came within 30 s");
	CU_ASSERT(consumer.clock_ns >= WORKLOAD_TIMEOUT_NS);
	close_pair();
}

static void producer_without_a_consumer_times_out(void)
{
	open_pair();
	opts.messages = SLOTS_NR + 1;
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
			-SHM_ETIMEDOUT);
	assert_why(-SHM_ETIMEDOUT, "no consumer came within 30 s");
	close_pair();
}

static void whoever_is_silent_or_dead_is_named(void)
{
	struct region region;
	struct spsc_tx tx;
	struct spsc_rx rx;

	open_pair();
	CU_ASSERT_EQUAL(workload_attach(&region, &producer.peer), 0);
	CU_ASSERT_EQUAL(spsc_create(&region, opts.channel, WORKLOAD_MSG_LEN,
				    SLOTS_NR, 1),
			0);
	CU_ASSERT_EQUAL(
		spsc_open_rx(&rx, &region, opts.channel, &consumer.peer, 0), 0);
	opts.messages = SLOTS_NR + 1;
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
			-SHM_ETIMEDOUT);
	assert_why(-SHM_ETIMEDOUT, "the consumer took nothing for 30 s");
	region_peer_set(&region, consumer.peer.id, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
			-SHM_EGONE);
	assert_why(-SHM_EGONE,
		   "the consumer died, and no other came within 30 s");

	CU_ASSERT_EQUAL(
		spsc_open_tx(&tx, &region, opts.channel, &producer.peer, 0), 0);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_ETIMEDOUT);
	assert_why(-SHM_ETIMEDOUT, "the producer sent nothing for 30 s");
	region_peer_set(&region, producer.peer.id, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_EGONE);
	assert_why(-SHM_EGONE,
		   "the producer died, and no other came within 30 s");
	close_pair();
}

static void produce_while_asleep(struct fake_peer *fake)
{
	struct workload_result sent;

	if (fake->waits_nr == 3)
		CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &sent), 0);
}

static void producer_that_comes_late_is_waited_for(void)
{
	open_pair();
	consumer.asleep = produce_while_asleep;
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(result.messages, SLOTS_NR);
	CU_ASSERT_EQUAL(consumer.waits_nr, 3);
	close_pair();
}

static void ring_of_other_messages_is_einval_at_both_ends(void)
{
	/* Each ends where memory ends. */
	static const struct {
		uint32_t slot_len, slots_nr;
	} rings[] = { { 8, 256 }, { 32, 64 }, { 128, 16 } };

	for (int i = 0; i < 3; i++) {
		struct region region;

		open_pair();
		CU_ASSERT_EQUAL(workload_attach(&region, &producer.peer), 0);
		CU_ASSERT_EQUAL(spsc_create(&region, opts.channel,
					    rings[i].slot_len,
					    rings[i].slots_nr, 1),
				0);
		opts.messages = rings[i].slots_nr;
		CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
				-SHM_EINVAL);
		CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
				-SHM_EINVAL);
		/* Both ends are free again. */
		CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
				-SHM_EINVAL);
		close_pair();
	}
}

static void end_that_is_taken_is_eexist(void)
{
	struct region region;
	struct spsc_tx tx;
	struct spsc_rx rx;

	open_pair();
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result), 0);
	CU_ASSERT_EQUAL(workload_attach(&region, &producer.peer), 0);
	CU_ASSERT_EQUAL(
		spsc_open_tx(&tx, &region, opts.channel, &producer.peer, 0), 0);
	CU_ASSERT_EQUAL(
		spsc_open_rx(&rx, &region, opts.channel, &consumer.peer, 0), 0);
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
			-SHM_EEXIST);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_EEXIST);
	close_pair();
}

static void attach_formats_raw_memory_and_waits_for_a_formatter(void)
{
	struct region_header *h;
	struct region region;

	open_pair();
	CU_ASSERT_EQUAL(workload_attach(&region, &producer.peer), 0);
	h = mem;
	h->state = REGION_FORMATTING;
	CU_ASSERT_EQUAL(workload_attach(&region, &producer.peer),
			-SHM_ETIMEDOUT);
	h->state = REGION_READY;
	h->version++;
	CU_ASSERT_EQUAL(workload_attach(&region, &producer.peer),
			-SHM_EVERSION);
	CU_ASSERT_EQUAL(producer_run(&producer.peer, &opts, &result),
			-SHM_EVERSION);
	CU_ASSERT_EQUAL(consumer_run(&consumer.peer, &opts, &result),
			-SHM_EVERSION);
	close_pair();
}

static const char *parse(char *word)
{
	return workload_parse(&opts, 1, &word);
}

static void defaults_are_usable(void)
{
	CU_ASSERT_PTR_NULL(workload_parse(&opts, 0, NULL));
	CU_ASSERT(opts.messages > 0);
	CU_ASSERT_TRUE(opts.until_left);
	CU_ASSERT(spsc_len(WORKLOAD_MSG_LEN, opts.slots_nr) > 0);
	CU_ASSERT(opts.batch > 0);
	CU_ASSERT_STRING_EQUAL(opts.channel, "messages");
}

static void good_words_are_taken_the_last_of_a_key_wins(void)
{
	char *words[] = { (char[]){ "messages=18446744073709551615" },
			  (char[]){ "slots=4" }, (char[]){ "slots=16777216" },
			  (char[]){ "batch=4096" }, (char[]){ "channel=a=b" } };

	CU_ASSERT_PTR_NULL(workload_parse(&opts, 5, words));
	CU_ASSERT_EQUAL(opts.messages, UINT64_MAX);
	CU_ASSERT_FALSE(opts.until_left);
	CU_ASSERT_EQUAL(opts.slots_nr, 1u << 24);
	CU_ASSERT_EQUAL(opts.batch, 4096);
	CU_ASSERT_STRING_EQUAL(opts.channel, "a=b");
}

static void bad_words_are_returned(void)
{
	static const char *const bad[] = {
		"",
		"messages",
		"messages=",
		"messages=0",
		"messages=-1",
		"messages=+1",
		"messages= 1",
		"messages=1 ",
		"messages=1k",
		"messages=0x10",
		"messages=1.5",
		"messages=18446744073709551616",
		"messages=99999999999999999999",
		"messages=184467440737095516150",
		"message=1",
		"messagess=1",
		"Messages=1",
		"=1",
		"slots=0",
		"slots=1",
		"slots=3",
		"slots=33554432",
		"slots=4294967298",
		"slots=",
		"batch=0",
		"batch=4097",
		"batch=4294967297",
		"channel",
		"channel=",
		"channel=two words",
		"channel=\xc3\xa4",
		"channel=12345678901234567890123456789012",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char word[64];

		(void)snprintf(word, sizeof(word), "%s", bad[i]);
		CU_ASSERT_PTR_EQUAL(parse(word), word);
	}
}

static void channel_of_31_characters_is_taken(void)
{
	char word[] = "channel=1234567890123456789012345678901";

	CU_ASSERT_PTR_NULL(parse(word));
	CU_ASSERT_EQUAL(strlen(opts.channel), 31);
}

static const struct unit_test tests[] = {
	{ "all_messages_arrive", all_messages_arrive },
	{ "longer_run_over_the_same_ring_sends_the_rest",
	  longer_run_over_the_same_ring_sends_the_rest },
	{ "stream_that_has_ended_is_eempty_at_both_ends",
	  stream_that_has_ended_is_eempty_at_both_ends },
	{ "heirs_of_a_stream_that_has_ended_have_nothing_to_do",
	  heirs_of_a_stream_that_has_ended_have_nothing_to_do },
	{ "lost_message_is_named", lost_message_is_named },
	{ "repeated_message_is_named", repeated_message_is_named },
	{ "damaged_word_is_noticed_whichever_it_is",
	  damaged_word_is_noticed_whichever_it_is },
	{ "number_at_the_very_end_does_not_wrap",
	  number_at_the_very_end_does_not_wrap },
	{ "consumer_without_a_producer_times_out",
	  consumer_without_a_producer_times_out },
	{ "consumer_of_a_silent_producer_times_out",
	  consumer_of_a_silent_producer_times_out },
	{ "consumer_without_a_number_takes_what_the_producer_sends",
	  consumer_without_a_number_takes_what_the_producer_sends },
	{ "consumer_without_a_number_still_waits_for_a_producer",
	  consumer_without_a_number_still_waits_for_a_producer },
	{ "producer_without_a_consumer_times_out",
	  producer_without_a_consumer_times_out },
	{ "whoever_is_silent_or_dead_is_named",
	  whoever_is_silent_or_dead_is_named },
	{ "producer_that_comes_late_is_waited_for",
	  producer_that_comes_late_is_waited_for },
	{ "ring_of_other_messages_is_einval_at_both_ends",
	  ring_of_other_messages_is_einval_at_both_ends },
	{ "end_that_is_taken_is_eexist", end_that_is_taken_is_eexist },
	{ "attach_formats_raw_memory_and_waits_for_a_formatter",
	  attach_formats_raw_memory_and_waits_for_a_formatter },
	{ "defaults_are_usable", defaults_are_usable },
	{ "good_words_are_taken_the_last_of_a_key_wins",
	  good_words_are_taken_the_last_of_a_key_wins },
	{ "bad_words_are_returned", bad_words_are_returned },
	{ "channel_of_31_characters_is_taken",
	  channel_of_31_characters_is_taken },
};

UNIT_MAIN("workload", tests)
