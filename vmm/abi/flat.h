/* SPDX-License-Identifier: MIT */
/*
 * flat.h - a machine for flat images: RAM at guest-physical 0, ports, 1 to
 * FLAT_CPUS_MAX vCPUs, and nothing a PC has besides. What the ABIs below
 * vmm/abi/ are built from; it knows none of them.
 *
 * There is no interrupt controller in the kernel, so HLT comes out of the
 * guest and KVM_INTERRUPT works (docs/decisions/0006). With desc->is_pc there
 * are a PC's, and its timer: then HLT sleeps in the kernel, and interrupts go
 * by kvm_irq_line() (docs/decisions/0009).
 *
 * Use:      flat_create(), load images, flat_cpu_set() for each vCPU; then
 *           flat_start() and flat_wait() for a thread per vCPU; or, by a
 *           scheduler of one's own, flat_cpu_take(), flat_step()...,
 *           flat_cpu_drop(). session.h does the first for whole ABIs.
 * Threads:  hooks and port handlers run on the thread that steps the vCPU,
 *           those of several vCPUs at the same time: what they share is the
 *           ABI's to lock. flat_cpu_kick() and flat_stop() from any thread.
 *           Everything else from the thread that made the machine, while no
 *           other runs it.
 * Trust:    nothing the guest does is believed; a handler checks values.
 */
#ifndef VMM_ABI_FLAT_H
#define VMM_ABI_FLAT_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "vmm/abi/counters.h"
#include "vmm/boot/first_state.h"
#include "vmm/core/kvm.h"
#include "vmm/core/memory.h"

#define FLAT_CPUS_MAX 4
#define FLAT_NAME_LEN 32
#define FLAT_PUT_LEN  256

struct flat;
struct flat_cpu;
struct out;
struct out_stream;
struct trace;

/* What a handler or hook wants to happen next. */
enum flat_next {
	FLAT_GO,   /* back into the guest */
	FLAT_END,  /* this vCPU is done: FLAT_DONE */
	FLAT_PASS, /* not mine: as if there were no handler */
};

/* Why a vCPU ended. */
enum flat_end {
	FLAT_RUNNING, /* it has not */
	FLAT_HALTED,  /* HLT */
	FLAT_DONE,    /* a handler or hook said FLAT_END */
	FLAT_STOPPED, /* flat_stop() */
	FLAT_FAULT, /* SHUTDOWN, or an exit nobody has an answer for (logged) */
	FLAT_FAILED, /* KVM could not run it (logged) */
	FLAT_MUTE,   /* its output could not be written (logged) */
};
/* "halted", "done", ...: for the report. */
const char *flat_end_name(enum flat_end end);

/* --- ports --------------------------------------------------------------- */

/* One access; a string instruction is several, in order. */
struct flat_io {
	struct flat_cpu *cpu;
	uint16_t port;
	uint8_t len; /* 1, 2 or 4 */
	bool is_write;
	/* Written by the guest; or the answer, cut to len bytes, which is
	 * what KVM's data area held when the handler is called. */
	uint32_t value;
};

typedef enum flat_next flat_port_fn(struct flat_io *io);

/* Widths a handler understands; other accesses are unclaimed. */
#define FLAT_LEN_1   1u
#define FLAT_LEN_2   2u
#define FLAT_LEN_4   4u
#define FLAT_LEN_ANY 7u

struct flat_port {
	uint16_t first, last; /* inclusive */
	uint8_t lens;	      /* FLAT_LEN_* */
	flat_port_fn *fn;
};

/* What IN from a port nobody claims gives. OUT to one is ignored. */
enum flat_unclaimed {
	FLAT_IN_KEEP, /* what KVM's data area holds */
	FLAT_IN_ZERO,
	FLAT_IN_ONES,
};

/* --- the machine --------------------------------------------------------- */

struct flat_desc {
	const char *name;    /* of the VM, cut; for messages and reports */
	uint64_t ram_len;    /* at 0; multiple of 4096, zeroed */
	uint32_t cpus_nr;    /* 1..FLAT_CPUS_MAX */
	bool is_pc;	     /* kvm_vm_create_pc() */
	void *arg;	     /* flat->arg */
	struct out *out;     /* NULL: output is dropped */
	struct trace *trace; /* NULL: none */

	/* The first entry that holds the port counts; ends with fn NULL. NULL:
	 * no ports. Outlives the machine, as do the hooks' functions. */
	const struct flat_port *ports;
	enum flat_unclaimed unclaimed;

	/* Hooks, each may be NULL. */

	/* Before each KVM_RUN (interrupts to inject). FLAT_GO or FLAT_END. */
	enum flat_next (*before_entry)(struct flat_cpu *cpu);
	/*
	 * Any exit but port I/O: HLT, MMIO, INTERNAL_ERROR, SHUTDOWN, ... run
	 * is the vCPU's KVM page. FLAT_PASS is what happens without a hook:
	 * HLT ends the vCPU, IRQ_WINDOW_OPEN and INTR re-enter, the rest is
	 * told and ends it as FLAT_FAULT or FLAT_FAILED.
	 */
	enum flat_next (*exit)(struct flat_cpu *cpu, struct kvm_run *run);
	/* Once per vCPU, when it has ended: cpu->end, cpu->counters are final
	 * but for the CPU time. Its output has been written. */
	void (*ended)(struct flat_cpu *cpu);
	/* For --dump-state, what the state does not show (paging by memory
	 * slots). false: nothing; show what CR3 says. */
	bool (*dump_tables)(struct flat_cpu *cpu, FILE *out);
};

