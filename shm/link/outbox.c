/* SPDX-License-Identifier: MIT */
/* outbox.c - what a client has not read yet, and what keeps it valid. */
#include "shm/link/outbox.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shm/link/server.h"
#include "shm/link/wire.h"

#define NOTES_MIN 16u

struct outbox_note {
	int64_t value;
	struct bells *bells; /* a reference; NULL: none, or fd is not ours */
	int fd;
};

int bells_create(struct bells **out, uint32_t vectors_nr)
{
	struct bells *bells;
	int err;

	bells = malloc(sizeof(*bells) + vectors_nr * sizeof(bells->efds[0]));
	if (!bells)
		return -ENOMEM;
	*bells = (struct bells){ .refs = 1 };
	while (bells->vectors_nr < vectors_nr) {
		int efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		if (efd < 0) {
			err = -errno;
			bells_put(bells);
			return err;
		}
		bells->efds[bells->vectors_nr++] = efd;
	}
	*out = bells;
	return 0;
}

void bells_put(struct bells *bells)
{
	if (!bells || --bells->refs)
		return;
	for (uint32_t i = 0; i < bells->vectors_nr; i++)
		close(bells->efds[i]);
	free(bells);
}

/* Make room for one more note at the end. */
static int make_room(struct outbox *outbox)
{
	uint32_t used_nr = outbox->end - outbox->first;
	struct outbox_note *notes;
	uint32_t cap;

	if (outbox->end < outbox->cap)
		return 0;
	/* Moving down pays only when it frees much: else it is quadratic. */
	if (outbox->first > outbox->cap / 2) {
		memmove(outbox->notes, outbox->notes + outbox->first,
			used_nr * sizeof(*outbox->notes));
		outbox->first = 0;
		outbox->end = used_nr;
		return 0;
	}
	cap = outbox->cap ? 2 * outbox->cap : NOTES_MIN;
	notes = realloc(outbox->notes, cap * sizeof(*notes));
	if (!notes)
		return -ENOMEM;
	outbox->notes = notes;
	outbox->cap = cap;
	return 0;
}

int outbox_push(struct outbox *outbox, int64_t value, int fd,
		struct bells *bells)
{
	int err;

	if (outbox->end - outbox->first >= SERVER_QUEUE_MAX)
		return -ENOBUFS;
	err = make_room(outbox);
	if (err)
		return err;
	if (bells)
		bells->refs++;
	outbox->notes[outbox->end++] = (struct outbox_note){
		.value = value,
		.bells = bells,
		.fd = fd,
	};
	return 0;
}

int outbox_push_bells(struct outbox *outbox, uint32_t peer_id,
		      struct bells *bells)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < bells->vectors_nr; i++)
		err = outbox_push(outbox, peer_id, bells->efds[i], bells);
	return err;
}

bool outbox_forget(struct outbox *outbox, uint32_t peer_id, uint32_t nr)
{
	struct outbox_note *notes = outbox->notes;
	uint32_t at = outbox->first;
	uint32_t run = 0;

	/* An introduction is one run; a second one of an id does not exist. */
	while (at < outbox->end && notes[at].value != peer_id)
		at++;
	while (run < nr && at + run < outbox->end &&
	       notes[at + run].value == peer_id && notes[at + run].bells)
		run++;
	if (run < nr)
		return false;
	for (uint32_t i = 0; i < nr; i++)
		bells_put(notes[at + i].bells);
	memmove(notes + at, notes + at + nr,
		(outbox->end - at - nr) * sizeof(*notes));
	outbox->end -= nr;
	return true;
}

int outbox_flush(struct outbox *outbox, int sock)
{
	while (outbox->first < outbox->end) {
		const struct outbox_note *note = &outbox->notes[outbox->first];
		int err = wire_send(sock, note->value, note->fd);

		if (err)
			return err;
		bells_put(note->bells);
		outbox->first++;
	}
	outbox->first = outbox->end = 0;
	return 0;
}

void outbox_destroy(struct outbox *outbox)
{
	for (uint32_t i = outbox->first; i < outbox->end; i++)
		bells_put(outbox->notes[i].bells);
	free(outbox->notes);
	*outbox = (struct outbox){ 0 };
}
