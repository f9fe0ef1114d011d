/* SPDX-License-Identifier: MIT */
/*
 * Is every committed message delivered once when an end's owner dies and
 * another peer goes on in its place?
 *
 * The ring is that of publish.pml, too large to be full; who takes an end
 * over is settled by owner.pml. Producer 0 and consumer 2 may each die
 * anywhere; 1 and 3 take over from what shared memory tells: tail_idx, and
 * for the consumer done_idx, its exact count beside the head_idx that it
 * publishes in steps. A message is committed by the store of tail_idx, and
 * delivered by the store of done_idx; both are the peer's last word even if
 * it dies with the store in its buffer.
 *
 * The server says GONE when the dead peer's last store is in memory: the
 * kernel ends the threads before it closes their socket. What becomes of a
 * peer that is given up alive shows -DMUT_GONE_TOO_EARLY, though each end
 * asks owner_holds() before every message: docs/models.md.
 *
 * holds
 * fails assert -DMUT_TAIL_BEFORE_TAKING
 * fails assert -DMUT_HEAD_ONLY
 * fails assert -DMUT_GONE_TOO_EARLY
 */
#define EACH   2 /* messages of each producer */
#define CREDIT 2

#define TAIL	  0
#define HEAD	  1
#define DONE	  2
#define SLOT(idx) (3 + (idx))
#define WORDS	  7
#define CPUS	  4
#define BUFFER	  4
#include "lib/tso.pml"

bool killed[CPUS], gone[CPUS], done[CPUS];
byte owner[2] = { 0, 2 }; /* of the producer's end, of the consumer's */
/* For the claim: what was committed, how often was it delivered? */
byte said[2 * EACH], delivered[2 * EACH];

#define MESSAGE(me, idx) ((me + 1) * 16 + idx)

inline produce()
{
	do
	:: nr < EACH && owner[0] == me ->
		nr++;
		STORE(me, SLOT(tail), MESSAGE(me, tail));
		atomic {
			STORE(me, TAIL, tail + 1);
			assert(tail < 2 * EACH && said[tail] == 0);
			said[tail] = MESSAGE(me, tail);
			tail++
		}
	:: else -> break
	od;
	done[me] = true
}

proctype producer(byte me)
{
	byte tail, nr;

	produce() unless { killed[me] }
}

proctype next_producer(byte me)
{
	byte tail, nr;

#ifdef MUT_TAIL_BEFORE_TAKING
	LOAD(me, TAIL, tail);
#endif
end:	gone[0];
	owner[0] = me;
#ifndef MUT_TAIL_BEFORE_TAKING
	LOAD(me, TAIL, tail);
#endif
	produce()
}

/* Nothing can come any more. */
#define OVER ((gone[0] -> done[1] && store_nr[1] == 0 : \
	done[0] && store_nr[0] == 0) && mem[TAIL] == head)

inline consume()
{
	do
	:: owner[1] == me ->
		LOAD(me, TAIL, tail);
		if
		:: head != tail ->
			LOAD(me, SLOT(head), message);
			atomic {
				STORE(me, DONE, head + 1);
				assert(message == said[head]);
				assert(delivered[head] == 0);
				delivered[head]++;
				head++;
				message = 0
			};
			WHEN(head - published == CREDIT,
				STORE(me, HEAD, head); published = head)
		:: else ->
			if
			:: OVER -> break
			:: mem[TAIL] != head
			:: owner[1] != me
			fi
		fi
	:: else -> break
	od;
	done[me] = true
}

proctype consumer(byte me)
{
	byte head, published, tail, message;

	consume() unless { killed[me] }
}

proctype next_consumer(byte me)
{
	byte head, published, tail, message;

end:	gone[2];
	owner[1] = me;
#ifdef MUT_HEAD_ONLY
	LOAD(me, HEAD, head);
#else
	LOAD(me, DONE, head);
#endif
	LOAD(me, HEAD, published);
	consume()
}

proctype server(byte who)
{
	if
	:: true /* it lives */
	:: atomic {
		!done[who];
#ifdef MUT_GONE_TOO_EARLY
		gone[who] = true
#else
		killed[who] = true
#endif
	   };
	   atomic { store_nr[who] == 0 -> gone[who] = true }
	fi
}

init
{
	byte i;

	atomic {
		run drain(0); run drain(1); run drain(2); run drain(3);
		run producer(0);
		run next_producer(1);
		run consumer(2);
		run next_consumer(3);
		run server(0);
		run server(2)
	};
	(gone[0] -> done[1] : done[0]) && (gone[2] -> done[3] : done[2]);
	for (i : 0 .. mem[TAIL] - 1) { assert(delivered[i] == 1) }
}
