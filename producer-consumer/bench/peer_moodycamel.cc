/* SPDX-License-Identifier: MIT */
/*
 * peer_moodycamel.cc - how does the harness drive moodycamel's queues?
 *
 * ReaderWriterQueue writes in place (try_emplace, a constructor fills the
 * element) and reads in place (peek, pop). ConcurrentQueue is used with
 * tokens, and with its bulk calls where a batch is asked for.
 */
#include <atomic>
#include <concurrentqueue/concurrentqueue.h>
#include <readerwriterqueue/readerwriterqueue.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"

namespace {

/* Whoever constructs it from a word has written all of it. On lines of its
 * own from 56 bytes on. */
template <std::uint32_t len> struct alignas(len >= 56 ? 64 : 8) element {
	std::uint64_t words[len / 8];

	element() = default;
	explicit element(std::uint64_t word)
	{
		work_fill(words, len, word);
	}
};

template <std::uint32_t len> struct spsc {
	using message = element<len>;
	using queue = moodycamel::ReaderWriterQueue<message>;

	/* The scratch is for round trips only. */
	struct end {
		queue *q;
		message *scratch;
	};
	struct shared {
		queue *q;
		message *scratch[2];
	};

	static int create(void *mem, const bench_shape *s)
	{
		auto *sh = static_cast<shared *>(mem);

		/* It has room for one more, in powers of two. */
		sh->q = new queue(s->ring_len / sizeof(message) - 1);
		sh->scratch[0] = new message();
		sh->scratch[1] = new message();
		return 0;
	}
	static void destroy(void *mem)
	{
		auto *sh = static_cast<shared *>(mem);

		delete sh->q;
		delete sh->scratch[0];
		delete sh->scratch[1];
	}
	static int open(void *handle, void *mem, int which)
	{
		auto *sh = static_cast<shared *>(mem);
		auto *e = static_cast<end *>(handle);

		e->q = sh->q;
		e->scratch = sh->scratch[which];
		return 0;
	}

	WORK_INLINE std::uint32_t reserve(void *tx, std::uint32_t, void **slots)
	{
		*slots = static_cast<end *>(tx)->scratch;
		return 1;
	}
	WORK_INLINE void commit(void *tx, std::uint32_t)
	{
		auto *e = static_cast<end *>(tx);

		while (!e->q->try_enqueue(*e->scratch))
			work_relax();
	}
	WORK_INLINE std::uint32_t peek(void *rx, std::uint32_t, const void **slots)
	{
		*slots = static_cast<end *>(rx)->q->peek();
		return *slots != nullptr;
	}
	WORK_INLINE void release(void *rx, std::uint32_t)
	{
		static_cast<end *>(rx)->q->pop();
	}
	LOOPS_APART void produce(bench_run *r)
	{
		queue *q = static_cast<end *>(r->tx)->q;
		std::uint64_t word = r->word;

		for (std::uint64_t i = 0; i < r->messages; i++) {
			while (!q->try_emplace(word))
				work_relax();
			word += len / 8 * WORK_STEP;
		}
	}
	static constexpr bench_ops ops = { reserve, commit, peek, release,
					   nullptr };
	LOOPS_RUN(run_loops, ops, end, end, LOOPS_BY_SIZE)
	static void run(bench_run *r)
	{
		if (r->role == BENCH_PRODUCE)
			produce(r);
		else
			run_loops(r);
	}
};

#define BY_LEN(what, ...)                                \
	switch (s->msg_len) {                            \
	case 8: return spsc<8>::what(__VA_ARGS__);       \
	case 56: return spsc<56>::what(__VA_ARGS__);     \
	case 64: return spsc<64>::what(__VA_ARGS__);     \
	case 256: return spsc<256>::what(__VA_ARGS__);   \
	case 1024: return spsc<1024>::what(__VA_ARGS__); \
	case 4096: return spsc<4096>::what(__VA_ARGS__); \
	default: return spsc<65536>::what(__VA_ARGS__);  \
	}

std::uint64_t mem_len(const bench_shape *s)
{
	return s->batch == 1 ? 4096 : 0;
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
	BY_LEN(open, handle, mem, 0)
}
int open_rx(void *handle, void *mem, const bench_shape *s)
{
	BY_LEN(open, handle, mem, 1)
}
void run(bench_run *r)
{
	const bench_shape *s = &r->shape;

	BY_LEN(run, r)
}

/* --- many producers and consumers ---------------------------------------- */

constexpr std::uint32_t ends_max = 2; /* of each kind */
constexpr std::uint32_t batch_max = 32;

using mp_queue = moodycamel::ConcurrentQueue<std::uint64_t>;

struct mp_shared {
	mp_queue q;
	moodycamel::ProducerToken *tx[ends_max] = {};
	moodycamel::ConsumerToken *rx[ends_max] = {};
	std::atomic<std::uint32_t> tx_nr{ 0 }, rx_nr{ 0 };

