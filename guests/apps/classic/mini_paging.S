/* SPDX-License-Identifier: MIT */
/* flat: 32 0x80001000 0x80100000 */
/*
 * mini_paging.S - the first 4 MB are seen twice: at 0x80000000, where this
 * image is linked, and at 0, where a write through the other view shows.
 *
 * mini-kvm, --paging. stdout: "Hello from 0x80000000 and from 0!"
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code32
	.globl	start
start:
	mov	$text, %esi
	mov	$'H', %al
	movb	%al, text - 0x80000000
1:	mov	(%esi), %bl
	test	%bl, %bl
	jz	2f
	hypercall HC_PUT
	inc	%esi
	jmp	1b
2:	hypercall HC_EXIT

text:	.asciz	"?ello from 0x80000000 and from 0!\n"
