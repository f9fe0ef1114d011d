/* SPDX-License-Identifier: MIT */
/* p9_codec.c - of which fields is each message made, in which order? */
#include "vmm/files/p9_codec.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "vmm/files/p9_cursor.h"

enum field_kind {
	FIELD_END,
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_OPT_U32,
	FIELD_STR,
	FIELD_QID,
	FIELD_TIME,
	FIELD_NAMES,
	FIELD_QIDS,
	FIELD_DATA,
};

struct field {
	uint16_t kind; /* enum field_kind */
	uint16_t off;  /* in struct p9_msg */
};
struct layout {
	const char *name; /* NULL: there is no such message */
	const struct field *fields;
};

/* clang-format 14 does not know _Generic and takes such macros apart. */
/* clang-format off */

/* The kind follows from the member's type: the two cannot disagree. */
#define KIND_OF(member) _Generic(((struct p9_msg *)0)->member, \
	uint8_t: FIELD_U8,				       \
	uint16_t: FIELD_U16,				       \
	uint32_t: FIELD_U32,				       \
	uint64_t: FIELD_U64,				       \
	struct p9_opt_u32: FIELD_OPT_U32,		       \
	struct p9_str: FIELD_STR,			       \
	struct p9_qid: FIELD_QID,			       \
	struct p9_time: FIELD_TIME,			       \
	struct p9_names: FIELD_NAMES,			       \
	struct p9_qids: FIELD_QIDS,			       \
	struct p9_data: FIELD_DATA)

/* F3(tread, fid, offset, count): these three of that member of the union. */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name takes none */
#define F1(m, f) { KIND_OF(m.f), offsetof(struct p9_msg, m.f) }
#define F2(m, f, ...) F1(m, f), F1(m, __VA_ARGS__)
#define F3(m, f, ...) F1(m, f), F2(m, __VA_ARGS__)
#define F4(m, f, ...) F1(m, f), F3(m, __VA_ARGS__)
#define F5(m, f, ...) F1(m, f), F4(m, __VA_ARGS__)
#define F6(m, f, ...) F1(m, f), F5(m, __VA_ARGS__)
#define F7(m, f, ...) F1(m, f), F6(m, __VA_ARGS__)

#define END { FIELD_END, 0 }
#define MSG(name, ...) { name, (const struct field[]){ __VA_ARGS__, END } }
#define EMPTY(name) { name, (const struct field[]){ END } }

/* clang-format on */

