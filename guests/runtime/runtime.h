/* SPDX-License-Identifier: MIT */
/*
 * runtime.h - what an application in a bare guest has instead of a libc.
 *
 * The application is app_main(), at ring 3 on vCPU 0; other vCPUs run
 * app_cpu(). Returning from app_main() ends the VM with that status.
 *
 * Threads: printf and friends may be called from every vCPU; a line printed
 * with one call comes out whole.
 */
#ifndef GUESTS_RUNTIME_RUNTIME_H
#define GUESTS_RUNTIME_RUNTIME_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S 1000000000ull

/* The application. argv[0] is the VM's name, then the words of `args`. */
int app_main(int argc, char **argv);
/* What vCPU 1.. runs; the runtime's own does nothing. It then sleeps. */
void app_cpu(uint32_t cpu);

/* vCPUs of this VM. */
uint32_t cpus_nr(void);
/* Guest-physical bytes of RAM. */
uint64_t ram_len(void);

/* The pointer to guest-physical gpa: the tables map it at its own address. */
static inline void *gpa_pointer(uint64_t gpa)
{
	return (void *)gpa; /* NOLINT(performance-no-int-to-ptr) */
}

/* Monotonic nanoseconds from the TSC. */
uint64_t now_ns(void);
/* Sleep; interrupts of devices are taken meanwhile. vCPU 0's only. */
void sleep_ns(uint64_t ns);

/* End the VM. 0 is success. */
_Noreturn void vm_exit(uint32_t status);
/* A figure for the lab's report, e.g. ("messages", n). key: < 24 bytes. */
void vm_report(const char *key, uint64_t value);
/* Show the monitor where doorbells and interrupts are counted. */
struct bare_counters;
void vm_counters(struct bare_counters *counters);

/*
 * Console. Conversions: %c %s %d %i %u %x %X %p %%, with l, ll, z, a width
 * and the flags 0 and -. One exit a call; cut at CONSOLE_LINE_LEN - 1 bytes.
 */
#define CONSOLE_LINE_LEN 1024
__attribute__((format(printf, 1, 2))) int printf(const char *fmt, ...);
__attribute__((format(printf, 3, 4))) int snprintf(char *buf, size_t len,
						   const char *fmt, ...);
__attribute__((format(printf, 3, 0))) int
vsnprintf(char *buf, size_t len, const char *fmt, va_list ap);
int puts(const char *text);
/* Any bytes, one exit. */
void console_write(const void *buf, size_t len);

void *memcpy(void *to, const void *from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/* Interrupts taken so far, by vector; wraps. Read with irq_count(). */
uint32_t irq_count(uint32_t vector);
/*
 * Sleep until irq_count(vector) differs from seen, or until timeout_ns passed
 * (UINT64_MAX: never). 0: it differs; -1: time is up. vCPU 0's only.
 */
int irq_wait(uint32_t vector, uint32_t seen, uint64_t timeout_ns);

#endif
