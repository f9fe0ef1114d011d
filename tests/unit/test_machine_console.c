/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* test_machine_console.c - does a full console hold its vCPU and nobody else?
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shm/memory_map.h"
#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"
#include "vmm/devices/console.h"
#include "vmm/devices/machine.h"

#define REQUEST_GPA 0x200000u
#define WAIT_MS	    30000

struct rig {
	struct stats stats;
	struct machine *machine;
};

static void ended(void *arg, enum stats_end why, uint32_t status)
{
	(void)arg;
	(void)why;
	(void)status;
}

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	CU_ASSERT_EQUAL_FATAL(machine_create(&rig->machine,
					     &(struct machine_opts){
						     .ram_len = MAP_RAM_MIN_LEN,
						     .stats = &rig->stats,
						     .ended = ended,
					     }),
			      0);
}

static void rig_done(struct rig *rig)
{
	machine_destroy(rig->machine);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
}

static enum bus_result out(struct rig *rig, uint16_t port, uint32_t len,
			   uint32_t value)
{
	return machine_pio(rig->machine, port, len, 1, true, &value);
}

static size_t console_text(struct rig *rig, char *buf, size_t len)
{
	return console_take(machine_console(rig->machine), buf, len);
}

static void console_port_takes_every_width_and_strings(void)
{
	char text[] = "string of bytes";
	char buf[64] = "";
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_CONSOLE, 1, 'a'), BUS_HANDLED);
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_CONSOLE, 2, 'b' | 'c' << 8),
			BUS_HANDLED);
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_CONSOLE, 4, 0x67666564),
			BUS_HANDLED);
	CU_ASSERT_EQUAL(
		machine_pio(rig.machine, BARE_PORT_CONSOLE, 1, 15, true, text),
		BUS_HANDLED);
	CU_ASSERT_EQUAL(console_text(&rig, buf, sizeof(buf) - 1), 22);
	CU_ASSERT_STRING_EQUAL(buf, "abcdefgstring of bytes");
	CU_ASSERT_EQUAL(rig.stats.console_bytes, 22);
	rig_done(&rig);
}

/* A vCPU that says more than the console holds, by both ways there are. */
static void *chatty_vcpu(void *arg)
{
	struct rig *rig = arg;
	struct bare_request *request;
	static char text[4096];

	request = memory_range(machine_memory(rig->machine), REQUEST_GPA,
			       sizeof(*request));
	if (!request)
		abort();
	*request = (struct bare_request){ .call = BARE_CALL_CONSOLE,
					  .args = { 0, BARE_CONSOLE_MAX_LEN } };
	(void)out(rig, BARE_PORT_HYPERCALL, 4, REQUEST_GPA);
	(void)out(rig, BARE_PORT_HYPERCALL, 4, REQUEST_GPA);
	(void)machine_pio(rig->machine, BARE_PORT_CONSOLE, 1, sizeof(text),
			  true, text);
	return NULL;
}

static void full_console_holds_its_vcpu_and_not_the_machine(void)
{
	static char buf[CONSOLE_BUFFER_LEN];
	const size_t total_len = 2 * BARE_CONSOLE_MAX_LEN + 4096;
	struct pollfd readable = { .events = POLLIN };
	size_t taken_len = 0;
	pthread_t vcpu;
	struct rig rig;

	rig_init(&rig);
	readable.fd = console_fd(machine_console(rig.machine));
	CU_ASSERT_EQUAL_FATAL(pthread_create(&vcpu, NULL, chatty_vcpu, &rig),
			      0);
	/* The loop thread needs the machine while the vCPU waits. */
	while (taken_len < total_len && poll(&readable, 1, WAIT_MS) == 1) {
		(void)out(&rig, 0x80, 1, 0);
		machine_update_stats(rig.machine);
		taken_len += console_text(&rig, buf, sizeof(buf));
	}
	CU_ASSERT_EQUAL(taken_len, total_len);
	CU_ASSERT_EQUAL(pthread_join(vcpu, NULL), 0);
	CU_ASSERT_EQUAL(rig.stats.console_bytes, total_len);
	rig_done(&rig);
}

static void closed_console_lets_its_vcpu_go(void)
{
	pthread_t vcpu;
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&vcpu, NULL, chatty_vcpu, &rig),
			      0);
	console_close(machine_console(rig.machine));
	CU_ASSERT_EQUAL(pthread_join(vcpu, NULL), 0);
	rig_done(&rig);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(console_port_takes_every_width_and_strings),
	TEST(full_console_holds_its_vcpu_and_not_the_machine),
	TEST(closed_console_lets_its_vcpu_go),
};

UNIT_MAIN("machine_console", tests)
