/* SPDX-License-Identifier: MIT */
/*
 * simple_kvm.c - the ABI simple-kvm: one image, one of four processor modes,
 * seven hypercalls, and a result to check (docs/classic-guests.md).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/memory_map.h"
#include "vmm/abi/abi.h"
#include "vmm/abi/abis.h"
#include "vmm/abi/pager.h"
#include "vmm/abi/paging.h"
#include "vmm/abi/walk.h"
#include "vmm/boot/flat_image.h"
#include "vmm/boot/flat_tables.h"
#include "vmm/core/log.h"
#include "vmm/core/x86.h"

#define RAM_LEN	   0x200000u
#define STACK_GPA  RAM_LEN
#define TABLES_GPA 0x2000u /* up to three pages */
#define RESULT_GPA 0x400u
#define RESULT	   42u
#define CR0_MODE   (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG)

/*
 * What 0xed answers lives in the guest's RAM, where its address means
 * something. Two in a row must differ; a ring of more costs nothing.
 */
#define STRINGS_GPA 0x1f0000u
#define STRINGS_NR  (MAP_PAGE_LEN / STRING_LEN)
#define STRING_LEN  64u
#define TEXT_MAX    4096u /* bytes 0xec prints at most; a choice */

struct simple_kvm {
	struct pager *pager; /* NULL: KVM does the paging, if there is any */
	uint32_t string_slot;
	uint32_t translated; /* what 0xef answers */
};

/* --- modes ---------------------------------------------------------------- */

struct mode {
	const char *title;
	const char *guest;   /* the image that came with ivlab */
	uint32_t image_max;  /* what is behind belongs to somebody else */
	uint32_t result_len; /* bytes of the value at RESULT_GPA */
	bool paging32;
	int (*first_state)(struct flat *flat, struct first_state *state);
};

static int state_real(struct flat *flat, struct first_state *state)
{
	(void)flat;
	first_state_real(state, 0, 0);
	return 0;
}

static int state_protected(struct flat *flat, struct first_state *state)
{
	(void)flat;
	first_state_protected(state, 0);
	return 0;
}

static int state_paging32(struct flat *flat, struct first_state *state)
{
	first_state_paging32(state, 0, TABLES_GPA, CR0_MODE, CR4_PSE);
	return flat_tables_pse(&flat->memory, TABLES_GPA, 0, 0,
			       (uint32_t)PTE_USER);
}

static int state_long(struct flat *flat, struct first_state *state)
{
	uint64_t end_gpa;

	first_state_long(state, 0, TABLES_GPA, CR0_MODE);
	return flat_tables_long(&flat->memory, TABLES_GPA, RAM_LEN,
				MAP_LARGE_LEN, PTE_USER, &end_gpa);
}

static const struct mode real = {
	.title = "Testing real mode",
	.guest = "simple_guest16",
	.image_max = STRINGS_GPA,
	.result_len = 2,
	.first_state = state_real,
};
static const struct mode protected = {
	.title = "Testing protected mode",
	.guest = "simple_guest32",
	.image_max = STRINGS_GPA,
	.result_len = 4,
	.first_state = state_protected,
};
static const struct mode paging32 = {
	.title = "Testing 32-bit paging",
	.guest = "simple_guest32",
	.image_max = TABLES_GPA,
	.result_len = 4,
	.paging32 = true,
	.first_state = state_paging32,
};
static const struct mode longmode = {
	.title = "Testing 64-bit mode",
	.guest = "simple_guest64",
	.image_max = TABLES_GPA,
	.result_len = 8,
	.first_state = state_long,
};

/* --- hypercalls ----------------------------------------------------------- */

static struct simple_kvm *of(const struct flat_io *io)
{
	return io->cpu->flat->arg;
}

static void put_text(struct flat_cpu *cpu, const char *text)
{
	flat_put(cpu, text, strlen(text));
}

static enum flat_next put_byte(struct flat_io *io)
{
	uint8_t byte = (uint8_t)io->value;

	if (!io->is_write)
		return FLAT_PASS;
	flat_put(io->cpu, &byte, 1);
	return FLAT_GO;
}

static enum flat_next put_number(struct flat_io *io)
{
	char text[16];

	if (!io->is_write)
		return FLAT_PASS;
	snprintf(text, sizeof(text), "%u\n", io->value);
	put_text(io->cpu, text);
	return FLAT_GO;
}

/* This exit is counted before its handler is called. */
static enum flat_next get_exits(struct flat_io *io)
{
	if (io->is_write)
		return FLAT_PASS;
	io->value = (uint32_t)io->cpu->counters.exits;
	return FLAT_GO;
}