	explicit mp_shared(std::size_t nr) : q(nr, ends_max, ends_max)
	{
		for (std::uint32_t i = 0; i < ends_max; i++) {
			tx[i] = new moodycamel::ProducerToken(q);
			rx[i] = new moodycamel::ConsumerToken(q);
		}
	}
	~mp_shared()
	{
		for (std::uint32_t i = 0; i < ends_max; i++) {
			delete tx[i];
			delete rx[i];
		}
	}
};

struct mp_end {
	mp_queue *q;
	moodycamel::ProducerToken *tx;
	moodycamel::ConsumerToken *rx;
	void (*idle)(void);
	std::uint32_t batch;
	std::uint64_t scratch[batch_max];
};

std::uint64_t mp_mem_len(const bench_shape *s)
{
	return s->msg_len == 8 && s->batch <= batch_max ? 4096 : 0;
}
int mp_create(void *mem, const bench_shape *s)
{
	*static_cast<mp_shared **>(mem) = new mp_shared(s->ring_len / 8);
	return 0;
}
void mp_destroy(void *mem, const bench_shape *)
{
	delete *static_cast<mp_shared **>(mem);
}
int mp_open_tx(void *handle, void *mem, const bench_shape *s)
{
	auto *e = static_cast<mp_end *>(handle);
	auto *sh = *static_cast<mp_shared **>(mem);

	e->q = &sh->q;
	e->tx = sh->tx[sh->tx_nr++ % ends_max];
	e->batch = s->batch;
	return 0;
}
int mp_open_rx(void *handle, void *mem, const bench_shape *s)
{
	auto *e = static_cast<mp_end *>(handle);
	auto *sh = *static_cast<mp_shared **>(mem);

	e->q = &sh->q;
	e->rx = sh->rx[sh->rx_nr++ % ends_max];
	e->batch = s->batch;
	return 0;
}
WORK_INLINE std::uint32_t mp_reserve(void *tx, std::uint32_t want, void **slots)
{
	*slots = static_cast<mp_end *>(tx)->scratch;
	return want;
}
/*
 * Its try calls keep it bounded. But a producer's memory is never another's,
 * so one that finds none although the queue is not full would wait for ever:
 * after some tries it gets memory of its own.
 */
constexpr std::uint32_t tries_max = 256;

template <typename Try, typename Force>
WORK_INLINE void put(const mp_end *e, Try try_it, Force force)
{
	for (std::uint32_t i = 0; i < tries_max; i++) {
		if (try_it())
			return;
		work_idle(e->idle);
	}
	force();
}

WORK_INLINE void mp_commit(void *tx, std::uint32_t nr)
{
	auto *e = static_cast<mp_end *>(tx);

	if (e->batch == 1)
		put(
			e, [e] { return e->q->try_enqueue(*e->tx, e->scratch[0]); },
			[e] { e->q->enqueue(*e->tx, e->scratch[0]); });
	else
		put(
			e,
			[e, nr] {
				return e->q->try_enqueue_bulk(*e->tx,
							      e->scratch, nr);
			},
			[e, nr] {
				e->q->enqueue_bulk(*e->tx, e->scratch, nr);
			});
}
WORK_INLINE std::uint32_t mp_peek(void *rx, std::uint32_t want, const void **slots)
{
	auto *e = static_cast<mp_end *>(rx);

	*slots = e->scratch;
	if (e->batch == 1)
		return e->q->try_dequeue(*e->rx, e->scratch[0]);
	return e->q->try_dequeue_bulk(*e->rx, e->scratch, want);
}
WORK_INLINE void mp_release(void *, std::uint32_t)
{
}
constexpr bench_ops mp_ops = { mp_reserve, mp_commit, mp_peek, mp_release, nullptr };
LOOPS_RUN(mp_words, mp_ops, mp_end, mp_end, LOOPS_WORDS)

void mp_run(bench_run *r)
{
	static_cast<mp_end *>(r->tx)->idle = r->idle;
	mp_words(r);
}

/*
 * Pairs: with tokens each thread would read its own messages back and nothing
 * would go from core to core, which is what the others are measured at.
 */
WORK_INLINE void free_commit(void *tx, std::uint32_t nr)
{
	auto *e = static_cast<mp_end *>(tx);

	put(
		e,
		[e, nr] { return e->q->try_enqueue_bulk(e->scratch, nr); },
		[e, nr] { e->q->enqueue_bulk(e->scratch, nr); });
}
WORK_INLINE std::uint32_t free_peek(void *rx, std::uint32_t want, const void **slots)
{
	auto *e = static_cast<mp_end *>(rx);

	*slots = e->scratch;
	return e->q->try_dequeue_bulk(e->scratch, want);
}
constexpr bench_ops free_ops = { mp_reserve, free_commit, free_peek, mp_release, nullptr };
LOOPS_RUN(free_words, free_ops, mp_end, mp_end, LOOPS_WORDS)

void free_run(bench_run *r)
{
	static_cast<mp_end *>(r->tx)->idle = r->idle;
	free_words(r);
}

} // namespace

extern "C" const bench_queue bench_moodycamel_sp = {
	"moodycamel ReaderWriterQueue",
	0,
	BENCH_STREAM | BENCH_RTT,
	mem_len,
	create,
	destroy,
	open_tx,
	open_rx,
	run,
};
extern "C" const bench_queue bench_moodycamel_mp = {
	"moodycamel ConcurrentQueue",
	0,
	BENCH_MP | BENCH_CROWD,
	mp_mem_len,
	mp_create,
	mp_destroy,
	mp_open_tx,
	mp_open_rx,
	mp_run,
};
extern "C" const bench_queue bench_moodycamel_free = {
	"moodycamel ConcurrentQueue, no tokens",
	0,
	BENCH_PAIRS,
	mp_mem_len,
	mp_create,
	mp_destroy,
	mp_open_tx,
	mp_open_rx,
	free_run,
};
