/* SPDX-License-Identifier: MIT */
/* ring3_gates.S - into ring 3 and back, in 64 bit. */
#include "guests/apps/classic/lib/ring3.h"

	.code64
	.text
	.globl	ring3_enter
ring3_enter:
	pushq	$RING3_DATA
	pushq	%rsi
	pushq	$2
	pushq	$RING3_CODE
	pushq	%rdi
	iretq

	/* What C functions may spend is spent. */
	.globl	ring3_gate_call
ring3_gate_call:
	call	kernel_call
	iretq

	/* On the stack: error code, rip, cs, rflags, rsp, ss. */
	.globl	ring3_gate_page
ring3_gate_page:
	mov	$VECTOR_PAGE_FAULT, %edi
	jmp	1f
	.globl	ring3_gate_general
ring3_gate_general:
	mov	$VECTOR_GENERAL_PROTECTION, %edi
1:	pop	%rsi
	mov	%cr2, %rdx
	call	kernel_fault
	mov	ring3_resume, %rax
	mov	%rax, (%rsp)
	iretq

	.globl	ring3_call
ring3_call:
	int3
	ret

	.globl	ring3_peek
ring3_peek:
	movq	$1f, ring3_resume
	mov	(%rdi), %eax
1:	ret

	.globl	ring3_poke
ring3_poke:
	movq	$1f, ring3_resume
	mov	%esi, (%rdi)
1:	ret

	.globl	ring3_halt
ring3_halt:
	movq	$1f, ring3_resume
	hlt
1:	ret

	.bss
	.balign	8
	.globl	ring3_resume
ring3_resume: .skip 8
