/* SPDX-License-Identifier: MIT */
/* simple_hypervisor.c - which steps make a virtual machine run one byte? */
#include "vmm/abi/simple_hypervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/abi/session.h"
#include "vmm/boot/flat_image.h"
#include "vmm/core/log.h"

#define NAME "simple-kvm-hypervisor"

struct simple_hypervisor {
	struct session *session; /* NULL: none */
	uint32_t mb;		 /* 0: not yet */
	struct flat *flat;	 /* NULL: not yet */
	uint64_t image_gpa, image_len;
};

static int too_early(const char *step, const char *before)
{
	log_error("%s: first %s", step, before);
	return -EPROTO;
}

int simple_hypervisor_create(struct simple_hypervisor **out,
			     struct session *session)
{
	struct simple_hypervisor *simple;
	int err, fd, version;

	log_set_prefix(NAME);
	err = kvm_open(&fd);
	if (err) {
		log_error("%s: %s; see ivlab doctor", KVM_DEVICE_PATH,
			  strerror(-err));
		return err;
	}
	version = kvm_api_version(fd);
	close(fd);
	if (version != KVM_API_VERSION) {
		log_error("KVM API version %d, not %d", version,
			  KVM_API_VERSION);
		return -ENOTSUP;
	}
	simple = calloc(1, sizeof(*simple));
	if (!simple)
		return -ENOMEM;
	simple->session = session;
	log_info("KVM API version %d, %s", version, kvm_kind_name());
	*out = simple;
	return 0;
}

void simple_hypervisor_destroy(struct simple_hypervisor *simple)
{
	if (!simple)
		return;
	/* A session owns its machines. */
	if (!simple->session)
		flat_destroy(simple->flat);
	free(simple);
}

int simple_hypervisor_memory(struct simple_hypervisor *simple, uint32_t mb)
{
	if (simple->flat)
		return too_early("memory", "comes memory, then the vCPU");
	if (mb < 1 || mb > SIMPLE_HYPERVISOR_MB_MAX) {
		log_error("memory: %u MiB; allowed: 1 to %u", mb,
			  SIMPLE_HYPERVISOR_MB_MAX);
		return -EINVAL;
	}
	simple->mb = mb;
	log_info("memory: %u MiB at 0x0", mb);
	return 0;
}

/* --- what one entry can end with ------------------------------------------ */

static enum flat_next port_access(struct flat_io *io)
{
	log_info("left by port 0x%x: %s of %u bytes", io->port,
		 io->is_write ? "OUT" : "IN", io->len);
	return FLAT_END;
}

static const struct flat_port ports[] = {
	{ 0, UINT16_MAX, FLAT_LEN_ANY, port_access },
	{ 0, 0, 0, NULL },
};

static enum flat_next other_exit(struct flat_cpu *cpu, struct kvm_run *run)
{
	(void)cpu;
	switch (run->exit_reason) {
	case KVM_EXIT_HLT:
		log_info("left by HLT");
		return FLAT_PASS;
	case KVM_EXIT_MMIO:
		log_info("left by a %s of %u bytes at 0x%llx, where no memory "
			 "is",
			 run->mmio.is_write ? "write" : "read", run->mmio.len,
			 run->mmio.phys_addr);
		return FLAT_END;
	case KVM_EXIT_SHUTDOWN:
		log_info("left by SHUTDOWN");
		return FLAT_END;
	default:
		return FLAT_PASS;
	}
}

int simple_hypervisor_vcpu(struct simple_hypervisor *simple)
{
	const struct flat_desc desc = {
		.name = NAME,
		.ram_len = (uint64_t)simple->mb << 20,
		.cpus_nr = 1,
		.ports = ports,
		.exit = other_exit,
	};
	struct first_state state;
	int err;

	if (!simple->mb || simple->flat)
		return too_early("vCPU", "comes memory, then one vCPU");
	err = simple->session
		      ? session_machine(simple->session, &desc, &simple->flat)
		      : flat_create(&simple->flat, &desc);
	if (err)
		return err;
	err = flat_cpu_get(&simple->flat->cpu[0], &state);
	if (err)
		return err;
	first_state_real(&state, 0, SIMPLE_HYPERVISOR_LOAD_GPA);
	err = flat_cpu_set(&simple->flat->cpu[0], &state);
	if (!err)
		log_info("vCPU: real mode, begins at 0x%x",
			 SIMPLE_HYPERVISOR_LOAD_GPA);
	return err;
}