/* Fields in the order in which they stand in the message. */
static const struct layout layouts[] = {
	[P9_RLERROR] = MSG("Rlerror", F1(rlerror, ecode)),

	[P9_TVERSION] = MSG("Tversion", F2(tversion, msize, version)),
	[P9_RVERSION] = MSG("Rversion", F2(rversion, msize, version)),
	[P9_TAUTH] = MSG("Tauth", F4(tauth, afid, uname, aname, n_uname)),
	[P9_RAUTH] = MSG("Rauth", F1(rauth, qid)),
	[P9_TATTACH] = MSG("Tattach",
			   F5(tattach, fid, afid, uname, aname, n_uname)),
	[P9_RATTACH] = MSG("Rattach", F1(rattach, qid)),
	[P9_TFLUSH] = MSG("Tflush", F1(tflush, oldtag)),
	[P9_RFLUSH] = EMPTY("Rflush"),
	[P9_TWALK] = MSG("Twalk", F3(twalk, fid, newfid, names)),
	[P9_RWALK] = MSG("Rwalk", F1(rwalk, qids)),
	[P9_TCLUNK] = MSG("Tclunk", F1(tclunk, fid)),
	[P9_RCLUNK] = EMPTY("Rclunk"),
	[P9_TREMOVE] = MSG("Tremove", F1(tremove, fid)),
	[P9_RREMOVE] = EMPTY("Rremove"),

	[P9_TLOPEN] = MSG("Tlopen", F2(tlopen, fid, flags)),
	[P9_RLOPEN] = MSG("Rlopen", F2(rlopen, qid, iounit)),
	[P9_TLCREATE] = MSG("Tlcreate",
			    F5(tlcreate, fid, name, flags, mode, gid)),
	[P9_RLCREATE] = MSG("Rlcreate", F2(rlcreate, qid, iounit)),
	[P9_TREAD] = MSG("Tread", F3(tread, fid, offset, count)),
	[P9_RREAD] = MSG("Rread", F1(rread, data)),
	[P9_TWRITE] = MSG("Twrite", F3(twrite, fid, offset, data)),
	[P9_RWRITE] = MSG("Rwrite", F1(rwrite, count)),
	[P9_TREADDIR] = MSG("Treaddir", F3(treaddir, fid, offset, count)),
	[P9_RREADDIR] = MSG("Rreaddir", F1(rreaddir, data)),
	[P9_TFSYNC] = MSG("Tfsync", F2(tfsync, fid, datasync)),
	[P9_RFSYNC] = EMPTY("Rfsync"),
	[P9_TLOCK] = MSG("Tlock", F7(tlock, fid, type, flags, start, length,
				     proc_id, client_id)),
	[P9_RLOCK] = MSG("Rlock", F1(rlock, status)),
	[P9_TGETLOCK] = MSG("Tgetlock", F6(tgetlock, fid, type, start, length,
					   proc_id, client_id)),
	[P9_RGETLOCK] = MSG("Rgetlock", F5(rgetlock, type, start, length,
					   proc_id, client_id)),

	[P9_TSYMLINK] = MSG("Tsymlink", F4(tsymlink, dfid, name, target, gid)),
	[P9_RSYMLINK] = MSG("Rsymlink", F1(rsymlink, qid)),
	[P9_TMKNOD] = MSG("Tmknod",
			  F6(tmknod, dfid, name, mode, major, minor, gid)),
	[P9_RMKNOD] = MSG("Rmknod", F1(rmknod, qid)),
	[P9_TMKDIR] = MSG("Tmkdir", F4(tmkdir, dfid, name, mode, gid)),
	[P9_RMKDIR] = MSG("Rmkdir", F1(rmkdir, qid)),
	[P9_TLINK] = MSG("Tlink", F3(tlink, dfid, fid, name)),
	[P9_RLINK] = EMPTY("Rlink"),
	[P9_TRENAME] = MSG("Trename", F3(trename, fid, dfid, name)),
	[P9_RRENAME] = EMPTY("Rrename"),
	[P9_TRENAMEAT] = MSG("Trenameat", F4(trenameat, olddirfid, oldname,
					     newdirfid, newname)),
	[P9_RRENAMEAT] = EMPTY("Rrenameat"),
	[P9_TUNLINKAT] = MSG("Tunlinkat", F3(tunlinkat, dirfid, name, flags)),
	[P9_RUNLINKAT] = EMPTY("Runlinkat"),
	[P9_TREADLINK] = MSG("Treadlink", F1(treadlink, fid)),
	[P9_RREADLINK] = MSG("Rreadlink", F1(rreadlink, target)),

	[P9_TSTATFS] = MSG("Tstatfs", F1(tstatfs, fid)),
	[P9_RSTATFS] = MSG("Rstatfs",
			   F5(rstatfs, type, bsize, blocks, bfree, bavail),
			   F4(rstatfs, files, ffree, fsid, namelen)),
	[P9_TGETATTR] = MSG("Tgetattr", F2(tgetattr, fid, request_mask)),
	[P9_RGETATTR] = MSG("Rgetattr",
			    F5(rgetattr, valid, qid, mode, uid, gid),
			    F5(rgetattr, nlink, rdev, size, blksize, blocks),
			    F4(rgetattr, atime, mtime, ctime, btime),
			    F2(rgetattr, gen, data_version)),
	[P9_TSETATTR] = MSG("Tsetattr",
			    F5(tsetattr, fid, valid, mode, uid, gid),
			    F3(tsetattr, size, atime, mtime)),
	[P9_RSETATTR] = EMPTY("Rsetattr"),
	[P9_TXATTRWALK] = MSG("Txattrwalk", F3(txattrwalk, fid, newfid, name)),
	[P9_RXATTRWALK] = MSG("Rxattrwalk", F1(rxattrwalk, size)),
	[P9_TXATTRCREATE] = MSG("Txattrcreate",
				F4(txattrcreate, fid, name, attr_size, flags)),
	[P9_RXATTRCREATE] = EMPTY("Rxattrcreate"),
};

static const struct layout *layout_of(uint8_t type)
{
	static const size_t layouts_nr = sizeof(layouts) / sizeof(*layouts);

	return type < layouts_nr && layouts[type].name ? &layouts[type] : NULL;
}

