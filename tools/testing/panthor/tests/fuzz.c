// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever is written to mem_reclaim or mem_claim gets the answer that its own parser here says it
 * must, and whatever is done to the files in debugfs does no harm.
 *
 * INPUTS=N writes (100,000); SEED=N repeats a run
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "peer.h"
#include "reclaim.h"
#include "tap.h"

/* The largest page of any kernel, and somewhat more */
#define MAX_LEN (65536 + 100)

static uint64_t state;

/* Of this kernel */
static size_t page;

/* xorshift64*: the same numbers for the same seed, wherever it runs */
static uint32_t rnd(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

/* 36 if it is none */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return isxdigit((unsigned char)c) ? (c | ' ') - 'a' + 10 : 36;
}

/* A number as the kernel reads it, with nothing behind it; 0 or a negative errno */
static int number(const char *text, size_t len, uint64_t *value)
{
	unsigned __int128 sum = 0;
	unsigned int base = 10;
	size_t at = 0, digits;
	bool wide = false;

	if (len && text[0] == '0') {
		bool hex = len > 2 && (text[1] | ' ') == 'x' && isxdigit((unsigned char)text[2]);

		base = hex ? 16 : 8;
		at += hex ? 2 : 0;
	}
	for (digits = 0; at < len && digit_of(text[at]) < base; at++, digits++) {
		sum = sum * base + digit_of(text[at]);
		wide |= sum >> 64 != 0;
		sum = wide ? 1 : sum;
	}
	*value = sum;
	/* The kernel's parser looks no further once the number is too large for it */
	if (wide)
		return -ERANGE;
	return digits && at == len ? 0 : -EINVAL;
}

/* The same with a newline behind it and a sign before, for an int; @minus tells of that */
static int tgid_number(const char *text, size_t len, uint64_t *value, bool *minus)
{
	bool sign = len && (*text == '-' || *text == '+');
	int ret;

	*minus = len && *text == '-';
	text += sign;
	len -= sign;
	ret = number(text, len, value);
	if (ret == -EINVAL && len && text[len - 1] == '\n')
		ret = number(text, len - 1, value);
	if (ret)
		return ret;
	return *value > (*minus ? (unsigned int)INT32_MAX + 1 : INT32_MAX) ? -ERANGE : 0;
}

/* An amount: a number, a unit or none, a newline or none */
static int amount(const char *text, size_t len)
{
	static const char units[] = "KMGTPE";
	const char *unit = NULL;
	uint64_t value;
	bool hex = len > 1 && (text[1] | ' ') == 'x';
	int ret;

	if (!len || !isdigit((unsigned char)*text))
		return -EINVAL;
	len -= text[len - 1] == '\n';
	if (digit_of(text[len - 1]) > (hex ? 15 : 9)) {
		unit = strchr(units, text[len - 1] & ~' ');
		if (!unit || !isalpha((unsigned char)text[len - 1]))
			return -EINVAL;
		len--;
	}
	if (memchr(text, '\n', len))
		return -EINVAL;
	ret = number(text, len, &value);
	if (ret)
		return ret;
	if (unit && (unsigned __int128)value << 10 * (unit - units + 1) >> 64)
		return -ERANGE;
	return value ? 0 : -EINVAL;
}

/* What the ABI says about a text; @client is the only process that has the device open */
static int verdict(const char *text, size_t len, pid_t client)
{
	size_t first, gap;
	uint64_t value;
	bool minus;
	int ret;

	/* One page is all that sysfs takes at a time, and text ends at a NUL */
	if (len > page)
		len = page;
	len = strnlen(text, len);

	for (first = 0; first < len && text[first] != ' ' && text[first] != '\t'; first++)
		;
	for (gap = first; gap < len && (text[gap] == ' ' || text[gap] == '\t'); gap++)
		;
	if (gap > first && memchr(text, '\n', first))
		return -EINVAL;
	ret = tgid_number(text, first, &value, &minus);
	if (!ret && gap > first)
		ret = amount(text + gap, len - gap);
	if (ret)
		return ret;
	return !minus && value == (uint64_t)client ? 0 : -ESRCH;
}

static size_t random_bytes(char *text)
{
	size_t len = rnd(8) ? rnd(24) : rnd(page + 100);

	for (size_t i = 0; i < len; i++)
		text[i] = rnd(256);
	return len;
}

static size_t random_number(char *text)
{
	uint64_t value = (uint64_t)rnd(UINT32_MAX) << 32 | rnd(UINT32_MAX);

	return sprintf(text, "%s%llu%s", rnd(8) ? "" : "0000", (unsigned long long)value >> rnd(64),
		       rnd(2) ? "" : "\n");
}

static size_t many_digits(char *text)
{
	size_t len = rnd(64) ? rnd(40) : rnd(page + 100);

	for (size_t i = 0; i < len; i++)
		text[i] = '0' + rnd(10);
	return len;
}

/* The client's number, which a change or two mostly makes another's or none */
static size_t nearly_right(char *text, pid_t client)
{
	static const char odd[] = "0123456789+-x\n \t\0.,e";
	size_t len = sprintf(text, "%d\n", client);

	for (uint32_t changes = rnd(3); changes; changes--) {
		size_t at = rnd(len + 1);

		switch (rnd(3)) {
		case 0:
			text[at] = odd[rnd(sizeof(odd))];
			len += at == len;
			break;
		case 1:
			memmove(text + at + 1, text + at, len - at);
			text[at] = odd[rnd(sizeof(odd))];
			len++;
			break;
		default:
			if (at < len) {
				memmove(text + at, text + at + 1, len - at - 1);
				len--;
			}
		}
	}
	return len;
}

