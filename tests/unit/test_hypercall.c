/* SPDX-License-Identifier: MIT */
/* test_hypercall.c - is each request answered, whatever is in it? */
#include "vmm/devices/hypercall.h"

#include <stdlib.h>
#include <string.h>

#include "shm/memory_map.h"
#include "tests/unit/harness.h"

#define RAM_LEN	    MAP_RAM_MIN_LEN
#define REQUEST_GPA 0x200000u
#define DATA_GPA    0x201000u
#define UNTOUCHED   0x5555555555555555ll

struct rig {
	struct memory memory;
	struct stats stats;
	struct console *console;
	struct bus ports;
	struct hypercall hypercall;
	uint32_t ends_nr, status;
	enum stats_end why;
};

static void ended(void *arg, enum stats_end why, uint32_t status)
{
	struct rig *rig = arg;

	rig->ends_nr++;
	rig->why = why;
	rig->status = status;
}

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	CU_ASSERT_EQUAL_FATAL(memory_create(&rig->memory, RAM_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(console_create(&rig->console), 0);
	rig->hypercall = (struct hypercall){
		.memory = &rig->memory,
		.stats = &rig->stats,
		.console = rig->console,
		.ended = ended,
		.arg = rig,
	};
	CU_ASSERT_EQUAL_FATAL(hypercall_init(&rig->hypercall, &rig->ports), 0);
}

static void rig_done(struct rig *rig)
{
	console_destroy(rig->console);
	memory_destroy(&rig->memory);
}

static enum bus_result out(struct rig *rig, uint16_t port, uint32_t len,
			   uint32_t value)
{
	struct bus_access access = {
		.addr = port, .len = len, .is_write = true, .value = value
	};
	enum bus_result result = bus_access(&rig->ports, &access);
	struct hypercall_todo todo = hypercall_take_todo(&rig->hypercall);

	hypercall_finish(&rig->hypercall, &todo);
	return result;
}

static struct bare_request *request_at(struct rig *rig, uint32_t gpa)
{
	void *hva = memory_range(&rig->memory, gpa,
				 sizeof(struct bare_request));

	if (!hva)
		abort();
	return hva;
}

static int64_t call(struct rig *rig, uint32_t nr, uint64_t a, uint64_t b)
{
	struct bare_request *request = request_at(rig, REQUEST_GPA);

	*request = (struct bare_request){ .call = nr,
					  .args = { a, b },
					  .result = UNTOUCHED };
	CU_ASSERT_EQUAL(out(rig, BARE_PORT_HYPERCALL, 4, REQUEST_GPA),
			BUS_HANDLED);
	return request->result;
}

static void ram_put(struct rig *rig, uint64_t gpa, const char *text, size_t len)
{
	void *hva = memory_range(&rig->memory, gpa, len);

	if (!hva)
		abort();
	memcpy(hva, text, len);
}

static int64_t report(struct rig *rig, const char *key, uint64_t value)
{
	ram_put(rig, DATA_GPA, key, strlen(key) + 1);
	return call(rig, BARE_CALL_REPORT, DATA_GPA, value);
}

static void console_call_takes_the_buffer_whole(void)
{
	struct rig rig;
	char buf[8] = "";

	rig_init(&rig);
	ram_put(&rig, DATA_GPA, "hello", 5);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_CONSOLE, DATA_GPA, 5), 5);
	CU_ASSERT_EQUAL(console_take(rig.console, buf, sizeof(buf)), 5);
	CU_ASSERT_STRING_EQUAL(buf, "hello");
	CU_ASSERT_EQUAL(rig.stats.console_bytes, 5);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_CONSOLE, DATA_GPA, 0), 0);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_CONSOLE, RAM_LEN - 3, 3), 3);
	CU_ASSERT_EQUAL(console_take(rig.console, buf, sizeof(buf)), 3);
	CU_ASSERT_EQUAL(
		call(&rig, BARE_CALL_CONSOLE, DATA_GPA, BARE_CONSOLE_MAX_LEN),
		BARE_CONSOLE_MAX_LEN);
	rig_done(&rig);
}

static void console_call_with_bad_range_is_refused(void)
{
	struct rig rig;
	char buf[8];

	rig_init(&rig);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_CONSOLE, RAM_LEN - 3, 4),
			BARE_EFAULT);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_CONSOLE, UINT64_MAX, 4),
			BARE_EFAULT);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_CONSOLE, RAM_LEN + 1, 0),
			BARE_EFAULT);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_CONSOLE, DATA_GPA,
			     BARE_CONSOLE_MAX_LEN + 1),
			BARE_EINVAL);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_CONSOLE, DATA_GPA, UINT64_MAX),
			BARE_EINVAL);
	CU_ASSERT_EQUAL(console_take(rig.console, buf, sizeof(buf)), 0);
	rig_done(&rig);
}

