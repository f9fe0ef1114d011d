/* SPDX-License-Identifier: MIT */
/* test_uart.c - does each register of the 16550 do what its data sheet says? */
#include "vmm/devices/uart.h"

#include <string.h>

#include "tests/unit/harness.h"

/* The outside: what was sent, and what waits to be received. */
struct rig {
	struct uart uart;
	uint8_t sent[64];
	uint32_t sent_nr;
	const char *input;
	uint32_t input_nr;
};

static void line_send(void *arg, uint8_t byte)
{
	struct rig *rig = arg;

	CU_ASSERT_FATAL(rig->sent_nr < sizeof(rig->sent));
	rig->sent[rig->sent_nr++] = byte;
}

static uint32_t line_waiting(void *arg)
{
	const struct rig *rig = arg;

	return rig->input_nr;
}

static bool line_receive(void *arg, uint8_t *byte)
{
	struct rig *rig = arg;

	if (!rig->input_nr)
		return false;
	*byte = (uint8_t)*rig->input++;
	rig->input_nr--;
	return true;
}

static void rig_init(struct rig *rig, const char *input)
{
	struct uart_line line = { line_send, line_waiting, line_receive, NULL };

	memset(rig, 0, sizeof(*rig));
	line.arg = rig;
	rig->input = input;
	rig->input_nr = (uint32_t)strlen(input);
	uart_init(&rig->uart, &line);
}

static void put(struct rig *rig, uint32_t reg, uint8_t value)
{
	uart_write(&rig->uart, reg, value);
}

static uint8_t get(struct rig *rig, uint32_t reg)
{
	return uart_read(&rig->uart, reg);
}

static void reset_gives_the_data_sheets_values(void)
{
	struct rig rig;

	rig_init(&rig, "");
	CU_ASSERT_EQUAL(get(&rig, UART_IER), 0);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_NONE);
	CU_ASSERT_EQUAL(get(&rig, UART_LCR), 3);
	CU_ASSERT_EQUAL(get(&rig, UART_MCR), 0);
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), 0x60);
	CU_ASSERT_EQUAL(get(&rig, UART_MSR), 0);
	CU_ASSERT_EQUAL(get(&rig, UART_SCR), 0);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 0);
	CU_ASSERT_FALSE(uart_irq(&rig.uart));
}

static void thr_sends_at_once_and_stays_empty(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_THR, 'h');
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY);
	put(&rig, UART_THR, 'i');
	CU_ASSERT_EQUAL(rig.sent_nr, 2);
	CU_ASSERT_EQUAL(memcmp(rig.sent, "hi", 2), 0);
}

static void rbr_takes_in_order_and_lsr_tells_of_the_rest(void)
{
	struct rig rig;

	rig_init(&rig, "ab");
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY | UART_LSR_DATA);
	CU_ASSERT_EQUAL(rig.input_nr, 2); /* looking takes nothing */
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 'a');
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY | UART_LSR_DATA);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 'b');
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 0);
}

static void dlab_shows_the_divisor_and_hides_data_and_ier(void)
{
	struct rig rig;

	rig_init(&rig, "x");
	put(&rig, UART_IER, UART_IER_LINE);
	put(&rig, UART_LCR, 0x83);
	CU_ASSERT_EQUAL(get(&rig, UART_LCR), 0x83);
	put(&rig, UART_DLL, 0x0c);
	put(&rig, UART_DLM, 0xab);
	CU_ASSERT_EQUAL(get(&rig, UART_DLL), 0x0c);
	CU_ASSERT_EQUAL(get(&rig, UART_DLM), 0xab);
	CU_ASSERT_EQUAL(rig.sent_nr, 0);
	CU_ASSERT_EQUAL(rig.input_nr, 1);
	put(&rig, UART_LCR, 0x03);
	CU_ASSERT_EQUAL(get(&rig, UART_IER), UART_IER_LINE);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 'x');
}

static void unused_bits_of_ier_and_mcr_read_zero(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_IER, 0xff);
	CU_ASSERT_EQUAL(get(&rig, UART_IER), 0x0f);
	put(&rig, UART_MCR, 0xff);
	CU_ASSERT_EQUAL(get(&rig, UART_MCR), 0x1f);
}

