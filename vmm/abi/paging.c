/* SPDX-License-Identifier: MIT */
/* paging.c - can this KVM do 32-bit paging, and who does it if not? */
#include "vmm/abi/paging.h"

#include <errno.h>
#include <string.h>

#include "vmm/core/log.h"

static const char *const names[] = {
	[PAGING_AUTO] = "auto",
	[PAGING_KVM] = "kvm",
	[PAGING_MEMSLOT] = "memslot",
};

int paging_option(const struct abi_call *call, const char *text,
		  enum paging_backend *backend)
{
	for (int i = PAGING_AUTO; i <= PAGING_MEMSLOT; i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*backend = (enum paging_backend)i;
		return -1;
	}
	return abi_usage(call,
			 "--paging-backend %s; allowed: auto, kvm or memslot",
			 text);
}

int paging_choose(struct session *session, enum paging_backend *backend)
{
	bool has = false;
	int err = 0;

	if (*backend != PAGING_MEMSLOT)
		err = kvm_has_paging32(&has);
	if (err) {
		log_error("cannot find out whether this KVM has 32-bit paging: "
			  "%s",
			  strerror(-err));
		return err;
	}
	if (*backend == PAGING_KVM && !has) {
		log_error("--paging-backend kvm: this KVM (%s) has no 32-bit "
			  "paging; memslot does without, and `make "
			  "test-nested` has a KVM with it",
			  kvm_kind_name());
		return -ENOTSUP;
	}
	if (*backend == PAGING_AUTO)
		*backend = has ? PAGING_KVM : PAGING_MEMSLOT;
	session_note(session, "paging backend", names[*backend]);
	return 0;
}
