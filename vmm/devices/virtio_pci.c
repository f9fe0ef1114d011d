/* SPDX-License-Identifier: MIT */
/* virtio_pci.c - how does a driver reach a virtio device, and it the driver? */
#include "vmm/devices/virtio_pci.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "vmm/core/log.h"
#include "vmm/devices/msix.h"

#define PAGE_OF(off) ((off) & ~0xfffull)
#define SUBDEVICE    0x0040 /* 4.1.2.1: 0x40 or above is not legacy */
#define CONFIG_MAX   4096u
/* One for each queue, one for changes of the configuration. */
#define VECTORS_MAX  (VIRTIO_QUEUES_MAX + 1)
#define CFG_DATA_LEN 4u

struct virtio_pci {
	struct virtio_pci_opts opts;
	struct pci_dev pci;
	struct msix msix;
	uint32_t window;		/* offset of the window's capability */
	bool placed[VIRTIO_QUEUES_MAX]; /* doorbell is an ioeventfd */
	uint8_t *config;
	int kick_efd;
	uint64_t kicks_nr;	    /* [loop] taken off kick_efd */
	_Atomic uint64_t own_kicks; /* of those: not a doorbell's */
	int irq_efds[VECTORS_MAX];
	_Atomic uint8_t isr;
	pthread_mutex_t lock; /* what follows */
	struct virtio_regs regs;
};

static void signal_efd(int efd)
{
	uint64_t one = 1;

	/* EAGAIN: it is signalled already, very often. */
	if (write(efd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("eventfd: %s", strerror(errno));
}

/* The loop is to look, though nobody rang. */
static void kick(struct virtio_pci *virtio)
{
	(void)add_relaxed(&virtio->own_kicks, 1);
	signal_efd(virtio->kick_efd);
}

/* --- BAR0 ----------------------------------------------------------------- */

static void common_access(struct virtio_pci *virtio, struct bus_access *access,
			  uint64_t off)
{
	bool look = false;

	pthread_mutex_lock(&virtio->lock);
	if (access->is_write)
		look = virtio_regs_write(&virtio->regs, off, access->len,
					 access->value);
	else
		access->value = virtio_regs_read(&virtio->regs, off,
						 access->len);
	pthread_mutex_unlock(&virtio->lock);
	if (look)
		kick(virtio);
}

/* 4.1.4.5: reading takes the bits away. The rest of the page reads 0. */
static uint64_t isr_read(struct virtio_pci *virtio, uint64_t off)
{
	return off ? 0 : and_relaxed(&virtio->isr, 0);
}

static uint64_t config_read(const struct virtio_pci *virtio, uint64_t off,
			    uint32_t len)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < len && off + i < virtio->opts.config_len; i++)
		value |= (uint64_t)virtio->config[off + i] << (8 * i);
	return value;
}

/* A doorbell whose ioeventfd the kernel had no room for, or one rung through
 * the window. Which queue does not matter: the loop looks at all. */
static void notify(struct virtio_pci *virtio, uint64_t off)
{
	if (off / VIRTIO_PCI_NOTIFY_STEP < virtio->opts.queues_nr)
		signal_efd(virtio->kick_efd);
}

static enum bus_result bar_access(void *arg, struct bus_access *access)
{
	struct virtio_pci *virtio = arg;
	uint64_t page = PAGE_OF(access->off), off = access->off - page;

	if (page == VIRTIO_PCI_COMMON_OFF)
		common_access(virtio, access, off);
	else if (access->is_write && page == VIRTIO_PCI_NOTIFY_OFF)
		notify(virtio, off);
	else if (access->is_write) /* the others are read-only */
		return BUS_HANDLED;
	else if (page == VIRTIO_PCI_ISR_OFF)
		access->value = isr_read(virtio, off);
	else if (page == VIRTIO_PCI_DEVICE_OFF)
		access->value = config_read(virtio, off, access->len);
	else
		access->value = 0;
	return BUS_HANDLED;
}

static uint64_t doorbell_gpa(uint64_t bar_gpa, uint32_t queue)
{
	return bar_gpa + VIRTIO_PCI_NOTIFY_OFF +
	       (uint64_t)queue * VIRTIO_PCI_NOTIFY_STEP;
}

static void place_doorbells(struct virtio_pci *virtio, uint64_t gpa)
{
	/* One that finds no room in the kernel's table is an exit. */
	for (uint32_t i = 0; i < virtio->opts.queues_nr; i++)
		virtio->placed[i] = !kvm_ioeventfd_add_any(virtio->opts.kvm,
							   doorbell_gpa(gpa, i),
							   virtio->kick_efd);
}

