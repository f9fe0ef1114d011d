/* SPDX-License-Identifier: MIT */
/*
 * mini_kvm.h - what the files of the ABI mini-kvm share, and nobody else sees:
 * mini_kvm.c (the rules: ports, hypercalls, interrupts), mini_kvm_modes.c
 * (memory and first registers by mode), mini_kvm_linux.c (all of these for a
 * Linux kernel), mini_kvm_run.c (from the images to the exit status),
 * mini_kvm_options.c (the command line).
 */
#ifndef VMM_ABI_MINI_KVM_H
#define VMM_ABI_MINI_KVM_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/abi/abi.h"
#include "vmm/abi/inject.h"
#include "vmm/abi/keys.h"
#include "vmm/abi/pager.h"
#include "vmm/abi/paging.h"
#include "vmm/abi/ticks.h"
#include "vmm/boot/bzimage.h"
#include "vmm/devices/uart.h"

#define MINI_GUESTS_MAX 4

enum mini_mode {
	MINI_REAL,
	MINI_PROTECTED, /* without paging */
	MINI_PAGING,
	MINI_LONG,
	MINI_LINUX,
};

enum mini_calls { /* dialects of the hypercalls */
	MINI_CALLS_AUTO,
	MINI_CALLS_LEGACY,
	MINI_CALLS_1K,
};

struct mini_opts {
	struct session_opts session;
	enum mini_mode mode;
	enum mini_calls calls;
	enum paging_backend backend;
	bool small_pages;	  /* --page-size 4k */
	bool has_load, has_entry; /* else the mode's */
	uint64_t load, entry;
	bool verbose, dump_regs;
	const char *dump_mem; /* NULL: no */
	char **images;
	uint32_t images_nr; /* 1..MINI_GUESTS_MAX */
	/* With MINI_LINUX; the kernel is images[0]. */
	char *linux_kernel;
	const char *linux_cmdline, *linux_initrd; /* NULL: none */
	enum bzimage_entry linux_entry;
	bool linux_rsi_hdr, has_linux_option;
	uint64_t linux_ram_len;
};

struct mini;

/* Each has a serial port of its own, so that they cannot disturb each other;
 * the keyboard is one for all: a byte is whose who asks first. */
struct mini_guest {
	struct mini *mini;
	struct flat_cpu *cpu; /* NULL: not made */
	struct uart uart;
	struct inject inject;
	struct pager *pager; /* NULL: KVM does it, or nobody */
	bool asked;	     /* for a key; the next IN gets answer */
	uint8_t answer;
	bool crashed;
	bool serial_level; /* MINI_LINUX: of its pin, as KVM knows it */
	/* Whom keys and ticks kick. */
	_Atomic bool takes_keys, takes_ticks;
};

struct mini {
	const struct abi_call *call;
	struct mini_opts opts;
	bool legacy; /* the dialect */
	struct session *session;
	struct keys *keys;
	struct ticks *ticks;
	struct mini_guest guests[MINI_GUESTS_MAX]; /* opts.images_nr */
};

/* --- mini_kvm.c --- */

#define MINI_TICK_NS  10000000ull
#define MINI_PORT_A20 0x92

/* Of a machine whose vCPUs' arg is their struct mini_guest: fills in ports and
 * hooks. */
void mini_rules(struct flat_desc *desc);
/* Before it runs. */
void mini_guest_init(struct mini_guest *guest, struct mini *mini,
		     struct flat_cpu *cpu);
/* From now on it takes input, and is kicked when some comes. */
void mini_want_keys(struct mini_guest *guest);
/* The port's handler: A20 is open. */
flat_port_fn mini_a20;
/* For keys_create() and ticks_create(); arg is the struct mini. */
void mini_keys_arrived(void *arg);
void mini_tick(void *arg);

/* --- mini_kvm_linux.c --- */

/* As mini_rules(), and RAM. */
void mini_linux_rules(const struct mini_opts *opts, struct flat_desc *desc);
/* -EOPNOTSUPP, logged: not on this KVM. */
int mini_linux_possible(void);
/* Load kernel and initrd, set the first state. Errors are logged. */
int mini_linux_prepare(const struct mini_opts *opts, struct flat_cpu *cpu);

/* --- mini_kvm_run.c --- */

int mini_run(const struct abi_call *call);

/* --- mini_kvm_options.c --- */

/* -1: all is well; else the exit status. */
int mini_options(const struct abi_call *call, struct mini_opts *opts);
extern const char mini_help[];

/* --- mini_kvm_modes.c --- */

/* "real mode", ... */
const char *mini_mode_name(enum mini_mode mode);
/* Bytes of RAM that a guest has in this mode. */
uint64_t mini_mode_ram(enum mini_mode mode);
/*
 * Load the image, make the tables, set the first state. Errors are logged.
 */
int mini_mode_prepare(const struct mini_opts *opts, struct flat_cpu *cpu,
		      const char *image);
/* With paging: where the first page directory is. */
uint64_t mini_mode_directory(void);

#endif
