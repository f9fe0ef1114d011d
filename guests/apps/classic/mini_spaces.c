/* SPDX-License-Identifier: MIT */
/* flat: 32 0x80001000 0x80100000 */
/*
 * mini_spaces.c - two directories show different pages at one address. What
 * is stored through either is there when it is loaded again.
 *
 * mini-kvm, --paging, on a KVM with 32-bit paging: without it a new CR3 alone
 * changes nothing that is mapped already. stdout: "1 2 1 2"
 */
#include "guests/apps/classic/lib/mini.h"
#include "guests/apps/classic/lib/paging32.h"
#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/runtime.h"

#define SEEN_LINEAR 0x01000000u

void put_char(char c)
{
	mini_put(c);
}

int main(void)
{
	volatile uint32_t *seen = gpa_pointer(SEEN_LINEAR);
	uint32_t *spaces[2];

	for (uint32_t i = 0; i < 2; i++) {
		spaces[i] = paging_create(0);
		paging_map(spaces[i], SEEN_LINEAR, paging_page(), 0);
		paging_load(spaces[i]);
		*seen = i + 1;
	}
	for (uint32_t i = 0; i < 4; i++) {
		paging_load(spaces[i % 2]);
		print("%d%c", (int)*seen, i < 3 ? ' ' : '\n');
	}
	mini_exit();
}
