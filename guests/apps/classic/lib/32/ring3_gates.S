/* SPDX-License-Identifier: MIT */
/* ring3_gates.S - into ring 3 and back, in 32 bit. */
#include "guests/apps/classic/lib/ring3.h"

	.code32
	.text
	.globl	ring3_enter
ring3_enter:
	mov	4(%esp), %eax
	mov	8(%esp), %edx
	mov	$RING3_DATA, %ecx
	mov	%ecx, %ds
	mov	%ecx, %es
	push	%ecx
	push	%edx
	push	$2
	push	$RING3_CODE
	push	%eax
	iret

	/* From ring 3: eax and edx are nr and arg, and spent, as is ecx. */
	.globl	ring3_gate_call
ring3_gate_call:
	push	%edx
	push	%eax
	call	kernel_call
	add	$8, %esp
	iret

	/* On the stack: error code, eip, cs, eflags, esp, ss. */
	.globl	ring3_gate_page
ring3_gate_page:
	mov	$VECTOR_PAGE_FAULT, %eax
	jmp	1f
	.globl	ring3_gate_general
ring3_gate_general:
	mov	$VECTOR_GENERAL_PROTECTION, %eax
1:	pop	%edx
	mov	%cr2, %ecx
	push	%ecx
	push	%edx
	push	%eax
	call	kernel_fault
	add	$12, %esp
	mov	ring3_resume, %eax
	mov	%eax, (%esp)
	iret

	.globl	ring3_call
ring3_call:
	mov	4(%esp), %eax
	mov	8(%esp), %edx
	int	$0x80
	ret

	.globl	ring3_peek
ring3_peek:
	mov	4(%esp), %edx
	movl	$1f, ring3_resume
	mov	(%edx), %eax
1:	ret

	.globl	ring3_poke
ring3_poke:
	mov	4(%esp), %edx
	mov	8(%esp), %eax
	movl	$1f, ring3_resume
	mov	%eax, (%edx)
1:	ret

	.globl	ring3_halt
ring3_halt:
	movl	$1f, ring3_resume
	hlt
1:	ret

	.bss
	.balign	4
	.globl	ring3_resume
ring3_resume: .skip 4
