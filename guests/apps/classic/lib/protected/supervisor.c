/* SPDX-License-Identifier: MIT */
/* supervisor.c - ring 3 reads, writes and halts where it must not. */
#include "guests/apps/classic/lib/supervisor.h"

#include "guests/apps/classic/lib/mini.h"
#include "guests/apps/classic/lib/print.h"
#include "guests/apps/classic/lib/ring3.h"
#include "guests/runtime/runtime.h"

#define SECRET 0x5ec4e7u

enum call {
	CALL_SAY, /* arg: a text */
	CALL_END,
};

static volatile uint32_t *page(void)
{
	return gpa_pointer(RING0_ONLY_PAGE);
}

void kernel_call(uintptr_t nr, uintptr_t arg)
{
	if (nr == CALL_SAY) {
		print("%s\n", (const char *)gpa_pointer(arg));
		return;
	}
	print("the page is %s\n", *page() == SECRET ? "untouched" : "changed");
	mini_exit();
}

void kernel_fault(uintptr_t vector, uintptr_t error, uintptr_t address)
{
	if (vector == VECTOR_PAGE_FAULT)
		print("kernel: page fault at %x, error code %d\n",
		      (unsigned int)address, (int)error);
	else
		print("kernel: general protection, error code %d\n",
		      (int)error);
}

void supervisor_prepare(void)
{
	*page() = SECRET;
}

static void say(const char *text)
{
	ring3_call(CALL_SAY, (uintptr_t)text);
}

void supervisor_user(void)
{
	say("ring 3: read it");
	ring3_peek(page());
	say("ring 3: write it");
	ring3_poke(page(), 0);
	say("ring 3: halt");
	ring3_halt();
	ring3_call(CALL_END, 0);
}
