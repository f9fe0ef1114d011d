/* SPDX-License-Identifier: MIT */
/* flat_private.h - what flat.c and flat_run.c share, and nobody else sees. */
#ifndef VMM_ABI_FLAT_PRIVATE_H
#define VMM_ABI_FLAT_PRIVATE_H

#include <signal.h>

/* Takes a thread out of KVM_RUN; its handler does nothing. */
#define FLAT_KICK_SIGNAL SIGUSR1

#endif
