/* SPDX-License-Identifier: MIT */
/*
 * Has an end of a channel one owner at a time, and is it taken from nobody
 * who may be alive?
 *
 * Stands for shm/owner.h: take, holds, release, and the peer table that only
 * the server writes. Peer 0 has the end (handle 0). It is declared gone and
 * is not: it goes on as a zombie, asks owner_holds() now and then, and gives
 * the end up when it likes. Peers 1 and 2 race for the end, twice each; peer
 * 1 may be declared gone too. Handle 3 is another with peer id 0: a second
 * thread of the zombie, or somebody to whom a careless server gave the id
 * again. All changes of the word are locked operations, so there is no store
 * buffer here; the server's words may come late, which is no other order.
 *
 * holds
 * fails assert -DMUT_NO_GONE_CHECK
 * fails assert -DMUT_NO_EPOCH
 * fails assert -DMUT_TAKE_BY_STORE
 * fails assert -DMUT_RELEASE_BY_STORE
 */
#define HANDLES 4
#define NOBODY	0

byte word; /* epoch * 4 + id + 1 */
bool gone[3];
bool back; /* id 0 is given again */
/* For the claim: does the end belong to this handle, was it given up? */
bool valid[HANDLES], dead[HANDLES];
byte id_of[HANDLES];

#ifdef MUT_NO_EPOCH
#define WORD(seen, id) (id + 1)
#else
#define WORD(seen, id) ((seen / 4 + 1) * 4 + id + 1)
#endif
#ifdef MUT_NO_GONE_CHECK
#define MAY_LIVE(holder) false
#else
#define MAY_LIVE(holder) !gone[holder - 1]
#endif
#ifdef MUT_TAKE_BY_STORE
#define UNCHANGED true
#else
#define UNCHANGED word == seen
#endif
#ifdef MUT_RELEASE_BY_STORE
#define STILL_MINE true
#else
#define STILL_MINE word == mine
#endif

/* The word changed hands: who had it must be gone, and has it no longer. */
inline hand_over(from, to)
{
	for (i : 0 .. HANDLES - 1) {
		if
		:: valid[i] && i != from ->
			assert(dead[i]);
			valid[i] = false
		:: else
		fi
	};
	valid[from] = to;
	i = 0
}

inline take()
{
	seen = word;
	do
	:: seen % 4 != NOBODY && MAY_LIVE(seen % 4) -> break /* EEXIST */
	:: else ->
		if
		:: d_step { UNCHANGED ->
			mine = WORD(seen, id_of[me]);
			word = mine;
			has = true;
			hand_over(me, true) }
			break
		:: d_step { !(UNCHANGED) -> seen = word }
		fi
	od;
	seen = 0
}

/* owner_holds(): a yes is the truth at that moment. */
inline holds()
{
	atomic {
		assert(word != mine || valid[me]);
		has = (word == mine)
	}
}

inline release()
{
	d_step {
		if
		:: STILL_MINE ->
			word = (mine / 4) * 4;
			hand_over(me, false)
		:: else
		fi;
		has = false
	}
}

inline use()
{
	do
	:: has -> holds()
	:: has -> release(); break
	:: !has -> break
	od
}

proctype peer(byte me)
{
	byte mine, seen, nr, i;
	bool has;

	if
	:: me == 0 -> mine = WORD(0, 0); has = true; use()
	:: me == 3 ->
end:		atomic { gone[0] || back; dead[3] = gone[0] }
	:: else
	fi;
	do
	:: me != 0 && nr < 2 -> nr++; take(); use()
	:: else -> break
	od
}

proctype server()
{
	do
	:: atomic { !gone[0] && !back -> gone[0] = true; dead[0] = true }
	:: atomic { !gone[1] -> gone[1] = true; dead[1] = true }
	:: atomic { gone[0] && !back -> back = true; gone[0] = false }
	:: true -> break
	od
}

init
{
	byte i;

	atomic {
		id_of[1] = 1;
		id_of[2] = 2;
		word = WORD(0, 0);
		valid[0] = true;
		for (i : 0 .. HANDLES - 1) { run peer(i) };
		run server()
	}
}
