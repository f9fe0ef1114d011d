/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_echo.S - input through the UART: when the line status says that a byte
 * waits, take it and send it back. A newline or Ctrl-D (4) is the last.
 *
 * mini-kvm, real mode. stdout: the first line of stdin.
 */
#include "guests/apps/classic/lib/mini.h"

	.code16
	.globl	start
start:
	mov	$UART_LSR, %dx
	in	%dx, %al
	test	$LSR_DATA, %al
	jz	start
	mov	$UART_DATA, %dx
	in	%dx, %al
	cmp	$END_OF_TEXT, %al
	je	2f
	call	uart_put
	cmp	$'\n', %al
	jne	start
2:	hlt
