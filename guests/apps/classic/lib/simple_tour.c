/* SPDX-License-Identifier: MIT */
/*
 * simple_tour.c - every port of simple-kvm, in 32 and in 64 bit. The bytes of
 * this file and the rest of an image end before SIMPLE_RESULT_GPA.
 */
#include "guests/apps/classic/lib/simple.h"

#include <stdint.h>

#include "guests/runtime/ports.h"

#define NOT_MAPPED 0xffffffffu

static void put_number(uint32_t number)
{
	port_out32(SIMPLE_DECIMAL, number);
}

static void puts_at(uint32_t gpa)
{
	port_out32(SIMPLE_PUTS, gpa);
}

/* 0: no such address. */
static uint32_t host_address(uint32_t linear)
{
	port_out32(SIMPLE_TRANSLATE, linear);
	return port_in32(SIMPLE_HOST);
}

int simple_tour(void)
{
	uint32_t before, after;

	for (const char *at = "byte by byte\n"; *at; at++)
		port_out8(SIMPLE_PUT, (uint8_t)*at);

	/* A whole string is one exit more, and the question another. */
	before = port_in32(SIMPLE_EXITS);
	puts_at((uint32_t)(uintptr_t) "all at once\n");
	after = port_in32(SIMPLE_EXITS);
	put_number(before);
	put_number(after);

	/* The second answer must not overwrite the first. */
	before = port_in32(SIMPLE_COUNTS);
	after = port_in32(SIMPLE_COUNTS);
	puts_at(before);
	puts_at(after);

	/* Where RAM is in the host differs; how far apart is known. */
	before = host_address(0x1000);
	after = host_address(0x5123);
	put_number(after - before);
	put_number(host_address(NOT_MAPPED));
	return SIMPLE_RESULT;
}
