/* SPDX-License-Identifier: MIT */
/*
 * supervisor.h - the attempts of a program at ring 3 on a page that is not
 * its own, and a kernel that tells of each. The same in 32 and in 64 bit.
 */
#ifndef GUESTS_APPS_CLASSIC_LIB_SUPERVISOR_H
#define GUESTS_APPS_CLASSIC_LIB_SUPERVISOR_H

/* For ring3_run(), after supervisor_prepare(). The image has put_char(). */
void supervisor_prepare(void);
void supervisor_user(void);

#endif
