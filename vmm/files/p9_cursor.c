/* SPDX-License-Identifier: MIT */
/* p9_cursor.c - how do values stand in a message? */
#include "vmm/files/p9_cursor.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

struct p9_reader p9_reader_of(const void *buf, uint32_t len)
{
	return (struct p9_reader){ .buf = buf, .len = len };
}

struct p9_writer p9_writer_of(void *buf, uint32_t cap)
{
	return (struct p9_writer){ .buf = buf, .cap = cap };
}

void p9_reader_fail(struct p9_reader *r, int err)
{
	if (!r->err)
		r->err = err;
}

void p9_writer_fail(struct p9_writer *w, int err)
{
	if (!w->err)
		w->err = err;
}

/* --- reading -------------------------------------------------------------- */

const uint8_t *p9_get_bytes(struct p9_reader *r, uint32_t len)
{
	const uint8_t *bytes;

	if (len > p9_reader_left(r))
		p9_reader_fail(r, -EBADMSG);
	if (r->err)
		return NULL;
	bytes = r->buf + r->pos;
	r->pos += len;
	return bytes;
}

/* To a number of the same width; left as it is when there are too few. */
static void get_number(struct p9_reader *r, void *number, uint32_t len)
{
	const uint8_t *bytes = p9_get_bytes(r, len);

	if (bytes)
		memcpy(number, bytes, len);
}

uint8_t p9_get_u8(struct p9_reader *r)
{
	uint8_t value = 0;

	get_number(r, &value, sizeof(value));
	return value;
}

uint16_t p9_get_u16(struct p9_reader *r)
{
	uint16_t value = 0;

	get_number(r, &value, sizeof(value));
	return le16toh(value);
}

uint32_t p9_get_u32(struct p9_reader *r)
{
	uint32_t value = 0;

	get_number(r, &value, sizeof(value));
	return le32toh(value);
}

uint64_t p9_get_u64(struct p9_reader *r)
{
	uint64_t value = 0;

	get_number(r, &value, sizeof(value));
	return le64toh(value);
}

struct p9_qid p9_get_qid(struct p9_reader *r)
{
	struct p9_qid qid;

	qid.type = p9_get_u8(r);
	qid.version = p9_get_u32(r);
	qid.path = p9_get_u64(r);
	return qid;
}

struct p9_str p9_get_str(struct p9_reader *r)
{
	struct p9_str str;

	str.len = p9_get_u16(r);
	str.bytes = (const char *)p9_get_bytes(r, str.len);
	if (!str.bytes)
		str.len = 0;
	return str;
}

/* --- writing -------------------------------------------------------------- */

void p9_put_bytes(struct p9_writer *w, const void *bytes, uint32_t len)
{
	if (len > p9_writer_left(w))
		p9_writer_fail(w, -EMSGSIZE);
	/* Nothing may come from NULL, and memmove() must not see it. */
	if (w->err || !len)
		return;
	memmove(w->buf + w->pos, bytes, len);
	w->pos += len;
}

void p9_put_u8(struct p9_writer *w, uint8_t value)
{
	p9_put_bytes(w, &value, sizeof(value));
}

void p9_put_u16(struct p9_writer *w, uint16_t value)
{
	value = htole16(value);
	p9_put_bytes(w, &value, sizeof(value));
}

void p9_put_u32(struct p9_writer *w, uint32_t value)
{
	value = htole32(value);
	p9_put_bytes(w, &value, sizeof(value));
}

void p9_put_u64(struct p9_writer *w, uint64_t value)
{
	value = htole64(value);
	p9_put_bytes(w, &value, sizeof(value));
}

void p9_put_qid(struct p9_writer *w, const struct p9_qid *qid)
{
	p9_put_u8(w, qid->type);
	p9_put_u32(w, qid->version);
	p9_put_u64(w, qid->path);
}

void p9_put_str(struct p9_writer *w, struct p9_str str)
{
	p9_put_u16(w, str.len);
	p9_put_bytes(w, str.bytes, str.len);
}
