/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_echo_1k.S - input by the 1k dialect: hypercall 2 asks, the next IN
 * answers, 0xff says that no key waits; an IN that nobody asked for gives 0.
 * A newline or Ctrl-D (4) is the last.
 *
 * mini-kvm, real mode, --hc 1k. stdout: the first line of stdin.
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code16
	.globl	start
start:
	mov	$HC_PORT, %dx
	in	%dx, %al
	mov	$unasked, %si
	test	%al, %al
	jnz	3f
1:	hypercall HC_GET
	in	%dx, %al
	cmp	$HC_NOTHING, %al
	je	1b
	mov	%al, %bl
	/* Answered once: it is 0 again. */
	in	%dx, %al
	mov	$twice, %si
	test	%al, %al
	jnz	3f
	cmp	$END_OF_TEXT, %bl
	je	2f
	hypercall HC_PUT
	cmp	$'\n', %bl
	jne	1b
2:	hypercall HC_EXIT
3:	call	hc_puts
	hypercall HC_EXIT

unasked: .asciz	"an IN without a question was answered\n"
twice:	.asciz	"a question was answered twice\n"
