/* SPDX-License-Identifier: MIT */
/*
 * bare_abi.h - the contract between the monitor and a bare guest: state at
 * the first instruction, boot information, ports and hypercalls.
 *
 * First state (all vCPUs, in parallel): 64-bit mode, ring 0, interrupts off,
 * rip = ELF entry, rdi = MAP_BOOT_INFO_GPA, rsi = vCPU number, rsp undefined.
 * Paging: identity map, 4-level; page 0 absent; the boot information page and
 * RAM from MAP_IMAGE_GPA on are user read-write, page tables and the
 * local APIC supervisor-only, PCI windows user. SSE, AVX and what else
 * the host's XCR0 offers is enabled.
 *
 * Trust: the monitor believes nothing here. A request is copied once from
 * guest RAM, checked, then used.
 */
#ifndef SHM_BARE_ABI_H
#define SHM_BARE_ABI_H

/* Ports. The assembler reads this part too. */
/* Console: each byte written, any access width, appears on the console. */
#define BARE_PORT_CONSOLE 0xe9
/* OUT 32: guest-physical address of a struct bare_request. */
#define BARE_PORT_HYPERCALL 0x5f0
/* OUT 32: end this VM with that status; 0 is success. Does not return. */
#define BARE_PORT_EXIT 0x5f4

/* Hypercalls, bare_request.call. */
/* args: buffer gpa, len. result: len. The buffer is taken whole. */
#define BARE_CALL_CONSOLE 1
/*
 * args: gpa of a NUL-terminated key (< BARE_KEY_LEN), value.
 * A figure for the lab's report; the same key again replaces it.
 */
#define BARE_CALL_REPORT 2
/*
 * args: gpa of a struct bare_counters (8-byte aligned), or 0 for none. The
 * monitor reads it when somebody looks and once at the end.
 */
#define BARE_CALL_COUNTERS 3
/* args: vector, error code, rip, cr2. Ends the VM. */
#define BARE_CALL_FAULT 4

#ifndef __ASSEMBLER__

#include <stdint.h>

#define BARE_BOOT_MAGIC	  0x746f6f6262616c76ull /* "vlabboot" */
#define BARE_BOOT_VERSION 1u
#define BARE_NAME_LEN	  32
#define BARE_ARGS_LEN	  3072
#define BARE_CPUS_MAX	  8

/* At MAP_BOOT_INFO_GPA. Written by the monitor, read by the guest. */
struct bare_boot_info {
	uint64_t magic;
	uint32_t version;
	uint32_t cpus_nr;
	uint64_t ram_len;	  /* bytes, from guest-physical 0 */
	uint64_t tsc_hz;	  /* ticks of the guest's TSC per second */
	uint64_t lapic_timer_hz;  /* with divide configuration 1 */
	uint64_t pci64_len;	  /* mapped bytes from MAP_PCI64_GPA */
	char name[BARE_NAME_LEN]; /* the VM's, NUL-terminated */
	uint32_t args_len;	  /* bytes used in args, NULs included */
	uint32_t reserved;
	char args[BARE_ARGS_LEN]; /* words, each NUL-terminated */
};
_Static_assert(sizeof(struct bare_boot_info) == 3160, "boot info layout");
_Static_assert(sizeof(struct bare_boot_info) <= 4096, "one page");

#define BARE_KEY_LEN	     24
#define BARE_CONSOLE_MAX_LEN 65536u /* bytes in one BARE_CALL_CONSOLE */

/* Results of a call, in request.result. */
#define BARE_OK	    0
#define BARE_EINVAL (-1) /* unknown call, bad key, too long */
#define BARE_EFAULT (-2) /* a range is not inside RAM */
#define BARE_ENOSPC (-3) /* too many different keys */

/* 8-byte aligned, inside RAM. */
struct bare_request {
	uint32_t call;
	uint32_t reserved;
	uint64_t args[4];
	int64_t result; /* written by the monitor */
};
_Static_assert(sizeof(struct bare_request) == 48, "request layout");

/* The guest counts here without leaving itself. */
struct bare_counters {
	uint64_t doorbells;  /* doorbell register writes */
	uint64_t interrupts; /* device interrupts taken */
};
_Static_assert(sizeof(struct bare_counters) == 16, "counters layout");

#endif /* __ASSEMBLER__ */
#endif
