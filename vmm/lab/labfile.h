/* SPDX-License-Identifier: MIT */
/*
 * labfile.h - what a lab consists of, as its file says.
 *
 * A lab file is INI: one [lab] section for the shared memory, one [vm NAME]
 * section per machine, one [share NAME] per directory that guests see
 * (docs/ivlab.1, LAB FILES). All of it is checked before anything starts; each
 * mistake is one line that names file, line, section, key, value and what is
 * allowed.
 *
 * Threads: one at a time (the INI library is configured by global variables).
 */
#ifndef VMM_LAB_LABFILE_H
#define VMM_LAB_LABFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/bare_abi.h"
#include "vmm/devices/machine.h"
#include "vmm/files/share.h"

#define LAB_VMS_MAX	   64
#define LAB_SHARES_MAX	   16
#define LAB_VM_SHARES_MAX  MACHINE_SHARES_MAX
#define LAB_NAME_LEN	   32 /* with the NUL */
#define LAB_QUANTUM_MIN_NS 10000000ull
#define LAB_QUANTUM_MAX_NS 10000000000ull
#define LAB_ERRORS_MAX	   10 /* more mistakes of one file are not shown */

struct lab_share {
	char name[LAB_NAME_LEN];
	char *path; /* the host's directory */
	enum share_mode mode;
	enum share_policy policy;
	uint64_t quota; /* bytes of a VM's changes, 0: no limit */
};

struct lab_vm {
	char name[LAB_NAME_LEN];
	char *image; /* a path */
	char *args;  /* words separated by blanks, never NULL */
	uint64_t memory_len;
	uint32_t cpus_nr;
	uint32_t pin[BARE_CPUS_MAX]; /* host CPU of each vCPU */
	uint32_t pin_nr;	     /* 0: not pinned, else cpus_nr */
	uint32_t share;		     /* percent of each CPU in pin[]; 0: none */
	bool pin_spread; /* asked for; pin[] has it if there are CPUs enough */
	bool plain;	 /* ivshmem-plain: no doorbells */
	uint32_t vectors_nr; /* of the device; plain: 0 */
	char *share_names;   /* as the file has them; NULL: none */
	uint32_t shares[LAB_VM_SHARES_MAX]; /* indices into the lab's */
	uint32_t shares_nr;
};

struct lab {
	uint64_t region_len; /* power of two */
	bool hugepages;
	uint32_t vectors_nr; /* eventfds per peer */
	uint64_t quantum_ns; /* in which shares are kept */
	struct lab_vm vms[LAB_VMS_MAX];
	uint32_t vms_nr;
	struct lab_share shares[LAB_SHARES_MAX];
	uint32_t shares_nr;
	char *private_dir; /* what VMs change in shares of mode cow */
};

/*
 * Read the lab file at path. Mistakes are written to errors, a line each.
 * -EINVAL: there was one; -errno of opening and reading (written, too).
 * On success *lab is the caller's.
 */
int labfile_read(const char *path, struct lab **lab, FILE *errors);
/*
 * The same from a stream, which stays the caller's. name stands in messages,
 * images are
 * relative to dir (NULL: the working directory).
 */
int labfile_read_stream(FILE *file, const char *name, const char *dir,
			struct lab **lab, FILE *errors);
/* NULL is fine. */
void labfile_destroy(struct lab *lab);

#endif