const char *p9_type_name(uint8_t type)
{
	const struct layout *layout = layout_of(type);

	return layout ? layout->name : NULL;
}

/* --- decoding ------------------------------------------------------------- */

/* A message of which the last bytes may be elsewhere. */
struct source {
	struct p9_reader r;
	uint32_t elsewhere; /* bytes not yet accounted for */
};

static uint16_t get_steps_nr(struct p9_reader *r)
{
	uint16_t nr = p9_get_u16(r);

	if (nr > P9_WALK_MAX)
		p9_reader_fail(r, -EBADMSG);
	return r->err ? 0 : nr;
}

static void get_names(struct p9_reader *r, struct p9_names *names)
{
	names->nr = get_steps_nr(r);
	for (uint16_t i = 0; i < names->nr; i++)
		names->name[i] = p9_get_str(r);
}

static void get_qids(struct p9_reader *r, struct p9_qids *qids)
{
	qids->nr = get_steps_nr(r);
	for (uint16_t i = 0; i < qids->nr; i++)
		qids->qid[i] = p9_get_qid(r);
}

static void get_data(struct source *src, struct p9_data *data)
{
	uint32_t left;

	data->count = p9_get_u32(&src->r);
	if (!src->elsewhere) {
		data->bytes = p9_get_bytes(&src->r, data->count);
		return;
	}
	/* The last field: all the rest, wherever that is. No more than the
	 * message, so the sum does not wrap. */
	left = p9_reader_left(&src->r);
	if (data->count != left + src->elsewhere)
		p9_reader_fail(&src->r, -EBADMSG);
	(void)p9_get_bytes(&src->r, left);
	src->elsewhere = 0;
}

static void get_field(struct source *src, enum field_kind kind, void *to)
{
	struct p9_reader *r = &src->r;

	switch (kind) {
	case FIELD_U8:
		*(uint8_t *)to = p9_get_u8(r);
		break;
	case FIELD_U16:
		*(uint16_t *)to = p9_get_u16(r);
		break;
	case FIELD_U32:
		*(uint32_t *)to = p9_get_u32(r);
		break;
	case FIELD_U64:
		*(uint64_t *)to = p9_get_u64(r);
		break;
	case FIELD_OPT_U32:
		if (p9_reader_left(r))
			*(struct p9_opt_u32 *)to = (struct p9_opt_u32){
				.given = true,
				.value = p9_get_u32(r),
			};
		break;
	case FIELD_STR:
		*(struct p9_str *)to = p9_get_str(r);
		break;
	case FIELD_QID:
		*(struct p9_qid *)to = p9_get_qid(r);
		break;
	case FIELD_TIME:
		((struct p9_time *)to)->sec = p9_get_u64(r);
		((struct p9_time *)to)->nsec = p9_get_u64(r);
		break;
	case FIELD_NAMES:
		get_names(r, to);
		break;
	case FIELD_QIDS:
		get_qids(r, to);
		break;
	case FIELD_DATA:
		get_data(src, to);
		break;
	case FIELD_END:
		break;
	}
}

int p9_decode_head(const void *buf, uint32_t head_len, uint32_t len,
		   struct p9_msg *msg)
{
	struct source src = { .r = p9_reader_of(buf, head_len),
			      .elsewhere = len - head_len };
	const struct layout *layout;
	uint32_t size;

	*msg = (struct p9_msg){ .tag = P9_NOTAG };
	if (head_len > len || head_len < P9_HEAD_LEN)
		return -EBADMSG;
	size = p9_get_u32(&src.r);
	msg->type = p9_get_u8(&src.r);
	msg->tag = p9_get_u16(&src.r);
	if (size != len)
		return -EBADMSG;
	layout = layout_of(msg->type);
	if (!layout)
		return -EOPNOTSUPP;
	for (const struct field *f = layout->fields; f->kind; f++)
		get_field(&src, (enum field_kind)f->kind, (char *)msg + f->off);
	if (p9_reader_left(&src.r) || src.elsewhere)
		p9_reader_fail(&src.r, -EBADMSG);
	return src.r.err;
}

int p9_decode(const void *buf, uint32_t len, struct p9_msg *msg)
{
	return p9_decode_head(buf, len, len, msg);
}

/* --- encoding ------------------------------------------------------------- */

