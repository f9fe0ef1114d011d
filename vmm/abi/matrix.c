/* SPDX-License-Identifier: MIT */
/*
 * matrix.c - the ABI matrix: two guests that never end, one host thread, and
 * three ways to let them take turns (docs/classic-guests.md).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/abi/abi.h"
#include "vmm/abi/abis.h"
#include "vmm/abi/matrix.h"
#include "vmm/boot/flat_image.h"
#include "vmm/core/clock.h"
#include "vmm/core/log.h"

#define CODE_SELECTOR 0x1000
#define STACK_TOP     0xffffffffu

/* The ancestor named its VMs by their descriptors; 3 was /dev/kvm. */
#define FIRST_VMFD 4u

/* Its own, since FLAT_KICK_SIGNAL's handler does not last until KVM_RUN. */
#define TICK_SIGNAL SIGALRM
/* A tick that hit between two entries is made up for by the next one. */
#define TICK_AGAIN_NS 10000000ull

struct matrix {
	const struct matrix_words *words;
	struct session *session;
	struct vm {
		struct matrix *matrix;
		uint32_t vmfd;
		struct flat_cpu *cpu;
		uint64_t slices;
		uint64_t over_ns; /* by which it has overrun its quanta */
	} vms[MATRIX_VMS_NR];
	timer_t timer;
	bool has_timer;
	bool told; /* that this slice has stopped */
	bool did_io;
};

/* --- the lines ------------------------------------------------------------ */

static void tell_stop(struct vm *vm, uint32_t reason)
{
	if (vm->matrix->told)
		return;
	vm->matrix->told = true;
	if (vm->matrix->words->schedule != MATRIX_IO)
		printf("Time: %f\n", (double)clock() / CLOCKS_PER_SEC);
	printf("VMFD: %u stopped running - exit reason: %u\n", vm->vmfd,
	       reason);
	vm->matrix->did_io = reason == KVM_EXIT_IO;
	if (reason == KVM_EXIT_IO)
		printf("VMFD: %u KVM_EXIT_IO\n", vm->vmfd);
	if (reason == KVM_EXIT_INTR)
		printf("VMFD: %u KVM_EXIT_INTR\n", vm->vmfd);
}

static enum flat_next tell_io(struct flat_io *io)
{
	struct vm *vm = io->cpu->flat->arg;

	tell_stop(vm, KVM_EXIT_IO);
	if (!io->is_write) {
		printf("VMFD: %u in port: %u\n", vm->vmfd, io->port);
		return FLAT_PASS;
	}
	printf("VMFD: %u out port: %u, data: %u\n", vm->vmfd, io->port,
	       io->value);
	return FLAT_GO;
}

static const struct flat_port ports[] = {
	{ 0, UINT16_MAX, FLAT_LEN_ANY, tell_io },
	{ 0, 0, 0, NULL },
};

static int put_lines(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	log_error("standard output: %s", strerror(errno));
	return -EIO;
}

/* --- ticks ---------------------------------------------------------------- */

/* The vCPU of the slice under way, for the handler: on the same thread. */
static struct kvm_vcpu *volatile ticked;

static void on_tick(int sig)
{
	struct kvm_vcpu *kvm = ticked;

	(void)sig;
	if (kvm)
		kvm_vcpu_kick(kvm);
}

/*
 * The timer hits the thread that runs the guest, so a guest that never exits
 * leaves KVM_RUN at once, however busy the host is.
 */
static int timer_begin(struct matrix *matrix)
{
	const struct sigaction tick = { .sa_handler = on_tick };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = TICK_SIGNAL };

	event._sigev_un._tid = gettid();
	if (sigaction(TICK_SIGNAL, &tick, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &matrix->timer)) {
		log_error("no timer: %s", strerror(errno));
		return -1;
	}
	matrix->has_timer = true;
	return 0;
}

/* 0: none any more. */
static void timer_set(const struct matrix *matrix, uint64_t ns)
{
	struct itimerspec spec = {
		.it_value = { .tv_sec = (time_t)(ns / CLOCK_NS_PER_S),
			      .tv_nsec = (long)(ns % CLOCK_NS_PER_S) },
	};

	if (ns)
		spec.it_interval.tv_nsec = TICK_AGAIN_NS;
	(void)timer_settime(matrix->timer, 0, &spec, NULL);
}

static void timer_end(struct matrix *matrix)
{
	if (matrix->has_timer)
		timer_delete(matrix->timer);
	matrix->has_timer = false;
}

/* --- slices --------------------------------------------------------------- */

/*
 * A quantum is CPU time: on an idle host that is the ancestor's, on a busy
 * one nobody pays for others. What one slice took too much, because the timer
 * came late, the VM's next ones have less.
 */
