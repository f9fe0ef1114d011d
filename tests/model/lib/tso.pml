/* SPDX-License-Identifier: MIT */
/*
 * What does x86 memory do between a store and its being seen?
 *
 * Spin's own memory is one order for all. Here each processor has a small
 * first-in first-out buffer of stores (x86-TSO): a store goes into it, drain
 * moves the oldest one to memory at any moment, a load takes the newest entry
 * of the own buffer, else memory. A full fence waits until the own buffer is
 * empty, and so does a locked operation. A release store is a plain store.
 *
 * A model defines CPUS, WORDS and BUFFER before it includes this file, and
 * runs drain once.
 */
byte mem[WORDS];
byte store_nr[CPUS];
byte store_at[CPUS * BUFFER];
byte store_val[CPUS * BUFFER];
hidden byte scan;

#define WHEN(condition, what) if :: condition -> what :: else fi

inline STORE(cpu, word, value)
{
	d_step {
		store_nr[cpu] < BUFFER;
		store_at[cpu * BUFFER + store_nr[cpu]] = word;
		store_val[cpu * BUFFER + store_nr[cpu]] = value;
		store_nr[cpu]++
	}
}

inline LOAD(cpu, word, to)
{
	d_step {
		to = mem[word];
		scan = 0;
		do
		:: scan < store_nr[cpu] ->
			WHEN(store_at[cpu * BUFFER + scan] == word,
				to = store_val[cpu * BUFFER + scan]);
			scan++
		:: else -> break
		od
	}
}

inline FENCE(cpu)
{
	store_nr[cpu] == 0
}

/* cas_strong(): a locked operation. */
inline CAS(cpu, word, old, new, won)
{
	d_step {
		store_nr[cpu] == 0;
		won = (mem[word] == old);
		WHEN(won, mem[word] = new)
	}
}

/* Entry nr of the buffer reaches memory; the ones behind it move up. */
inline LEAVE(cpu, nr)
{
	mem[store_at[cpu * BUFFER + nr]] = store_val[cpu * BUFFER + nr];
	store_nr[cpu]--;
	scan = nr;
	do
	:: scan < store_nr[cpu] ->
		store_at[cpu * BUFFER + scan] = store_at[cpu * BUFFER + scan + 1];
		store_val[cpu * BUFFER + scan] = store_val[cpu * BUFFER + scan + 1];
		scan++
	:: else -> break
	od;
	/* An entry not in use looks the same in all states. */
	store_at[cpu * BUFFER + store_nr[cpu]] = 0;
	store_val[cpu * BUFFER + store_nr[cpu]] = 0
}

proctype drain(byte cpu)
{
end:	do
	:: d_step { store_nr[cpu] > 0 -> LEAVE(cpu, 0) }
	od
}
