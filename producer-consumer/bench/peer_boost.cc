/* SPDX-License-Identifier: MIT */
/*
 * peer_boost.cc - how does the harness drive boost::lockfree?
 *
 * spsc_queue writes by copy and reads in place (front, pop), or copies
 * batches both ways; queue only copies single elements.
 */
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"

namespace {

constexpr std::uint32_t batch_max = 32;

/* An element of any size, on lines of its own from 64 bytes on. */
template <std::uint32_t len>
struct alignas(len >= 64 ? 64 : 8) element {
	std::uint64_t words[len / 8];
};

template <std::uint32_t len> struct spsc {
	using message = element<len>;
	using queue = boost::lockfree::spsc_queue<message>;

	/* The scratch lies on the heap: 64 KiB messages are not for stacks. */
	struct end {
		queue *q;
		message *scratch;
		std::uint32_t batch;
	};
	struct shared {
		queue *q;
		message *scratch[2];
	};

	static int create(void *mem, const bench_shape *s)
	{
		auto *sh = static_cast<shared *>(mem);

		sh->q = new queue(s->ring_len / len);
		sh->scratch[0] = new message[s->batch]();
		sh->scratch[1] = new message[s->batch]();
		return 0;
	}
	static void destroy(void *mem)
	{
		auto *sh = static_cast<shared *>(mem);

		delete sh->q;
		delete[] sh->scratch[0];
		delete[] sh->scratch[1];
	}
	static int open(void *handle, void *mem, const bench_shape *s,
			int which)
	{
		auto *sh = static_cast<shared *>(mem);
		auto *e = static_cast<end *>(handle);

		e->q = sh->q;
		e->scratch = sh->scratch[which];
		e->batch = s->batch;
		return 0;
	}

	WORK_INLINE std::uint32_t reserve(void *tx, std::uint32_t want, void **slots)
	{
		*slots = static_cast<end *>(tx)->scratch;
		return want;
	}
	WORK_INLINE void commit(void *tx, std::uint32_t nr)
	{
		auto *e = static_cast<end *>(tx);
		std::uint32_t done = 0;

		if (e->batch == 1) {
			while (!e->q->push(e->scratch[0]))
				work_relax();
			return;
		}
		for (;;) {
			done += e->q->push(e->scratch + done, nr - done);
			if (done == nr)
				return;
			work_relax();
		}
	}
	WORK_INLINE std::uint32_t peek(void *rx, std::uint32_t want,
				  const void **slots)
	{
		auto *e = static_cast<end *>(rx);

		if (e->batch == 1) {
			if (!e->q->read_available())
				return 0;
			*slots = &e->q->front();
			return 1;
		}
		*slots = e->scratch;
		return e->q->pop(e->scratch, want);
	}
	WORK_INLINE void release(void *rx, std::uint32_t)
	{
		auto *e = static_cast<end *>(rx);

		if (e->batch == 1)
			e->q->pop();
	}
	static constexpr bench_ops ops = { reserve, commit, peek, release,
					   nullptr };
	LOOPS_RUN(run, ops, end, end, LOOPS_BY_SIZE)
};

/* Call f<len>(...) for the message length asked for. */
#define BY_LEN(what, ...)                                 \
	switch (s->msg_len) {                             \
	case 8: return spsc<8>::what(__VA_ARGS__);        \
	case 56:                                          \
	case 64: return spsc<64>::what(__VA_ARGS__);      \
	case 256: return spsc<256>::what(__VA_ARGS__);    \
	case 1024: return spsc<1024>::what(__VA_ARGS__);  \
	case 4096: return spsc<4096>::what(__VA_ARGS__);  \
	default: return spsc<65536>::what(__VA_ARGS__);   \
	}

std::uint64_t mem_len(const bench_shape *s)
{
	return s->batch <= batch_max ? 4096 : 0;
}
int create(void *mem, const bench_shape *s)
{
	BY_LEN(create, mem, s)
}
void destroy(void *mem, const bench_shape *s)
{
	BY_LEN(destroy, mem)
}
int open_tx(void *handle, void *mem, const bench_shape *s)
{
	BY_LEN(open, handle, mem, s, 0)
}
int open_rx(void *handle, void *mem, const bench_shape *s)
{
	BY_LEN(open, handle, mem, s, 1)
}
void run(bench_run *r)
{
	const bench_shape *s = &r->shape;

	BY_LEN(run, r)
}

/* --- many producers and consumers ---------------------------------------- */

using mp_queue = boost::lockfree::queue<std::uint64_t,
					boost::lockfree::fixed_sized<true>>;

struct mp_end {
	mp_queue *q;
	void (*idle)(void);
	std::uint64_t word;
};

std::uint64_t mp_mem_len(const bench_shape *s)
{
	return s->msg_len == 8 && s->ring_len / 8 < 65535 ? 4096 : 0;
}
int mp_create(void *mem, const bench_shape *s)
{
	*static_cast<mp_queue **>(mem) = new mp_queue(s->ring_len / 8);
	return 0;
}
void mp_destroy(void *mem, const bench_shape *)
{
	delete *static_cast<mp_queue **>(mem);
}
int mp_open(void *handle, void *mem, const bench_shape *)
{
	static_cast<mp_end *>(handle)->q = *static_cast<mp_queue **>(mem);
	return 0;
}
WORK_INLINE std::uint32_t mp_reserve(void *tx, std::uint32_t, void **slots)
{
	*slots = &static_cast<mp_end *>(tx)->word;
	return 1;
}
WORK_INLINE void mp_commit(void *tx, std::uint32_t)
{
	auto *e = static_cast<mp_end *>(tx);

	while (!e->q->bounded_push(e->word))
		work_idle(e->idle);
}
WORK_INLINE std::uint32_t mp_peek(void *rx, std::uint32_t, const void **slots)
{
	auto *e = static_cast<mp_end *>(rx);

	*slots = &e->word;
	return e->q->pop(e->word);
}
WORK_INLINE void mp_release(void *, std::uint32_t)
{
}
constexpr bench_ops mp_ops = { mp_reserve, mp_commit, mp_peek, mp_release,
			       nullptr };
LOOPS_RUN(mp_words, mp_ops, mp_end, mp_end, LOOPS_ONE_WORD)

void mp_run(bench_run *r)
{
	static_cast<mp_end *>(r->tx)->idle = r->idle;
	mp_words(r);
}

} // namespace

extern "C" const bench_queue bench_boost_sp = {
	"boost spsc_queue", 0,	     BENCH_STREAM | BENCH_RTT,
	mem_len,	    create, destroy,
	open_tx,	    open_rx, run,
};
extern "C" const bench_queue bench_boost_mp = {
	"boost queue", 0,	 BENCH_MP | BENCH_PAIRS | BENCH_CROWD,
	mp_mem_len,    mp_create, mp_destroy,
	mp_open,       mp_open,	 mp_run,
};
