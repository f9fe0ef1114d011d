/* SPDX-License-Identifier: MIT */
/*
 * Does the consumer read only whole messages of the right lap, and does the
 * producer write only slots that were read?
 *
 * Stands for spsc_reserve, spsc_commit, spsc_peek, spsc_release and the two
 * refreshes of shm/spsc.h and .c: private indices, the peer's index loaded
 * when the last copy is used up, head published in steps of CREDIT and when
 * the ring is empty, indices that wrap. Bells: bell.pml.
 *
 * The memory is weaker than x86: stores to different words leave the buffer
 * in any order, but a release store after all before it; a read of a slot
 * happens any time later, but before a release store that follows it. -DTSO
 * is x86: stores leave in order, a read happens at once. A slot holds the
 * index that was written there, so a read that finds another was too early,
 * too late or of another lap.
 *
 * holds
 * holds -DTSO -DMUT_NO_DATA_RELEASE -DMUT_NO_FREE_RELEASE
 * fails assert -DMUT_NO_DATA_RELEASE
 * fails assert -DMUT_NO_DATA_ACQUIRE
 * fails assert -DMUT_NO_FREE_RELEASE
 * fails assert -DMUT_ONE_TOO_MANY
 * fails assert -DTSO -DMUT_ONE_TOO_MANY
 */
#define MESSAGES 10
#define START	 250 /* the byte that is an index here wraps on the way */
#define SLOTS	 4
#define CREDIT	 3

#define TAIL	  0
#define HEAD	  1
#define SLOT(idx) (2 + (idx) % SLOTS)
#define WORDS	  6
#define CPUS	  2
#define BUFFER	  4
#include "lib/tso.pml"

#define P 0
#define C 1
#define DIST(to, from) ((to - from) & 255)

/* May entry nr leave before those in front of it? Not a release store, which
 * here are those to TAIL and HEAD, and not before an older one to its word. */
#define AT(cpu, nr) store_at[cpu * BUFFER + nr]
#ifdef MUT_NO_DATA_RELEASE
#define FREE_TAIL true
#else
#define FREE_TAIL AT(cpu, nr) != TAIL
#endif
#ifdef MUT_NO_FREE_RELEASE
#define READS_DONE true
#else
#define READS_DONE read == head
#endif
#ifdef MUT_ONE_TOO_MANY
#define ROOM (SLOTS + 1)
#else
#define ROOM SLOTS
#endif

inline overtake(cpu, nr)
{
	d_step {
		store_nr[cpu] > nr && FREE_TAIL &&
			AT(cpu, nr) != AT(cpu, 0) &&
			(nr < 2 || AT(cpu, nr) != AT(cpu, 1)) &&
			(nr < 3 || AT(cpu, nr) != AT(cpu, 2));
		LEAVE(cpu, nr)
	}
}

proctype drain_any_order(byte cpu)
{
end:	do
	:: overtake(cpu, 1)
	:: overtake(cpu, 2)
	:: overtake(cpu, 3)
	od
}

proctype producer()
{
	byte tail = START, head = START;

	do
	:: DIST(tail, START) < MESSAGES ->
		do
		:: DIST(tail, head) >= ROOM ->
			mem[HEAD] != head; /* polls */
			LOAD(P, HEAD, head) /* [SPSC-FREE] acquire */
		:: else -> break
		od;
		STORE(P, SLOT(tail), tail);
		tail++;
		STORE(P, TAIL, tail) /* [SPSC-DATA] release */
	:: else -> break
	od
}

/* Reads issued and not yet done are [read, head). */
byte head = START, read = START;

inline read_slot()
{
	assert(mem[SLOT(read)] == read);
	read++
}

#ifndef TSO
proctype late_reads()
{
end:	do
	:: d_step { read != head -> read_slot() }
	od
}
#endif

inline publish() /* [SPSC-FREE] release */
{
	READS_DONE;
	published = head;
	STORE(C, HEAD, head)
}

proctype consumer()
{
	byte tail = START, published = START, early;
	bool ahead;

	do
	:: DIST(head, START) < MESSAGES ->
#ifdef MUT_NO_DATA_ACQUIRE
		if
		:: d_step { read == head && tail == head ->
			early = mem[SLOT(head)]; ahead = true }
		:: true
		fi;
#endif
		do
		:: tail == head ->
			LOAD(C, TAIL, tail); /* [SPSC-DATA] acquire */
			WHEN(tail == head && published != head, publish());
			WHEN(tail == head, mem[TAIL] != tail) /* polls */
		:: else -> break
		od;
		skip;
		d_step {
			WHEN(ahead, assert(early == head); read++; ahead = false);
			head++;
#ifdef TSO
			read_slot()
#endif
		};
		WHEN(DIST(head, published) == CREDIT, publish())
	:: else -> break
	od;
	/* Nothing was invented behind the last. */
	assert(tail == head)
}

init
{
	d_step {
		mem[TAIL] = START;
		mem[HEAD] = START;
		for (scan : 1 .. SLOTS) {
			mem[SLOT(START - scan)] = START - scan
		}
	}
	atomic {
		run drain(P);
		run drain(C);
#ifndef TSO
		run drain_any_order(P);
		run late_reads();
#endif
		run producer();
		run consumer()
	}
}
