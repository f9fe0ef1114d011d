/* SPDX-License-Identifier: MIT */
/* virtio_9p.c - how does a bare guest drive the queue of a 9P device? */
#include "guests/driver/virtio_9p.h"

#include "guests/runtime/pci.h"
#include "guests/runtime/runtime.h"
#include "guests/runtime/traps.h"
#include "shm/atomic.h"
#include "shm/err.h"
#include "shm/ivshmem.h"
#include "shm/memory_map.h"

/* Behind those of the ivshmem device; one for each PCI slot. */
#define VECTOR_FIRST (VECTOR_DEVICE + IVSHMEM_VECTORS_MAX)
#define CAPS_MAX     48

/* A reply that takes longer than a file system's cache is worth a sleep, which
 * costs an exit and an interrupt. */
#define SPIN_NS 20000ull

static struct virtq_avail *avail_of(struct virtio_9p *virtio)
{
	return (void *)virtio->rings.avail;
}

static struct virtq_used *used_of(struct virtio_9p *virtio)
{
	return (void *)virtio->rings.used;
}

static _Atomic uint16_t *avail_event(struct virtio_9p *virtio)
{
	return (void *)&used_of(virtio)->ring[VIRTIO_9P_QUEUE_LEN];
}

/* --- registers ------------------------------------------------------------ */

static uint8_t status(const struct virtio_9p *virtio)
{
	return virtio->common[VIRTIO_COMMON_STATUS];
}

static void put_status(struct virtio_9p *virtio, uint8_t value)
{
	virtio->common[VIRTIO_COMMON_STATUS] = value;
}

static void put16(struct virtio_9p *virtio, uint32_t reg, uint16_t value)
{
	*(volatile uint16_t *)(virtio->common + reg) = value;
}

static void put32(struct virtio_9p *virtio, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(virtio->common + reg) = value;
}

static void put64(struct virtio_9p *virtio, uint32_t reg, const void *at)
{
	uint64_t gpa = (uintptr_t)at; /* mapped at its own address */

	put32(virtio, reg, (uint32_t)gpa);
	put32(virtio, reg + 4, (uint32_t)(gpa >> 32));
}

static uint16_t get16(const struct virtio_9p *virtio, uint32_t reg)
{
	return *(volatile uint16_t *)(virtio->common + reg);
}

static uint32_t get32(const struct virtio_9p *virtio, uint32_t reg)
{
	return *(volatile uint32_t *)(virtio->common + reg);
}

static uint64_t get_features(struct virtio_9p *virtio)
{
	uint64_t features = 0;

	for (uint32_t i = 0; i < 2; i++) {
		put32(virtio, VIRTIO_COMMON_DEVICE_FEATURE_SELECT, i);
		features |=
			(uint64_t)get32(virtio, VIRTIO_COMMON_DEVICE_FEATURE)
			<< (32 * i);
	}
	return features;
}

static void put_features(struct virtio_9p *virtio, uint64_t features)
{
	for (uint32_t i = 0; i < 2; i++) {
		put32(virtio, VIRTIO_COMMON_DRIVER_FEATURE_SELECT, i);
		put32(virtio, VIRTIO_COMMON_DRIVER_FEATURE,
		      (uint32_t)(features >> (32 * i)));
	}
}

/* --- finding it ----------------------------------------------------------- */

/* One of the structures of 4.1.4: which BAR, where in it. */
struct place {
	uint32_t cap, bar, off;
};

static int find_place(const struct pci_found *dev, uint8_t type,
		      struct place *place)
{
	uint32_t at = pci_find_cap(dev, VIRTIO_PCI_CAP_ID);

	for (int i = 0; at && i < CAPS_MAX; i++) {
		if (pci_read(dev, at, 1) == VIRTIO_PCI_CAP_ID &&
		    pci_read(dev, at + VIRTIO_PCI_CAP_TYPE, 1) == type) {
			place->cap = at;
			place->bar = pci_read(dev, at + VIRTIO_PCI_CAP_BAR, 1);
			place->off = pci_read(dev, at + VIRTIO_PCI_CAP_OFFSET,
					      4);
			return place->bar < PCI_BARS_NR ? 0 : -SHM_EVERSION;
		}
		at = pci_read(dev, at + 1, 1) & ~3u;
	}
	return -SHM_EVERSION;
}

/* All BARs of the device, by number. */
struct bars {
	uint64_t gpa[PCI_BARS_NR];
};

static int assign_bars(const struct pci_found *dev, struct bars *bars)
{
	for (uint32_t i = 0; i < PCI_BARS_NR; i++) {
		bool is_64 = pci_read(dev, PCI_REG_BAR(i), 4) & PCI_BAR_TYPE_64;
		uint64_t len;
		int err = 0;

		if (!(pci_read(dev, PCI_REG_BAR(i), 4) & PCI_BAR_IO))
			err = pci_assign_bar(dev, i, &bars->gpa[i], &len);
		if (err)
			return err;
		i += is_64; /* its upper half */
	}
	return 0;
}

