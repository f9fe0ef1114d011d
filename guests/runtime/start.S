/* SPDX-License-Identifier: MIT */
/*
 * start.S - everything of a bare guest that runs at ring 0: entry, traps,
 * interrupts and the wait. Short on every path (traps.h says why).
 */
#include "guests/runtime/traps.h"
#include "shm/bare_abi.h"
#include "shm/memory_map.h"

	.section .text.start, "ax"
	.globl	_start
	/* edi: boot information, esi: vCPU number (shm/bare_abi.h). */
_start:
	lgdt	gdt_pointer
	lidt	idt_pointer
	mov	trap_stacks(,%rsi,8), %rsp
	mov	%esi, %eax
	shl	$4, %eax
	add	$SEL_TSS(0), %eax
	ltr	%ax
	/* The local APIC: on, timer one-shot on its vector, 1 tick = 1 clock. */
	mov	$MAP_LAPIC_GPA, %eax
	movl	$(LAPIC_SVR_ENABLE | VECTOR_SPURIOUS), LAPIC_SVR(%rax)
	movl	$LAPIC_DIVIDE_BY_1, LAPIC_TIMER_DIVIDE(%rax)
	movl	$VECTOR_TIMER, LAPIC_LVT_TIMER(%rax)
	/* Leave for ring 3 for good: c_start(info, cpu), interrupts on. */
	pushq	$SEL_USER_DATA
	pushq	user_stacks(,%rsi,8)
	pushq	$0x202
	pushq	$SEL_USER_CODE
	pushq	$c_start
	iretq

	/*
	 * int3. Interrupts are off (interrupt gate), so what is looked at
	 * cannot change between the last look and the halt: sti takes effect
	 * after the hlt began.
	 */
sys_entry:
	test	%eax, %eax
	jnz	9f
	mov	$(MAP_LAPIC_GPA + LAPIC_TIMER_INITIAL), %eax
	mov	%edx, (%rax)
1:	cmp	%esi, irq_counts(,%rdi,4)
	jne	2f
	cmp	%ecx, irq_counts + 4 * VECTOR_TIMER
	jne	2f
	sti
	hlt
	cli
	jmp	1b
2:	movl	$0, (%rax)
	xor	%eax, %eax
	iretq
9:	mov	$-1, %rax
	iretq

	/* On the stack: vector, error code, rip, cs, rflags, rsp, ss. */
fault:
	pop	%rax
	mov	%rax, fault_request + 8
	pop	%rax
	mov	%rax, fault_request + 16
	pop	%rax
	mov	%rax, fault_request + 24
	mov	%cr2, %rax
	mov	%rax, fault_request + 32
	mov	$fault_request, %eax
	mov	$BARE_PORT_HYPERCALL, %edx
	out	%eax, %dx
1:	hlt		/* the monitor has ended us */
	jmp	1b

	/* One stub per vector. */
	.section .traps.stubs, "ax"
	.set	vector, 0
	.rept	256
	.balign	STUB_LEN
	.if	vector == VECTOR_SYSCALL
	jmp	sys_entry
	.elseif	vector < 32
	/* Vectors with an error code: Intel SDM vol. 3, table 6-1. */
	.if	(vector == 8 || (vector >= 10 && vector <= 14) || \
		 vector == 17 || vector == 21 || vector == 29 || vector == 30)
	.else
	pushq	$0
	.endif
	pushq	$vector
	jmp	fault
	.else
	push	%rax
	incl	irq_counts + 4 * vector
	mov	$(MAP_LAPIC_GPA + LAPIC_EOI), %eax
	movl	$0, (%rax)
	pop	%rax
	iretq
	.endif
	.set	vector, vector + 1
	.endr

	/* 64-bit interrupt gates (Intel SDM vol. 3, figure 6-8). */
	.section .traps.idt, "aw"
	.set	vector, 0
	.rept	256
	.word	(STUBS_GPA + STUB_LEN * vector) & 0xffff
	.word	SEL_KERNEL_CODE
	.if	vector == VECTOR_SYSCALL
	.word	0xee00	/* present, DPL 3 */
	.else
	.word	0x8e00	/* present, DPL 0 */
	.endif
	.word	(STUBS_GPA + STUB_LEN * vector) >> 16
	.quad	0
	.set	vector, vector + 1
	.endr

	/* Task state segments (figure 7-11): a ring-0 stack, and the ports
	 * that ring 3 may use itself: console, hypercall, exit, PCI. */
	.section .traps.tss, "aw"
	.set	cpu, 0
	.rept	CPUS_NR
	.balign	TSS_LEN
	.long	0
	.quad	trap_stack_end - (CPUS_NR - 1 - cpu) * TRAP_STACK_LEN
	.skip	90
	.word	104	/* where the bitmap starts */
	/* 0 allows; one byte is eight ports. */
	.fill	0xe8 / 8, 1, 0xff
	.byte	0xfd	/* 0xe9 */
	.fill	(0x5f0 - 0xf0) / 8, 1, 0xff
	.byte	0x00	/* 0x5f0..0x5f7 */
	.fill	(0xcf8 - 0x5f8) / 8, 1, 0xff
	.byte	0x00	/* 0xcf8..0xcff */
	.byte	0xff	/* the byte of ones that must follow */
	.set	cpu, cpu + 1
	.endr
	.balign	TSS_LEN

	.set	TSS_LIMIT, 104 + 0xd00 / 8

	.section .data.tables, "aw"
	.balign	16
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 0x08 ring 0 code, 64 bit */
	.quad	0x00cf93000000ffff	/* 0x10 ring 0 data */
	.quad	0
	.quad	0
	.quad	0x00cff3000000ffff	/* 0x2b ring 3 data */
	.quad	0x00affb000000ffff	/* 0x33 ring 3 code, 64 bit */
	.set	cpu, 0
	.rept	CPUS_NR			/* 0x38 + 16 * cpu */
	.word	TSS_LIMIT
	.word	(TSS_GPA + TSS_LEN * cpu) & 0xffff
	.byte	(TSS_GPA + TSS_LEN * cpu) >> 16
	.byte	0x89			/* available 64-bit TSS */
	.byte	0
	.byte	0
	.quad	0
	.set	cpu, cpu + 1
	.endr
gdt_end:

gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt
	.balign	8
idt_pointer:
	.word	256 * 16 - 1
	.quad	IDT_GPA

	.balign	8
trap_stacks:
	.set	cpu, 0
	.rept	CPUS_NR
	.quad	trap_stack_end - (CPUS_NR - 1 - cpu) * TRAP_STACK_LEN
	.set	cpu, cpu + 1
	.endr
	/* As after a call: 16-byte aligned plus a return address. */
user_stacks:
	.set	cpu, 0
	.rept	CPUS_NR
	.quad	user_stack_end - (CPUS_NR - 1 - cpu) * STACK_LEN - 8
	.set	cpu, cpu + 1
	.endr

	.balign	8
fault_request:	/* struct bare_request, BARE_CALL_FAULT */
	.long	BARE_CALL_FAULT, 0
	.quad	0, 0, 0, 0
	.quad	0

	.section .bss
	.balign	4096
	.skip	CPUS_NR * TRAP_STACK_LEN
trap_stack_end:
	.skip	CPUS_NR * STACK_LEN
user_stack_end:
	.globl	irq_counts
	.balign	64
irq_counts:	/* interrupts taken, per vector; wraps */
	.skip	256 * 4

	.section .note.GNU-stack, "", @progbits