static void unplace_doorbells(struct virtio_pci *virtio, uint64_t gpa)
{
	for (uint32_t i = 0; i < virtio->opts.queues_nr; i++) {
		if (virtio->placed[i])
			kvm_ioeventfd_del_any(virtio->opts.kvm,
					      doorbell_gpa(gpa, i),
					      virtio->kick_efd);
		virtio->placed[i] = false;
	}
}

static int bar_map(struct pci_dev *dev, int bar, uint64_t gpa)
{
	static struct log_limit limit;
	struct virtio_pci *virtio = dev->arg;
	bool is_msix = bar == VIRTIO_PCI_BAR_MSIX;
	int err;

	err = bus_add(virtio->opts.mmio, gpa, dev->bars[bar].len,
		      is_msix ? msix_bar_access : bar_access,
		      is_msix ? (void *)&virtio->msix : virtio);
	if (err)
		log_limited(&limit, "%s: BAR%d cannot be at 0x%llx: %s",
			    dev->name, bar, (unsigned long long)gpa,
			    strerror(-err));
	else if (!is_msix)
		place_doorbells(virtio, gpa);
	return err;
}

static void bar_unmap(struct pci_dev *dev, int bar, uint64_t gpa)
{
	struct virtio_pci *virtio = dev->arg;

	bus_del(virtio->opts.mmio, gpa);
	if (bar == VIRTIO_PCI_BAR)
		unplace_doorbells(virtio, gpa);
}

/* --- 4.1.4.9: the window through which a driver without MMIO gets there ----
 */

/* An access of the length the window says; false: it says nonsense. */
static bool window_access(struct virtio_pci *virtio, struct bus_access *access)
{
	struct pci_dev *dev = &virtio->pci;
	uint32_t cap = virtio->window;
	uint8_t bar = dev->config[cap + VIRTIO_PCI_CAP_BAR];

	access->off = pci_config_get32(dev, cap + VIRTIO_PCI_CAP_OFFSET);
	access->len = pci_config_get32(dev, cap + VIRTIO_PCI_CAP_LENGTH);
	if ((access->len != 1 && access->len != 2 && access->len != 4) ||
	    access->off % access->len ||
	    (bar != VIRTIO_PCI_BAR && bar != VIRTIO_PCI_BAR_MSIX) ||
	    access->off > dev->bars[bar].len - access->len)
		return false;
	if (bar == VIRTIO_PCI_BAR)
		(void)bar_access(virtio, access);
	else
		(void)msix_bar_access(&virtio->msix, access);
	return true;
}

static bool is_window_data(const struct virtio_pci *virtio, uint32_t reg,
			   uint32_t len)
{
	uint32_t data = virtio->window + VIRTIO_PCI_CAP_DATA;

	return reg < data + CFG_DATA_LEN && reg + len > data;
}

static void config_reading(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	struct virtio_pci *virtio = dev->arg;
	struct bus_access access = { .is_write = false };

	if (is_window_data(virtio, reg, len) && window_access(virtio, &access))
		pci_config_put32(dev, virtio->window + VIRTIO_PCI_CAP_DATA,
				 (uint32_t)access.value);
}

static void config_written(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	struct virtio_pci *virtio = dev->arg;
	struct bus_access access = { .is_write = true };

	msix_config_written(&virtio->msix);
	if (!is_window_data(virtio, reg, len))
		return;
	access.value = pci_config_get32(dev,
					virtio->window + VIRTIO_PCI_CAP_DATA);
	(void)window_access(virtio, &access);
}

static const struct pci_dev_ops ops = {
	.bar_map = bar_map,
	.bar_unmap = bar_unmap,
	.config_reading = config_reading,
	.config_written = config_written,
};

/* --- set-up ----------------------------------------------------------------
 */

/* One of the structures of 4.1.4; its offset or -ENOSPC. */
static int add_cap(struct virtio_pci *virtio, uint8_t type, uint8_t cap_len,
		   uint32_t off, uint32_t len)
{
	struct pci_dev *dev = &virtio->pci;
	int cap = pci_dev_add_cap(dev, VIRTIO_PCI_CAP_ID, cap_len);
	uint32_t reg = (uint32_t)cap;

	if (cap < 0)
		return cap;
	dev->config[reg + 2] = cap_len;
	dev->config[reg + VIRTIO_PCI_CAP_TYPE] = type;
	dev->config[reg + VIRTIO_PCI_CAP_BAR] = VIRTIO_PCI_BAR;
	pci_config_put32(dev, reg + VIRTIO_PCI_CAP_OFFSET, off);
	pci_config_put32(dev, reg + VIRTIO_PCI_CAP_LENGTH, len);
	return cap;
}