static uint64_t slice_len_ns(const struct vm *vm)
{
	uint64_t quantum_ns = vm->matrix->words->quantum_ns;

	if (vm->matrix->words->schedule == MATRIX_IO)
		return UINT64_MAX;
	return vm->over_ns < quantum_ns ? quantum_ns - vm->over_ns : 1;
}

/* Until it does I/O, has used up len_ns, or cannot go on: false. */
static bool slice_step(struct vm *vm, uint64_t len_ns)
{
	uint64_t end_ns = flat_cpu_time_ns(vm->cpu);
	bool timed = len_ns != UINT64_MAX;

	end_ns = timed ? end_ns + len_ns : UINT64_MAX;
	for (;;) {
		uint64_t now_ns = flat_cpu_time_ns(vm->cpu);

		if (now_ns >= end_ns) {
			tell_stop(vm, KVM_EXIT_INTR);
			return true;
		}
		if (timed)
			timer_set(vm->matrix, end_ns - now_ns);
		switch (flat_step(vm->cpu)) {
		case FLAT_KICKED:
			break;
		case FLAT_STEPPED:
			if (vm->matrix->did_io)
				return true;
			break;
		default:
			tell_stop(vm, vm->cpu->exit_reason);
			return false;
		}
	}
}

static bool slice(struct vm *vm)
{
	struct matrix *matrix = vm->matrix;
	uint64_t len_ns = slice_len_ns(vm);
	uint64_t begin_ns = flat_cpu_time_ns(vm->cpu);
	uint64_t ran_ns;
	bool go_on;

	matrix->told = false;
	matrix->did_io = false;
	vm->slices++;
	printf("VMFD: %u started running\n", vm->vmfd);
	/* It may take long; put_lines() finds out what went wrong. */
	(void)fflush(stdout);
	flat_cpu_take(vm->cpu);
	ticked = vm->cpu->kvm;
	go_on = slice_step(vm, len_ns);
	if (matrix->has_timer)
		timer_set(matrix, 0);
	ticked = NULL;
	flat_cpu_drop(vm->cpu);

	ran_ns = flat_cpu_time_ns(vm->cpu) - begin_ns;
	if (len_ns != UINT64_MAX &&
	    vm->over_ns + ran_ns > matrix->words->quantum_ns)
		vm->over_ns += ran_ns - matrix->words->quantum_ns;
	else
		vm->over_ns = 0;
	return go_on;
}

/* Whose is slice number i? */
static uint32_t slice_owner(const struct matrix_words *words, uint64_t i)
{
	uint32_t a = words->frac[0], b = words->frac[1];

	i %= a + b;
	if (!words->spread)
		return i >= a;
	/* The second has had its part of the slices so far, rounded down. */
	return (i + 1) * b / (a + b) > i * b / (a + b);
}

static bool is_over(const struct matrix *matrix, uint64_t i)
{
	uint64_t slices_nr = matrix->words->slices_nr;

	return (slices_nr && i == slices_nr) ||
	       session_stopping(matrix->session);
}

static int run_slices(struct matrix *matrix)
{
	const struct matrix_words *words = matrix->words;

	for (uint64_t i = 0; !is_over(matrix, i); i++) {
		struct vm *vm = &matrix->vms[slice_owner(words, i)];
		bool go_on = slice(vm);

		if (put_lines())
			return ABI_FAILED;
		if (!go_on && vm->cpu->end == FLAT_STOPPED)
			break;
		if (!go_on) {
			log_error("%s: %s; guests of this ABI have no end",
				  vm->cpu->name, flat_end_name(vm->cpu->end));
			return ABI_FAILED;
		}
		if (words->pause_ns && matrix->did_io)
			session_sleep_until(matrix->session,
					    clock_now_ns() + words->pause_ns);
	}
	return ABI_OK;
}

/* "70.1 % of the CPU time, 7 of 10 slices" */
static void note_shares(const struct matrix *matrix)
{
	uint64_t ns[MATRIX_VMS_NR], all_ns = 0, slices_nr = 0;

	for (uint32_t i = 0; i < MATRIX_VMS_NR; i++) {
		ns[i] = flat_cpu_time_ns(matrix->vms[i].cpu);
		all_ns += ns[i];
		slices_nr += matrix->vms[i].slices;
	}
	for (uint32_t i = 0; i < MATRIX_VMS_NR && all_ns; i++) {
		const struct vm *vm = &matrix->vms[i];
		char key[16], text[80];

		snprintf(key, sizeof(key), "VMFD %u", vm->vmfd);
		snprintf(text, sizeof(text),
			 "%.1f %% of the CPU time, %llu of %llu slices",
			 (double)ns[i] * 100 / (double)all_ns,
			 (unsigned long long)vm->slices,
			 (unsigned long long)slices_nr);
		session_note(matrix->session, key, text);
	}
}