struct flat_cpu {
	struct flat *flat;
	uint32_t nr;
	void *arg;		  /* the ABI's */
	char name[FLAT_NAME_LEN]; /* of the guest; tags its output. The VM's
				   * name, or with ".NR" if it has several */
	struct kvm_vcpu *kvm;	  /* for registers, kvm_vcpu_interrupt() */
	enum flat_end end;
	struct flat_counters counters;
	/* Of the exit being handled, or the last one: KVM_EXIT_*. */
	uint32_t exit_reason;

	/* The rest is flat*.c's. */
	struct out_stream *out; /* NULL: output is dropped */
	uint8_t put[FLAT_PUT_LEN];
	uint32_t put_len;
	pthread_t thread; /* flat_start()'s */
	bool has_thread;
	_Atomic pid_t tid; /* of who has taken it, 0: nobody */
	clockid_t clock;   /* of that thread */
	uint64_t cpu_ns, taken_ns;
	pthread_mutex_t lock; /* kicked */
	pthread_cond_t wake;
	bool kicked;
};

struct flat {
	char name[FLAT_NAME_LEN];
	void *arg;
	struct kvm_vm *kvm;   /* for kvm_slot_add(), kvm_irq_line(), one thread
			       * at a time */
	struct memory memory; /* RAM; guest addresses by memory_range() */
	uint32_t cpus_nr;
	struct flat_cpu cpu[FLAT_CPUS_MAX];

	/* The rest is flat*.c's. */
	struct flat_desc desc;
	int ram_slot; /* -1: none */
	_Atomic bool stopping;
};

/*
 * The machine with its vCPUs in reset state (see flat_cpu_get()). desc is
 * copied. Errors are logged: -EINVAL, -ENOMEM, those of kvm.h.
 */
int flat_create(struct flat **out, const struct flat_desc *desc);
/* Stops and waits first. NULL is fine. */
void flat_destroy(struct flat *flat);
/* What tags the guest's output and names it in messages; cut. Before it runs.
 */
int flat_cpu_rename(struct flat_cpu *cpu, const char *name);

/* Registers as they are now, or as they shall be. Of a vCPU that does not run
 * or by its own handlers. Builders: boot/first_state.h. */
int flat_cpu_get(struct flat_cpu *cpu, struct first_state *state);
int flat_cpu_set(struct flat_cpu *cpu, const struct first_state *state);

/* --- run: a thread per vCPU ---------------------------------------------- */

/* Start a thread for each vCPU. -EAGAIN, ... (logged; none runs then) */
int flat_start(struct flat *flat);
/* Until all of them have ended. */
void flat_wait(struct flat *flat);
/* Make all vCPUs end (FLAT_STOPPED), also those that are about to start.
 * Any thread; does not wait. */
void flat_stop(struct flat *flat);
bool flat_stopping(const struct flat *flat);

/* --- run: step by step --------------------------------------------------- */

enum flat_step {
	FLAT_STEPPED, /* one exit was handled: cpu->exit_reason */
	FLAT_KICKED,  /* flat_cpu_kick() or a signal; nothing was handled */
	FLAT_ENDED,   /* cpu->end says why */
};

/*
 * The calling thread runs this vCPU until flat_cpu_drop(); its CPU time in
 * between is the vCPU's. One at a time per thread.
 */
void flat_cpu_take(struct flat_cpu *cpu);
void flat_cpu_drop(struct flat_cpu *cpu);
/* Enter until the next exit and handle it, or until a kick. Taken ones only;
 * FLAT_ENDED again and again for one that has ended. */
enum flat_step flat_step(struct flat_cpu *cpu);
/*
 * Make the flat_step() under way, or the next one, return FLAT_KICKED; several
 * kicks may be one. What was stored before is seen by the kicked thread. Any
 * thread.
 */
void flat_cpu_kick(struct flat_cpu *cpu);

/* --- for handlers and hooks, on the thread that steps the vCPU ------------ */

/* Bytes for stdout. Written when the handler returns, in one piece. */
void flat_put(struct flat_cpu *cpu, const void *bytes, size_t len);
/*
 * Sleep until flat_cpu_kick(), which is used up by it, or until deadline_ns
 * (CLOCK_MONOTONIC; 0: none). Output so far is written before. 0, or
 * -ECANCELED: the machine is to stop, return FLAT_END.
 */
int flat_cpu_sleep(struct flat_cpu *cpu, uint64_t deadline_ns);

/* CPU time of the threads that had taken it, while they had. Any thread. */
uint64_t flat_cpu_time_ns(struct flat_cpu *cpu);
/* Sum over its vCPUs. */
uint64_t flat_time_ns(struct flat *flat);

#endif
