/* SPDX-License-Identifier: MIT */
/* print.S - text through the UART or by hypercall, in real mode. */
#include "guests/apps/classic/lib/hypercall.S"

	.code16
	.text
	/* The character in al. Spends dx. */
	.globl	uart_put
uart_put:
	push	%ax
	mov	$UART_LSR, %dx
1:	in	%dx, %al
	test	$LSR_TX_EMPTY, %al
	jz	1b
	pop	%ax
	mov	$UART_DATA, %dx
	out	%al, %dx
	ret

	/* The string at ds:si, which ends with 0. Spends ax, dx, si. */
	.globl	uart_puts
uart_puts:
	lodsb
	test	%al, %al
	jz	2f
	call	uart_put
	jmp	uart_puts
2:	ret

	/* ax as four hexadecimal digits. Spends ax, cx, dx. */
	.globl	uart_hex
uart_hex:
	mov	$4, %cx
3:	rol	$4, %ax
	push	%ax
	and	$0xf, %al
	cmp	$10, %al
	jb	4f
	add	$('a' - '0' - 10), %al
4:	add	$'0', %al
	call	uart_put
	pop	%ax
	loop	3b
	ret

	/* The string at ds:si, by hypercalls. Spends ax, bx, dx, si. */
	.globl	hc_puts
hc_puts:
	lodsb
	test	%al, %al
	jz	5f
	mov	%al, %bl
	hypercall HC_PUT
	jmp	hc_puts
5:	ret
