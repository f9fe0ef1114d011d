/* SPDX-License-Identifier: MIT */
/*
 * ivshmem.h - the ivshmem PCI device, revision 1, as both its device model
 * and its drivers need it, and the client-server protocol's numbers.
 *
 * Source: QEMU docs/specs/ivshmem-spec.rst ("Device Specification",
 * "Client-Server protocol"). What we do beyond it: docs/ivshmem-device.md.
 */
#ifndef SHM_IVSHMEM_H
#define SHM_IVSHMEM_H

#include <stdint.h>

#define IVSHMEM_VENDOR_ID    0x1af4
#define IVSHMEM_DEVICE_ID    0x1110
#define IVSHMEM_SUBVENDOR_ID 0x1af4
#define IVSHMEM_SUBDEVICE_ID 0x1100
#define IVSHMEM_REVISION     1
#define IVSHMEM_CLASS_CODE   0x050000u /* memory controller, RAM */

#define IVSHMEM_BAR_REGS  0 /* 256 bytes, 32-bit, not prefetchable */
#define IVSHMEM_BAR_MSIX  1 /* doorbell variant only */
#define IVSHMEM_BAR_SHMEM 2 /* 64-bit, prefetchable; takes BAR3 too */

/* BAR0: 32-bit registers, little endian. */
#define IVSHMEM_REG_INTR_MASK	0x00 /* rw, no effect in revision 1 */
#define IVSHMEM_REG_INTR_STATUS 0x04 /* rw, read clears; no effect */
#define IVSHMEM_REG_IV_POSITION 0x08 /* ro: own peer id; plain: 0 */
#define IVSHMEM_REG_DOORBELL	0x0c /* wo: peer << 16 | vector */
#define IVSHMEM_REGS_LEN	0x100

#define IVSHMEM_DOORBELL(peer, vector) \
	((uint32_t)(peer) << 16 | ((uint32_t)(vector)&0xffff))

/* Client-server protocol: signed 64-bit little endian, maybe with one fd. */
#define IVSHMEM_PROTOCOL_VERSION 0
#define IVSHMEM_MSG_SHM		 (-1)  /* carries the shared memory fd */
#define IVSHMEM_PEERS_MAX	 65536 /* ids 0..65535 */
#define IVSHMEM_VECTORS_MAX	 64 /* our limit per peer; stock server's too */

#endif
