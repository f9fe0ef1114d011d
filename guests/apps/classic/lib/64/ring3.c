/* SPDX-License-Identifier: MIT */
/* ring3.c - tables and gates for ring 3 in 64 bit, above mini-kvm's. */
#include "guests/apps/classic/lib/ring3.h"

#include "guests/runtime/runtime.h"

#define VECTOR_CALL 3

/*
 * RAM that the monitor leaves free; the image has only the page it is in. The
 * page tables show the first 4 MiB, the lower half of which is all RAM used.
 */
#define PML4_GPA      0x10000u
#define PDPT_GPA      0x11000u
#define PD_GPA	      0x12000u
#define PT_GPA	      0x13000u /* and the next page */
#define STACK0_END    0x20000u
#define STACK3_END    0x30000u
#define PTE_NR	      512
#define PAGE_LEN      0x1000u
#define PAGE_PRESENT  0x1u
#define PAGE_WRITABLE 0x2u
#define PAGE_USER     0x4u
#define PAGE_ALL      (PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER)

/* Intel SDM vol. 3, figure 7-11: only what a change of rings reads. */
struct tss {
	uint32_t reserved;
	uint32_t rsp0_low, rsp0_high;
	uint32_t rest[23];
};

struct pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static struct tss tss = { .rsp0_low = STACK0_END };
/* Flat segments: figure 5-1; the last takes two entries. */
static uint64_t gdt[] = {
	[RING0_CODE / 8] = 0x00af9a000000ffff,
	[RING0_DATA / 8] = 0x00cf92000000ffff,
	[RING3_DATA / 8] = 0x00cff2000000ffff,
	[RING3_CODE / 8] = 0x00affa000000ffff,
	[RING3_TSS / 8] = 0x0000890000000000 | (sizeof(tss) - 1),
	[RING3_TSS / 8 + 1] = 0,
};
static uint64_t idt[VECTOR_PAGE_FAULT + 1][2];

/* A 64-bit interrupt gate: figure 6-8. The image is below 64 KiB, and so the
 * upper parts of the address are 0. */
static void set_gate(uint32_t vector, const char *handler, uint32_t dpl)
{
	idt[vector][0] = (uintptr_t)handler | RING0_CODE << 16 |
			 (uint64_t)(0x8e00 | dpl << 13) << 32;
}

static void load_tables(void)
{
	struct pointer gdt_pointer = { sizeof(gdt) - 1, (uintptr_t)gdt };
	struct pointer idt_pointer = { sizeof(idt) - 1, (uintptr_t)idt };

	gdt[RING3_TSS / 8] |= (uint64_t)(uintptr_t)&tss << 16;
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

static void load_pages(void)
{
	volatile uint64_t *pd = gpa_pointer(PD_GPA);
	volatile uint64_t *pt = gpa_pointer(PT_GPA);

	*(volatile uint64_t *)gpa_pointer(PML4_GPA) = PDPT_GPA | PAGE_ALL;
	*(volatile uint64_t *)gpa_pointer(PDPT_GPA) = PD_GPA | PAGE_ALL;
	pd[0] = PT_GPA | PAGE_ALL;
	pd[1] = (PT_GPA + PAGE_LEN) | PAGE_ALL;
	for (uint32_t i = 0; i < 2 * PTE_NR; i++)
		pt[i] = i * PAGE_LEN | PAGE_ALL;
	pt[RING0_ONLY_PAGE / PAGE_LEN] &= ~(uint64_t)PAGE_USER;
	__asm__ __volatile__("mov %0, %%cr3" ::"r"((uint64_t)PML4_GPA)
			     : "memory");
}

void ring3_run(void (*user)(void))
{
	load_pages();
	load_tables();
	ring3_enter(user, STACK3_END);
}
