/* SPDX-License-Identifier: MIT */
/*
 * flat_room.h - what the tests of the flat machine share: one machine on a
 * KVM that plays a script, and handlers that note what they see.
 */
#ifndef TESTS_UNIT_FLAT_ROOM_H
#define TESTS_UNIT_FLAT_ROOM_H

#include <stddef.h>
#include <string.h>

#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"
#include "vmm/abi/flat.h"

#define RAM_LEN 0x4000u

/* What handlers and hooks saw, and what they answer. */
static struct seen {
	struct flat_io io[8];
	uint32_t io_nr;
	uint32_t exits_nr, ends_nr, entries_nr;
	enum flat_next port_next, exit_next, entry_next;
	uint32_t answer;
	enum flat_end end;
} seen;

static inline enum flat_next port_seen(struct flat_io *io)
{
	seen.io[seen.io_nr++] = *io;
	if (!io->is_write)
		io->value = seen.answer;
	return seen.port_next;
}

static inline enum flat_next put_byte(struct flat_io *io)
{
	uint8_t byte = (uint8_t)io->value;

	flat_put(io->cpu, &byte, 1);
	return FLAT_GO;
}

static inline enum flat_next exit_seen(struct flat_cpu *cpu,
				       struct kvm_run *run)
{
	CU_ASSERT_EQUAL(cpu->exit_reason, run->exit_reason);
	seen.exits_nr++;
	return seen.exit_next;
}

static inline enum flat_next entry_seen(struct flat_cpu *cpu)
{
	(void)cpu;
	seen.entries_nr++;
	return seen.entry_next;
}

static inline void end_seen(struct flat_cpu *cpu)
{
	seen.ends_nr++;
	seen.end = cpu->end;
}

static const struct flat_port ports[] = {
	{ 0x10, 0x13, FLAT_LEN_1 | FLAT_LEN_2, port_seen },
	{ 0x12, 0x20, FLAT_LEN_ANY, put_byte },
	{ 0, 0, 0, NULL },
};

static struct flat_desc desc = { .name = "t",
				 .ram_len = RAM_LEN,
				 .cpus_nr = 1,
				 .ports = ports,
				 .ended = end_seen };
static struct flat *flat;

/* A machine whose vCPUs run this script. */
static inline void begin(const struct fake_exit *script, uint32_t nr)
{
	fake_kvm_reset();
	fake_kvm.script = script;
	fake_kvm.script_nr = nr;
	memset(&seen, 0, sizeof(seen));
	CU_ASSERT_EQUAL_FATAL(flat_create(&flat, &desc), 0);
	flat_cpu_take(&flat->cpu[0]);
}
#define BEGIN(script) begin((script), sizeof(script) / sizeof(*(script)))

static inline void end(void)
{
	flat_cpu_drop(&flat->cpu[0]);
	flat_destroy(flat);
	CU_ASSERT_EQUAL(fake_kvm.vms_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
	desc = (struct flat_desc){ .name = "t",
				   .ram_len = RAM_LEN,
				   .cpus_nr = 1,
				   .ports = ports,
				   .ended = end_seen };
}

/* One step that ends the vCPU as this, once and for all. */
static inline void expect_end(enum flat_end why)
{
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_ENDED);
	CU_ASSERT_EQUAL(flat->cpu[0].end, why);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_ENDED);
	CU_ASSERT_EQUAL(seen.ends_nr, 1);
	CU_ASSERT_EQUAL(seen.end, why);
}

#endif
