/* SPDX-License-Identifier: MIT */
/* uart.c - what does a 16550 answer, and when does it interrupt? */
#include "vmm/devices/uart.h"

#include <string.h>

void uart_init(struct uart *uart, const struct uart_line *line)
{
	*uart = (struct uart){ .line = *line, .lcr = UART_LCR_RESET };
}

static bool in_loopback(const struct uart *uart)
{
	return uart->mcr & UART_MCR_LOOP;
}

static bool fifo_on(const struct uart *uart)
{
	return uart->fcr & UART_FCR_ENABLE;
}

/* --- receiver ------------------------------------------------------------ */

static uint32_t waiting(const struct uart *uart)
{
	uint32_t nr = uart->loop_nr;

	if (!nr && !in_loopback(uart))
		nr = uart->line.waiting(uart->line.arg);
	return nr < UART_FIFO_NR ? nr : UART_FIFO_NR;
}

static uint8_t receive(struct uart *uart)
{
	if (uart->loop_nr) {
		uart->rbr = uart->loop[0];
		uart->loop_nr--;
		memmove(uart->loop, uart->loop + 1, uart->loop_nr);
	} else if (in_loopback(uart) ||
		   !uart->line.receive(uart->line.arg, &uart->rbr)) {
		return 0;
	}
	uart->irq_seen = false;
	return uart->rbr;
}

/*
 * 8.4: with FIFOs a byte too many is lost and those before it stay; without,
 * it takes the place of the one that waits.
 */
static void loop_back(struct uart *uart, uint8_t byte)
{
	uint32_t room = fifo_on(uart) ? UART_FIFO_NR : 1;

	if (uart->loop_nr < room) {
		uart->loop[uart->loop_nr++] = byte;
		return;
	}
	uart->overrun = true;
	if (!fifo_on(uart))
		uart->loop[0] = byte;
}

/* --- interrupts ---------------------------------------------------------- */

static uint32_t trigger(const struct uart *uart)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return levels[uart->fcr >> 6];
}

/* 8.6, table IV: the highest pending source whose interrupt is enabled. */
static uint8_t pending(const struct uart *uart)
{
	if (uart->ier & UART_IER_LINE && uart->overrun)
		return UART_IIR_LINE;
	if (uart->ier & UART_IER_RX) {
		uint32_t nr = waiting(uart);

		/* 8.11 B waits four character times with this one; a line
		 * without speed has none. */
		if (nr && fifo_on(uart) && nr < trigger(uart))
			return UART_IIR_TIMEOUT;
		if (nr)
			return UART_IIR_RX;
	}
	if (uart->ier & UART_IER_TX && !uart->tx_told)
		return UART_IIR_TX;
	if (uart->ier & UART_IER_MDM && uart->msr & 0x0f)
		return UART_IIR_MDM;
	return UART_IIR_NONE;
}

bool uart_irq(struct uart *uart)
{
	bool level = pending(uart) != UART_IIR_NONE;

	if (!level)
		uart->irq_seen = false;
	return level;
}

bool uart_irq_rose(struct uart *uart)
{
	bool rose = uart_irq(uart) && !uart->irq_seen;

	uart->irq_seen |= rose;
	return rose;
}

/* --- registers ----------------------------------------------------------- */

/* 8.8: in loopback the four outputs are the four inputs; outside nobody
 * drives these. */
static void modem_update(struct uart *uart)
{
	uint8_t now = 0, was = uart->msr & 0xf0;

	if (in_loopback(uart)) {
		now |= uart->mcr & UART_MCR_RTS ? UART_MSR_CTS : 0;
		now |= uart->mcr & UART_MCR_DTR ? UART_MSR_DSR : 0;
		now |= uart->mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0;
		now |= uart->mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0;
	}
	uart->msr |= ((now ^ was) &
		      (UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD)) >>
		     4;
	if (was & ~now & UART_MSR_RI)
		uart->msr |= UART_MSR_TERI;
	uart->msr = (uart->msr & 0x0f) | now;
}

/* 8.5: bits count only together with the enable bit; turning the FIFOs on or
 * off empties them. */
static void fcr_write(struct uart *uart, uint8_t value)
{
	bool turned = (value ^ uart->fcr) & UART_FCR_ENABLE;

	if (turned || (value & UART_FCR_ENABLE && value & UART_FCR_CLEAR_RX))
		uart->loop_nr = 0;
	uart->fcr = value & UART_FCR_ENABLE
			    ? value & (UART_FCR_ENABLE | UART_FCR_TRIGGER)
			    : 0;
}

static void ier_write(struct uart *uart, uint8_t value)
{
	/* 8.7; the transmitter is empty: enabling its interrupt raises it. */
	if (value & ~uart->ier & UART_IER_TX)
		uart->tx_told = false;
	uart->irq_seen = false;
	uart->ier = value & UART_IER_MASK;
}

static void send(struct uart *uart, uint8_t byte)
{
	if (in_loopback(uart))
		loop_back(uart, byte);
	else
		uart->line.send(uart->line.arg, byte);
	/* Full and at once empty again: a new interrupt, a new edge. */
	uart->tx_told = false;
	uart->irq_seen = false;
}

void uart_write(struct uart *uart, uint32_t reg, uint8_t value)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_THR:
		if (dlab)
			uart->dll = value;
		else
			send(uart, value);
		break;
	case UART_IER:
		if (dlab)
			uart->dlm = value;
		else
			ier_write(uart, value);
		break;
	case UART_FCR:
		fcr_write(uart, value);
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		uart->mcr = value & UART_MCR_MASK;
		modem_update(uart);
		break;
	case UART_LSR: /* 8.4: for factory tests only */
	case UART_MSR:
		break;
	case UART_SCR:
		uart->scr = value;
		break;
	}
}

/* 8.6: reading it resets the transmitter's interrupt, if that is the one
 * it shows. */
static uint8_t iir_read(struct uart *uart)
{
	uint8_t iir = pending(uart);

	if (iir == UART_IIR_TX) {
		uart->tx_told = true;
		uart->irq_seen = false;
	}
	return iir | (fifo_on(uart) ? UART_IIR_FIFO : 0);
}

static uint8_t lsr_read(struct uart *uart)
{
	uint8_t lsr = UART_LSR_EMPTY;

	lsr |= waiting(uart) ? UART_LSR_DATA : 0;
	lsr |= uart->overrun ? UART_LSR_OVERRUN : 0;
	/* 8.4: reading resets it. */
	if (uart->overrun)
		uart->irq_seen = false;
	uart->overrun = false;
	return lsr;
}

static uint8_t msr_read(struct uart *uart)
{
	uint8_t msr = uart->msr;

	/* 8.9: reading resets the changes. */
	if (msr & 0x0f)
		uart->irq_seen = false;
	uart->msr &= 0xf0;
	return msr;
}

uint8_t uart_read(struct uart *uart, uint32_t reg)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RBR:
		return dlab ? uart->dll : receive(uart);
	case UART_IER:
		return dlab ? uart->dlm : uart->ier;
	case UART_IIR:
		return iir_read(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return lsr_read(uart);
	case UART_MSR:
		return msr_read(uart);
	case UART_SCR:
		return uart->scr;
	}
	return 0;
}

enum bus_result uart_access(void *arg, struct bus_access *access)
{
	if (access->len != 1)
		return BUS_NOT_MINE;
	if (access->is_write)
		uart_write(arg, (uint32_t)access->off, (uint8_t)access->value);
	else
		access->value = uart_read(arg, (uint32_t)access->off);
	return BUS_HANDLED;
}
