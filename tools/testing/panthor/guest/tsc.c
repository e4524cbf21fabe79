// SPDX-License-Identifier: GPL-2.0
/*
 * tsc - the frequency of this machine's time stamp counter in kHz
 *
 * QEMU's guest reads the same counter and finds out its frequency when it boots, against an
 * emulated timer. On a busy host it has been 5 and 24 times off, and so was every time-out in it.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define SPAN_NS 40000000
#define TRIES 200

struct moment {
	uint64_t ns;
	uint64_t ticks;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Both clocks at one time: the closest of many looks, for a look may be interrupted */
static struct moment look(void)
{
	struct moment best = { 0 };
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __builtin_ia32_rdtsc(), ns = now(),
			 after = __builtin_ia32_rdtsc();

		if (after - before < least) {
			least = after - before;
			best = (struct moment){ ns, before + least / 2 };
		}
	}
	return best;
}

int main(void)
{
	const struct timespec span = { 0, SPAN_NS };
	struct moment start = look(), end;

	nanosleep(&span, NULL);
	end = look();
	printf("%llu\n",
	       (unsigned long long)((end.ticks - start.ticks) * 1000000.0 / (end.ns - start.ns) +
				    0.5));
	return 0;
}
