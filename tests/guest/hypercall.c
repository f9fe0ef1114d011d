/* SPDX-License-Identifier: MIT */
/* hypercall.c - does the monitor refuse every request it should? */
#include "guests/runtime/ports.h"
#include "shm/bare_abi.h"
#include "tests/guest/check.h"

#define UNTOUCHED (-77)

static _Alignas(8) volatile struct bare_request request;
static char text[] = "hypercall text\n";
static char long_key[BARE_KEY_LEN + 1];

static int64_t call_at(uint64_t gpa, uint32_t call, uint64_t arg0,
		       uint64_t arg1)
{
	request.call = call;
	request.args[0] = arg0;
	request.args[1] = arg1;
	request.result = UNTOUCHED;
	port_out32(BARE_PORT_HYPERCALL, (uint32_t)gpa);
	return request.result;
}

static int64_t call(uint32_t nr, uint64_t arg0, uint64_t arg1)
{
	return call_at((uintptr_t)&request, nr, arg0, arg1);
}

static int64_t say(uint64_t gpa, uint64_t len)
{
	return call(BARE_CALL_CONSOLE, gpa, len);
}

static void console_buffers(void)
{
	const uint64_t ram = ram_len(), at = (uintptr_t)text;
	const uint64_t len = sizeof(text) - 1;

	check(say(at, len) == (int64_t)len, "console takes the whole buffer");
	check(say(at, 0) == 0, "console takes nothing");
	check(say(ram - 1, 1) == 1, "console takes the last byte of RAM");
	check(say(ram - 1, 2) == BARE_EFAULT, "one byte past RAM is refused");
	check(say(ram, 1) == BARE_EFAULT, "the first byte past RAM is refused");
	check(say(UINT64_MAX, 1) == BARE_EFAULT, "the last address is refused");
	check(say(at, UINT64_MAX) == BARE_EINVAL ||
		      request.result == BARE_EFAULT,
	      "a length that wraps is refused");
	check(say(UINT64_MAX - 15, 32) == BARE_EFAULT,
	      "a range that wraps is refused");
	check(say(0x8000000000ull, 64) == BARE_EFAULT,
	      "shared memory is no console buffer");
	check(say(0, (uint64_t)BARE_CONSOLE_MAX_LEN + 1) == BARE_EINVAL,
	      "more than the limit is refused");
}

static void requests(void)
{
	check(call(0, 0, 0) == BARE_EINVAL, "call 0 is unknown");
	check(call(0xffffffff, 0, 0) == BARE_EINVAL, "call -1 is unknown");
	check(call_at((uintptr_t)&request + 4, BARE_CALL_CONSOLE, 0, 0) ==
		      UNTOUCHED,
	      "a misaligned request is not answered");
	check(call_at(ram_len() - 8, BARE_CALL_CONSOLE, 0, 0) == UNTOUCHED,
	      "a request over the end of RAM is not answered");
	check(call_at(0xfffffff8, BARE_CALL_CONSOLE, 0, 0) == UNTOUCHED,
	      "a request outside RAM is not answered");
}

static int64_t report(const void *key, uint64_t value)
{
	return call(BARE_CALL_REPORT, (uintptr_t)key, value);
}

static void reports(void)
{
	char key[] = "key00";
	int64_t last = BARE_OK;

	check(report("answer", 42) == BARE_OK, "a figure is taken");
	check(report("", 1) == BARE_EINVAL, "an empty key is refused");
	check(report("two words", 1) == BARE_EINVAL, "a blank is refused");
	check(report("\x01\x02", 1) == BARE_EINVAL,
	      "control bytes are refused");
	memset(long_key, 'k', BARE_KEY_LEN);
	check(report(long_key, 1) == BARE_EINVAL, "a long key is refused");
	check(call(BARE_CALL_REPORT, ram_len() + 64, 1) == BARE_EFAULT,
	      "a key outside RAM is refused");
	for (int i = 0; i < 64; i++) {
		key[3] = (char)('0' + i / 10);
		key[4] = (char)('0' + i % 10);
		last = report(key, (uint64_t)i);
	}
	check(last == BARE_ENOSPC, "too many keys are refused");
	check(report("answer", 43) == BARE_OK, "an old key still changes");
	check(call(BARE_CALL_COUNTERS, ram_len() - 8, 0) == BARE_EFAULT,
	      "counters over the end of RAM are refused");
}

int app_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	console_buffers();
	requests();
	reports();
	/* Other widths than 32 bits are not this port's. */
	port_out8(BARE_PORT_EXIT, 9);
	port_out16(BARE_PORT_EXIT, 9);
	port_out8(BARE_PORT_HYPERCALL, 1);
	check(true, "narrow writes to the ports are ignored");
	return (int)checks_failed;
}