static enum flat_next put_string(struct flat_io *io)
{
	static struct log_limit limit;
	const struct memory *memory = &io->cpu->flat->memory;
	uint32_t len = 0;

	if (!io->is_write)
		return FLAT_PASS;
	for (; len < TEXT_MAX; len++) {
		const char *at = memory_range(memory, (uint64_t)io->value + len,
					      1);

		if (!at) {
			log_limited(&limit, "%s: the string at 0x%x leaves RAM",
				    io->cpu->name, io->value);
			break;
		}
		if (!*at)
			break;
		flat_put(io->cpu, at, 1);
	}
	if (len == TEXT_MAX)
		log_limited(&limit,
			    "%s: the string at 0x%x is cut after %u "
			    "bytes",
			    io->cpu->name, io->value, TEXT_MAX);
	return FLAT_GO;
}

static enum flat_next get_io_string(struct flat_io *io)
{
	struct simple_kvm *simple = of(io);
	uint32_t gpa = STRINGS_GPA + simple->string_slot * STRING_LEN;
	char *text = memory_range(&io->cpu->flat->memory, gpa, STRING_LEN);

	if (io->is_write)
		return FLAT_PASS;
	snprintf(text, STRING_LEN, "IO in: %llu\nIO out: %llu\n",
		 (unsigned long long)io->cpu->counters.io_in,
		 (unsigned long long)io->cpu->counters.io_out);
	simple->string_slot = (simple->string_slot + 1) % STRINGS_NR;
	io->value = gpa;
	return FLAT_GO;
}

/* As the guest believes them to be. */
static int get_sregs(struct flat_cpu *cpu, struct kvm_sregs *sregs)
{
	const struct simple_kvm *simple = cpu->flat->arg;
	int err = kvm_vcpu_get_sregs(cpu->kvm, sregs);

	if (simple->pager) {
		sregs->cr0 |= CR0_PG;
		sregs->cr4 |= CR4_PSE;
	}
	return err;
}

/* An address outside of RAM has no translation either, paging or not. */
static enum flat_next translate(struct flat_io *io)
{
	const struct memory *memory = &io->cpu->flat->memory;
	struct simple_kvm *simple = of(io);
	struct kvm_sregs sregs;
	struct walk walk;
	const uint8_t *hva;

	if (!io->is_write)
		return FLAT_PASS;
	simple->translated = 0;
	if (get_sregs(io->cpu, &sregs) ||
	    walk_linear(memory, &sregs, io->value, &walk) ||
	    !(hva = memory_range(memory, walk.gpa, 1)))
		put_text(io->cpu, "Invalid GVA\n");
	else
		simple->translated = (uint32_t)(uintptr_t)hva;
	return FLAT_GO;
}

static enum flat_next get_translated(struct flat_io *io)
{
	if (io->is_write)
		return FLAT_PASS;
	io->value = of(io)->translated;
	return FLAT_GO;
}

static const struct flat_port ports[] = {
	{ 0xe9, 0xe9, FLAT_LEN_1, put_byte },
	{ 0xea, 0xea, FLAT_LEN_4, put_number },
	{ 0xeb, 0xeb, FLAT_LEN_4, get_exits },
	{ 0xec, 0xec, FLAT_LEN_4, put_string },
	{ 0xed, 0xed, FLAT_LEN_4, get_io_string },
	{ 0xee, 0xee, FLAT_LEN_4, translate },
	{ 0xef, 0xef, FLAT_LEN_4, get_translated },
	{ 0, 0, 0, NULL },
};

/* --- from the command line to the result ---------------------------------- */

struct words {
	struct session_opts common;
	enum paging_backend backend;
	const struct mode *mode;
	const char *image; /* NULL: the one that came with ivlab */
};

static enum flat_next page_fault(struct flat_cpu *cpu, struct kvm_run *run)
{
	const struct simple_kvm *simple = cpu->flat->arg;

	return simple->pager ? pager_exit(simple->pager, cpu, run) : FLAT_PASS;
}

static bool dump_tables(struct flat_cpu *cpu, FILE *out)
{
	const struct simple_kvm *simple = cpu->flat->arg;

	if (simple->pager)
		pager_print(simple->pager, cpu, out);
	return simple->pager;
}

static int load(const struct abi_call *call, const struct words *words,
		struct flat *flat)
{
	const char *image = words->image ? words->image : words->mode->guest;
	uint64_t len;
	char *path;
	int err;

	err = abi_image_path(call, image, &path);
	if (!err)
		err = flat_image_load(&flat->memory, path, 0,
				      words->mode->image_max, &len);
	free(path);
	return err;
}

