/* SPDX-License-Identifier: MIT */
/* bench_exit.c - what does one port access of a guest cost? */
#include <errno.h>

#include "vmm/core/clock.h"
#include "vmm/lab/bench_flat.h"

#define EXITS_NR 250u /* a round; 2 ms of software KVM */
#define PORT	 0x10

static enum flat_next port_nothing(struct flat_io *io)
{
	(void)io;
	return FLAT_GO;
}

static const struct flat_port ports[] = {
	{ PORT, PORT, FLAT_LEN_1, port_nothing },
	{ 0, 0, 0, NULL },
};

static int steps(struct flat_cpu *cpu, uint32_t nr, uint64_t *ns)
{
	uint64_t start_ns = clock_now_ns();

	for (uint32_t i = 0; i < nr; i++)
		if (flat_step(cpu) == FLAT_ENDED)
			return -EIO;
	*ns = clock_now_ns() - start_ns;
	return 0;
}

/* The same bytes in every mode: again: out PORT,al or in al,PORT; jmp again. */
static int loop_of(struct bench_flat *mode, uint8_t opcode, double *ns)
{
	const uint8_t code[] = { opcode, PORT, 0xeb, 0xfc };
	uint64_t all_ns = 0;
	struct flat *flat;
	int err;

	err = bench_flat_create(&flat, mode, code, sizeof(code), ports);
	if (err)
		return err;
	flat_cpu_take(&flat->cpu[0]);
	/* The first entries find nothing in any cache. */
	err = steps(&flat->cpu[0], EXITS_NR / 10, &all_ns);
	if (!err)
		err = steps(&flat->cpu[0], EXITS_NR, &all_ns);
	flat_cpu_drop(&flat->cpu[0]);
	*ns = (double)all_ns / EXITS_NR;
	flat_destroy(flat);
	return err;
}

static int round_exit(struct bench_flat *mode)
{
	int err = loop_of(mode, 0xe6, &mode->first[mode->nr]);

	return err ? err : loop_of(mode, 0xe4, &mode->second[mode->nr]);
}

int bench_exit(const struct bench_opts *opts)
{
	static const struct bench_flat_report report = {
		.name = "exit",
		.first = "out",
		.second = "in",
		.unit = "ns",
		.per = 1,
		.note = "of an access, with the monitor's part and the jump "
			"back",
	};

	return bench_flat_run(opts, round_exit, &report);
}
