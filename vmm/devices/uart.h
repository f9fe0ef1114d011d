/* SPDX-License-Identifier: MIT */
/*
 * uart.h - a 16550 serial port: its eight registers and its interrupt line.
 *
 * The line has no speed: a byte written is sent at once, so the transmitter
 * is always empty. Bytes to receive wait outside, with whoever owns the port;
 * it is asked when the guest looks, so nothing is lost and a guest that only
 * sends takes no input from anybody. Only in loopback, where the guest sends
 * to itself, do bytes wait inside and can be overrun.
 *
 * Nobody is at the other end: outside of loopback the modem lines read 0, and
 * there are no parity or framing errors and no breaks.
 *
 * Threads: one at a time; the owner locks, or keeps a port per vCPU.
 * Trust:   registers and values come from the guest; any sequence is fine.
 * Source:  National Semiconductor PC16550D data sheet (June 1995), section 8;
 *          8.n below are its clauses. LCR after reset is 3 (8 bits, as a PC's
 *          firmware leaves it), not 0.
 */
#ifndef VMM_DEVICES_UART_H
#define VMM_DEVICES_UART_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/devices/bus.h"

#define UART_REGS_NR 8u
#define UART_FIFO_NR 16u

/* Registers by offset; what is there depends on direction and LCR.DLAB. */
#define UART_RBR 0u /* read */
#define UART_THR 0u /* write */
#define UART_DLL 0u /* DLAB */
#define UART_IER 1u
#define UART_DLM 1u /* DLAB */
#define UART_IIR 2u /* read */
#define UART_FCR 2u /* write */
#define UART_LCR 3u
#define UART_MCR 4u
#define UART_LSR 5u
#define UART_MSR 6u
#define UART_SCR 7u

#define UART_IER_RX   0x01u /* received data */
#define UART_IER_TX   0x02u /* transmitter empty */
#define UART_IER_LINE 0x04u
#define UART_IER_MDM  0x08u
#define UART_IER_MASK 0x0fu

#define UART_IIR_MDM	 0x00u
#define UART_IIR_NONE	 0x01u
#define UART_IIR_TX	 0x02u
#define UART_IIR_RX	 0x04u
#define UART_IIR_LINE	 0x06u
#define UART_IIR_TIMEOUT 0x0cu /* fewer bytes than the trigger wants */
#define UART_IIR_FIFO	 0xc0u /* the FIFOs are on */

#define UART_FCR_ENABLE	  0x01u
#define UART_FCR_CLEAR_RX 0x02u
#define UART_FCR_TRIGGER  0xc0u /* 1, 4, 8 or 14 bytes */

#define UART_LCR_DLAB  0x80u
#define UART_LCR_RESET 0x03u

#define UART_MCR_DTR  0x01u
#define UART_MCR_RTS  0x02u
#define UART_MCR_OUT1 0x04u
#define UART_MCR_OUT2 0x08u
#define UART_MCR_LOOP 0x10u
#define UART_MCR_MASK 0x1fu

#define UART_LSR_DATA	 0x01u /* a byte waits */
#define UART_LSR_OVERRUN 0x02u
#define UART_LSR_EMPTY	 0x60u /* THR and shift register: always */

#define UART_MSR_DCTS 0x01u /* changed since last read */
#define UART_MSR_DDSR 0x02u
#define UART_MSR_TERI 0x04u /* RI went from 1 to 0 */
#define UART_MSR_DDCD 0x08u
#define UART_MSR_CTS  0x10u
#define UART_MSR_DSR  0x20u
#define UART_MSR_RI   0x40u
#define UART_MSR_DCD  0x80u

/* The outside of the port. */
struct uart_line {
	void (*send)(void *arg, uint8_t byte);
	/* How many bytes wait to be received; what is above 16 counts as 16. */
	uint32_t (*waiting)(void *arg);
	/* The next of them; false: none. */
	bool (*receive)(void *arg, uint8_t *byte);
	void *arg;
};

struct uart {
	struct uart_line line;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	uint8_t msr; /* as the guest reads it */
	uint8_t rbr; /* the last byte received, read again when none waits */
	bool overrun;
	bool tx_told; /* the transmitter's interrupt is reset: 8.6 */
	/* uart_irq_rose() has told of this level. Whatever resets a source also
	 * resets this: a byte can arrive before anybody looks at the line. */
	bool irq_seen;
	/* Loopback: sent, and not received yet. */
	uint8_t loop[UART_FIFO_NR];
	uint32_t loop_nr;
};

/* The state after a reset. The line's functions outlive the port. */
void uart_init(struct uart *uart, const struct uart_line *line);

/* One byte to or from register 0..7 (others: ignored, read 0). */
void uart_write(struct uart *uart, uint32_t reg, uint8_t value);
uint8_t uart_read(struct uart *uart, uint32_t reg);

/* A bus_fn over UART_REGS_NR addresses; arg is the struct uart. Only single
 * bytes are the port's. */
bus_fn uart_access;

/* The interrupt line (a PC's IRQ 4): some enabled source is pending. */
bool uart_irq(struct uart *uart);
/*
 * For controllers that take edges: true once per rise of the line. Taking a
 * byte ends a level even if another byte waits, as it would on a real line,
 * where that byte arrives later.
 */
bool uart_irq_rose(struct uart *uart);

#endif
