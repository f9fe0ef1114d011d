/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_decimal.S - the legacy dialect prints numbers (2: all 16 bits of bx,
 * unsigned) and newlines (3).
 *
 * mini-kvm, real mode, or --hc legacy. stdout: the powers of two from 1 to
 * 32768, then 65535, a line each.
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code16
	.globl	start
start:
	mov	$1, %bx
1:	hypercall HC_DECIMAL
	hypercall HC_NEWLINE
	shl	$1, %bx
	jnz	1b
	dec	%bx
	hypercall HC_DECIMAL
	hypercall HC_NEWLINE
	hypercall HC_EXIT
