/* SPDX-License-Identifier: MIT */
/* hypercall.c - what can a bare guest ask of the monitor? */
#include "vmm/devices/hypercall.h"

#include <errno.h>
#include <string.h>

#include "shm/atomic.h"
#include "vmm/core/log.h"

#define REQUEST_WORDS (sizeof(struct bare_request) / sizeof(uint64_t))

/* Intel SDM vol. 3, table 6-1. */
static const char *const exception_names[] = {
	[0] = "divide error",
	[1] = "debug exception",
	[2] = "non-maskable interrupt",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound range exceeded",
	[6] = "invalid opcode",
	[7] = "no coprocessor",
	[8] = "double fault",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack fault",
	[13] = "general protection",
	[14] = "page fault",
	[16] = "x87 error",
	[17] = "alignment check",
	[18] = "machine check",
	[19] = "SIMD error",
};

static const char *exception_name(uint64_t vector)
{
	const uint64_t nr = sizeof(exception_names) / sizeof(*exception_names);

	if (vector >= nr || !exception_names[vector])
		return "unknown exception";
	return exception_names[vector];
}

/* An aligned piece of guest RAM, or NULL. */
static void *aligned_range(const struct hypercall *hypercall, uint64_t gpa,
			   uint64_t len)
{
	if (gpa % sizeof(uint64_t))
		return NULL;
	return memory_range(hypercall->memory, gpa, len);
}

/*
 * One load per word and no second look: another vCPU may rewrite the request
 * while we work on it. memcpy() would let the compiler read twice.
 */
static void request_read(struct bare_request *request, void *hva)
{
	/* TRUST: hva is an aligned, checked range of a request's length. */
	_Atomic uint64_t *from = hva;
	uint64_t words[REQUEST_WORDS] = { 0 };

	for (size_t i = 0; i < REQUEST_WORDS; i++)
		words[i] = load_relaxed(&from[i]);
	memcpy(request, words, sizeof(*request));
}

static int64_t call_console(struct hypercall *hypercall, uint64_t gpa,
			    uint64_t len)
{
	const void *buf;

	if (len > BARE_CONSOLE_MAX_LEN)
		return BARE_EINVAL;
	buf = memory_range(hypercall->memory, gpa, len);
	if (!buf)
		return BARE_EFAULT;
	hypercall->todo.console_buf = buf;
	hypercall->todo.console_len = (uint32_t)len;
	return (int64_t)len;
}

/*
 * Keys go into reports and JSON, so only characters that need no care there
 * come through. The key may end with RAM: look at it byte by byte.
 */
static int64_t key_read(const struct hypercall *hypercall, uint64_t gpa,
			char key[BARE_KEY_LEN])
{
	for (uint64_t i = 0; i < BARE_KEY_LEN; i++) {
		_Atomic char *from = memory_range(hypercall->memory, gpa + i,
						  1);

		if (!from)
			return BARE_EFAULT;
		key[i] = load_relaxed(from);
		if (!key[i])
			return i ? BARE_OK : BARE_EINVAL;
		if (key[i] <= ' ' || key[i] > '~')
			return BARE_EINVAL;
	}
	return BARE_EINVAL;
}

static int64_t call_report(const struct hypercall *hypercall, uint64_t gpa,
			   uint64_t value)
{
	char key[BARE_KEY_LEN];
	int64_t result = key_read(hypercall, gpa, key);

	if (result)
		return result;
	return stats_report_set(hypercall->stats, key, value) ? BARE_ENOSPC
							      : BARE_OK;
}

static int64_t call_counters(struct hypercall *hypercall, uint64_t gpa)
{
	if (gpa % sizeof(uint64_t))
		return BARE_EINVAL;
	if (gpa && !aligned_range(hypercall, gpa, sizeof(struct bare_counters)))
		return BARE_EFAULT;
	hypercall->counters_gpa = gpa;
	return BARE_OK;
}

static void end(struct hypercall *hypercall, enum stats_end why,
		uint32_t status)
{
	hypercall->over = true;
	hypercall->todo.end = why;
	hypercall->todo.status = status;
}