static void put_steps_nr(struct p9_writer *w, uint16_t nr)
{
	if (nr > P9_WALK_MAX)
		p9_writer_fail(w, -EINVAL);
	p9_put_u16(w, nr);
}

static void put_names(struct p9_writer *w, const struct p9_names *names)
{
	put_steps_nr(w, names->nr);
	for (uint16_t i = 0; !w->err && i < names->nr; i++)
		p9_put_str(w, names->name[i]);
}

static void put_qids(struct p9_writer *w, const struct p9_qids *qids)
{
	put_steps_nr(w, qids->nr);
	for (uint16_t i = 0; !w->err && i < qids->nr; i++)
		p9_put_qid(w, &qids->qid[i]);
}

static void put_field(struct p9_writer *w, enum field_kind kind,
		      const void *from)
{
	switch (kind) {
	case FIELD_U8:
		p9_put_u8(w, *(const uint8_t *)from);
		break;
	case FIELD_U16:
		p9_put_u16(w, *(const uint16_t *)from);
		break;
	case FIELD_U32:
		p9_put_u32(w, *(const uint32_t *)from);
		break;
	case FIELD_U64:
		p9_put_u64(w, *(const uint64_t *)from);
		break;
	case FIELD_OPT_U32:
		if (((const struct p9_opt_u32 *)from)->given)
			p9_put_u32(w, ((const struct p9_opt_u32 *)from)->value);
		break;
	case FIELD_STR:
		p9_put_str(w, *(const struct p9_str *)from);
		break;
	case FIELD_QID:
		p9_put_qid(w, from);
		break;
	case FIELD_TIME:
		p9_put_u64(w, ((const struct p9_time *)from)->sec);
		p9_put_u64(w, ((const struct p9_time *)from)->nsec);
		break;
	case FIELD_NAMES:
		put_names(w, from);
		break;
	case FIELD_QIDS:
		put_qids(w, from);
		break;
	case FIELD_DATA: /* its bytes are the caller's */
		p9_put_u32(w, ((const struct p9_data *)from)->count);
		break;
	case FIELD_END:
		break;
	}
}

/* All but data's bytes; *data is that field, NULL: the message has none. */
static int encode_head(const struct p9_msg *msg, void *buf, uint32_t cap,
		       const struct p9_data **data)
{
	const struct layout *layout = layout_of(msg->type);
	struct p9_writer w = p9_writer_of(buf, cap), size;

	*data = NULL;
	if (!layout)
		return -EINVAL;
	p9_put_u32(&w, 0); /* the size, when it is known */
	p9_put_u8(&w, msg->type);
	p9_put_u16(&w, msg->tag);
	for (const struct field *f = layout->fields; f->kind; f++) {
		const void *from = (const char *)msg + f->off;

		put_field(&w, (enum field_kind)f->kind, from);
		if (f->kind == FIELD_DATA)
			*data = from;
	}
	if (w.pos > INT_MAX || (*data && (*data)->count > INT_MAX - w.pos))
		p9_writer_fail(&w, -EMSGSIZE);
	if (w.err)
		return w.err;
	size = p9_writer_of(buf, sizeof(uint32_t));
	p9_put_u32(&size, w.pos + (*data ? (*data)->count : 0));
	return (int)w.pos;
}

int p9_encode_head(const struct p9_msg *msg, void *buf, uint32_t cap)
{
	const struct p9_data *data;

	return encode_head(msg, buf, cap, &data);
}

int p9_encode(const struct p9_msg *msg, void *buf, uint32_t cap)
{
	const struct p9_data *data;
	int head_len = encode_head(msg, buf, cap, &data);
	struct p9_writer w;

	if (head_len < 0 || !data)
		return head_len;
	if (data->count && !data->bytes)
		return -EINVAL;
	w = p9_writer_of(buf, cap);
	w.pos = (uint32_t)head_len;
	p9_put_bytes(&w, data->bytes, data->count);
	return w.err ? w.err : (int)w.pos;
}

/* --- names ---------------------------------------------------------------- */

int p9_name_check(struct p9_str name)
{
	if (name.len > P9_NAME_MAX)
		return -ENAMETOOLONG;
	if (!name.len || memchr(name.bytes, '/', name.len) ||
	    memchr(name.bytes, '\0', name.len))
		return -EINVAL;
	return 0;
}