static void report_sets_and_replaces_a_figure(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(report(&rig, "ns/msg", 20), BARE_OK);
	CU_ASSERT_EQUAL(report(&rig, "ns/msg", 21), BARE_OK);
	CU_ASSERT_EQUAL(stats_report_get(&rig.stats, "ns/msg", 0), 21);
	CU_ASSERT_EQUAL(rig.stats.reports_nr, 1);
	/* The longest key, and one that ends where RAM ends. */
	CU_ASSERT_EQUAL(report(&rig, "a234567890b234567890c23", 1), BARE_OK);
	ram_put(&rig, RAM_LEN - 4, "end", 4);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_REPORT, RAM_LEN - 4, 9), BARE_OK);
	CU_ASSERT_EQUAL(stats_report_get(&rig.stats, "end", 0), 9);
	rig_done(&rig);
}

static void report_with_bad_key_is_refused(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(report(&rig, "", 1), BARE_EINVAL);
	CU_ASSERT_EQUAL(report(&rig, "a b", 1), BARE_EINVAL);
	CU_ASSERT_EQUAL(report(&rig, "a\n", 1), BARE_EINVAL);
	CU_ASSERT_EQUAL(report(&rig, "a\x7f", 1), BARE_EINVAL);
	CU_ASSERT_EQUAL(report(&rig, "a\xff", 1), BARE_EINVAL);
	CU_ASSERT_EQUAL(report(&rig, "a234567890b234567890c234", 1),
			BARE_EINVAL);
	ram_put(&rig, RAM_LEN - 3, "end", 3); /* no NUL before the end */
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_REPORT, RAM_LEN - 3, 9),
			BARE_EFAULT);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_REPORT, UINT64_MAX, 9),
			BARE_EFAULT);
	CU_ASSERT_EQUAL(rig.stats.reports_nr, 0);
	rig_done(&rig);
}

static void report_of_too_many_keys_is_enospc(void)
{
	struct rig rig;
	char key[2] = "A";

	rig_init(&rig);
	for (uint32_t i = 0; i < STATS_REPORTS_MAX; i++, key[0]++)
		CU_ASSERT_EQUAL(report(&rig, key, i), BARE_OK);
	CU_ASSERT_EQUAL(report(&rig, "more", 1), BARE_ENOSPC);
	CU_ASSERT_EQUAL(report(&rig, "A", 7), BARE_OK);
	rig_done(&rig);
}

static void counters_are_read_on_request(void)
{
	const struct bare_counters counters = { 11, 12 };
	struct rig rig;

	rig_init(&rig);
	hypercall_update_stats(&rig.hypercall);
	CU_ASSERT_EQUAL(rig.stats.guest_doorbells, 0);
	ram_put(&rig, RAM_LEN - 16, (const char *)&counters, 16);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_COUNTERS, RAM_LEN - 16, 0),
			BARE_OK);
	hypercall_update_stats(&rig.hypercall);
	CU_ASSERT_EQUAL(rig.stats.guest_doorbells, 11);
	CU_ASSERT_EQUAL(rig.stats.guest_interrupts, 12);
	rig_done(&rig);
}

static void counters_at_bad_address_are_refused(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_COUNTERS, DATA_GPA, 0), BARE_OK);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_COUNTERS, DATA_GPA + 4, 0),
			BARE_EINVAL);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_COUNTERS, RAM_LEN - 8, 0),
			BARE_EFAULT);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_COUNTERS, UINT64_MAX - 7, 0),
			BARE_EFAULT);
	CU_ASSERT_EQUAL(rig.hypercall.counters_gpa, DATA_GPA);
	CU_ASSERT_EQUAL(call(&rig, BARE_CALL_COUNTERS, 0, 0), BARE_OK);
	CU_ASSERT_EQUAL(rig.hypercall.counters_gpa, 0);
	rig_done(&rig);
}

