/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm quiet_log */
/* fuzz_pci.c - can a guest that does anything at its ports and registers bring
 * the machine out of step with itself? */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/ivshmem.h"
#include "shm/memory_map.h"
#include "shm/pci.h"
#include "tests/fakes/fake_kvm.h"
#include "tests/fuzz/steps.h"
#include "vmm/devices/console.h"
#include "vmm/devices/machine.h"

/* What a step may be; op is taken modulo their number. */
enum op {
	OP_CONFIG_WRITE, /* arg: width; off: register of the ivshmem device */
	OP_CONFIG_READ,
	OP_BAR_WRITE, /* arg: width, BAR; off: into it */
	OP_BAR_READ,
	OP_PLACE, /* arg: BAR; value: its page, in a few places */
	OP_PORT_WRITE,
	OP_PORT_READ,
	OP_MMIO,    /* off: page of the first 256 MiB, or above 0xfec00000 */
	OP_REQUEST, /* arg: call; off: where from; value: its arguments */
	OP_PEER_VECTOR,
	OP_PEER_GONE,
	OP_OWN_VECTOR,
	OP_KVM, /* what fails from now on */
	OPS_NR
};

#define REGION_MAX_LEN (1u << 20)
#define PEERS_NR       4u
#define OWN_ID	       2u
#define VECTORS_NR     3u /* of each peer, and of our table */
#define IVSHMEM_SLOT   1u
#define TOP_GPA	       0xfec00000u

static struct {
	struct machine *machine;
	struct stats stats;
	uint8_t *region;
	uint64_t region_len;
	int efds[PEERS_NR][VECTORS_NR];
	bool known[PEERS_NR][VECTORS_NR]; /* told to the machine */
	uint32_t ends_nr;
	bool kvm_failed; /* so not all that should be there is there */
} room;

static void ended(void *arg, enum stats_end why, uint32_t status)
{
	(void)arg;
	(void)status;
	FUZZ_CHECK(why == STATS_END_EXIT || why == STATS_END_FAULT);
	FUZZ_CHECK(room.ends_nr++ == 0);
}

static uint32_t port(uint16_t at, uint32_t len, bool is_write, uint32_t value)
{
	(void)machine_pio(room.machine, at, len, 1, is_write, &value);
	return value;
}

static uint32_t config_read(uint32_t reg)
{
	uint32_t latch = port(PCI_PORT_ADDRESS, 4, false, 0), value;

	port(PCI_PORT_ADDRESS, 4, true, PCI_ADDRESS(0, IVSHMEM_SLOT, 0, reg));
	value = port(PCI_PORT_DATA, 4, false, 0);
	port(PCI_PORT_ADDRESS, 4, true, latch);
	return value;
}

static uint32_t width_of(uint8_t arg)
{
	return 1u << (arg & 3);
}

static void config_access(const struct step *step, bool is_write)
{
	uint32_t len = width_of(step->arg);
	uint16_t lane = (uint16_t)(step->off & 3);

	port(PCI_PORT_ADDRESS, 4, true,
	     PCI_ADDRESS(0, IVSHMEM_SLOT, 0, step->off));
	if (len <= 4)
		port((uint16_t)(PCI_PORT_DATA + lane), len, is_write,
		     step->value);
}

/* Where configuration space says the BAR is. */
static uint64_t bar_gpa(uint32_t bar)
{
	uint64_t gpa = config_read(PCI_REG_BAR(bar)) & ~PCI_BAR_FLAGS_MASK;

	if (bar == IVSHMEM_BAR_SHMEM)
		gpa |= (uint64_t)config_read(PCI_REG_BAR(bar + 1)) << 32;
	return gpa;
}

static void mmio(uint64_t gpa, uint32_t len, bool is_write, uint64_t value)
{
	(void)machine_mmio(room.machine, gpa, len, is_write, &value);
}

