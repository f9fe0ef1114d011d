/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x400 */
/*
 * simple_guest16.S - the result that simple-kvm asks for, in the smallest way.
 *
 * simple-kvm, real mode (-r). stdout: nothing of its own.
 */
#include "guests/apps/classic/lib/simple.h"

	.code16
	.globl	start
start:
	mov	$SIMPLE_RESULT, %ax
	mov	%ax, SIMPLE_RESULT_GPA
	hlt
