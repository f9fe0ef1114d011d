/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_counter.S - ten bytes, ten exits, and no look at the line status.
 *
 * mini-kvm, real mode. stdout: "0123456789", no newline.
 */
#include "guests/apps/classic/lib/mini.h"

	.code16
	.globl	start
start:
	mov	$UART_DATA, %dx
	mov	$'0', %al
1:	out	%al, %dx
	inc	%al
	cmp	$'9', %al
	jbe	1b
	hlt
