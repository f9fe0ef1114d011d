/* SPDX-License-Identifier: MIT */
/*
 * Does a ring of many consumers get over one that died between claiming a
 * cell and giving it back?
 *
 * The other half of mpmc.pml, by the same rule: settle_rx() of
 * shm/mpmc_stall.c. A consumer writes the ticket into its seat's intent word,
 * claims it by CAS on head (a full fence), reads the cell, gives it back and
 * clears the intent; a failed CAS clears it too [MPMC-INTENT]. A producer at
 * a cell that is claimed and not given back takes it back, by CAS on its
 * sequence, when no intent of a consumer that may be alive names the ticket:
 * the message is reported lost with its reader. GONE means that the dead
 * peer's last store is in memory.
 *
 * holds
 * fails assert -DMUT_INTENT_AFTER_CLAIM
 * fails assert -DMUT_NO_GONE_CHECK
 * fails assert -DMUT_DEAD_NAMES
 * fails assert -DMUT_CLEAR_FIRST
 * fails deadlock -DMUT_NOBODY_LOOKS
 */
#define PUSHES 4 /* of one producer: two at a cell differ by a CAS only */
#define CELLS  2

#define TAIL	  0
#define HEAD	  1
#define SEQ(t)	  (2 + (t) % CELLS)
#define DATA(t)	  (4 + (t) % CELLS)
#define INTENT(c) (6 + (c))
#define WORDS	  8
#define CPUS	  2 /* the consumers; 0 may die. Producers need no buffer: */
#define BUFFER	  3 /* what they load depends on none of their stores. */
#include "lib/tso.pml"

#define NONE 255
bool killed, gone, done;
/* For the claim only. */
byte owner[PUSHES], out[PUSHES];

#ifdef MUT_NO_GONE_CHECK
#define DEAD(t) true
#elif defined(MUT_DEAD_NAMES)
#define DEAD(t) (gone && mem[INTENT(0)] == t)
#elif defined(MUT_NOBODY_LOOKS)
#define DEAD(t) false
#else
#define DEAD(t) (mem[INTENT(1)] != t && (gone || mem[INTENT(0)] != t))
#endif
#ifdef MUT_INTENT_AFTER_CLAIM
#define BEFORE false
#define AFTER true
#else
#define BEFORE true
#define AFTER false
#endif
#ifdef MUT_CLEAR_FIRST
#define EARLY true
#else
#define EARLY false
#endif

inline intend(when, what)
{
	WHEN(when, STORE(me, INTENT(me), what))
}

inline give_back()
{
	atomic { assert(mem[DATA(h)] == h + 1); out[h]++ };
	intend(EARLY, NONE);
	STORE(me, SEQ(h), h + CELLS);
	intend(true, NONE)
}

#define OVER (done && mem[TAIL] == h && mem[HEAD] == h)

inline pop_all()
{
	do
	:: true ->
		h = mem[HEAD];
		LOAD(me, SEQ(h), s);
		if
		:: s == h + 1 ->
			intend(BEFORE, h);
			atomic {
				CAS(me, HEAD, h, h + 1, won);
				WHEN(won, owner[h] = me)
			};
			intend(AFTER, h);
			if
			:: won -> give_back()
			:: else -> intend(true, NONE)
			fi
		:: else -> /* empty, or the look at head is old */
			OVER || mem[HEAD] != h || mem[SEQ(h)] != s
		fi;
		if
		:: OVER -> break
		:: else -> atomic { won = false; h = 0; s = 0 }
		fi
	od
}

proctype consumer(byte me)
{
	byte h, s;
	bool won;

	pop_all()
}

proctype victim(byte me)
{
	byte h, s;
	bool won;

	{ pop_all() } unless { killed }
}

/* A producer's CAS, see above. */
inline cas(word, old, new)
{
	d_step {
		won = (mem[word] == old);
		WHEN(won, mem[word] = new)
	}
}

/* One look at each intent; no two of the loads are one step. */
inline take_back(h)
{
	mem[SEQ(t)] != s || DEAD(h);
#if defined(MUT_NO_GONE_CHECK) || defined(MUT_DEAD_NAMES)
	won = DEAD(h);
#else
	won = gone;
	won = won || mem[INTENT(0)] != h;
	won = won && mem[INTENT(1)] != h;
#endif
	atomic {
		WHEN(won, cas(SEQ(t), s, t));
		/* It may have used the message before it died. */
		WHEN(won, assert(owner[h] == 0); out[h] = 1; won = false)
	}
}

proctype producer()
{
	byte t, s, nr;
	bool won;

	do
	:: nr < PUSHES && !won ->
		t = mem[TAIL];
		s = mem[SEQ(t)];
		if
		:: s == t -> cas(TAIL, t, t + 1)
		:: s == t + 1 - CELLS && mem[HEAD] > t - CELLS ->
			take_back(t - CELLS)
		:: else -> mem[TAIL] != t || mem[SEQ(t)] != s ||
			(s == t + 1 - CELLS && mem[HEAD] > t - CELLS)
		fi
	:: won ->
		mem[DATA(t)] = t + 1;
		mem[SEQ(t)] = t + 1;
		atomic { won = false; nr++; t = 0; s = 0 }
	:: else -> break
	od;
	done = true
}

proctype server()
{
	if
	:: true /* it lives */
	:: killed = true; atomic { store_nr[0] == 0 -> gone = true }
	fi
}

init
{
	byte i;

	atomic {
		mem[SEQ(1)] = 1;
		mem[INTENT(0)] = NONE;
		mem[INTENT(1)] = NONE;
		run drain(0);
		run drain(1);
		run victim(0);
		run consumer(1);
		run producer();
		run server()
	};
	_nr_pr == 1 + CPUS; /* all but us and the drains have ended */
	for (i : 0 .. mem[HEAD] - 1) {
		/* The dead reader's last may still be in its cell. */
		assert(out[i] == 1 || owner[i] == 0)
	}
}
