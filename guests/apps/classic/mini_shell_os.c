/* SPDX-License-Identifier: MIT */
/* flat: 32 0x80001000 0x80100000 */
/*
 * mini_shell_os.c - a small operating system: page tables of its own in free
 * RAM, a program shown at 16 MiB with a stack behind it, and the jump there.
 * The program is the shell (lib/32/user_*.c): a menu and nine programs.
 *
 * Like the system this ABI comes from it stays at ring 0, so that it runs on
 * a KVM without 32-bit paging too; mini_int80.c and mini_supervisor_32.c
 * have a ring 3.
 *
 * mini-kvm, --paging, 1k dialect. stdin: a line per answer; 0 ends it. stdout:
 * the menu, what was typed, and what the programs print.
 */
#include "guests/apps/classic/lib/mini.h"
#include "guests/apps/classic/lib/paging32.h"
#include "guests/apps/classic/lib/print.h"
#include "guests/apps/classic/lib/user.h"

#define STACK_PAGES 4u

/* flat.ld: where the program's pages are in the image. */
extern char user_load[], user_len[];

void put_char(char c)
{
	mini_put(c);
}

/* The linear address behind the last page. */
static uint32_t map_user(uint32_t *directory)
{
	uint32_t gpa = (uint32_t)(uintptr_t)user_load - KERNEL_LINEAR;
	uint32_t len = (uint32_t)(uintptr_t)user_len;
	uint32_t at = USER_LINEAR;

	for (; at < USER_LINEAR + len; at += PAGE_LEN, gpa += PAGE_LEN)
		paging_map(directory, at, gpa, PAGE_USER);
	for (uint32_t i = 0; i < STACK_PAGES; i++, at += PAGE_LEN)
		paging_map(directory, at, paging_page(), PAGE_USER);
	return at;
}

int main(void)
{
	uint32_t *directory = paging_create(0);
	uintptr_t stack = map_user(directory);

	paging_load(directory);
	print("shell OS: program at %x, stack to %x\n", USER_LINEAR,
	      (unsigned int)stack);
	__asm__ __volatile__("mov %0, %%esp\n\t"
			     "call *%1"
			     :
			     : "r"(stack), "r"(user_start)
			     : "memory");
	mini_exit();
}
