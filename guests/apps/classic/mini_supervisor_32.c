/* SPDX-License-Identifier: MIT */
/* flat: 32 0x80001000 0x80100000 */
/*
 * mini_supervisor_32.c - a program at ring 3 gets at a page of its kernel
 *neither by reading nor by writing, and cannot halt the machine.
 *
 * mini-kvm, --paging, on a KVM with 32-bit paging. stdout:
 *
 *	ring 3: read it
 *	kernel: page fault at 200000, error code 5
 *	ring 3: write it
 *	kernel: page fault at 200000, error code 7
 *	ring 3: halt
 *	kernel: general protection, error code 0
 *	the page is untouched
 */
#include "guests/apps/classic/lib/supervisor.h"

#include "guests/apps/classic/lib/mini.h"
#include "guests/apps/classic/lib/print.h"
#include "guests/apps/classic/lib/ring3.h"

void put_char(char c)
{
	mini_put(c);
}

int main(void)
{
	supervisor_prepare();
	ring3_run(supervisor_user);
}