static int add_window(struct virtio_pci *virtio)
{
	int cap = add_cap(virtio, VIRTIO_PCI_TYPE_CFG_WINDOW,
			  VIRTIO_PCI_CAP_CFG_LEN, 0, 0);
	uint8_t *mask;

	if (cap < 0)
		return cap;
	virtio->window = (uint32_t)cap;
	mask = &virtio->pci.write_mask[cap];
	mask[VIRTIO_PCI_CAP_BAR] = 0xff;
	memset(mask + VIRTIO_PCI_CAP_OFFSET, 0xff,
	       VIRTIO_PCI_CAP_CFG_LEN - VIRTIO_PCI_CAP_OFFSET);
	return 0;
}

static int add_caps(struct virtio_pci *virtio)
{
	const struct virtio_pci_opts *opts = &virtio->opts;
	int err;

	err = add_cap(virtio, VIRTIO_PCI_TYPE_COMMON, VIRTIO_PCI_CAP_LEN,
		      VIRTIO_PCI_COMMON_OFF, VIRTIO_COMMON_LEN);
	if (err >= 0)
		err = add_cap(virtio, VIRTIO_PCI_TYPE_ISR, VIRTIO_PCI_CAP_LEN,
			      VIRTIO_PCI_ISR_OFF, 1);
	if (err >= 0)
		err = add_cap(virtio, VIRTIO_PCI_TYPE_DEVICE,
			      VIRTIO_PCI_CAP_LEN, VIRTIO_PCI_DEVICE_OFF,
			      opts->config_len);
	if (err >= 0)
		err = add_cap(virtio, VIRTIO_PCI_TYPE_NOTIFY,
			      VIRTIO_PCI_CAP_NOTIFY_LEN, VIRTIO_PCI_NOTIFY_OFF,
			      opts->queues_nr * VIRTIO_PCI_NOTIFY_STEP);
	if (err < 0)
		return err;
	pci_config_put32(&virtio->pci,
			 (uint32_t)err + VIRTIO_PCI_CAP_MULTIPLIER,
			 VIRTIO_PCI_NOTIFY_STEP);
	return add_window(virtio);
}

static int add_pci(struct virtio_pci *virtio)
{
	const struct virtio_pci_opts *opts = &virtio->opts;
	const struct pci_id id = {
		.vendor = VIRTIO_PCI_VENDOR,
		.device = (uint16_t)VIRTIO_PCI_DEVICE(opts->id),
		.subvendor = VIRTIO_PCI_VENDOR,
		.subdevice = SUBDEVICE,
		.class_code = opts->class_code,
		.revision = VIRTIO_PCI_REVISION,
	};
	int err;

	pci_dev_init(&virtio->pci, opts->name, &id, &ops, virtio);
	err = pci_dev_add_bar(&virtio->pci, VIRTIO_PCI_BAR, VIRTIO_PCI_BAR_LEN,
			      0);
	if (err)
		return err;
	err = msix_init(&virtio->msix, opts->kvm, &virtio->pci,
			VIRTIO_PCI_BAR_MSIX, virtio->regs.vectors_nr);
	return err ? err : add_caps(virtio);
}

static int open_fds(struct virtio_pci *virtio)
{
	virtio->kick_efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (virtio->kick_efd < 0)
		return -errno;
	for (uint32_t i = 0; i < virtio->regs.vectors_nr; i++) {
		virtio->irq_efds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (virtio->irq_efds[i] < 0)
			return -errno;
		msix_set_source(&virtio->msix, i, virtio->irq_efds[i]);
	}
	return 0;
}

static bool opts_good(const struct virtio_pci_opts *opts)
{
	uint16_t len = opts->queue_len;

	return opts->queues_nr && opts->queues_nr <= VIRTIO_QUEUES_MAX && len &&
	       !(len & (len - 1)) && opts->config_len &&
	       opts->config_len <= CONFIG_MAX;
}

