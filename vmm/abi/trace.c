/* SPDX-License-Identifier: MIT */
/* trace.c - what does one exit look like on one line? */
#include "vmm/abi/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/atomic.h"
#include "vmm/abi/flat.h"
#include "vmm/core/log.h"

#define LINE_LEN 192

struct trace {
	FILE *file;
	const char *path;
	_Atomic int err;
};

int trace_create(struct trace **out, const char *path)
{
	struct trace *trace = malloc(sizeof(*trace));

	if (!trace)
		return -ENOMEM;
	*trace = (struct trace){ .path = path };
	trace->file = fopen(path, "we");
	if (!trace->file) {
		int err = -errno;

		log_error("trace %s: %s", path, strerror(-err));
		free(trace);
		return err;
	}
	*out = trace;
	return 0;
}

int trace_destroy(struct trace *trace)
{
	int err;

	if (!trace)
		return 0;
	err = load_relaxed(&trace->err);
	if (fclose(trace->file) && !err)
		err = -errno;
	if (err)
		log_error("trace %s: %s", trace->path, strerror(-err));
	free(trace);
	return err;
}

/* At most 4 (ports) or 8 (MMIO) bytes, as a little-endian number. */
static unsigned long long number_of(const void *bytes, uint32_t len)
{
	unsigned long long number = 0;

	memcpy(&number, bytes, len <= sizeof(number) ? len : sizeof(number));
	return number;
}

static int describe(char *text, size_t len, const struct kvm_run *run)
{
	char reason[COUNTERS_REASON_LEN];

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		/* Of a string instruction the first element stands for all. */
		return snprintf(
			text, len, "IO %s 0x%04x %u x%u 0x%llx",
			run->io.direction == KVM_EXIT_IO_OUT ? "out" : "in",
			run->io.port, run->io.size, run->io.count,
			number_of((const uint8_t *)run + run->io.data_offset,
				  run->io.size));
	case KVM_EXIT_MMIO:
		return snprintf(text, len, "MMIO %s 0x%llx %u 0x%llx",
				run->mmio.is_write ? "w" : "r",
				run->mmio.phys_addr, run->mmio.len,
				number_of(run->mmio.data, run->mmio.len));
	default:
		return snprintf(text, len, "%s",
				counters_reason(run->exit_reason, reason));
	}
}

void trace_exit(struct trace *trace, struct flat_cpu *cpu,
		const struct kvm_run *run)
{
	struct kvm_regs regs = { 0 };
	char text[LINE_LEN];

	if (load_relaxed(&trace->err))
		return;
	(void)kvm_vcpu_get_regs(cpu->kvm, &regs);
	describe(text, sizeof(text), run);
	/* One call of stdio holds the file's lock: lines stay whole. */
	if (fprintf(trace->file, "%s %s rip=0x%llx\n", cpu->name, text,
		    regs.rip) < 0)
		store_relaxed(&trace->err, errno ? -errno : -EIO);
}
