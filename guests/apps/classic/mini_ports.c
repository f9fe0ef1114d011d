/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_ports.c - ports with nothing behind them: OUT is ignored, IN gives 0,
 * in every width. The A20 gate says that it is open.
 *
 * mini-kvm, real mode, C compiled for 16 bit. stdout: "OK", or a line for
 * each port that answered otherwise.
 */
#include "guests/apps/classic/lib/mini.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/ports.h"

#define A20_PORT 0x92
#define A20_OPEN 0x02

static const uint16_t empty_ports[] = {
	0x20,	 0x21,	 0xa0, 0xa1, /* interrupt controllers */
	0x60,	 0x64,		     /* keyboard controller */
	0x71,	 0x80,		     /* CMOS data, POST code */
	HC_PORT,		     /* no question was asked */
	0x1234,	 0xfffc,
};
#define EMPTY_PORTS_NR (sizeof(empty_ports) / sizeof(*empty_ports))

void put_char(char c)
{
	mini_put(c);
}

static int answers(uint16_t port)
{
	uint32_t got;

	/* What is written to the hypercall port means something. */
	if (port != HC_PORT)
		port_out8(port, 0xa5);
	got = port_in8(port);
	if (port > 0x1000) {
		port_out32(port, 0xa5a5a5a5);
		got |= port_in16(port) | port_in32(port);
	}
	if (got)
		print("port %x: %x, not 0\n", port, got);
	return got != 0;
}

int main(void)
{
	int faults = 0;

	for (uint32_t i = 0; i < EMPTY_PORTS_NR; i++)
		faults += answers(empty_ports[i]);
	if (!(port_in8(A20_PORT) & A20_OPEN)) {
		print("A20 is closed\n");
		faults++;
	}
	if (!faults)
		print("OK\n");
	mini_exit();
}
