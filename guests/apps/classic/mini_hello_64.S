/* SPDX-License-Identifier: MIT */
/* flat: 64 0x1000 0x2000 */
/*
 * mini_hello_64.S - 64-bit code, between the monitor's page tables.
 *
 * mini-kvm, --long-mode. stdout: "Hello from long mode!"
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code64
	.globl	start
start:
	lea	text(%rip), %rsi
1:	mov	(%rsi), %bl
	test	%bl, %bl
	jz	2f
	hypercall HC_PUT
	inc	%rsi
	jmp	1b
2:	hlt

text:	.asciz	"Hello from long mode!\n"
