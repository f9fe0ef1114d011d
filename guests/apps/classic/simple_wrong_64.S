/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x400 */
/*
 * simple_wrong_64.S - the check is 8 bytes wide: the lower four of memory are
 * right, the upper four are not.
 *
 * simple-kvm, long mode (-l). "Wrong result", status 1.
 */
#include "guests/apps/classic/lib/simple.h"

	.code64
	.globl	start
start:
	mov	$SIMPLE_RESULT, %eax
	movl	%eax, SIMPLE_RESULT_GPA
	movl	$1, SIMPLE_RESULT_GPA + 4
	hlt
