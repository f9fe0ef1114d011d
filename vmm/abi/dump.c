/* SPDX-License-Identifier: MIT */
/* dump.c - what does a vCPU's first state look like? */
#include "vmm/abi/dump.h"

#include <errno.h>
#include <string.h>

#include "vmm/abi/walk.h"
#include "vmm/core/x86.h"

static const char *mode_name(const struct kvm_sregs *sregs)
{
	if (!(sregs->cr0 & CR0_PE))
		return "real mode";
	if (!(sregs->cr0 & CR0_PG))
		return "protected mode, no paging";
	if (sregs->efer & EFER_LMA)
		return sregs->cs.l ? "64-bit mode" : "compatibility mode";
	return sregs->cr4 & CR4_PAE ? "protected mode, PAE"
				    : "protected mode, 32-bit paging";
}

static void put_segment(FILE *out, const char *name,
			const struct kvm_segment *s)
{
	fprintf(out,
		"  %s %04x base %llx limit %x type %x s%u dpl%u p%u db%u l%u "
		"g%u\n",
		name, s->selector, s->base, s->limit, s->type, s->s, s->dpl,
		s->present, s->db, s->l, s->g);
}

static void put_cpu(FILE *out, struct flat_cpu *cpu)
{
	struct first_state state;
	const struct kvm_regs *r = &state.regs;
	const struct kvm_sregs *s = &state.sregs;
	int err = flat_cpu_get(cpu, &state);

	if (err) {
		fprintf(out, "%s: no registers: %s\n", cpu->name,
			strerror(-err));
		return;
	}
	fprintf(out, "%s: vCPU %u, %s\n", cpu->name, cpu->nr, mode_name(s));
	fprintf(out, "  rip %llx rflags %llx rsp %llx rbp %llx\n", r->rip,
		r->rflags, r->rsp, r->rbp);
	fprintf(out,
		"  rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx\n",
		r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi);
	fprintf(out, "  r8 %llx r9 %llx r10 %llx r11 %llx\n", r->r8, r->r9,
		r->r10, r->r11);
	fprintf(out, "  r12 %llx r13 %llx r14 %llx r15 %llx\n", r->r12, r->r13,
		r->r14, r->r15);
	put_segment(out, "cs", &s->cs);
	put_segment(out, "ds", &s->ds);
	put_segment(out, "es", &s->es);
	put_segment(out, "fs", &s->fs);
	put_segment(out, "gs", &s->gs);
	put_segment(out, "ss", &s->ss);
	fprintf(out, "  gdt %llx limit %x idt %llx limit %x\n", s->gdt.base,
		s->gdt.limit, s->idt.base, s->idt.limit);
	fprintf(out, "  cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx\n",
		s->cr0, s->cr2, s->cr3, s->cr4, s->efer);
	if (!cpu->flat->desc.dump_tables ||
	    !cpu->flat->desc.dump_tables(cpu, out))
		walk_print(out, &cpu->flat->memory, s);
}

void dump_state(FILE *out, struct flat *flat)
{
	fprintf(out, "%s: %llu bytes of RAM at 0, %u vCPU%s\n", flat->name,
		(unsigned long long)flat->memory.len, flat->cpus_nr,
		flat->cpus_nr == 1 ? "" : "s");
	for (uint32_t i = 0; i < flat->cpus_nr; i++)
		put_cpu(out, &flat->cpu[i]);
}
