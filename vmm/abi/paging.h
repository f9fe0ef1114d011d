/* SPDX-License-Identifier: MIT */
/* paging.h - who does a guest's 32-bit paging: KVM, or memory slots
 * (pager.h) where it cannot. */
#ifndef VMM_ABI_PAGING_H
#define VMM_ABI_PAGING_H

#include "vmm/abi/abi.h"

enum paging_backend {
	PAGING_AUTO,
	PAGING_KVM,
	PAGING_MEMSLOT,
};

/* The value of --paging-backend. -1: go on; else the exit status. */
int paging_option(const struct abi_call *call, const char *text,
		  enum paging_backend *backend);
/*
 * Make PAGING_AUTO what this KVM can, and name the choice in the session's
 * summary. -ENOTSUP: PAGING_KVM was asked for and this KVM has no 32-bit
 * paging; others: that could not be found out. Logged.
 */
int paging_choose(struct session *session, enum paging_backend *backend);

#endif