/* Addresses that matter: free ones, RAM's end, the APIC, the top. */
static void place(const struct step *step)
{
	static const uint64_t bases[] = {
		MAP_PCI32_GPA,
		MAP_PCI32_GPA + 0x100000,
		0,
		MAP_RAM_MIN_LEN - 0x1000,
		MAP_RAM_MIN_LEN,
		MAP_LAPIC_GPA - 0x1000,
		MAP_LAPIC_GPA,
		0xfffff000,
		MAP_PCI64_GPA,
		1ull << 51,
		UINT64_MAX - 0xfffff,
		MAP_LAPIC_GPA - REGION_MAX_LEN,
	};
	uint32_t bar = step->arg % 3;
	uint64_t gpa = bases[step->value % (sizeof(bases) / sizeof(*bases))] +
		       (uint64_t)(step->off & 0xff) * 0x100;

	for (uint32_t half = 0; half < (bar == IVSHMEM_BAR_SHMEM ? 2 : 1);
	     half++) {
		port(PCI_PORT_ADDRESS, 4, true,
		     PCI_ADDRESS(0, IVSHMEM_SLOT, 0, PCI_REG_BAR(bar + half)));
		port(PCI_PORT_DATA, 4, true, (uint32_t)(gpa >> 32 * half));
	}
}

static void port_access(const struct step *step, bool is_write)
{
	static const uint16_t ports[] = { PCI_PORT_ADDRESS, PCI_PORT_DATA,
					  BARE_PORT_CONSOLE,
					  BARE_PORT_HYPERCALL, BARE_PORT_EXIT };
	uint8_t data[4 * 16] = { 0 };
	uint32_t len = width_of(step->arg);
	uint16_t at = step->arg & 4 ? step->off
				    : (uint16_t)(ports[step->off % 5] +
						 (step->off >> 8 & 3));

	if (len > 4)
		len = 4;
	memcpy(data, &step->value, sizeof(step->value));
	(void)machine_pio(room.machine, at, len, step->arg >> 4, is_write,
			  data);
}

/* A hypercall whose request the guest wrote anywhere in its RAM. */
static void request(const struct step *step)
{
	const struct memory *memory = machine_memory(room.machine);
	uint32_t gpa = step->off * 64u;
	struct bare_request what = { .call = step->arg & 7 };
	void *hva;

	if (step->arg & 8)
		gpa = (uint32_t)memory->len - step->off % 128;
	for (int i = 0; i < 4; i++) {
		what.args[i] = step->value >> (8 * i) & 0xff;
		if (step->arg >> 4 & 1u << i)
			what.args[i] = memory->len - what.args[i];
	}
	hva = memory_range(memory, gpa, sizeof(what));
	if (hva)
		memcpy(hva, &what, sizeof(what));
	port(BARE_PORT_HYPERCALL, 4, true, gpa);
	machine_update_stats(room.machine);
}

static void peer(const struct step *step)
{
	uint32_t id = step->arg % PEERS_NR, vector = step->off % VECTORS_NR;

	switch (step->op % OPS_NR) {
	case OP_PEER_VECTOR:
		if (id == OWN_ID)
			break; /* the link never tells it so */
		machine_peer_vector(room.machine, id, vector,
				    room.efds[id][vector]);
		room.known[id][vector] = true;
		break;
	case OP_PEER_GONE:
		if (id == OWN_ID)
			break;
		machine_peer_gone(room.machine, id);
		memset(room.known[id], 0, sizeof(room.known[id]));
		break;
	case OP_OWN_VECTOR:
		machine_own_vector(room.machine, vector,
				   room.efds[OWN_ID][vector]);
		room.known[OWN_ID][vector] = true;
		break;
	}
}

static void kvm(const struct step *step)
{
	fake_kvm.slot_add_err = step->arg & 1 ? -ENOMEM : 0;
	fake_kvm.route_err = step->arg & 2 ? -EINVAL : 0;
	fake_kvm.irqfd_add_err = step->arg & 4 ? -EBUSY : 0;
	fake_kvm.ioeventfds_max = step->arg & 8 ? step->off % 8
						: FAKE_IOEVENTFDS_NR;
	fake_kvm.gsis_max = step->arg & 16 ? step->off % 3 : FAKE_GSIS_NR;
	room.kvm_failed = true;
}

/* False: nothing can have changed. */
static bool run(const struct step *step)
{
	uint32_t len = width_of(step->arg);

	switch (step->op % OPS_NR) {
	case OP_CONFIG_WRITE:
	case OP_CONFIG_READ:
		config_access(step, step->op % OPS_NR == OP_CONFIG_WRITE);
		break;
	case OP_BAR_WRITE:
	case OP_BAR_READ:
		mmio(bar_gpa((step->arg >> 2) % 3) + step->off, len,
		     step->op % OPS_NR == OP_BAR_WRITE,
		     step->arg & 0x80 ? ~(uint64_t)step->value : step->value);
		break;
	case OP_PLACE:
		place(step);
		break;
	case OP_PORT_WRITE:
	case OP_PORT_READ:
		port_access(step, step->op % OPS_NR == OP_PORT_WRITE);
		break;
	case OP_MMIO:
		mmio((step->arg & 8 ? TOP_GPA : 0) + step->off * 0x1000ull +
			     (step->value & 0xfff),
		     len, step->arg & 4, step->value);
		break;
	case OP_REQUEST:
		request(step);
		break;
	case OP_KVM:
		kvm(step);
		break;
	default:
		peer(step);
	}
	return step->op % OPS_NR != OP_CONFIG_READ &&
	       step->op % OPS_NR != OP_PORT_READ;
}

/* --- what must be so after each step ------------------------------------- */

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

/* Memory slots: RAM, and the region where its BAR says or nowhere. */
static void slots_check(bool decodes)
{
	struct kvm_vm *vm = machine_kvm(room.machine);
	uint32_t ram_nr = 0, region_nr = 0;

	for (uint32_t i = 0; i < FAKE_SLOTS_NR; i++) {
		const struct fake_slot *slot = &vm->slots[i];

		if (!slot->used)
			continue;
		if (slot->gpa == 0) {
			FUZZ_CHECK(slot->len == MAP_RAM_MIN_LEN);
			ram_nr++;
			continue;
		}
		FUZZ_CHECK(decodes && slot->hva == room.region &&
			   slot->len == room.region_len &&
			   slot->gpa == bar_gpa(IVSHMEM_BAR_SHMEM));
		FUZZ_CHECK(!overlap(slot->gpa, slot->len, 0, MAP_RAM_MIN_LEN));
		FUZZ_CHECK(!overlap(slot->gpa, slot->len, MAP_LAPIC_GPA,
				    0x100000000ull - MAP_LAPIC_GPA));
		region_nr++;
	}
	FUZZ_CHECK(ram_nr == 1 && region_nr <= 1);
}

/* BAR0 answers there: it reads our id, which nothing else does. */
static bool regs_decode(uint64_t gpa)
{
	uint32_t value = 0;

	return machine_mmio(room.machine, gpa + IVSHMEM_REG_IV_POSITION, 4,
			    false, &value) == BUS_HANDLED &&
	       value == OWN_ID;
}

/* Doorbells: in the kernel are exactly those of the peers that were told, at
 * the register, as long as that decodes. */
static void doorbells_check(bool decodes)
{
	const struct kvm_vm *vm = machine_kvm(room.machine);
	uint64_t gpa = bar_gpa(IVSHMEM_BAR_REGS);
	bool placed = decodes && regs_decode(gpa);
	uint32_t found_nr = 0;

	for (uint32_t i = 0; i < PEERS_NR * VECTORS_NR; i++) {
		uint32_t id = i / VECTORS_NR, vector = i % VECTORS_NR;
		const struct fake_ioeventfd *bell =
			fake_kvm_ioeventfd(vm, gpa + IVSHMEM_REG_DOORBELL,
					   IVSHMEM_DOORBELL(id, vector));

		if (bell)
			FUZZ_CHECK(placed && room.known[id][vector] &&
				   bell->efd == room.efds[id][vector]);
		else
			FUZZ_CHECK(!placed || !room.known[id][vector] ||
				   room.kvm_failed);
		found_nr += bell != NULL;
	}
	FUZZ_CHECK(found_nr == vm->ioeventfds_nr);
}

/* An interrupt comes of an event exactly when MSI-X lets it. */
static void interrupts_check(bool decodes)
{
	uint64_t gpa = bar_gpa(IVSHMEM_BAR_MSIX);
	uint32_t control = config_read(0x40) >> 16;
	bool on = control & PCI_MSIX_CTL_ENABLE &&
		  !(control & PCI_MSIX_CTL_MASK_ALL);

	for (uint32_t i = 0; i < VECTORS_NR; i++) {
		const struct fake_gsi *gsi = fake_kvm_irqfd(
			machine_kvm(room.machine), room.efds[OWN_ID][i]);
		uint32_t entry[4] = { 0 };

		FUZZ_CHECK(!gsi || (on && room.known[OWN_ID][i]));
		if (!decodes ||
		    machine_mmio(room.machine, gpa + i * 16ull, 8, false,
				 entry) != BUS_HANDLED ||
		    machine_mmio(room.machine, gpa + i * 16ull + 8, 8, false,
				 &entry[2]) != BUS_HANDLED ||
		    regs_decode(gpa))
			continue;
		FUZZ_CHECK(!gsi || !(entry[3] & PCI_MSIX_ENTRY_CTL_MASK));
		FUZZ_CHECK(!gsi || (gsi->address == ((uint64_t)entry[1] << 32 |
						     entry[0]) &&
				    gsi->data == entry[2]));
		FUZZ_CHECK(gsi || room.kvm_failed || !on ||
			   !room.known[OWN_ID][i] ||
			   entry[3] & PCI_MSIX_ENTRY_CTL_MASK ||
			   !(entry[0] | entry[1]));
	}
}

/* What identifies the device never changes. */
static void config_check(void)
{
	FUZZ_CHECK(config_read(0) == 0x11101af4);
	FUZZ_CHECK(config_read(8) == 0x05000001);
	FUZZ_CHECK((config_read(PCI_REG_BAR(2)) & PCI_BAR_FLAGS_MASK) == 0xc);
	FUZZ_CHECK((config_read(0x40) & 0x7ffffff) ==
		   ((VECTORS_NR - 1) << 16 | PCI_CAP_ID_MSIX));
}

static void check(void)
{
	bool decodes = config_read(PCI_REG_COMMAND) & PCI_COMMAND_MEMORY;

	FUZZ_CHECK(!fake_kvm.misuses_nr);
	config_check();
	slots_check(decodes);
	doorbells_check(decodes);
	interrupts_check(decodes);
}

/* --- one machine ---------------------------------------------------------- */

static void room_init(void)
{
	room.region = mmap(NULL, REGION_MAX_LEN, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FUZZ_CHECK(room.region != MAP_FAILED);
	for (uint32_t i = 0; i < PEERS_NR * VECTORS_NR; i++) {
		int efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		FUZZ_CHECK(efd >= 0);
		room.efds[i / VECTORS_NR][i % VECTORS_NR] = efd;
	}
}

static void room_open(uint8_t which)
{
	struct machine_opts opts = { .ram_len = MAP_RAM_MIN_LEN,
				     .stats = &room.stats,
				     .ended = ended,
				     .region_hva = room.region,
				     .peer_id = OWN_ID,
				     .vectors_nr = VECTORS_NR };

	if (!room.region)
		room_init();
	room.region_len = 4096u << which % 9;
	opts.region_len = room.region_len;
	opts.region_hva = room.region;
	room.ends_nr = 0;
	room.kvm_failed = false;
	memset(room.known, 0, sizeof(room.known));
	memset(&room.stats, 0, sizeof(room.stats));
	fake_kvm_reset();
	FUZZ_CHECK(!machine_create(&room.machine, &opts));
}

/* As the loop does; a full console would hold the guest. */
static void console_drain(void)
{
	static uint8_t bytes[CONSOLE_BUFFER_LEN];

	while (console_take(machine_console(room.machine), bytes,
			    sizeof(bytes)))
		;
}

/* A byte for the region's length, then steps. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct steps steps;
	struct step step;

	if (!len)
		return 0;
	room_open(data[0]);
	steps = steps_of(data + 1, len - 1);
	while (steps_next(&steps, &step)) {
		if (run(&step))
			check();
		console_drain();
	}
	machine_destroy(room.machine);
	FUZZ_CHECK(!fake_kvm.vms_nr && !fake_kvm.leftovers_nr &&
		   !fake_kvm.misuses_nr);
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

#define PLACE(bar, where)               \
	{                               \
		OP_PLACE, bar, 0, where \
	}
#define DECODE                                                          \
	{                                                               \
		OP_CONFIG_WRITE, 1, PCI_REG_COMMAND, PCI_COMMAND_MEMORY \
	}
#define CONFIG(reg, value)                     \
	{                                      \
		OP_CONFIG_WRITE, 2, reg, value \
	}
#define MSIX_ON CONFIG(0x40, (uint32_t)PCI_MSIX_CTL_ENABLE << 16)
#define TABLE(off, value)                            \
	{                                            \
		OP_BAR_WRITE, 2 | 1 << 2, off, value \
	}
#define BELL(peer, vector)                             \
	{                                              \
		OP_BAR_WRITE, 2, IVSHMEM_REG_DOORBELL, \
			IVSHMEM_DOORBELL(peer, vector) \
	}
#define ALL_PLACED PLACE(0, 0), { OP_PLACE, 1, 0x10, 0 }, PLACE(2, 8), DECODE

static const struct steps_seed seeds[] = {
	{ "doorbells_of_peers_that_come_and_go",
	  9,
	  { { OP_PEER_VECTOR, 1, 0, 0 },
	    ALL_PLACED,
	    { OP_PEER_VECTOR, 3, 2, 0 },
	    BELL(1, 0),
	    BELL(9, 9),
	    { OP_PEER_GONE, 1, 0, 0 } } },
	{ "interrupt_masked_and_unmasked",
	  11,
	  { ALL_PLACED,
	    { OP_OWN_VECTOR, 0, 0, 0 },
	    TABLE(0, 0xfee00000),
	    TABLE(8, 0x30),
	    TABLE(12, 0),
	    MSIX_ON,
	    TABLE(12, 1),
	    CONFIG(0x40, 0) } },
	{ "bars_sized",
	  9,
	  { DECODE, CONFIG(PCI_REG_BAR(0), UINT32_MAX),
	    CONFIG(PCI_REG_BAR(1), UINT32_MAX),
	    CONFIG(PCI_REG_BAR(2), UINT32_MAX),
	    CONFIG(PCI_REG_BAR(3), UINT32_MAX), ALL_PLACED } },
	{ "bars_over_ram_apic_and_each_other",
	  10,
	  { ALL_PLACED, PLACE(2, 2), PLACE(2, 3), PLACE(2, 5), PLACE(2, 6),
	    PLACE(1, 0), PLACE(0, 6) } },
	{ "hypercalls",
	  6,
	  { { OP_REQUEST, 1 | 0x10, 9, 0x4040 },
	    { OP_REQUEST, 2, 9, 0x4000 },
	    { OP_REQUEST, 3, 9, 0x40 },
	    { OP_REQUEST, 8 | 1, 40, 0 },
	    { OP_REQUEST, 4, 9, 13 },
	    { OP_PORT_WRITE, 2, 4, 42 } } },
	{ "kvm_runs_out_of_everything",
	  9,
	  { { OP_KVM, 31, 1, 0 },
	    { OP_PEER_VECTOR, 1, 0, 0 },
	    { OP_PEER_VECTOR, 1, 1, 0 },
	    ALL_PLACED,
	    { OP_KVM, 0, 0, 0 },
	    PLACE(2, 0) } },
	{ "registers_of_every_width",
	  8,
	  { ALL_PLACED,
	    { OP_BAR_READ, 3, 0, 0 },
	    { OP_BAR_READ, 0, 9, 0 },
	    { OP_BAR_WRITE, 3, 0xff, 0 },
	    { OP_MMIO, 8 | 2, 0x200, 0 } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	if (nr >= sizeof(seeds) / sizeof(*seeds) ||
	    !steps_seed(seed, &seeds[nr]))
		return false;
	memmove(seed->bytes + 1, seed->bytes, seed->len++);
	seed->bytes[0] = (uint8_t)nr; /* the region's length */
	return true;
}
