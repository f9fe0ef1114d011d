/* SPDX-License-Identifier: MIT */
/* flat: 32 0x80001000 0x80100000 */
/*
 * mini_page_fault.S - a load from where nothing is mapped ends the guest: no
 * gate of its table of interrupts is filled in.
 *
 * mini-kvm, --paging. stdout: "touching 0x40000000"; stderr names the fault.
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code32
	.globl	start
start:
	mov	$before, %esi
	jmp	puts
touch:
	mov	0x40000000, %eax
	mov	$after, %esi
	movl	$exit, next
puts:
	mov	(%esi), %bl
	test	%bl, %bl
	jz	1f
	hypercall HC_PUT
	inc	%esi
	jmp	puts
1:	jmp	*next
exit:
	hypercall HC_EXIT

	.balign	4
next:	.long	touch
before:	.asciz	"touching 0x40000000\n"
after:	.asciz	"nothing happened\n"