static void *place_pointer(const struct bars *bars, const struct place *place)
{
	return gpa_pointer(bars->gpa[place->bar] + place->off);
}

static bool tag_is(const volatile uint8_t *config, const char *tag)
{
	size_t len = strlen(tag);

	if ((config[0] | (size_t)config[1] << 8) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (config[VIRTIO_9P_CONFIG_TAG + i] != (uint8_t)tag[i])
			return false;
	return true;
}

/* --- starting it ---------------------------------------------------------- */

/* All vectors arrive as one: the queue's is the only one we wait for. */
static int enable_msix(struct virtio_9p *virtio, const struct pci_found *dev,
		       const struct bars *bars)
{
	uint32_t cap = pci_find_cap(dev, PCI_CAP_ID_MSIX);
	uint32_t table = cap ? pci_read(dev, cap + PCI_MSIX_TABLE, 4) : 0;
	uint32_t bar = table & PCI_MSIX_BIR_MASK;
	volatile uint32_t *entry;

	if (!cap || bar >= PCI_BARS_NR)
		return -SHM_EVERSION;
	virtio->vector = VECTOR_FIRST + dev->slot;
	virtio->irqs_seen = irq_count(virtio->vector);
	entry = gpa_pointer(bars->gpa[bar] + (table & ~PCI_MSIX_BIR_MASK));
	entry[PCI_MSIX_ENTRY_ADDR_LO / 4] = (uint32_t)MAP_LAPIC_GPA;
	entry[PCI_MSIX_ENTRY_ADDR_HI / 4] = 0;
	entry[PCI_MSIX_ENTRY_DATA / 4] = virtio->vector;
	entry[PCI_MSIX_ENTRY_CTL / 4] = 0;
	pci_write(dev, cap + PCI_MSIX_CTL, 2, PCI_MSIX_CTL_ENABLE);
	return 0;
}

void virtio_9p_close(struct virtio_9p *virtio)
{
	put_status(virtio, 0);
	while (status(virtio)) /* 4.1.4.3.2 */
		cpu_relax();
}

static int start(struct virtio_9p *virtio)
{
	const uint64_t wanted = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX;
	uint8_t bits = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER;

	virtio_9p_close(virtio);
	put_status(virtio, bits);
	if (~get_features(virtio) & wanted)
		return -SHM_EVERSION;
	put_features(virtio, wanted);
	bits |= VIRTIO_STATUS_FEATURES_OK;
	put_status(virtio, bits);
	if (!(status(virtio) & VIRTIO_STATUS_FEATURES_OK))
		return -SHM_EVERSION;

	/* NEEDS_RESET arrives there too. */
	put16(virtio, VIRTIO_COMMON_CONFIG_VECTOR, 0);
	put16(virtio, VIRTIO_COMMON_QUEUE_SELECT, VIRTIO_9P_QUEUE_REQUESTS);
	put16(virtio, VIRTIO_COMMON_QUEUE_SIZE, VIRTIO_9P_QUEUE_LEN);
	put64(virtio, VIRTIO_COMMON_QUEUE_DESC, virtio->rings.desc);
	put64(virtio, VIRTIO_COMMON_QUEUE_AVAIL, virtio->rings.avail);
	put64(virtio, VIRTIO_COMMON_QUEUE_USED, virtio->rings.used);
	put16(virtio, VIRTIO_COMMON_QUEUE_VECTOR, 0);
	put16(virtio, VIRTIO_COMMON_QUEUE_ENABLE, 1);
	put_status(virtio, bits | VIRTIO_STATUS_DRIVER_OK);
	return 0;
}

static int open_found(struct virtio_9p *virtio, const struct pci_found *dev,
		      const char *tag)
{
	struct place common, notify, config;
	struct bars bars = { { 0 } };
	uint32_t step;
	int err;

	pci_write(dev, PCI_REG_COMMAND, 2, 0);
	err = assign_bars(dev, &bars);
	if (!err)
		err = find_place(dev, VIRTIO_PCI_TYPE_COMMON, &common);
	if (!err)
		err = find_place(dev, VIRTIO_PCI_TYPE_NOTIFY, &notify);
	if (!err)
		err = find_place(dev, VIRTIO_PCI_TYPE_DEVICE, &config);
	if (err)
		return err;
	pci_write(dev, PCI_REG_COMMAND, 2,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	if (!tag_is(place_pointer(&bars, &config), tag))
		return -SHM_ENOENT;
	virtio->common = place_pointer(&bars, &common);
	err = enable_msix(virtio, dev, &bars);
	if (!err)
		err = start(virtio);
	if (err)
		return err;
	step = pci_read(dev, notify.cap + VIRTIO_PCI_CAP_MULTIPLIER, 4);
	notify.off += step * (get16(virtio, VIRTIO_COMMON_QUEUE_NOTIFY_OFF));
	virtio->doorbell = place_pointer(&bars, &notify);
	return 0;
}

int virtio_9p_open(struct virtio_9p *virtio, const char *tag)
{
	struct pci_found dev;
	uint32_t nth = 0;
	int err;

	memset(virtio, 0, sizeof(*virtio));
	do {
		err = pci_find(VIRTIO_PCI_VENDOR,
			       VIRTIO_PCI_DEVICE(VIRTIO_ID_9P), nth++, &dev);
		if (err)
			return err;
		err = open_found(virtio, &dev, tag);
	} while (err == -SHM_ENOENT);
	return err;
}

/* --- requests ------------------------------------------------------------- */

/* A slot has its own descriptors, so none has to be looked for. */
void virtio_9p_send(struct virtio_9p *virtio, uint32_t slot,
		    const struct virtio_9p_piece in[2],
		    const struct virtio_9p_piece out[2])
{
	struct virtq_avail *avail = avail_of(virtio);
	uint32_t head = slot * VIRTIO_9P_PIECES, at = head;
	uint16_t old_idx = virtio->avail_idx;

	for (uint32_t i = 0; i < VIRTIO_9P_PIECES; i++) {
		const struct virtio_9p_piece *piece = i < 2 ? &in[i]
							    : &out[i - 2];

		if (!piece->len)
			continue;
		virtio->rings.desc[at] = (struct virtq_desc){
			.addr = (uintptr_t)piece->at,
			.len = piece->len,
			.flags = (i < 2 ? 0 : VIRTQ_DESC_F_WRITE) |
				 VIRTQ_DESC_F_NEXT,
			.next = (uint16_t)(at + 1),
		};
		at++;
	}
	virtio->rings.desc[at - 1].flags &= (uint16_t)~VIRTQ_DESC_F_NEXT;
	store_relaxed(&avail->ring[old_idx % VIRTIO_9P_QUEUE_LEN],
		      (uint16_t)head);
	virtio->avail_idx = (uint16_t)(old_idx + 1);
	store_release(&avail->idx, virtio->avail_idx); /* [VQ-AVAIL] */
	fence_full();				       /* [VQ-KICK] */
	if (virtq_need_event(load_relaxed(avail_event(virtio)),
			     virtio->avail_idx, old_idx)) {
		*virtio->doorbell = VIRTIO_9P_QUEUE_REQUESTS;
		virtio->counters.doorbells++;
	}
}

static bool has_reply(struct virtio_9p *virtio)
{
	return load_acquire(&used_of(virtio)->idx) !=
	       virtio->used_idx; /* [VQ-USED] */
}

static bool spin(struct virtio_9p *virtio, uint64_t spin_ns)
{
	uint64_t end = now_ns() + spin_ns;

	do {
		if (has_reply(virtio))
			return true;
		cpu_relax();
	} while (now_ns() < end);
	return false;
}

/* Until there is a reply, or the time is over. */
static int wait(struct virtio_9p *virtio, uint64_t timeout_ns)
{
	uint64_t now = now_ns();
	uint64_t deadline = timeout_ns > UINT64_MAX - now ? UINT64_MAX
							  : now + timeout_ns;
	uint32_t irqs;

	if (spin(virtio, timeout_ns < SPIN_NS ? timeout_ns : SPIN_NS))
		return 0;
	for (;;) {
		store_relaxed(&avail_of(virtio)->ring[VIRTIO_9P_QUEUE_LEN],
			      virtio->used_idx);
		fence_full(); /* [VQ-INTR] */
		if (has_reply(virtio))
			return 0;
		now = now_ns();
		if (now >= deadline)
			return -SHM_ETIMEDOUT;
		if (irq_wait(virtio->vector, virtio->irqs_seen, deadline - now))
			continue;
		irqs = irq_count(virtio->vector);
		virtio->counters.interrupts += irqs - virtio->irqs_seen;
		virtio->irqs_seen = irqs;
		/* An exit, so only when woken for nothing. */
		if (!has_reply(virtio) &&
		    status(virtio) & VIRTIO_STATUS_NEEDS_RESET)
			return -SHM_EIO;
	}
}

int virtio_9p_receive(struct virtio_9p *virtio, uint64_t timeout_ns,
		      uint32_t *slot, uint32_t *len)
{
	struct virtq_used_elem elem;
	int err = has_reply(virtio) ? 0 : wait(virtio, timeout_ns);

	if (err)
		return err;
	elem = used_of(virtio)->ring[virtio->used_idx % VIRTIO_9P_QUEUE_LEN];
	virtio->used_idx++;
	if (elem.id >= VIRTIO_9P_QUEUE_LEN || elem.id % VIRTIO_9P_PIECES)
		return -SHM_EIO;
	*slot = elem.id / VIRTIO_9P_PIECES;
	*len = elem.len;
	return 0;
}
