/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_lines.S - a thousand lines, byte by byte, that say whose they are: what
 * --tag must keep apart when four copies print at the same time.
 *
 * mini-kvm, real mode, one to four copies. stdout: "xxxx:000" to "xxxx:999",
 * xxxx being 0000, 4000, 8000 or c000.
 */
#include "guests/apps/classic/lib/mini.h"

	.code16
	.globl	start
start:
	mov	%cs, %ax
	call	uart_hex
	mov	$number, %si
	call	uart_puts
	/* Add one to three decimal digits. */
	mov	$digits_end - 1, %di
1:	incb	(%di)
	cmpb	$'9', (%di)
	jbe	start
	movb	$'0', (%di)
	dec	%di
	cmp	$digits, %di
	jae	1b
	hlt

number:	.ascii	":"
digits:	.ascii	"000"
digits_end: .asciz "\n"
