/* SPDX-License-Identifier: MIT */
/*
 * ring3.h - a kernel of a hundred lines around a function that runs at ring 3,
 * in 32 bit and in 64 bit.
 *
 * Ring 3 calls the kernel by `int 0x80`, in 64 bit by `int3`, since software
 * KVM has no other there (docs/writing-a-guest.md). All RAM is ring 3's but
 * one page. A fault goes to the kernel, and ring 3 goes on where it said.
 */
#ifndef GUESTS_APPS_CLASSIC_LIB_RING3_H
#define GUESTS_APPS_CLASSIC_LIB_RING3_H

#define VECTOR_GENERAL_PROTECTION 13
#define VECTOR_PAGE_FAULT	  14
/* Error code of a page fault: Intel SDM vol. 3, 4.7. */
#define FAULT_PRESENT 0x1
#define FAULT_WRITE   0x2
#define FAULT_USER    0x4

/* Selectors. In 64 bit as Linux has them: software KVM asks it. */
#define RING0_CODE 0x08
#define RING0_DATA 0x10
#ifdef __x86_64__
#define RING3_CODE 0x33
#define RING3_DATA 0x2b
#define RING3_TSS  0x38
#else
#define RING3_CODE 0x1b
#define RING3_DATA 0x23
#define RING3_TSS  0x28
#endif

/* A page that no other memory of the image is in. */
#define RING0_ONLY_PAGE 0x200000u

#ifndef __ASSEMBLER__
#include <stdint.h>

/* --- the image's, at ring 0 ---------------------------------------------- */

void kernel_call(uintptr_t nr, uintptr_t arg);
/* address is cr2, which only a page fault sets. */
void kernel_fault(uintptr_t vector, uintptr_t error, uintptr_t address);

/* --- for its main() ------------------------------------------------------ */

/* Tables, gates, stacks; then user() at ring 3. It must not return. */
__attribute__((noreturn)) void ring3_run(void (*user)(void));

/* --- for user() ---------------------------------------------------------- */

void ring3_call(uintptr_t nr, uintptr_t arg);
/* What may fault. */
uint32_t ring3_peek(const volatile uint32_t *at);
void ring3_poke(volatile uint32_t *at, uint32_t value);
void ring3_halt(void);

/* --- between the C and the assembler of ring3 ----------------------------- */

extern uintptr_t ring3_resume;
extern const char ring3_gate_call[], ring3_gate_page[], ring3_gate_general[];
__attribute__((noreturn)) void ring3_enter(void (*user)(void), uintptr_t stack);
#endif

#endif
