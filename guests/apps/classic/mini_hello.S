/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_hello.S - text through the UART, each byte when the line status says
 * that there is room. DS is where the image is, so any of four guests finds
 * its own text.
 *
 * mini-kvm, real mode. stdout: "Hello from real mode!"
 */
	.code16
	.globl	start
start:
	mov	$text, %si
	call	uart_puts
	hlt

text:	.asciz	"Hello from real mode!\n"