static int prepare(struct session *session, const struct words *words,
		   struct flat *flat)
{
	enum paging_backend backend = words->backend;
	struct simple_kvm *simple = flat->arg;
	struct first_state state;
	int err;

	err = flat_cpu_get(&flat->cpu[0], &state);
	if (!err)
		err = words->mode->first_state(flat, &state);
	if (!err && words->mode->paging32)
		err = paging_choose(session, &backend);
	if (err)
		return err;
	if (backend == PAGING_MEMSLOT && words->mode->paging32) {
		state.sregs.cr0 &= ~(uint64_t)CR0_PG;
		err = pager_create(&simple->pager, flat->kvm, &flat->memory,
				   TABLES_GPA, true);
		if (err)
			return err;
	}
	state.regs.rsp = STACK_GPA;
	return flat_cpu_set(&flat->cpu[0], &state);
}

/* RAX and the value at 0x400, as wide as the mode's registers. */
static int check(const struct mode *mode, struct flat *flat)
{
	struct kvm_regs regs = { 0 };
	uint64_t value = 0;

	if (flat->cpu[0].end != FLAT_HALTED ||
	    kvm_vcpu_get_regs(flat->cpu[0].kvm, &regs))
		return ABI_FAILED;
	memcpy(&value, memory_range(&flat->memory, RESULT_GPA, sizeof(value)),
	       mode->result_len);
	if (regs.rax == RESULT && value == RESULT)
		return ABI_OK;
	log_error("Wrong result: RAX is %llu, memory at 0x%x is %llu; both "
		  "must be %u",
		  regs.rax, RESULT_GPA, (unsigned long long)value, RESULT);
	return ABI_FAILED;
}

static int boot(const struct abi_call *call, const struct words *words)
{
	struct simple_kvm simple = { .pager = NULL };
	char name[FLAT_NAME_LEN];
	const struct flat_desc desc = {
		.name = name,
		.ram_len = RAM_LEN,
		.cpus_nr = 1,
		.ports = ports,
		.exit = page_fault,
		.dump_tables = dump_tables,
		.arg = &simple,
	};
	struct session *session = NULL;
	struct flat *flat;
	int status = ABI_FAILED;

	abi_guest_name(name, sizeof(name),
		       words->image ? words->image : words->mode->guest, 0, 1);
	if (session_create(&session, call->abi->name, &words->common) ||
	    session_machine(session, &desc, &flat) || load(call, words, flat) ||
	    prepare(session, words, flat))
		goto out;
	log_info("%s", words->mode->title);
	if (!session_run(session))
		status = check(words->mode, flat);
	status = session_finish(session, status);
out:
	pager_destroy(simple.pager);
	session_destroy(session);
	return status;
}

static int run(const struct abi_call *call)
{
	static const struct option options[] = {
		{ "paging-backend", required_argument, NULL, 'b' },
		ABI_COMMON_OPTIONS,
	};
	struct words words = { .mode = &real };
	int c, status = -1;

	while (status < 0 && (c = getopt_long(call->argc, call->argv, ":rspl",
					      options, NULL)) != -1) {
		switch (c) {
		case 'r':
			words.mode = &real;
			break;
		case 's':
			words.mode = &protected;
			break;
		case 'p':
			words.mode = &paging32;
			break;
		case 'l':
			words.mode = &longmode;
			break;
		case 'b':
			status = paging_option(call, optarg, &words.backend);
			break;
		default:
			status = abi_option(call, &words.common, c, options);
			break;
		}
	}
	if (status >= 0)
		return status;
	if (call->argc - optind > 1)
		return abi_usage(call, "one image at a time");
	words.image = call->argv[optind];
	return boot(call, &words);
}

static const char *const programs[] = { NULL };

const struct abi abi_simple_kvm = {
	.name = "simple-kvm",
	.programs = programs,
	.summary = "One image in one of four modes, and a result to check",
	.synopsis = "[-r|-s|-p|-l] [options] [IMAGE]",
	.help = "  IMAGE             a flat image for address 0, or the name "
		"of a "
		"guest that\n"
		"                    came with ivlab (default: simple_guest16, "
		"32 "
		"or 64)\n"
		"  -r                real mode (default)\n"
		"  -s                protected mode without paging\n"
		"  -p                protected mode with 32-bit paging\n"
		"  -l                64-bit mode\n"
		"  --paging-backend auto|kvm|memslot\n"
		"                    who does the paging of -p (default: "
		"auto)\n",
	.guest_prefix = "simple_",
	.run = run,
};
