/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x400 */
/*
 * simple_guest64.c - all of simple-kvm's ports from 64-bit code, and the
 * result at last.
 *
 * simple-kvm, long mode (-l). stdout:
 *
 *	byte by byte
 *	all at once
 *	14			exits before the string
 *	16			and after it
 *	IO in: 3		with this one
 *	IO out: 16
 *	IO in: 4
 *	IO out: 16
 *	16675			0x5123 - 0x1000
 *	Invalid GVA
 *	0
 */
#include "guests/apps/classic/lib/simple.h"

int main(void)
{
	int result = simple_tour();

	__asm__ __volatile__("movq %0, %c1" ::"i"(SIMPLE_RESULT),
			     "i"(SIMPLE_RESULT_GPA)
			     : "memory");
	return result;
}
