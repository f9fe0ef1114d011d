/* SPDX-License-Identifier: MIT */
/* hypercall.S - a hypercall in one line, for other assembly to include. */
#include "guests/apps/classic/lib/mini.h"

	/* nr is a number; bx is its argument. Spends al and dx. */
	.macro	hypercall nr
	mov	$HC_PORT, %dx
	mov	$\nr, %al
	out	%al, %dx
	.endm
