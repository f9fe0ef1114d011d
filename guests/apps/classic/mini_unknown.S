/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_unknown.S - a hypercall nobody knows ends the guest, and only it.
 *
 * mini-kvm, real mode. stdout: "before"; stderr names hypercall 9.
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code16
	.globl	start
start:
	mov	$before, %si
	call	hc_puts
	hypercall 9
	mov	$after, %si
	call	hc_puts
	hlt

before:	.asciz	"before\n"
after:	.asciz	"after\n"
