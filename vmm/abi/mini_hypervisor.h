/* SPDX-License-Identifier: MIT */
/*
 * mini_hypervisor.h - what the files of the ABI mini-hypervisor share; nobody
 * else includes it. The rules are in docs/classic-guests.md.
 */
#ifndef VMM_ABI_MINI_HYPERVISOR_H
#define VMM_ABI_MINI_HYPERVISOR_H

#include <pthread.h>

#include "vmm/abi/abi.h"
#include "vmm/abi/keys.h"
#include "vmm/files/file_port.h"

#define MINIHV_VMS_MAX SESSION_MACHINES_MAX

/* --- mini_hypervisor_options.c: the command line -------------------------- */

struct minihv_opts {
	struct session_opts session;
	uint64_t memory_mb; /* 2, 4 or 8 */
	uint64_t page_len;  /* 4 KiB or 2 MiB */
	const char *images[MINIHV_VMS_MAX];
	uint32_t images_nr;
	const char *files[FILE_SHARED_MAX];
	uint32_t files_nr;
	const char *private_dir; /* that holds the VMs' directories; NULL */
	bool fresh;
	bool numbers; /* --serial-in number */
};

/* -1: go on; else the exit status. */
int minihv_options(const struct abi_call *call, struct minihv_opts *opts);
extern const char minihv_help[];

/* --- mini_hypervisor_input.c: IN from port 0xe9 --------------------------- */

/* Standard input, for all VMs: what one has taken no other gets. */
struct minihv_input {
	struct keys *keys;
	bool numbers, prompts;
	pthread_mutex_t lock; /* all below */
	bool any, bad, negative;
	uint32_t value;
};

/* arrived as for keys_create(). Begins as zeros. */
int minihv_input_create(struct minihv_input *input, bool numbers,
			void (*arrived)(void *arg), void *arg);
/* Also of zeros. */
void minihv_input_destroy(struct minihv_input *input);
/* A VM is about to wait: tell the user on a terminal what for. */
void minihv_input_prompt(const struct minihv_input *input, const char *name);
/* false: nothing yet. At the end of the input always 0xff. *bytes: how many
 * were taken for it. */
bool minihv_input_take(struct minihv_input *input, uint8_t *value,
		       uint32_t *bytes);

#endif
