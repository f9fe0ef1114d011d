/* SPDX-License-Identifier: MIT */
/*
 * console_pump.h - carries a guest's console bytes to a file descriptor,
 * through the loop.
 *
 * Threads: the loop's.
 */
#ifndef VMM_LAB_CONSOLE_PUMP_H
#define VMM_LAB_CONSOLE_PUMP_H

#include "vmm/core/loop.h"
#include "vmm/core/stats.h"
#include "vmm/devices/console.h"

struct console_pump;

/* All given things outlive the pump; bytes are counted in stats. */
int console_pump_create(struct console_pump **out, struct loop *loop,
			struct console *console, int fd, struct stats *stats);
/*
 * Runs the loop until what is buffered is written, at most two seconds: a
 * reader that has stopped reading must not keep a dead VM. NULL is fine.
 */
void console_pump_finish(struct console_pump *pump);
/* After loop_destroy(): it still names our buffer until then. */
void console_pump_destroy(struct console_pump *pump);

#endif