/* --- images ----------------------------------------------------------------
 */

/* How much can be loaded there; 0 and logged: nothing. */
static uint64_t room_at(const struct simple_hypervisor *simple, uint64_t gpa)
{
	uint64_t ram_len = simple->flat->memory.len;

	if (gpa >= ram_len) {
		log_error("load: 0x%llx is outside of the %u MiB of memory",
			  (unsigned long long)gpa, simple->mb);
		return 0;
	}
	if (gpa < SIMPLE_HYPERVISOR_LOAD_GPA)
		log_warn("load: below 0x%x a PC has its interrupt table and "
			 "firmware data",
			 SIMPLE_HYPERVISOR_LOAD_GPA);
	return ram_len - gpa;
}

static void loaded(struct simple_hypervisor *simple, uint64_t gpa, uint64_t len)
{
	simple->image_gpa = gpa;
	simple->image_len = len;
	log_info("image: %llu byte%s at 0x%llx", (unsigned long long)len,
		 len == 1 ? "" : "s", (unsigned long long)gpa);
}

int simple_hypervisor_load(struct simple_hypervisor *simple, const void *bytes,
			   size_t len, uint64_t gpa)
{
	uint64_t room_len;

	if (!simple->flat)
		return too_early("load", "comes the vCPU");
	if (!len) {
		log_error("load: no bytes");
		return -ENODATA;
	}
	room_len = room_at(simple, gpa);
	if (!room_len)
		return -EFBIG;
	if (len > room_len) {
		log_error("load: %zu bytes; %llu fit at 0x%llx", len,
			  (unsigned long long)room_len,
			  (unsigned long long)gpa);
		return -EFBIG;
	}
	memcpy(memory_range(&simple->flat->memory, gpa, len), bytes, len);
	loaded(simple, gpa, len);
	return 0;
}

int simple_hypervisor_load_file(struct simple_hypervisor *simple,
				const char *path, uint64_t gpa)
{
	uint64_t room_len, len;
	int err;

	if (!simple->flat)
		return too_early("load", "comes the vCPU");
	room_len = room_at(simple, gpa);
	if (!room_len)
		return -EFBIG;
	err = flat_image_load(&simple->flat->memory, path, gpa, room_len, &len);
	if (!err)
		loaded(simple, gpa, len);
	return err;
}

/* --- look and run -----------------------------------------------------------
 */

int simple_hypervisor_show(struct simple_hypervisor *simple)
{
	struct first_state state;
	int err;

	if (!simple->flat)
		return too_early("show", "comes the vCPU");
	err = flat_cpu_get(&simple->flat->cpu[0], &state);
	if (err)
		return err;
	log_info("state: %u MiB of memory, %llu bytes at 0x%llx", simple->mb,
		 (unsigned long long)simple->image_len,
		 (unsigned long long)simple->image_gpa);
	log_info("state: cs 0x%x base 0x%llx limit 0x%x, ip 0x%llx, sp 0x%llx, "
		 "flags 0x%llx",
		 state.sregs.cs.selector, state.sregs.cs.base,
		 state.sregs.cs.limit, state.regs.rip, state.regs.rsp,
		 state.regs.rflags);
	return 0;
}

int simple_hypervisor_run(struct simple_hypervisor *simple)
{
	struct flat_cpu *cpu;
	enum flat_step step;

	if (!simple->flat)
		return too_early("run", "comes the vCPU");
	cpu = &simple->flat->cpu[0];
	flat_cpu_take(cpu);
	do {
		step = flat_step(cpu);
	} while (step == FLAT_KICKED);
	flat_cpu_drop(cpu);
	switch (cpu->end) {
	case FLAT_HALTED:
	case FLAT_DONE:
		log_info("success");
		return 0;
	case FLAT_STOPPED:
		return -ECANCELED;
	default:
		return -EIO;
	}
}
