/* SPDX-License-Identifier: MIT */
/* flat: 32 0 0x40000 */
/*
 * mini_protected.S - 32 bit without paging: flat segments, text through the
 * UART, a number and the exit by the legacy dialect.
 *
 * mini-kvm, -p. stdout: "Hello from protected mode!", then "32"
 */
#include "guests/apps/classic/lib/hypercall.S"

	.code32
	.globl	start
start:
	mov	$text, %esi
	mov	$(end - text), %ecx
	mov	$UART_DATA, %dx
	cld
	rep outsb
	mov	$32, %ebx
	hypercall HC_DECIMAL
	hypercall HC_NEWLINE
	hypercall HC_EXIT

text:	.ascii	"Hello from protected mode!\n"
end:
