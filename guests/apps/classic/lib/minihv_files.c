/* SPDX-License-Identifier: MIT */
/* minihv_files.c - files over one byte-wide port. */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/ports.h"

enum request {
	REQUEST_OPEN = 1,
	REQUEST_CLOSE,
	REQUEST_READ,
	REQUEST_WRITE,
};

static void send(int byte)
{
	port_out8(MINIHV_FILES, (uint8_t)byte);
}

static void send_all(const char *bytes, int len)
{
	for (int i = 0; i < len; i++)
		send(bytes[i]);
}

static int result(void)
{
	return (int8_t)port_in8(MINIHV_FILES);
}

static int length_of(const char *text)
{
	int len = 0;

	while (text[len])
		len++;
	return len;
}

int files_open_len(const char *path, uint8_t len, uint8_t flags)
{
	send(REQUEST_OPEN);
	send(flags);
	send(len);
	send_all(path, len);
	return result();
}

int files_open(const char *path, uint8_t flags)
{
	return files_open_len(path, (uint8_t)length_of(path), flags);
}

int files_close(int handle)
{
	send(REQUEST_CLOSE);
	send(handle);
	return result();
}

int files_read(int handle, char *buf, uint8_t len)
{
	uint8_t got;

	send(REQUEST_READ);
	send(handle);
	send(len);
	got = port_in8(MINIHV_FILES);
	if (got == 0xff)
		return -1;
	for (int i = 0; i < got; i++)
		buf[i] = (char)port_in8(MINIHV_FILES);
	return got;
}

int files_write(int handle, const char *buf, uint8_t len)
{
	uint8_t got;

	send(REQUEST_WRITE);
	send(handle);
	send(len);
	send_all(buf, len);
	got = port_in8(MINIHV_FILES);
	return got == 0xff ? -1 : got;
}

int files_nonsense(uint8_t command)
{
	send(command);
	return result();
}

int files_load(const char *path, char *buf, int max)
{
	int handle = files_open(path, FILES_READ);
	int len = 0, got = 0;

	if (handle < 0)
		return -1;
	while (len + 1 < max) {
		int room = max - 1 - len;

		got = files_read(handle, buf + len,
				 (uint8_t)(room < 254 ? room : 254));
		if (got <= 0)
			break;
		len += got;
	}
	buf[len] = '\0';
	if (files_close(handle) || got < 0)
		return -1;
	return len;
}

int files_append(const char *path, const char *text)
{
	int handle = files_open(path, FILES_WRITE);
	int len = length_of(text), written;

	if (handle < 0)
		return -1;
	written = files_write(handle, text, (uint8_t)len);
	if (files_close(handle) || written != len)
		return -1;
	return 0;
}

void minihv_verdict(const char *name, int good)
{
	print("%s: %s\n", name, good ? "SUCCESS" : "FAILED");
}