static void fault_ends_the_vm_and_is_kept(void)
{
	struct rig rig;
	struct bare_request *request;

	rig_init(&rig);
	request = request_at(&rig, REQUEST_GPA);
	*request = (struct bare_request){ .call = BARE_CALL_FAULT,
					  .args = { 14, 2, 0x401000, 0x10 } };
	(void)out(&rig, BARE_PORT_HYPERCALL, 4, REQUEST_GPA);
	CU_ASSERT_EQUAL(rig.ends_nr, 1);
	CU_ASSERT_EQUAL(rig.why, STATS_END_FAULT);
	CU_ASSERT_EQUAL(rig.status, 14);
	CU_ASSERT_EQUAL(rig.stats.fault[0], 14);
	CU_ASSERT_EQUAL(rig.stats.fault[1], 2);
	CU_ASSERT_EQUAL(rig.stats.fault[2], 0x401000);
	CU_ASSERT_EQUAL(rig.stats.fault[3], 0x10);
	/* Whatever other processors say now is too late. */
	request->args[0] = UINT64_MAX;
	(void)out(&rig, BARE_PORT_HYPERCALL, 4, REQUEST_GPA);
	(void)out(&rig, BARE_PORT_EXIT, 4, 0);
	CU_ASSERT_EQUAL(rig.ends_nr, 1);
	CU_ASSERT_EQUAL(rig.stats.fault[0], 14);
	rig_done(&rig);
}

static void fault_with_wild_vector_has_a_name(void)
{
	struct rig rig;

	rig_init(&rig);
	(void)call(&rig, BARE_CALL_FAULT, UINT64_MAX, 0);
	CU_ASSERT_EQUAL(rig.ends_nr, 1);
	CU_ASSERT_EQUAL(rig.status, UINT32_MAX);
	rig_done(&rig);
}

static void unknown_call_is_einval(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(call(&rig, 0, 0, 0), BARE_EINVAL);
	CU_ASSERT_EQUAL(call(&rig, 5, 0, 0), BARE_EINVAL);
	CU_ASSERT_EQUAL(call(&rig, UINT32_MAX, 0, 0), BARE_EINVAL);
	rig_done(&rig);
}

static void request_at_bad_address_gets_no_answer(void)
{
	static const uint32_t bad[] = {
		REQUEST_GPA + 4, RAM_LEN - 40, RAM_LEN, 0xfffffff8, UINT32_MAX,
	};
	struct rig rig;
	uint8_t *ram;

	rig_init(&rig);
	ram = memory_range(&rig.memory, 0, RAM_LEN);
	memset(ram + REQUEST_GPA, 0x55, 64);
	memset(ram + RAM_LEN - 64, 0x55, 64);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(out(&rig, BARE_PORT_HYPERCALL, 4, bad[i]),
				BUS_HANDLED);
	for (size_t i = 0; i < 64; i++) {
		CU_ASSERT_EQUAL(ram[REQUEST_GPA + i], 0x55);
		CU_ASSERT_EQUAL(ram[RAM_LEN - 64 + i], 0x55);
	}
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_HYPERCALL, 4, RAM_LEN - 48),
			BUS_HANDLED);
	CU_ASSERT_EQUAL(request_at(&rig, RAM_LEN - 48)->result, BARE_EINVAL);
	rig_done(&rig);
}

static void ports_of_another_width_do_nothing(void)
{
	struct bus_access load = { .addr = BARE_PORT_EXIT, .len = 4 };
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_EXIT, 1, 0), BUS_NOT_MINE);
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_EXIT, 2, 0), BUS_NOT_MINE);
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_EXIT + 1, 2, 0), BUS_NOT_MINE);
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_HYPERCALL, 2, 0), BUS_NOT_MINE);
	CU_ASSERT_EQUAL(bus_access(&rig.ports, &load), BUS_NOT_MINE);
	CU_ASSERT_EQUAL(load.value, 0xffffffff);
	CU_ASSERT_EQUAL(rig.ends_nr, 0);
	rig_done(&rig);
}

static void exit_port_ends_with_its_status(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_EXIT, 4, 0x12345678), BUS_HANDLED);
	CU_ASSERT_EQUAL(rig.ends_nr, 1);
	CU_ASSERT_EQUAL(rig.why, STATS_END_EXIT);
	CU_ASSERT_EQUAL(rig.status, 0x12345678);
	(void)out(&rig, BARE_PORT_EXIT, 4, 0);
	CU_ASSERT_EQUAL(rig.ends_nr, 1);
	rig_done(&rig);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(console_call_takes_the_buffer_whole),
	TEST(console_call_with_bad_range_is_refused),
	TEST(report_sets_and_replaces_a_figure),
	TEST(report_with_bad_key_is_refused),
	TEST(report_of_too_many_keys_is_enospc),
	TEST(counters_are_read_on_request),
	TEST(counters_at_bad_address_are_refused),
	TEST(fault_ends_the_vm_and_is_kept),
	TEST(fault_with_wild_vector_has_a_name),
	TEST(unknown_call_is_einval),
	TEST(request_at_bad_address_gets_no_answer),
	TEST(ports_of_another_width_do_nothing),
	TEST(exit_port_ends_with_its_status),
};

UNIT_MAIN("hypercall", tests)
