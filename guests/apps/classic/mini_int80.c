/* SPDX-License-Identifier: MIT */
/* flat: 32 0x80001000 0x80100000 */
/*
 * mini_int80.c - a program at ring 3 prints by calling its kernel with
 * int 0x80; the privilege it runs at, it reads off its own CS.
 *
 * mini-kvm, --paging, on a KVM with 32-bit paging. stdout:
 *
 *	called from ring 3: 0 1 2 3 4 5 6 7 8 9
 */
#include "guests/apps/classic/lib/mini.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/apps/classic/lib/ring3.h"

enum call {
	CALL_RING,   /* arg: the caller's CS */
	CALL_NUMBER, /* arg: it */
	CALL_END,
};

void put_char(char c)
{
	mini_put(c);
}

void kernel_call(uintptr_t nr, uintptr_t arg)
{
	switch (nr) {
	case CALL_RING:
		print("called from ring %d:", (int)(arg & 3));
		break;
	case CALL_NUMBER:
		print(" %d", (int)arg);
		break;
	default:
		print("\n");
		mini_exit();
	}
}

void kernel_fault(uintptr_t vector, uintptr_t error, uintptr_t address)
{
	print("\nfault %d, error code %d, at %x\n", (int)vector, (int)error,
	      (unsigned int)address);
	mini_exit();
}

static void user(void)
{
	uintptr_t cs;

	__asm__("mov %%cs, %0" : "=r"(cs));
	ring3_call(CALL_RING, cs);
	for (uintptr_t i = 0; i < 10; i++)
		ring3_call(CALL_NUMBER, i);
	ring3_call(CALL_END, 0);
}

int main(void)
{
	ring3_run(user);
}
