/* SPDX-License-Identifier: MIT */
/*
 * p9_cursor.h - walks over the bytes of a message, never beyond them.
 *
 * A reader or writer that lacks room for a value turns bad and stays so: gets
 * give zeros from then on, puts do nothing, and the position no longer moves.
 * So a whole message is walked first and `err` is looked at once, at its end.
 *
 * Trust:  buf is private memory. What a guest can still write (descriptor
 *         chains, rings) is copied first: views point into buf, and checks
 *         hold only for bytes that stay.
 * Source: diod protocol.md, "Data Structures": little-endian, no padding.
 */
#ifndef VMM_FILES_P9_CURSOR_H
#define VMM_FILES_P9_CURSOR_H

#include <stdint.h>

#include "shm/p9.h"

struct p9_reader {
	const uint8_t *buf;
	uint32_t len, pos;
	int err; /* 0, or what went wrong first: -EBADMSG, too few bytes */
};
struct p9_writer {
	uint8_t *buf;
	uint32_t cap, pos;
	int err; /* 0, or what went wrong first: -EMSGSIZE, too little room */
};

struct p9_reader p9_reader_of(const void *buf, uint32_t len);
struct p9_writer p9_writer_of(void *buf, uint32_t cap);

/* Bytes between the position and the end. */
static inline uint32_t p9_reader_left(const struct p9_reader *r)
{
	return r->len - r->pos;
}
static inline uint32_t p9_writer_left(const struct p9_writer *w)
{
	return w->cap - w->pos;
}

/* Turn bad for a reason of the caller's, unless it is bad already. */
void p9_reader_fail(struct p9_reader *r, int err);
void p9_writer_fail(struct p9_writer *w, int err);

uint8_t p9_get_u8(struct p9_reader *r);
uint16_t p9_get_u16(struct p9_reader *r);
uint32_t p9_get_u32(struct p9_reader *r);
uint64_t p9_get_u64(struct p9_reader *r);
struct p9_qid p9_get_qid(struct p9_reader *r);
/* Any bytes, NULs and slashes too; see p9_name_check(). */
struct p9_str p9_get_str(struct p9_reader *r);
/* The next len bytes, as a view; NULL: there are fewer. */
const uint8_t *p9_get_bytes(struct p9_reader *r, uint32_t len);

void p9_put_u8(struct p9_writer *w, uint8_t value);
void p9_put_u16(struct p9_writer *w, uint16_t value);
void p9_put_u32(struct p9_writer *w, uint32_t value);
void p9_put_u64(struct p9_writer *w, uint64_t value);
void p9_put_qid(struct p9_writer *w, const struct p9_qid *qid);
void p9_put_str(struct p9_writer *w, struct p9_str str);
/* They may lie in the writer's buffer already. */
void p9_put_bytes(struct p9_writer *w, const void *bytes, uint32_t len);

#endif
