// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "cmd/screen.h"
#include "model/text.h"

/* Other screen, no cursor; the way back */
#define TAKE "\033[?1049h\033[?25l"
#define GIVE "\033[?25h\033[?1049l"

static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
/* Not handled unless we own the terminal. */
static const int job_control[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGWINCH };

static struct termios before;
static volatile sig_atomic_t taken;
static bool full;
static int signals = -1;

static void write_all(const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, s, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			s += n;
			len -= n;
		}
	}
}

/* Only what may be called in a signal handler */
static void give_back(void)
{
	if (!taken)
		return;
	taken = false;
	write_all(GIVE, strlen(GIVE));
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

static void on_fault(int sig)
{
	give_back();
	/* SA_RESETHAND: this time it is fatal */
	raise(sig);
}

/* Job control is the kernel's: in the background, tcsetattr() stops us until we may. */
static bool take(void)
{
	struct termios raw = before;
	sigset_t stop, old;
	int err;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	sigprocmask(SIG_UNBLOCK, &stop, &old);
	do
		err = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) ? errno : 0;
	while (err == EINTR);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (err)
		return false;
	taken = true;
	write_all(TAKE, strlen(TAKE));
	return true;
}

bool screen_start(bool want_full)
{
	struct sigaction fatal = { .sa_handler = on_fault, .sa_flags = SA_RESETHAND | SA_NODEFER };
	sigset_t events;

	sigfillset(&events);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		sigdelset(&events, faults[i]);
		sigaction(faults[i], &fatal, NULL);
	}
	sigdelset(&events, SIGCHLD);
	sigdelset(&events, SIGURG);
	for (size_t i = 0; !want_full && i < sizeof(job_control) / sizeof(job_control[0]); i++)
		sigdelset(&events, job_control[i]);
	sigprocmask(SIG_BLOCK, &events, NULL);
	signals = signalfd(-1, &events, SFD_CLOEXEC | SFD_NONBLOCK);

	full = want_full && !tcgetattr(STDIN_FILENO, &before) && take();
	return full || !want_full;
}

bool screen_is_full(void)
{
	return full;
}

void screen_end(void)
{
	give_back();
	full = false;
}

static size_t number(const char *name, size_t otherwise)
{
	const char *text = getenv(name);
	long n = text ? strtol(text, NULL, 10) : 0;

	return n > 0 && n < 10000 ? (size_t)n : otherwise;
}

void screen_size(size_t *rows, size_t *columns)
{
	struct winsize size = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*rows = size.ws_row ?: number("LINES", 24);
	*columns = size.ws_col ?: number("COLUMNS", 80);
}

/* How many bytes of a line fit */
static size_t fit(const char *line, size_t len, size_t columns)
{
	mbstate_t state = { 0 };
	size_t at = 0, used = 0;

	while (at < len) {
		wchar_t c;
		size_t n = mbrtowc(&c, line + at, len - at, &state);
		int width = 1;

		if (n == 0 || n > len) {
			n = 1;
			memset(&state, 0, sizeof(state));
		} else {
			width = wcwidth(c);
		}
		used += width < 0 ? 1 : width;
		if (used > columns)
			break;
		at += n;
	}
	return at;
}

/* Each line is cleared before it is written: after its last column nothing is left to clear. */
void screen_show(const char *text)
{
	struct pt_text frame = { 0 };
	size_t rows, columns;

	screen_size(&rows, &columns);
	pt_add(&frame, "\033[H");
	for (size_t row = 0; row < rows; row++) {
		size_t len = strcspn(text, "\n");

		if (!*text) {
			pt_add(&frame, "%s\033[J", row ? "\r\n" : "");
			break;
		}
		pt_add(&frame, "%s\033[K%.*s", row ? "\r\n" : "", (int)fit(text, len, columns),
		       text);
		text += len + (text[len] == '\n');
	}
	write_all(frame.s, frame.len);
	pt_text_free(&frame);
}

/* Stopped as by its default, with the terminal as it was before us */
static int stop_by(int sig)
{
	sigset_t stop, old;

	give_back();
	sigemptyset(&stop);
	sigaddset(&stop, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &stop, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return take() ? SCREEN_REDRAW : SCREEN_END;
}

static int next_signal(void)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return SCREEN_REDRAW;
	switch (info.ssi_signo) {
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return stop_by(info.ssi_signo);
	case SIGCONT:
	case SIGWINCH:
		return SCREEN_REDRAW;
	default:
		return SCREEN_END;
	}
}

static int next_key(void)
{
	static const struct {
		const char *sequence;
		int key;
	} known[] = {
		{ "\033[A", SCREEN_UP },       { "\033OA", SCREEN_UP },
		{ "\033[B", SCREEN_DOWN },     { "\033OB", SCREEN_DOWN },
		{ "\033[5~", SCREEN_PAGE_UP }, { "\033[6~", SCREEN_PAGE_DOWN },
		{ "\033[H", SCREEN_HOME },     { "\033OH", SCREEN_HOME },
		{ "\033[1~", SCREEN_HOME },    { "\033[F", SCREEN_LAST },
		{ "\033OF", SCREEN_LAST },     { "\033[4~", SCREEN_LAST },
	};
	struct pollfd more = { .fd = STDIN_FILENO, .events = POLLIN };
	char keys[16];
	ssize_t n = read(STDIN_FILENO, keys, 1);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return SCREEN_REDRAW;
	if (n <= 0)
		return SCREEN_END;
	if (*keys != '\033')
		return (unsigned char)*keys;
	/* The rest of its sequence is there with it; a lone Escape says nothing. */
	if (poll(&more, 1, 20) <= 0)
		return SCREEN_REDRAW;
	for (n = 1; n < (ssize_t)sizeof(keys) - 1; n++) {
		if (read(STDIN_FILENO, keys + n, 1) != 1)
			break;
		if (n > 1 && (keys[n] == '~' || (keys[n] >= 'A' && keys[n] <= 'z')))
			break;
	}
	keys[n < (ssize_t)sizeof(keys) - 1 ? n + 1 : n] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(keys, known[i].sequence))
			return known[i].key;
	return SCREEN_REDRAW;
}

int screen_wait(uint64_t deadline_ns)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = full ? STDIN_FILENO : -1, .events = POLLIN },
		/* detect that the reader closed the pipe */
		{ .fd = STDOUT_FILENO, .events = 0 },
	};
	struct timespec now, left = { 0 };
	uint64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	if (now_ns < deadline_ns) {
		left.tv_sec = (deadline_ns - now_ns) / 1000000000;
		left.tv_nsec = (deadline_ns - now_ns) % 1000000000;
	}
	if (ppoll(fds, 3, &left, NULL) <= 0)
		return SCREEN_TIME;
	if (fds[0].revents)
		return next_signal();
	if (fds[2].revents)
		return SCREEN_END;
	return next_key();
}