int virtio_pci_create(struct virtio_pci **out,
		      const struct virtio_pci_opts *opts)
{
	struct virtio_pci *virtio;
	int err = -ENOMEM;

	if (!opts_good(opts))
		return -EINVAL;
	virtio = malloc(sizeof(*virtio));
	if (!virtio)
		return -ENOMEM;
	*virtio = (struct virtio_pci){
		.opts = *opts,
		.kick_efd = -1,
		.regs = { .offered = opts->features | VIRTIO_F_VERSION_1,
			  .queues_nr = opts->queues_nr,
			  .vectors_nr = opts->queues_nr + 1,
			  .queue_len = opts->queue_len },
	};
	for (uint32_t i = 0; i < VECTORS_MAX; i++)
		virtio->irq_efds[i] = -1;
	virtio_regs_reset(&virtio->regs);
	pthread_mutex_init(&virtio->lock, NULL);
	virtio->config = malloc(opts->config_len);
	if (!virtio->config)
		goto fail;
	memcpy(virtio->config, opts->config, opts->config_len);
	err = add_pci(virtio);
	if (!err)
		err = open_fds(virtio);
	if (err)
		goto fail;
	*out = virtio;
	return 0;

fail:
	virtio_pci_destroy(virtio);
	return err;
}

void virtio_pci_destroy(struct virtio_pci *virtio)
{
	if (!virtio)
		return;
	if (virtio->pci.ops)
		pci_dev_reset(&virtio->pci); /* unmaps all BARs */
	msix_destroy(&virtio->msix);
	for (uint32_t i = 0; i < VECTORS_MAX; i++)
		if (virtio->irq_efds[i] >= 0)
			close(virtio->irq_efds[i]);
	if (virtio->kick_efd >= 0)
		close(virtio->kick_efd);
	pthread_mutex_destroy(&virtio->lock);
	free(virtio->config);
	free(virtio);
}

struct pci_dev *virtio_pci_dev(struct virtio_pci *virtio)
{
	return &virtio->pci;
}

int virtio_pci_kick_fd(const struct virtio_pci *virtio)
{
	return virtio->kick_efd;
}

/* --- the loop's side -------------------------------------------------------
 */

void virtio_pci_look(struct virtio_pci *virtio, struct virtio_pci_setup *setup)
{
	const uint8_t live = VIRTIO_STATUS_DRIVER_OK,
		      dead = VIRTIO_STATUS_NEEDS_RESET | VIRTIO_STATUS_FAILED;
	uint64_t count;

	/* First, so that what comes from here on kicks again. */
	if (read(virtio->kick_efd, &count, sizeof(count)) == sizeof(count))
		virtio->kicks_nr += count;
	pthread_mutex_lock(&virtio->lock);
	setup->reset = virtio->regs.reset_wanted;
	setup->live = !setup->reset &&
		      (virtio->regs.status & (live | dead)) == live;
	setup->features = virtio->regs.features;
	memcpy(setup->queues, virtio->regs.queues, sizeof(setup->queues));
	pthread_mutex_unlock(&virtio->lock);
}

uint64_t virtio_pci_doorbells(const struct virtio_pci *virtio)
{
	uint64_t own = load_relaxed(&virtio->own_kicks);

	/* One of our own may be counted and not there yet. */
	return own < virtio->kicks_nr ? virtio->kicks_nr - own : 0;
}

void virtio_pci_again(struct virtio_pci *virtio)
{
	kick(virtio);
}

void virtio_pci_reset_done(struct virtio_pci *virtio)
{
	pthread_mutex_lock(&virtio->lock);
	virtio_regs_reset(&virtio->regs);
	pthread_mutex_unlock(&virtio->lock);
	(void)and_relaxed(&virtio->isr, 0);
}

/* 4.1.4.5.1: the bit is there before the driver is told. */
static void interrupt(struct virtio_pci *virtio, uint8_t isr, uint16_t vector)
{
	(void)or_relaxed(&virtio->isr, isr);
	if (vector <= virtio->opts.queues_nr)
		signal_efd(virtio->irq_efds[vector]);
}

void virtio_pci_interrupt(struct virtio_pci *virtio, uint32_t queue)
{
	uint16_t vector;

	pthread_mutex_lock(&virtio->lock);
	vector = virtio->regs.queues[queue].vector;
	pthread_mutex_unlock(&virtio->lock);
	interrupt(virtio, VIRTIO_ISR_QUEUE, vector);
}

void virtio_pci_broken(struct virtio_pci *virtio)
{
	uint16_t vector;

	pthread_mutex_lock(&virtio->lock);
	virtio->regs.status |= VIRTIO_STATUS_NEEDS_RESET;
	vector = virtio->regs.config_vector;
	pthread_mutex_unlock(&virtio->lock);
	interrupt(virtio, VIRTIO_ISR_CONFIG, vector);
}
