/* SPDX-License-Identifier: MIT */
/* flat: 32 0x80001000 0x80100000 */
/*
 * mini_ticks_32.S - timer interrupts in protected mode: the gate of vector
 * 0x20 in the table that the monitor has set up at 0x528, empty.
 *
 * mini-kvm, --paging. stdout: five lines "tick"
 */
#include "guests/apps/classic/lib/hypercall.S"

#define TICKS	5
#define IDT_GPA 0x528
#define GATE(n)	(IDT_GPA + 8 * (n))

	.code32
	.globl	start
start:
	mov	$stack, %esp
	mov	$tick, %eax
	mov	$GATE(VECTOR_TIMER), %edi
	call	set_gate
	/* Typing shall not disturb it. */
	mov	$ignored, %eax
	mov	$GATE(VECTOR_KEY), %edi
	call	set_gate
	sti
1:	cmpl	$TICKS, ticks
	jb	1b
	cli
	hypercall HC_EXIT

	/* A 32-bit interrupt gate at edi, for eax: Intel SDM vol. 3, figure 6-2. */
set_gate:
	mov	%ax, (%edi)
	movw	$8, 2(%edi)
	movw	$0x8e00, 4(%edi)
	shr	$16, %eax
	mov	%ax, 6(%edi)
	ret

tick:
	push	%eax
	push	%ebx
	push	%edx
	push	%esi
	cmpl	$TICKS, ticks
	jae	3f
	incl	ticks
	mov	$text, %esi
2:	mov	(%esi), %bl
	hypercall HC_PUT
	inc	%esi
	cmp	$'\n', %bl
	jne	2b
3:	mov	$PIC_EOI, %al
	out	%al, $PIC_COMMAND
	pop	%esi
	pop	%edx
	pop	%ebx
	pop	%eax
ignored:
	/* An iret in two steps, since software KVM has none in 32 bit. */
	pushl	8(%esp)
	popfl
	lret	$4

text:	.ascii	"tick\n"
	.balign	4
ticks:	.long	0
	.fill	64, 4, 0
stack:
