/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x400 */
/*
 * simple_wrong_16.S - 42 in memory but 43 in ax.
 *
 * simple-kvm, real mode (-r). "Wrong result", status 1.
 */
#include "guests/apps/classic/lib/simple.h"

	.code16
	.globl	start
start:
	mov	$SIMPLE_RESULT, %ax
	mov	%ax, SIMPLE_RESULT_GPA
	inc	%ax
	hlt
