/* SPDX-License-Identifier: MIT */
/*
 * start.S - from the first byte of a 64-bit image to its main(), on the stack
 * that the ABI has set. What main() returns is in rax at the hlt.
 */
	.code64
	.section .text.start, "ax"
	.globl	start
start:
	cld
	xor	%eax, %eax
	mov	$bss_start, %edi
	mov	$bss_end, %ecx
	sub	%edi, %ecx
	rep stosb
	call	main
	hlt
