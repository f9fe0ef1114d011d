/* SPDX-License-Identifier: MIT */
/* flat: 32 0 0x400 */
/*
 * simple_beyond_32.S - a store behind the 2 MiB of RAM is an exit that this
 * ABI has no answer for.
 *
 * simple-kvm, protected mode (-s, -p). The exit is named, status 1.
 */
	.code32
	.globl	start
start:
	movl	$1, 0x300000
	hlt
