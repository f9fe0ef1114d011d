/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_hello_hc.S - text by hypercall 1, which both dialects have, and the
 * exit by hypercall 0: the byte behind it is never reached.
 *
 * mini-kvm, real mode. stdout: "Hello by hypercall!"
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code16
	.globl	start
start:
	mov	$text, %si
	call	hc_puts
	hypercall HC_EXIT
	mov	$wrong, %si
	call	hc_puts
	hlt

text:	.asciz	"Hello by hypercall!\n"
wrong:	.asciz	"went on after its exit\n"