static void scr_keeps_any_byte_and_lsr_msr_take_none(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_SCR, 0x5a);
	CU_ASSERT_EQUAL(get(&rig, UART_SCR), 0x5a);
	put(&rig, UART_LSR, 0xff);
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY);
	put(&rig, UART_MSR, 0xff);
	CU_ASSERT_EQUAL(get(&rig, UART_MSR), 0);
}

static void fcr_turns_fifos_on_and_iir_shows_it(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_FCR, UART_FCR_TRIGGER); /* without enable: nothing */
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_NONE);
	put(&rig, UART_FCR, UART_FCR_ENABLE);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_FIFO | UART_IIR_NONE);
	put(&rig, UART_FCR, 0);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_NONE);
}

static void fcr_reset_loses_no_byte_on_the_line(void)
{
	struct rig rig;

	rig_init(&rig, "typed early");
	put(&rig, UART_FCR, 0xc7);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 't');
}

static void tx_interrupt_comes_by_enabling_and_goes_by_iir(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_IER, UART_IER_TX);
	CU_ASSERT_TRUE(uart_irq(&rig.uart));
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_TX);
	CU_ASSERT_FALSE(uart_irq(&rig.uart));
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_NONE);
	put(&rig, UART_THR, 'x');
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_TX);
	/* Enabled already: not again. */
	put(&rig, UART_IER, UART_IER_TX);
	CU_ASSERT_FALSE(uart_irq(&rig.uart));
	put(&rig, UART_IER, 0);
	put(&rig, UART_IER, UART_IER_TX);
	CU_ASSERT_TRUE(uart_irq(&rig.uart));
}

static void rx_interrupt_stays_until_all_is_taken(void)
{
	struct rig rig;

	rig_init(&rig, "ab");
	CU_ASSERT_FALSE(uart_irq(&rig.uart));
	put(&rig, UART_IER, UART_IER_RX);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_RX);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_RX);
	get(&rig, UART_RBR);
	CU_ASSERT_TRUE(uart_irq(&rig.uart));
	get(&rig, UART_RBR);
	CU_ASSERT_FALSE(uart_irq(&rig.uart));
}

static void rx_below_the_trigger_is_a_timeout(void)
{
	static const uint8_t fcr[] = { 0x01, 0x41, 0x81, 0xc1 };
	static const uint32_t level[] = { 1, 4, 8, 14 };
	struct rig rig;

	for (uint32_t i = 0; i < 4; i++) {
		rig_init(&rig, "0123456789abcdefgh");
		put(&rig, UART_FCR, fcr[i]);
		put(&rig, UART_IER, UART_IER_RX);
		while (rig.input_nr > level[i])
			get(&rig, UART_RBR);
		CU_ASSERT_EQUAL(get(&rig, UART_IIR),
				UART_IIR_FIFO | UART_IIR_RX);
		get(&rig, UART_RBR);
		CU_ASSERT_EQUAL(get(&rig, UART_IIR),
				UART_IIR_FIFO | (rig.input_nr ? UART_IIR_TIMEOUT
							      : UART_IIR_NONE));
	}
}

static void iir_shows_sources_by_priority(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_MCR, UART_MCR_LOOP);
	put(&rig, UART_THR, 'a');
	put(&rig, UART_THR, 'b'); /* overrun */
	put(&rig, UART_MCR, UART_MCR_LOOP | UART_MCR_RTS);
	put(&rig, UART_IER, 0x0f);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_LINE);
	CU_ASSERT_EQUAL(get(&rig, UART_LSR),
			UART_LSR_EMPTY | UART_LSR_OVERRUN | UART_LSR_DATA);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_RX);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 'b');
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_TX);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_MDM);
	CU_ASSERT_EQUAL(get(&rig, UART_MSR), UART_MSR_CTS | UART_MSR_DCTS);
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_NONE);
	CU_ASSERT_FALSE(uart_irq(&rig.uart));
}

static void loopback_receives_what_it_sends_and_nothing_else(void)
{
	struct rig rig;

	rig_init(&rig, "outside");
	put(&rig, UART_MCR, UART_MCR_LOOP);
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 0);
	put(&rig, UART_THR, 0xae);
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY | UART_LSR_DATA);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 0xae);
	CU_ASSERT_EQUAL(rig.sent_nr, 0);
	put(&rig, UART_MCR, 0);
	CU_ASSERT_EQUAL(get(&rig, UART_RBR), 'o');
}

