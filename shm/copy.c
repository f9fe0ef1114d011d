/* SPDX-License-Identifier: MIT */
/* copy.c - which way of copying does this processor like? */
#include "shm/copy.h"

#include <cpuid.h>

#define FSRM (1u << 4) /* CPUID 7, EDX: fast short rep movsb */

bool copy_by_string(void)
{
	uint32_t eax, ebx, ecx, edx;
	bool amd;

	if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx))
		return false;
	amd = ebx == signature_AMD_ebx && edx == signature_AMD_edx &&
	      ecx == signature_AMD_ecx;
	return amd && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) &&
	       (edx & FSRM);
}