/* --- from the command line to the end ------------------------------------- */

static const char *image_of(const struct matrix_words *words, uint32_t nr)
{
	static const char *const loud[] = { "matrix_neo", "matrix_morpheus" };
	static const char *const quiet[] = { "matrix_neo_quiet",
					     "matrix_morpheus_quiet" };

	if (words->images[nr])
		return words->images[nr];
	return words->schedule == MATRIX_IO ? loud[nr] : quiet[nr];
}

static int load(const struct abi_call *call, const struct matrix_words *words,
		struct vm *vm, uint32_t nr)
{
	struct flat *flat = vm->cpu->flat;
	uint64_t len;
	char *path;
	int err;

	err = abi_image_path(call, image_of(words, nr), &path);
	if (!err)
		err = flat_image_load(&flat->memory, path, words->load_gpa,
				      MATRIX_RAM_LEN - words->load_gpa, &len);
	free(path);
	if (!err)
		printf("VMFD: %u, Loaded Program with size: %llu\n", vm->vmfd,
		       (unsigned long long)len);
	return err;
}

static int first_state(struct flat_cpu *cpu)
{
	struct first_state state;
	int err = flat_cpu_get(cpu, &state);

	if (err)
		return err;
	first_state_real(&state, CODE_SELECTOR, 0);
	state.sregs.gs.base = 0; /* the ancestor forgot it */
	state.regs.rsp = STACK_TOP;
	return flat_cpu_set(cpu, &state);
}

static int make_vm(const struct abi_call *call, struct matrix *matrix,
		   uint32_t nr)
{
	struct vm *vm = &matrix->vms[nr];
	char name[FLAT_NAME_LEN];
	const struct flat_desc desc = { .name = name,
					.ram_len = MATRIX_RAM_LEN,
					.cpus_nr = 1,
					.arg = vm,
					.ports = ports };
	struct flat *flat;
	int err;

	abi_guest_name(name, sizeof(name), image_of(matrix->words, nr), nr,
		       MATRIX_VMS_NR);
	*vm = (struct vm){ .matrix = matrix, .vmfd = FIRST_VMFD + nr };
	err = session_machine(matrix->session, &desc, &flat);
	if (err)
		return err;
	vm->cpu = &flat->cpu[0];
	err = load(call, matrix->words, vm, nr);
	return err ? err : first_state(vm->cpu);
}

static int boot(const struct abi_call *call, const struct matrix_words *words)
{
	struct matrix matrix = { .words = words };
	int status = ABI_FAILED;

	if (session_create(&matrix.session, call->abi->name, &words->common))
		return ABI_FAILED;
	for (uint32_t i = 0; i < MATRIX_VMS_NR; i++)
		if (make_vm(call, &matrix, i))
			goto out;
	if (words->schedule != MATRIX_IO && timer_begin(&matrix))
		goto out;
	if (!put_lines() && !session_begin(matrix.session))
		status = run_slices(&matrix);
	note_shares(&matrix);
	status = session_finish(matrix.session, status);
out:
	timer_end(&matrix);
	session_destroy(matrix.session);
	return status;
}

static int run(const struct abi_call *call)
{
	struct matrix_words words;
	int status = matrix_options(call, &words);

	return status < 0 ? boot(call, &words) : status;
}

static const char *const programs[] = { "matrix-a", "matrix-b", NULL };

const struct abi abi_matrix = {
	.name = "matrix",
	.programs = programs,
	.summary = "Two guests take turns on one host thread",
	.synopsis = "[options] [IMAGE IMAGE]",
	.help = "  IMAGE             two flat images for address 0x10000, or "
		"names of guests\n"
		"                    that came with ivlab (default: "
		"matrix_neo and\n"
		"                    matrix_morpheus, with timers their quiet "
		"kin)\n"
		"  --schedule io     a turn ends when the guest does I/O "
		"(matrix-a)\n"
		"  --schedule timer  or when its quantum is used up "
		"(matrix-b)\n"
		"  --schedule frac   the same, with more turns for one "
		"(default)\n"
		"  --quantum TIME    CPU time of a turn: 10ms, 1s (default: "
		"1s)\n"
		"  --frac A:B        turns of the first and of the second "
		"(default: 7:3)\n"
		"  --order block     all turns of one, then all of the other "
		"(default)\n"
		"  --order spread    mixed as evenly as can be\n"
		"  --slices N        end after N turns (default: at a signal)\n"
		"  --pause TIME      sleep after each I/O exit (default: 0s; "
		"the ancestor: 1s)\n"
		"  --load ADDR       where images go (default: 0x10000)\n",
	.guest_prefix = "matrix_",
	.run = run,
};
