/* SPDX-License-Identifier: MIT */
/*
 * mini.h - mini-kvm's ports and vectors, for guests in C and in assembly.
 *
 * Source: docs/classic-guests.md; the UART's registers: PC16550D data sheet.
 */
#ifndef GUESTS_APPS_CLASSIC_LIB_MINI_H
#define GUESTS_APPS_CLASSIC_LIB_MINI_H

/* OUT of the number, one byte; the argument is in bl or bx. */
#define HC_PORT 0x500
#define HC_EXIT 0
#define HC_PUT	1
/* The legacy dialect's, which real mode has by default ... */
#define HC_DECIMAL 2
#define HC_NEWLINE 3
/* ... and the 1k dialect's: the next IN from the port has the answer. */
#define HC_GET	   2
#define HC_NOTHING 0xff /* no key waits */

#define UART_DATA 0x3f8 /* divisor's low half while LCR_DLAB is set */
#define UART_IER  0x3f9 /* and its high half */
#define UART_IIR  0x3fa
#define UART_LCR  0x3fb
#define UART_MCR  0x3fc
#define UART_LSR  0x3fd
#define UART_MSR  0x3fe
#define UART_SCR  0x3ff

#define LCR_DLAB     0x80
#define LCR_8N1	     0x03
#define LSR_DATA     0x01
#define LSR_TX_EMPTY 0x20
#define LSR_TX_IDLE  0x40
#define IER_RX	     0x01
#define IER_TX	     0x02
#define IIR_NONE     0x01
#define IIR_TX	     0x02
#define IIR_MASK     0x0f

/* The interrupts, when the guest has them switched on (sti). */
#define VECTOR_TIMER 0x20 /* every 10 ms */
#define VECTOR_KEY   0x21 /* a byte of input came */
#define VECTOR_UART  0x24 /* base 0x20 + IRQ 4 */
#define PIC_COMMAND  0x20
#define PIC_EOI	     0x20

#define END_OF_TEXT 0x04 /* Ctrl-D */

#ifndef __ASSEMBLER__
#include <stdint.h>

void mini_put(char c);
/* Until a key comes. */
char mini_get(void);
__attribute__((noreturn)) void mini_exit(void);
#endif

#endif
