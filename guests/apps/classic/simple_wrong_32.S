/* SPDX-License-Identifier: MIT */
/* flat: 32 0 0x400 */
/*
 * simple_wrong_32.S - the check is 4 bytes wide: the lower two of memory are
 * right, the upper two are not.
 *
 * simple-kvm, protected mode (-s, -p). "Wrong result", status 1.
 */
#include "guests/apps/classic/lib/simple.h"

	.code32
	.globl	start
start:
	mov	$SIMPLE_RESULT, %eax
	movl	$(0x10000 + SIMPLE_RESULT), SIMPLE_RESULT_GPA
	hlt
