/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_triple.S - a fault that nobody handles, in a machine without vectors,
 * shuts it down. That ends this VM and no other.
 *
 * mini-hypervisor. stdout: "before the fault"; the monitor says "Shutdown".
 */
#define CONSOLE 0xe9

	.code64
	.globl	start
start:
	mov	$text, %esi
1:	lodsb
	test	%al, %al
	jz	2f
	out	%al, $CONSOLE
	jmp	1b
2:	ud2
	hlt

text:	.asciz	"before the fault\n"
