/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_keys.S - a key interrupts: the handler of vector 0x21 takes it by
 * get-character and shows it. q is the last. Interrupts may be fewer than
 * keys, so the handler takes all there are.
 *
 * mini-kvm, real mode, the first guest, --hc 1k. stdout: stdin up to its
 * first q, and a newline.
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code16
	.globl	start
start:
	jmp	main
	.org	0x400
main:
	movw	$ignored, 4 * VECTOR_TIMER
	mov	%cs, 4 * VECTOR_TIMER + 2
	movw	$key, 4 * VECTOR_KEY
	mov	%cs, 4 * VECTOR_KEY + 2
	movw	$ignored, 4 * VECTOR_UART
	mov	%cs, 4 * VECTOR_UART + 2
	sti
1:	cmpb	$'q', last
	jne	1b
	cli
	mov	$'\n', %bl
	hypercall HC_PUT
	hypercall HC_EXIT

key:
	push	%ax
	push	%bx
	push	%dx
2:	cmpb	$'q', last
	je	3f
	hypercall HC_GET
	in	%dx, %al
	cmp	$HC_NOTHING, %al
	je	3f
	mov	%al, last
	mov	%al, %bl
	hypercall HC_PUT
	jmp	2b
3:	pop	%dx
	pop	%bx
	pop	%ax
ignored:
	iret

last:	.byte	0
