/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_outs.S - a string instruction is as many bytes as it counts, in
 * order, however many of them one exit carries.
 *
 * mini-kvm, real mode. stdout: "All at once: 0123456789"
 */
#include "guests/apps/classic/lib/mini.h"

	.code16
	.globl	start
start:
	mov	$text, %si
	mov	$(end - text), %cx
	mov	$UART_DATA, %dx
	cld
	rep outsb
	hlt

text:	.ascii	"All at once: 0123456789\n"
end:
