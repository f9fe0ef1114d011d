/* SPDX-License-Identifier: MIT */
/*
 * qtest_peer.c - does a stock QEMU take our server, and a host process of
 * ours, for what they claim to be?
 *
 * The server runs in here, beside a host peer; QEMU joins as any program
 * would, without a guest: its PCI bus is driven through the qtest socket.
 * Prints "ok NAME" or "not ok NAME" per claim; exit 77: no QEMU here.
 *
 * Source: docs/ivshmem-device.md, the table of the stock device.
 */
#include "shm/atomic.h"
#include "shm/ivshmem.h"
#include "shm/memory_map.h"
#include "tests/system/qtest_bed.h"

#define EXIT_SKIP  77
#define NO_PEER_ID 7u

#define REGS_GPA  MAP_PCI32_GPA
#define MSIX_GPA  (MAP_PCI32_GPA + 0x1000)
#define PBA_GPA	  (MSIX_GPA + 0x800)
#define SHMEM_GPA MAP_PCI64_GPA

static bool same(const char *what, uint64_t got, uint64_t want)
{
	if (got == want)
		return true;
	printf("# %s is 0x%" PRIx64 ", expected 0x%" PRIx64 "\n", what, got,
	       want);
	return false;
}

static uint32_t bar_size(struct bed *bed, int bar)
{
	config_write(bed, PCI_REG_BAR(bar), UINT32_MAX);
	return config_read(bed, PCI_REG_BAR(bar));
}

static bool config_space_is_the_stock_table(struct bed *bed)
{
	const uint32_t id = IVSHMEM_DEVICE_ID << 16 | IVSHMEM_VENDOR_ID;
	const uint32_t subsystem = IVSHMEM_SUBDEVICE_ID << 16 |
				   IVSHMEM_SUBVENDOR_ID;
	const uint32_t kind = IVSHMEM_CLASS_CODE << 8 | IVSHMEM_REVISION;
	uint32_t cap;
	bool ok = true;

	while (bed->slot < PCI_SLOTS_NR &&
	       config_read(bed, PCI_REG_VENDOR) != id && !bed->broken)
		bed->slot++;
	if (bed->broken || bed->slot == PCI_SLOTS_NR) {
		printf("# no ivshmem device on the bus\n");
		return false;
	}
	cap = config_read(bed, PCI_REG_CAPABILITIES) & 0xff;
	ok &= same("command and status", config_read(bed, PCI_REG_COMMAND),
		   (uint32_t)PCI_STATUS_CAPABILITIES << 16);
	ok &= same("class and revision", config_read(bed, PCI_REG_REVISION),
		   kind);
	ok &= same("BAR0 size", bar_size(bed, 0), 0xffffff00);
	ok &= same("BAR1 size", bar_size(bed, 1), 0xfffff000);
	ok &= same("BAR2 size", bar_size(bed, 2),
		   (0u - SHM_LEN) | PCI_BAR_TYPE_64 | PCI_BAR_PREFETCHABLE);
	ok &= same("BAR3 size", bar_size(bed, 3), UINT32_MAX);
	ok &= same("subsystem", config_read(bed, PCI_REG_SUBVENDOR), subsystem);
	ok &= same("interrupt pin",
		   config_read(bed, PCI_REG_IRQ_LINE) >> 8 & 0xff, 0);
	ok &= same("capability", cap, 0x40);
	ok &= same("MSI-X", config_read(bed, cap),
		   (VECTORS_NR - 1) << 16 | PCI_CAP_ID_MSIX);
	ok &= same("MSI-X table", config_read(bed, cap + PCI_MSIX_TABLE),
		   IVSHMEM_BAR_MSIX);
	ok &= same("MSI-X PBA", config_read(bed, cap + PCI_MSIX_PBA),
		   (PBA_GPA - MSIX_GPA) | IVSHMEM_BAR_MSIX);

	/* What every claim below needs: addresses, decoding, MSI-X. */
	config_write(bed, PCI_REG_BAR(0), (uint32_t)REGS_GPA);
	config_write(bed, PCI_REG_BAR(1), (uint32_t)MSIX_GPA);
	config_write(bed, PCI_REG_BAR(2), (uint32_t)SHMEM_GPA);
	config_write(bed, PCI_REG_BAR(3), (uint32_t)(SHMEM_GPA >> 32));
	config_write(bed, PCI_REG_COMMAND,
		     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	config_write(bed, cap, (uint32_t)PCI_MSIX_CTL_ENABLE << 16);
	return ok;
}

static bool iv_position_is_the_id_we_gave(struct bed *bed)
{
	return same("IVPosition",
		    memory_read(bed, REGS_GPA + IVSHMEM_REG_IV_POSITION),
		    QEMU_ID);
}

static bool memory_is_one_object(struct bed *bed)
{
	/* First and last word, and one in between. */
	static const uint32_t offs[] = { 0, 0x1234, SHM_LEN - 4 };
	bool ok = true;

	for (uint32_t i = 0; i < sizeof(offs) / sizeof(*offs); i++) {
		/* TRUST: offsets of ours, all below SHM_LEN. */
		_Atomic uint32_t *word =
			(void *)((char *)bed->peer->region + offs[i]);

		memory_write(bed, SHMEM_GPA + offs[i], 0xc0ffee00 + i);
		ok &= same("word written by QEMU", load_acquire(word),
			   0xc0ffee00 + i);
		store_release(word, 0xbeef0000 + i);
		ok &= same("word written here",
			   memory_read(bed, SHMEM_GPA + offs[i]),
			   0xbeef0000 + i);
	}
	return ok;
}

static void doorbell(struct bed *bed, uint32_t peer_id, uint32_t vector)
{
	memory_write(bed, REGS_GPA + IVSHMEM_REG_DOORBELL,
		     IVSHMEM_DOORBELL(peer_id, vector));
}

static bool doorbell_of_qemu_raises_our_vector(struct bed *bed)
{
	bool ok = true;

	for (uint32_t vector = 0; vector < VECTORS_NR; vector++) {
		doorbell(bed, OUR_ID, vector);
		ok &= peer_wait(bed->peer, vector, TIMEOUT_NS) == 0;
		ok &= peer_wait(bed->peer, !vector, 0) != 0;
	}
	return ok;
}

static bool doorbell_to_nobody_raises_nothing(struct bed *bed)
{
	bool ok = true;

	doorbell(bed, NO_PEER_ID, 0);
	doorbell(bed, OUR_ID, VECTORS_NR);
	/* Behind them in line: once this arrived, they would have too. */
	doorbell(bed, OUR_ID, 1);
	ok &= peer_wait(bed->peer, 1, TIMEOUT_NS) == 0;
	ok &= peer_wait(bed->peer, 0, 0) != 0;
	return ok && !bed->broken;
}

/* Vectors are masked after reset: what arrives stays visible in the PBA. */
static bool notify_sets_the_pending_bit(struct bed *bed)
{
	uint32_t want = 0;

	for (uint32_t vector = 0; vector < VECTORS_NR; vector++) {
		uint64_t deadline_ns = deadline_after_ns(TIMEOUT_NS);

		if (!same("PBA before", memory_read(bed, PBA_GPA), want) ||
		    peer_notify(bed->peer, QEMU_ID, vector))
			return false;
		want |= 1u << vector;
		/* QEMU's main loop takes it in between two commands. */
		while (memory_read(bed, PBA_GPA) != want)
			if (bed->broken || deadline_now_ns() >= deadline_ns)
				return same("PBA", memory_read(bed, PBA_GPA),
					    want);
	}
	return true;
}

static bool killed_qemu_is_gone_for_the_server(struct bed *bed)
{
	struct pollfd left_fd = { .fd = bed->left_efd, .events = POLLIN };
	uint64_t left_ids = 0;

	kill_qemu(bed);
	if (deadline_poll(&left_fd, 1, deadline_after_ns(TIMEOUT_NS)) <= 0 ||
	    eventfd_read(bed->left_efd, &left_ids))
		return false;
	/* Ringing the dead is nothing, and no error. */
	return same("who left", left_ids, QEMU_ID + 1) &&
	       peer_notify(bed->peer, QEMU_ID, 0) == 0;
}

static const struct {
	const char *name;
	bool (*holds)(struct bed *bed);
} claims[] = {
	{ "config_space_is_the_stock_table", config_space_is_the_stock_table },
	{ "iv_position_is_the_id_we_gave", iv_position_is_the_id_we_gave },
	{ "memory_is_one_object", memory_is_one_object },
	{ "doorbell_of_qemu_raises_our_vector",
	  doorbell_of_qemu_raises_our_vector },
	{ "doorbell_to_nobody_raises_nothing",
	  doorbell_to_nobody_raises_nothing },
	{ "notify_sets_the_pending_bit", notify_sets_the_pending_bit },
	{ "killed_qemu_is_gone_for_the_server",
	  killed_qemu_is_gone_for_the_server },
};

int main(void)
{
	struct bed bed = { .shmem = { .fd = -1 },
			   .stop_efd = -1,
			   .left_efd = -1,
			   .qtest_fd = -1 };
	int status = EXIT_SUCCESS;
	int err;

	if (!qemu_is_there()) {
		puts("no " QEMU " in PATH");
		return EXIT_SKIP;
	}
	err = bed_create(&bed);
	if (err) {
		printf("not ok setup # %s\n", strerror(-err));
		status = EXIT_FAILURE;
	}
	for (size_t i = 0; !err && i < sizeof(claims) / sizeof(*claims); i++) {
		bool ok = claims[i].holds(&bed);

		printf("%s %s\n", ok ? "ok" : "not ok", claims[i].name);
		if (!ok)
			status = EXIT_FAILURE;
	}
	bed_destroy(&bed);
	return status;
}