static void loopback_fifo_overruns_after_sixteen_bytes(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_FCR, UART_FCR_ENABLE);
	put(&rig, UART_MCR, UART_MCR_LOOP);
	for (uint8_t i = 0; i < 16; i++)
		put(&rig, UART_THR, i);
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY | UART_LSR_DATA);
	put(&rig, UART_THR, 99);
	CU_ASSERT_EQUAL(get(&rig, UART_LSR),
			UART_LSR_EMPTY | UART_LSR_OVERRUN | UART_LSR_DATA);
	for (uint8_t i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(get(&rig, UART_RBR), i);
	CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY);
}

static void loopback_fifo_is_emptied_by_fcr(void)
{
	static const uint8_t by[] = { UART_FCR_ENABLE | UART_FCR_CLEAR_RX, 0 };
	struct rig rig;

	for (uint32_t i = 0; i < sizeof(by); i++) {
		rig_init(&rig, "");
		put(&rig, UART_FCR, UART_FCR_ENABLE);
		put(&rig, UART_MCR, UART_MCR_LOOP);
		put(&rig, UART_THR, 'x');
		put(&rig, UART_FCR, by[i]);
		CU_ASSERT_EQUAL(get(&rig, UART_LSR), UART_LSR_EMPTY);
	}
}

static void msr_in_loopback_follows_mcr_with_changes(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_MCR, UART_MCR_LOOP | 0x0f);
	CU_ASSERT_EQUAL(get(&rig, UART_MSR), 0xfb); /* RI rose: no TERI */
	CU_ASSERT_EQUAL(get(&rig, UART_MSR), 0xf0);
	put(&rig, UART_MCR, UART_MCR_LOOP);
	CU_ASSERT_EQUAL(get(&rig, UART_MSR), 0x0f);
	put(&rig, UART_MCR, 0x0f); /* outside nobody answers */
	CU_ASSERT_EQUAL(get(&rig, UART_MSR), 0);
}

static void edge_is_told_once_per_rise(void)
{
	struct rig rig;

	rig_init(&rig, "");
	CU_ASSERT_FALSE(uart_irq_rose(&rig.uart));
	put(&rig, UART_IER, UART_IER_RX);
	rig.input = "ab";
	rig.input_nr = 2;
	CU_ASSERT_TRUE(uart_irq_rose(&rig.uart));
	CU_ASSERT_FALSE(uart_irq_rose(&rig.uart));
	get(&rig, UART_LSR);
	CU_ASSERT_FALSE(uart_irq_rose(&rig.uart));
	get(&rig, UART_RBR); /* the next byte is a rise of its own */
	CU_ASSERT_TRUE(uart_irq_rose(&rig.uart));
	get(&rig, UART_RBR);
	CU_ASSERT_FALSE(uart_irq_rose(&rig.uart));
}

static void byte_that_comes_as_tx_is_reset_is_an_edge(void)
{
	struct rig rig;

	rig_init(&rig, "");
	put(&rig, UART_IER, UART_IER_RX | UART_IER_TX);
	CU_ASSERT_TRUE(uart_irq_rose(&rig.uart));
	CU_ASSERT_EQUAL(get(&rig, UART_IIR), UART_IIR_TX);
	rig.input = "a";
	rig.input_nr = 1; /* before anybody saw the line low */
	CU_ASSERT_TRUE(uart_irq_rose(&rig.uart));
}

static void access_wider_than_a_byte_is_not_the_ports(void)
{
	static const uint32_t lens[] = { 0, 2, 3, 4, 8 };
	struct bus_access access;
	struct rig rig;

	rig_init(&rig, "in");
	for (uint32_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		access = (struct bus_access){ .off = UART_THR,
					      .len = lens[i],
					      .is_write = true,
					      .value = 'x' };
		CU_ASSERT_EQUAL(uart_access(&rig.uart, &access), BUS_NOT_MINE);
		access.is_write = false;
		CU_ASSERT_EQUAL(uart_access(&rig.uart, &access), BUS_NOT_MINE);
	}
	CU_ASSERT_EQUAL(rig.sent_nr, 0);
	CU_ASSERT_EQUAL(rig.input_nr, 2);
	access = (struct bus_access){ .off = UART_RBR, .len = 1 };
	CU_ASSERT_EQUAL(uart_access(&rig.uart, &access), BUS_HANDLED);
	CU_ASSERT_EQUAL(access.value, 'i');
	access = (struct bus_access){
		.off = UART_THR, .len = 1, .is_write = true, .value = 'y'
	};
	CU_ASSERT_EQUAL(uart_access(&rig.uart, &access), BUS_HANDLED);
	CU_ASSERT_EQUAL(rig.sent[0], 'y');
}

