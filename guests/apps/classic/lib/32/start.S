/* SPDX-License-Identifier: MIT */
/*
 * start.S - from the first byte of a 32-bit image to its main(). What that
 * returns is in eax at the hlt.
 */
	.code32
	.section .text.start, "ax"
	.globl	start
start:
	/* mini-kvm leaves the stack to its guests; simple-kvm has set one. */
	test	%esp, %esp
	jnz	1f
	mov	$stack_end, %esp
	and	$-16, %esp
1:	cld
	xor	%eax, %eax
	mov	$bss_start, %edi
	mov	$bss_end, %ecx
	sub	%edi, %ecx
	rep stosb
	call	main
	hlt

	.set	stack_end, flat_end + 0x4000
