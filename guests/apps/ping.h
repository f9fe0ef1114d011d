/* SPDX-License-Identifier: MIT */
/* ping.h - what ping.c and pong.c agree on. */
#ifndef GUESTS_APPS_PING_H
#define GUESTS_APPS_PING_H

#include "shm/spsc_call.h"
#include "shm/spsc_cell.h"

#define PING_THERE    "there" /* rings of cells */
#define PING_BACK     "back"
#define PING_CALLS    "calls" /* answered in place */
#define PING_CELLS_NR 1024u
#define PING_ROUNDS   100000ull /* of each kind */
#define PING_STEP     1000000ull

#endif