/* The client's number and something like an amount */
static size_t with_amount(char *text, pid_t client)
{
	static const char odd[] = "0123456789KkMmGgTtPpEexX \t\n-+.";
	uint64_t value = (uint64_t)rnd(UINT32_MAX) << 32 | rnd(UINT32_MAX);
	size_t len = sprintf(text, "%d%s%llu", client, rnd(2) ? " " : "\t  ",
			     (unsigned long long)value >> rnd(64));

	for (uint32_t more = rnd(4); more; more--)
		text[len++] = odd[rnd(sizeof(odd) - 1)];
	return len;
}

static void show(const char *text, size_t len)
{
	char line[200] = "";

	for (size_t i = 0; i < len && i < 40; i++)
		sprintf(line + strlen(line), "%02x ", (unsigned char)text[i]);
	diag("%zu bytes: %s%s", len, line, len > 40 ? "..." : "");
}

static void test_file(const char *path, long inputs, pid_t client)
{
	static char text[MAX_LEN + 16];
	long wrong = 0, answers[4] = {};
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		bail("cannot open %s: %s", path, strerror(errno));
	for (long i = 0; i < inputs; i++) {
		size_t len;
		ssize_t got, want;
		int error;

		switch (rnd(5)) {
		case 0:
			len = random_bytes(text);
			break;
		case 1:
			len = random_number(text);
			break;
		case 2:
			len = many_digits(text);
			break;
		case 3:
			len = with_amount(text, client);
			break;
		default:
			len = nearly_right(text, client);
		}
		if (!len)
			continue;
		got = pwrite(fd, text, len, 0);
		got = got < 0 ? -errno : got;
		error = verdict(text, len, client);
		want = error ? error : (ssize_t)(len > page ? page : len);
		answers[!error ? 0 : error == -EINVAL ? 1 : error == -ERANGE ? 2 : 3]++;
		if (got != want && wrong++ < 5) {
			diag("%zd instead of %zd for", got, want);
			show(text, len);
		}
	}
	close(fd);
	diag("%ld requests, %ld EINVAL, %ld ERANGE, %ld ESRCH", answers[0], answers[1], answers[2],
	     answers[3]);
	ok(!wrong, "%ld inputs to %s: each returns a documented result (%ld do not)", inputs,
	   strrchr(path, '/') + 1, wrong);
	ok(answers[0] && answers[1] && answers[2] && answers[3], "each documented result occurs");
}

/* Reads and writes of any size at any place; a file that is for reading only takes no write */
static void test_debugfs(const char *path, long inputs, bool writable)
{
	static char text[MAX_LEN];
	long odd = 0, reads = 0;
	int fd = -1;

	for (long i = 0; i < inputs; i++) {
		off_t at = rnd(4) ? rnd(1024) : (off_t)rnd(UINT32_MAX) << rnd(31);
		size_t len = rnd(8) ? rnd(512) : rnd(page + 100);
		ssize_t got;

		/* One open file for all but a few, so that it keeps what it may keep */
		if (fd < 0 || !rnd(8)) {
			close(fd);
			fd = open(path, O_RDWR | O_CLOEXEC);
			if (fd < 0)
				bail("cannot open %s: %s", path, strerror(errno));
		}
		if (rnd(2)) {
			got = pread(fd, text, len, at);
			if (got < 0 && errno == ESPIPE)
				got = read(fd, text, len);
			reads += got > 0;
			odd += got < 0 || got > (ssize_t)len;
			continue;
		}
		for (size_t j = 0; j < len; j++)
			text[j] = rnd(2) ? '0' + rnd(10) : rnd(256);
		got = write(fd, text, len);
		got = got < 0 ? -errno : got;
		if (writable)
			odd += got != (ssize_t)len && got != -EINVAL && got != -ERANGE &&
			       got != -E2BIG;
		else
			odd += got != -EINVAL;
	}
	close(fd);
	ok(!odd && reads, "%ld random reads and writes of %s (%ld read data)", inputs, path, reads);
}

int main(void)
{
	long inputs = knob("INPUTS", 100000);
	struct peer *peer;
	struct table *table;
	char path[300];

	tap_start();
	page = getpagesize();
	state = knob("SEED", now_ns() & 0xffffff) + 1;
	diag("SEED=%llu", (unsigned long long)state - 1);
	peer = peer_start("-b4x16K", NULL);
	test_file(RECLAIM_FILE, inputs, peer->pid);
	test_file(CLAIM_FILE, inputs / 4, peer->pid);
	ok(peer_do(peer, "verify cpu"), "the client's data is intact");

	test_debugfs(device_table(), inputs / 50, false);
	table = table_read(device_table());
	if (!ok(table && table->nr_rows == 1, "the table is well-formed"))
		bail("no client in %s", device_table());
	table_free(table);
	test_debugfs(client_table(peer->pid), inputs / 50, false);
	snprintf(path, sizeof(path), "%s/shrink", debugfs_dir());
	test_debugfs(path, inputs / 50, true);
	ok(peer_do(peer, "verify gpu"), "the client's data is intact");
	ok(peer_quit(peer), "the client exits with success");
	return tap_end();
}