static void register_beyond_the_eighth_is_nothing(void)
{
	struct rig rig;

	rig_init(&rig, "in");
	put(&rig, 8, 'x');
	put(&rig, UINT32_MAX, 'x');
	CU_ASSERT_EQUAL(get(&rig, 8), 0);
	CU_ASSERT_EQUAL(get(&rig, UINT32_MAX), 0);
	CU_ASSERT_EQUAL(rig.sent_nr, 0);
	CU_ASSERT_EQUAL(rig.input_nr, 2);
}

/* Any sequence: 64 Ki accesses from a fixed linear congruence. */
static void any_sequence_of_accesses_stays_within_the_port(void)
{
	struct rig rig;
	uint32_t x = 1;

	rig_init(&rig, "some input");
	for (uint32_t i = 0; i < 65536; i++) {
		x = x * 1664525u + 1013904223u;
		if (x >> 31)
			put(&rig, x >> 8 & 7, (uint8_t)(x >> 16));
		else
			get(&rig, x >> 8 & 7);
		CU_ASSERT_FATAL(rig.uart.loop_nr <= UART_FIFO_NR);
		uart_irq_rose(&rig.uart);
		rig.sent_nr = 0;
	}
}

static const struct unit_test tests[] = {
	{ "reset_gives_the_data_sheets_values",
	  reset_gives_the_data_sheets_values },
	{ "thr_sends_at_once_and_stays_empty",
	  thr_sends_at_once_and_stays_empty },
	{ "rbr_takes_in_order_and_lsr_tells_of_the_rest",
	  rbr_takes_in_order_and_lsr_tells_of_the_rest },
	{ "dlab_shows_the_divisor_and_hides_data_and_ier",
	  dlab_shows_the_divisor_and_hides_data_and_ier },
	{ "unused_bits_of_ier_and_mcr_read_zero",
	  unused_bits_of_ier_and_mcr_read_zero },
	{ "scr_keeps_any_byte_and_lsr_msr_take_none",
	  scr_keeps_any_byte_and_lsr_msr_take_none },
	{ "fcr_turns_fifos_on_and_iir_shows_it",
	  fcr_turns_fifos_on_and_iir_shows_it },
	{ "fcr_reset_loses_no_byte_on_the_line",
	  fcr_reset_loses_no_byte_on_the_line },
	{ "tx_interrupt_comes_by_enabling_and_goes_by_iir",
	  tx_interrupt_comes_by_enabling_and_goes_by_iir },
	{ "rx_interrupt_stays_until_all_is_taken",
	  rx_interrupt_stays_until_all_is_taken },
	{ "rx_below_the_trigger_is_a_timeout",
	  rx_below_the_trigger_is_a_timeout },
	{ "iir_shows_sources_by_priority", iir_shows_sources_by_priority },
	{ "loopback_receives_what_it_sends_and_nothing_else",
	  loopback_receives_what_it_sends_and_nothing_else },
	{ "loopback_fifo_overruns_after_sixteen_bytes",
	  loopback_fifo_overruns_after_sixteen_bytes },
	{ "loopback_fifo_is_emptied_by_fcr", loopback_fifo_is_emptied_by_fcr },
	{ "msr_in_loopback_follows_mcr_with_changes",
	  msr_in_loopback_follows_mcr_with_changes },
	{ "edge_is_told_once_per_rise", edge_is_told_once_per_rise },
	{ "byte_that_comes_as_tx_is_reset_is_an_edge",
	  byte_that_comes_as_tx_is_reset_is_an_edge },
	{ "access_wider_than_a_byte_is_not_the_ports",
	  access_wider_than_a_byte_is_not_the_ports },
	{ "register_beyond_the_eighth_is_nothing",
	  register_beyond_the_eighth_is_nothing },
	{ "any_sequence_of_accesses_stays_within_the_port",
	  any_sequence_of_accesses_stays_within_the_port },
};

UNIT_MAIN("uart", tests)
