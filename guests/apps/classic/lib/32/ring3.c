/* SPDX-License-Identifier: MIT */
/* ring3.c - tables and gates for ring 3 in 32 bit, above mini-kvm's. */
#include "guests/apps/classic/lib/ring3.h"

#include "guests/apps/classic/lib/paging32.h"

#define VECTOR_CALL 0x80
#define STACK_LEN   1024

/* Intel SDM vol. 3, figure 7-2: only what a change of rings reads. */
struct tss {
	uint32_t link, esp0, ss0;
	uint32_t rest[23];
};

struct pointer {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

static uint8_t stack0[STACK_LEN], stack3[STACK_LEN];
static struct tss tss = { .ss0 = RING0_DATA };
/* Flat segments: figure 5-1. */
static uint64_t gdt[] = {
	[RING0_CODE / 8] = 0x00cf9a000000ffff,
	[RING0_DATA / 8] = 0x00cf92000000ffff,
	[RING3_CODE / 8] = 0x00cffa000000ffff,
	[RING3_DATA / 8] = 0x00cff2000000ffff,
	[RING3_TSS / 8] = 0x0000890000000000 | (sizeof(tss) - 1),
};
static uint64_t idt[VECTOR_CALL + 1];

static void set_gate(uint32_t vector, const char *handler, uint32_t dpl)
{
	uint32_t at = (uint32_t)(uintptr_t)handler;

	/* A 32-bit interrupt gate: figure 6-2. */
	idt[vector] = (uint64_t)((at & 0xffff0000) | 0x8e00 | dpl << 13) << 32 |
		      RING0_CODE << 16 | (at & 0xffff);
}

static void load_tables(void)
{
	uint32_t base = (uint32_t)(uintptr_t)&tss;
	struct pointer gdt_pointer = { sizeof(gdt) - 1,
				       (uint32_t)(uintptr_t)gdt };
	struct pointer idt_pointer = { sizeof(idt) - 1,
				       (uint32_t)(uintptr_t)idt };

	tss.esp0 = (uint32_t)(uintptr_t)(stack0 + STACK_LEN);
	gdt[RING3_TSS / 8] |= (uint64_t)(base & 0xffffff) << 16 |
			      (uint64_t)(base >> 24) << 56;
	set_gate(VECTOR_CALL, ring3_gate_call, 3);
	set_gate(VECTOR_PAGE_FAULT, ring3_gate_page, 0);
	set_gate(VECTOR_GENERAL_PROTECTION, ring3_gate_general, 0);
	__asm__ __volatile__("lgdt %0\n\t"
			     "lidt %1\n\t"
			     "ltr %w2"
			     :
			     : "m"(gdt_pointer), "m"(idt_pointer),
			       "r"(RING3_TSS)
			     : "memory");
}

void ring3_run(void (*user)(void))
{
	uint32_t *directory = paging_create(PAGE_USER);

	paging_map(directory, RING0_ONLY_PAGE, RING0_ONLY_PAGE, 0);
	paging_load(directory);
	load_tables();
	ring3_enter(user, (uintptr_t)(stack3 + STACK_LEN));
}
