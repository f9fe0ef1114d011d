/* SPDX-License-Identifier: MIT */
/*
 * ports.h - port I/O from ring 3. Only the ports that the TSS bitmap in
 * start.S allows; others fault.
 */
#ifndef GUESTS_RUNTIME_PORTS_H
#define GUESTS_RUNTIME_PORTS_H

#include <stdint.h>

static inline void port_out8(uint16_t port, uint8_t value)
{
	__asm__ __volatile__("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void port_out16(uint16_t port, uint16_t value)
{
	__asm__ __volatile__("outw %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline void port_out32(uint16_t port, uint32_t value)
{
	__asm__ __volatile__("outl %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static inline uint8_t port_in8(uint16_t port)
{
	uint8_t value;

	__asm__ __volatile__("inb %1, %0"
			     : "=a"(value)
			     : "Nd"(port)
			     : "memory");
	return value;
}

static inline uint16_t port_in16(uint16_t port)
{
	uint16_t value;

	__asm__ __volatile__("inw %1, %0"
			     : "=a"(value)
			     : "Nd"(port)
			     : "memory");
	return value;
}

static inline uint32_t port_in32(uint16_t port)
{
	uint32_t value;

	__asm__ __volatile__("inl %1, %0"
			     : "=a"(value)
			     : "Nd"(port)
			     : "memory");
	return value;
}

#endif