static int64_t call_fault(struct hypercall *hypercall, const uint64_t args[4])
{
	if (hypercall->over)
		return BARE_OK;
	for (int i = 0; i < 4; i++)
		store_relaxed(&hypercall->stats->fault[i], args[i]);
	log_error("guest: %s (vector %llu) at rip 0x%llx, cr2 0x%llx, "
		  "error 0x%llx",
		  exception_name(args[0]), (unsigned long long)args[0],
		  (unsigned long long)args[2], (unsigned long long)args[3],
		  (unsigned long long)args[1]);
	end(hypercall, STATS_END_FAULT, (uint32_t)args[0]);
	return BARE_OK;
}

static int64_t call(struct hypercall *hypercall,
		    const struct bare_request *request)
{
	switch (request->call) {
	case BARE_CALL_CONSOLE:
		return call_console(hypercall, request->args[0],
				    request->args[1]);
	case BARE_CALL_REPORT:
		return call_report(hypercall, request->args[0],
				   request->args[1]);
	case BARE_CALL_COUNTERS:
		return call_counters(hypercall, request->args[0]);
	case BARE_CALL_FAULT:
		return call_fault(hypercall, request->args);
	}
	return BARE_EINVAL;
}

static enum bus_result call_access(void *arg, struct bus_access *access)
{
	static struct log_limit limit;
	struct hypercall *hypercall = arg;
	struct bare_request request;
	_Atomic int64_t *result;
	uint8_t *hva;

	if (!access->is_write || access->len != 4)
		return BUS_NOT_MINE;
	hva = aligned_range(hypercall, access->value, sizeof(request));
	if (!hva) { /* there is nowhere to put an answer */
		log_limited(&limit, "guest: no hypercall request at 0x%llx",
			    (unsigned long long)access->value);
		return BUS_HANDLED;
	}
	request_read(&request, hva);
	/* TRUST: inside the checked range, aligned as the whole. */
	result = (_Atomic int64_t *)(void *)(hva + offsetof(struct bare_request,
							    result));
	store_relaxed(result, call(hypercall, &request));
	return BUS_HANDLED;
}

static enum bus_result exit_access(void *arg, struct bus_access *access)
{
	struct hypercall *hypercall = arg;

	if (!access->is_write || access->len != 4)
		return BUS_NOT_MINE;
	if (!hypercall->over)
		end(hypercall, STATS_END_EXIT, (uint32_t)access->value);
	return BUS_HANDLED;
}

int hypercall_init(struct hypercall *hypercall, struct bus *ports)
{
	int err;

	err = bus_add(ports, BARE_PORT_HYPERCALL, 4, call_access, hypercall);
	if (err)
		return err;
	return bus_add(ports, BARE_PORT_EXIT, 4, exit_access, hypercall);
}

struct hypercall_todo hypercall_take_todo(struct hypercall *hypercall)
{
	struct hypercall_todo todo = hypercall->todo;

	hypercall->todo = (struct hypercall_todo){ .end = STATS_END_NONE };
	return todo;
}

void hypercall_finish(const struct hypercall *hypercall,
		      const struct hypercall_todo *todo)
{
	if (todo->console_len)
		hypercall_console(hypercall, todo->console_buf,
				  todo->console_len);
	if (todo->end != STATS_END_NONE)
		hypercall->ended(hypercall->arg, todo->end, todo->status);
}

void hypercall_console(const struct hypercall *hypercall, const void *buf,
		       size_t len)
{
	console_write(hypercall->console, buf, len);
	add_relaxed(&hypercall->stats->console_bytes, len);
}

void hypercall_update_stats(const struct hypercall *hypercall)
{
	/* TRUST: call_counters() let in only an aligned address inside RAM,
	 * and RAM does not change. The figures are the guest's own word. */
	_Atomic uint64_t *counters;

	if (!hypercall->counters_gpa)
		return;
	counters = aligned_range(hypercall, hypercall->counters_gpa,
				 sizeof(struct bare_counters));
	if (!counters)
		return;
	store_relaxed(&hypercall->stats->guest_doorbells,
		      load_relaxed(&counters[0]));
	store_relaxed(&hypercall->stats->guest_interrupts,
		      load_relaxed(&counters[1]));
}
