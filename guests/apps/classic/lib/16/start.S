/* SPDX-License-Identifier: MIT */
/* start.S - from the first byte of a real-mode image to its main(). */
	.code16
	.section .text.start, "ax"
	.globl	start
start:
	mov	$0xfff0, %esp
	cld
	calll	main
	hlt
