/* SPDX-License-Identifier: MIT */
/*
 * Does everybody who sleeps on a ring wake up, and for one doorbell each?
 *
 * Stands for shm/bell.h, doze() of shm/wait.c, and in shm/spsc.h and .c
 * commit, flush, refresh, credit and wait, in both directions: the consumer
 * sleeps for data, the producer for space. The doorbell is an eventfd: any
 * number of rings is one event, which stays until somebody waits for it.
 * peer_wait() ends without an event once, when it likes; no more, so that
 * nothing rests on the backstop. A lost wake-up is a state in which nobody
 * can go on.
 *
 * holds
 * holds -DMUT_NO_FLUSH -DBACKSTOP
 * fails deadlock -DMUT_NO_FLUSH
 * fails deadlock -DMUT_NO_ARM_FENCE
 * fails deadlock -DMUT_NO_RING_FENCE
 * fails deadlock -DMUT_NO_LOOK_AGAIN
 * fails deadlock -DMUT_SAME_TICKET
 * fails assert -DMUT_RING_AGAIN
 */
#define MESSAGES 3
#define SLOTS	 2
#define CREDIT	 2 /* publish head after so many: the coarsest there is */

/* Words of the ring; each has one writer. The bells are their `armed`. */
#define TAIL	   0
#define HEAD	   1
#define DATA_BELL  2
#define SPACE_BELL 3
#define WORDS	   4
#define CPUS	   2
#define BUFFER	   3
#include "lib/tso.pml"

#define P 0
#define C 1
bool event[CPUS], early[CPUS];
byte arms[CPUS], rings[CPUS]; /* for the claim only */

#ifdef MUT_SAME_TICKET
#define NEXT(ticket) 1
#else
#define NEXT(ticket) (ticket + 1)
#endif
#ifdef MUT_RING_AGAIN
#define ASLEEP armed != 0
#else
#define ASLEEP armed != 0 && armed != rung
#endif
#ifdef MUT_NO_LOOK_AGAIN
#define LOOK_AGAIN(look) skip
#else
#define LOOK_AGAIN(look) look
#endif
#ifdef MUT_NO_FLUSH
#define MAY_GO_ON true
#else
#define MAY_GO_ON tail < MESSAGES
#endif

inline ring(me, other, bell) /* bell_ring() */
{
#ifndef MUT_NO_RING_FENCE
	FENCE(me); /* [BELL-CHECK] */
#endif
	LOAD(me, bell, armed);
	if
	:: ASLEEP -> atomic {
		rung = armed;
		event[other] = true;
		rings[other]++;
		assert(rings[other] <= arms[other]);
		armed = 0 }
	:: else -> armed = 0
	fi
}

inline arm(me, bell) /* bell_arm() */
{
	atomic { ticket = NEXT(ticket); arms[me]++ };
	STORE(me, bell, ticket);
#ifndef MUT_NO_ARM_FENCE
	FENCE(me) /* [BELL-ARM] */
#endif
}

inline sleep(me) /* peer_wait() */
{
	if
	:: atomic { event[me] -> event[me] = false }
	:: atomic { !early[me] -> early[me] = true }
#ifdef BACKSTOP
	:: timeout
#endif
	fi
}

inline refresh_tx()
{
	LOAD(P, HEAD, head)
}

inline publish_head()
{
	published = head;
	STORE(C, HEAD, head);
	ring(C, P, SPACE_BELL)
}

inline refresh_rx() /* an empty ring gives all credit back */
{
	LOAD(C, TAIL, tail);
	WHEN(tail == head && published != head, publish_head())
}

proctype producer()
{
	byte tail, head, ticket, rung, armed;

	do
	:: tail < MESSAGES ->
		/* spsc_reserve(), and spsc_wait_space() while there is none */
		WHEN(tail - head == SLOTS, refresh_tx());
		WHEN(tail - head == SLOTS, ring(P, C, DATA_BELL));
		do
		:: tail - head == SLOTS ->
			arm(P, SPACE_BELL);
			LOOK_AGAIN(refresh_tx());
			WHEN(tail - head == SLOTS, sleep(P); refresh_tx());
			STORE(P, SPACE_BELL, 0)
		:: else -> break
		od;
		/* spsc_commit(), with its look that has no fence */
		tail++;
		STORE(P, TAIL, tail);
		LOAD(P, DATA_BELL, armed);
		if
		:: armed != 0 && armed != rung -> ring(P, C, DATA_BELL)
		:: else -> armed = 0
		fi;
		/* spsc_flush() after any message, at the latest the last */
		if
		:: MAY_GO_ON
		:: ring(P, C, DATA_BELL)
		fi
	:: else -> break
	od
}

proctype consumer()
{
	byte head, published, tail, ticket, rung, armed;

	do
	:: head < MESSAGES ->
		refresh_rx();
		do
		:: tail == head ->
			arm(C, DATA_BELL);
			LOOK_AGAIN(refresh_rx());
			WHEN(tail == head, sleep(C); refresh_rx());
			STORE(C, DATA_BELL, 0)
		:: else -> break
		od;
		/* spsc_release(), one by one */
		do
		:: head != tail ->
			head++;
			WHEN(head - published == CREDIT, publish_head())
		:: else -> break
		od
	:: else -> break
	od
}

init
{
	atomic { run drain(P); run drain(C); run producer(); run consumer() }
}
