/* SPDX-License-Identifier: MIT */
/* mp_table.c - the tables of a PC with one processor (mp_table.h). */
#include "vmm/boot/mp_table.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shm/memory_map.h"

#define SPEC_1_4   4
#define ISA_PINS   16
#define CPU_ID	   0
#define IOAPIC_ID  1
#define EVERY_APIC 0xff

/* 4.1: the floating pointer structure. */
struct pointer {
	char signature[4];
	uint32_t table_gpa;
	uint8_t paragraphs, spec, checksum, features[5];
};

/* 4.2: the configuration table's header. */
struct header {
	char signature[4];
	uint16_t len;
	uint8_t spec, checksum;
	char oem[8], product[12];
	uint32_t oem_gpa;
	uint16_t oem_len, entries_nr;
	uint32_t lapic_gpa;
	uint16_t extended_len;
	uint8_t extended_checksum, reserved;
};

/* 4.3.1 */
struct cpu {
	uint8_t type, apic_id, apic_version, flags;
	uint32_t signature, features, reserved[2];
};
#define TYPE_CPU     0
#define APIC_VERSION 0x14
#define CPU_ENABLED  1
#define CPU_BOOTS    2

/* 4.3.2 */
struct bus {
	uint8_t type, id;
	char name[6];
};
#define TYPE_BUS 1
#define ISA_ID	 0

/* 4.3.3 */
struct ioapic {
	uint8_t type, id, version, flags;
	uint32_t gpa;
};
#define TYPE_IOAPIC    2
#define IOAPIC_VERSION 0x11
#define IOAPIC_USABLE  1

/* 4.3.4 and 4.3.5; flags 0: as the bus has it, edges and active high. */
struct interrupt {
	uint8_t type, kind;
	uint16_t flags;
	uint8_t bus, line, apic_id, pin;
};
#define TYPE_INTERRUPT 3
#define TYPE_LOCAL     4
#define KIND_INT       0
#define KIND_NMI       1
#define KIND_EXTINT    3

struct tables {
	struct pointer pointer;
	struct header header;
	struct cpu cpu;
	struct bus bus;
	struct ioapic ioapic;
	struct interrupt isa[ISA_PINS], local[2];
};
#define ENTRIES_NR (3 + ISA_PINS + 2)

_Static_assert(sizeof(struct pointer) == 16, "4.1");
_Static_assert(sizeof(struct header) == 44, "4.2");
_Static_assert(sizeof(struct cpu) == 20, "4.3.1");
_Static_assert(sizeof(struct tables) == 16 + 44 + 20 + 8 * (2 + ISA_PINS + 2),
	       "nothing in between");
_Static_assert(sizeof(struct tables) <= MP_TABLE_LEN, "it fits");

/* What makes the sum of all bytes 0. */
static uint8_t checksum(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += at[i];
	return (uint8_t)-sum;
}

int mp_table_write(const struct memory *memory)
{
	const size_t table_len = sizeof(struct tables) -
				 offsetof(struct tables, header);
	struct tables t = { 0 };
	void *hva = memory_range(memory, MP_TABLE_GPA, sizeof(t));

	if (!hva)
		return -EINVAL;
	t.pointer =
		(struct pointer){ .table_gpa = MP_TABLE_GPA + sizeof(t.pointer),
				  .paragraphs = 1,
				  .spec = SPEC_1_4 };
	t.header = (struct header){ .len = (uint16_t)table_len,
				    .spec = SPEC_1_4,
				    .entries_nr = ENTRIES_NR,
				    .lapic_gpa = (uint32_t)MAP_LAPIC_GPA };
	t.cpu = (struct cpu){ .type = TYPE_CPU,
			      .apic_id = CPU_ID,
			      .apic_version = APIC_VERSION,
			      .flags = CPU_ENABLED | CPU_BOOTS };
	t.bus = (struct bus){ .type = TYPE_BUS, .id = ISA_ID };
	t.ioapic = (struct ioapic){ .type = TYPE_IOAPIC,
				    .id = IOAPIC_ID,
				    .version = IOAPIC_VERSION,
				    .flags = IOAPIC_USABLE,
				    .gpa = (uint32_t)MAP_IOAPIC_GPA };
	/* The 8259s, until the I/O APIC takes over; and NMI. */
	t.local[0] = (struct interrupt){ TYPE_LOCAL, KIND_EXTINT, 0, ISA_ID,
					 0,	     CPU_ID,	  0 };
	t.local[1] = (struct interrupt){ TYPE_LOCAL, KIND_NMI,	 0, ISA_ID,
					 0,	     EVERY_APIC, 1 };
	memcpy(t.pointer.signature, "_MP_", sizeof(t.pointer.signature));
	memcpy(t.header.signature, "PCMP", sizeof(t.header.signature));
	memcpy(t.header.oem, "IVLAB   ", sizeof(t.header.oem));
	memcpy(t.header.product, "FLAT PC     ", sizeof(t.header.product));
	memcpy(t.bus.name, "ISA   ", sizeof(t.bus.name));
	for (uint8_t i = 0; i < ISA_PINS; i++)
		t.isa[i] = (struct interrupt){
			TYPE_INTERRUPT, KIND_INT, 0, ISA_ID, i, IOAPIC_ID, i
		};
	t.pointer.checksum = checksum(&t.pointer, sizeof(t.pointer));
	t.header.checksum = checksum(&t.header, table_len);
	memcpy(hva, &t, sizeof(t));
	return 0;
}
