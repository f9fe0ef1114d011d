/* SPDX-License-Identifier: MIT */
/*
 * file_port.h - files over one port, byte by byte: mini-hypervisor's port
 * 0x278. The protocol, as two tables: docs/classic-guests.md.
 *
 * Threads: a port belongs to one thread at a time, like its view.
 * Trust:   bytes are the guest's. Any stream of them leaves the port in one of
 *          its states, with at most FILE_PORT_HANDLES files open.
 */
#ifndef VMM_FILES_FILE_PORT_H
#define VMM_FILES_FILE_PORT_H

#include <stdint.h>

#include "vmm/files/file_view.h"

#define FILE_PORT	  0x278u
#define FILE_PORT_HANDLES 32u
#define FILE_PORT_ERROR	  0xffu /* the guest's -1 */

enum file_port_request {
	FILE_PORT_OPEN = 1,
	FILE_PORT_CLOSE = 2,
	FILE_PORT_READ = 3,
	FILE_PORT_WRITE = 4,
};
enum file_port_flags {
	FILE_PORT_FOR_READING = 0,
	FILE_PORT_FOR_WRITING = 1, /* append only */
};

struct file_port;

/* view outlives the port. -ENOMEM. */
int file_port_create(struct file_port **out, struct file_view *view);
/* Closes all files. NULL is fine. */
void file_port_destroy(struct file_port *port);

/* The guest wrote a byte; the guest reads one. */
void file_port_out(struct file_port *port, uint8_t byte);
uint8_t file_port_in(struct file_port *port);

#endif
