/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_uart.c - the UART's registers: what they hold at first, and what they
 * keep.
 *
 * mini-kvm, real mode, C compiled for 16 bit; no input. stdout: "OK", or a
 * line for each register that is not as it should be.
 */
#include "guests/apps/classic/lib/mini.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/ports.h"

static int faults;

void put_char(char c)
{
	port_out8(UART_DATA, (uint8_t)c);
}

static void expect(const char *what, uint8_t got, uint8_t wanted)
{
	if (got == wanted)
		return;
	print("%s: %x, not %x\n", what, got, wanted);
	faults++;
}

static void reset_values(void)
{
	expect("LCR at first", port_in8(UART_LCR), LCR_8N1);
	expect("IER at first", port_in8(UART_IER), 0);
	expect("LSR without input", port_in8(UART_LSR),
	       LSR_TX_EMPTY | LSR_TX_IDLE);
	expect("IIR at first", port_in8(UART_IIR) & IIR_MASK, IIR_NONE);
	expect("MSR", port_in8(UART_MSR), 0);
	expect("SCR at first", port_in8(UART_SCR), 0);
	expect("data without input", port_in8(UART_DATA), 0);
}

static void kept_values(void)
{
	port_out8(UART_SCR, 0x5a);
	expect("SCR", port_in8(UART_SCR), 0x5a);
	port_out8(UART_SCR, 0xa5);
	expect("SCR again", port_in8(UART_SCR), 0xa5);
	port_out8(UART_MCR, 0x0b);
	expect("MCR", port_in8(UART_MCR), 0x0b);
	port_out8(UART_MCR, 0);
	/* The upper half of IER does not exist. */
	port_out8(UART_IER, 0xff);
	expect("IER", port_in8(UART_IER), 0x0f);
	port_out8(UART_IER, 0);
}

static void interrupt_reasons(void)
{
	port_out8(UART_IER, IER_TX);
	expect("IIR, sending allowed", port_in8(UART_IIR) & IIR_MASK, IIR_TX);
	port_out8(UART_IER, IER_RX);
	expect("IIR, nothing came", port_in8(UART_IIR) & IIR_MASK, IIR_NONE);
	port_out8(UART_IER, 0);
	expect("IIR, all off", port_in8(UART_IIR) & IIR_MASK, IIR_NONE);
}

/* The same two ports, other registers: nothing may be printed meanwhile. */
static void divisor(void)
{
	uint8_t low, high, lcr;

	port_out8(UART_LCR, LCR_DLAB | LCR_8N1);
	port_out8(UART_DATA, 'X');
	port_out8(UART_IER, 0x01);
	low = port_in8(UART_DATA);
	high = port_in8(UART_IER);
	lcr = port_in8(UART_LCR);
	port_out8(UART_LCR, LCR_8N1);
	expect("divisor, low", low, 'X');
	expect("divisor, high", high, 0x01);
	expect("LCR", lcr, LCR_DLAB | LCR_8N1);
	expect("IER after the divisor", port_in8(UART_IER), 0);
	expect("data after the divisor", port_in8(UART_DATA), 0);
}

int main(void)
{
	reset_values();
	kept_values();
	interrupt_reasons();
	divisor();
	if (!faults)
		print("OK\n");
	return faults;
}
