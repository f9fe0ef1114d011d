/* SPDX-License-Identifier: MIT */
/*
 * Does a ring of many producers get over one that died between claiming a
 * cell and publishing it, with no message lost in silence?
 *
 * Stands for mpmc_claim() and mpmc_finish() of shm/mpmc.h, covered() and
 * settle_tx() of shm/mpmc_stall.c: cells with a sequence number, tickets by
 * CAS on tail and head. A producer writes the ticket into its seat's intent
 * word, claims it (the CAS is a full fence), fills the cell, publishes it and
 * clears the intent; a failed CAS clears it too [MPMC-INTENT]. A consumer at
 * a cell that is claimed and not published marks it lost, by CAS on its
 * sequence, when no intent of a peer that may be alive names the ticket.
 *
 * Producer 0 may die anywhere. The server says GONE when its last store is
 * in memory: the kernel ends the threads before it closes their socket.
 * -DMUT_GONE_TOO_EARLY is a server that gives a living peer up.
 *
 * holds
 * holds -DPUSHES=1 -DCONSUMERS=2
 * fails assert -DMUT_INTENT_AFTER_CLAIM
 * fails assert -DMUT_NO_GONE_CHECK
 * fails assert -DMUT_DEAD_NAMES
 * fails deadlock -DMUT_DEAD_NAMES -DMUT_INTENT_AFTER_CLAIM
 * fails deadlock -DMUT_KEEP_INTENT
 * fails deadlock -DMUT_NOBODY_LOOKS
 * fails deadlock -DMUT_GONE_TOO_EARLY
 */
#ifndef PUSHES
#define PUSHES	  2 /* of each producer */
#define CONSUMERS 1
#endif
#define CELLS 2

#define TAIL	  0
#define HEAD	  1
#define SEQ(t)	  (2 + (t) % CELLS)
#define DATA(t)	  (4 + (t) % CELLS)
#define INTENT(p) (6 + (p))
#define WORDS	  8
#define CPUS	  2 /* the producers */
#define BUFFER	  3
#include "lib/tso.pml"

#define NONE 255
#define LOST 64 /* added to the sequence of a published cell */
bool killed, gone, done[2]; /* gone: the server's word about producer 0 */
/* For the claim only. */
byte owner[2 * PUSHES], out[2 * PUSHES];
bool published[2 * PUSHES];

#ifdef MUT_NO_GONE_CHECK
#define DEAD(t) true
#elif defined(MUT_DEAD_NAMES)
#define DEAD(t) (gone && mem[INTENT(0)] == t)
#elif defined(MUT_NOBODY_LOOKS)
#define DEAD(t) false
#else
#define DEAD(t) (mem[INTENT(1)] != t && (gone || mem[INTENT(0)] != t))
#endif

/* When is the intent written? */
#ifdef MUT_INTENT_AFTER_CLAIM
#define BEFORE false
#define AFTER true
#else
#define BEFORE true
#define AFTER false
#endif
#ifdef MUT_KEEP_INTENT
#define LOSER false
#else
#define LOSER true
#endif

inline intend(when, what)
{
	WHEN(when, STORE(me, INTENT(me), what))
}

inline claim()
{
	atomic {
		CAS(me, TAIL, t, t + 1, won);
		WHEN(won, owner[t] = me)
	}
}

/* Producer 1 may let it be when its CAS failed, and stay alive. */
inline push()
{
	do
	:: !won ->
		LOAD(me, TAIL, t);
		LOAD(me, SEQ(t), s);
		if
		:: s == t ->
			intend(BEFORE, t);
			claim();
			intend(AFTER, t);
			WHEN(!won, intend(LOSER, NONE); if :: true :: me == 1 -> break fi)
		:: else -> /* full, or the look at tail is old */
			mem[TAIL] != t || mem[SEQ(t)] != s
		fi
	:: else -> break
	od;
	if
	:: won ->
		STORE(me, DATA(t), t + 1);
		atomic { STORE(me, SEQ(t), t + 1); published[t] = true };
		STORE(me, INTENT(me), NONE)
	:: else
	fi;
	atomic { won = false; t = 0; s = 0 }
}

inline push_all()
{
	do
	:: nr < PUSHES -> push(); nr++
	:: else -> break
	od;
	done[me] = true
}

proctype producer(byte me)
{
	byte t, s, nr;
	bool won;

	push_all()
}

proctype victim(byte me)
{
	byte t, s, nr;
	bool won;

	{ push_all() } unless { killed }
}

proctype server()
{
	if
	:: true /* it lives */
	:: atomic {
		!done[0];
#ifndef MUT_GONE_TOO_EARLY
		killed = true
#endif
	   };
#ifndef MUT_GONE_TOO_EARLY
	   store_nr[0] == 0;
#endif
	   gone = true
	fi
}

/* A consumer's CAS. Its one store, which gives the cell back, goes straight to
 * memory: nothing that it loads before its next CAS depends on it. */
inline cas(word, old, new)
{
	d_step {
		won = (mem[word] == old);
		WHEN(won, mem[word] = new)
	}
}

/* One look at each intent; no two of the loads are one step. */
inline reap()
{
#if defined(MUT_NO_GONE_CHECK) || defined(MUT_DEAD_NAMES)
	won = DEAD(h);
#else
	won = gone;
	won = won || mem[INTENT(0)] != h;
	won = won && mem[INTENT(1)] != h;
#endif
	WHEN(won, cas(SEQ(h), h, LOST + h + 1))
}

inline take()
{
	cas(HEAD, h, h + 1);
	if
	:: won && s == h + 1 ->
		atomic { assert(mem[DATA(h)] == h + 1); out[h]++ };
		mem[SEQ(h)] = h + CELLS
	:: won && s != h + 1 ->
		atomic {
			assert(owner[h] == 0 && !published[h]);
			out[h]++
		};
		mem[SEQ(h)] = h + CELLS
	:: else
	fi
}

#define OVER (done[1] && (done[0] || killed && gone) && mem[TAIL] == h)

inline idle()
{
	if
	:: t == h -> /* empty */
		if
		:: OVER && mem[HEAD] == h -> break
		:: mem[TAIL] != h || mem[HEAD] != h
		fi
	:: else -> /* claimed, not published */
		mem[SEQ(h)] != h || DEAD(h);
		reap()
	fi
}

proctype consumer()
{
	byte h, s, t;
	bool won;

	do
	:: true ->
		h = mem[HEAD];
		s = mem[SEQ(h)];
		if
		:: s == h + 1 || s == LOST + h + 1 -> take()
		:: s == h -> t = mem[TAIL]; idle()
		:: else -> /* the look at head is old */
			mem[HEAD] != h || mem[SEQ(h)] != s
		fi;
		atomic { won = false; h = 0; s = 0; t = 0 }
	od
}

init
{
	byte t;

	atomic {
		mem[SEQ(1)] = 1;
		mem[INTENT(0)] = NONE;
		mem[INTENT(1)] = NONE;
		run drain(0);
		run drain(1);
		run victim(0);
		run producer(1);
		run server();
		for (t : 1 .. CONSUMERS) { run consumer() };
		t = 0
	};
	_nr_pr == 1 + CPUS; /* all but us and the drains have ended */
	for (t : 0 .. mem[TAIL] - 1) { assert(out[t] == 1) }
}
