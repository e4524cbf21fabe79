// SPDX-License-Identifier: GPL-2.0
/*
 * reclaimd - a small resource manager for GPU memory
 *
 * Sleeps until tasks are stalled for memory, picks the background client with the most reclaimable
 * GPU memory, writes its TGID to mem_reclaim and logs what that gave. Whom to keep is told by name:
 * a real manager knows from its window system who is in the foreground.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>
#include <unistd.h>

#define MAX_KEPT 32
#define NSEC 1000000000LL
#define MIB (1024 * 1024)
#define RECLAIM_GLOB "/sys/bus/platform/drivers/panthor/*/mem_reclaim"

static const char doc[] = "Takes GPU memory from the background client that has most, when tasks "
			  "are stalled for memory.";

static const struct argp_option options[] = {
	{ "keep", 'k', "NAME", 0, "A process that is in the foreground; may be given several times",
	  0 },
	{ "min", 'm', "MIB", 0, "Leave clients alone that have less to give (4)", 0 },
	{ "rest", 'r', "SECONDS", 0, "Leave a client alone that was asked less than that ago (10)",
	  0 },
	{ "stall", 's', "MS", 0, "How long tasks are stalled within a second when it is time (50)",
	  0 },
	{ "count", 'c', "N", 0, "End after N writes (0: never)", 0 },
	{ 0 }
};

struct config {
	const char *kept[MAX_KEPT];
	unsigned int nr_kept;
	uint64_t min;
	uint64_t rest_ns;
	unsigned long stall_ms;
	unsigned long count;
};

/* A line of the table, as far as it matters here */
struct client {
	uint64_t id;
	uint64_t tgid;
	char name[64];
	uint64_t reclaimable;
	char last_source[16];
	uint64_t last_id;
	uint64_t last_age_ns;
	uint64_t last_evicted;
	uint64_t last_freed;
	uint64_t evicted;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static unsigned long number(struct argp_state *state, const char *option, const char *text,
			    unsigned long min, unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		argp_error(state, "--%s wants a number from %lu to %lu, not \"%s\"", option, min,
			   max, text);
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct config *config = state->input;

	switch (key) {
	case 'k':
		if (config->nr_kept == MAX_KEPT)
			argp_error(state, "more than %d names to keep", MAX_KEPT);
		config->kept[config->nr_kept++] = arg;
		return 0;
	case 'm':
		config->min = number(state, "min", arg, 0, 1 << 20) * MIB;
		return 0;
	case 'r':
		config->rest_ns = number(state, "rest", arg, 0, 1 << 20) * NSEC;
		return 0;
	case 's':
		config->stall_ms = number(state, "stall", arg, 1, 999);
		return 0;
	case 'c':
		config->count = number(state, "count", arg, 0, UINT32_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int column(const char *header, const char *name)
{
	size_t len = strlen(name);
	int nr = 0;

	for (const char *at = header + strspn(header, "# "); *at; nr++) {
		size_t word = strcspn(at, "\n ");

		if (word == len && !strncmp(at, name, len))
			return nr;
		at += word;
		at += strspn(at, "\n ");
	}
	return -1;
}

static const char *field(char *line, int nr, char *word, size_t size)
{
	char *at = line + strspn(line, " ");

	while (nr--) {
		at += strcspn(at, "\n ");
		at += strspn(at, "\n ");
	}
	snprintf(word, size, "%.*s", (int)strcspn(at, "\n "), at);
	return word;
}

/* Columns by name, for new ones may come: that is what the ABI promises */
static bool parse_client(const char *header, char *line, struct client *client)
{
	const struct {
		const char *name;
		uint64_t *number;
		char *text;
		size_t size;
	} fields[] = {
		{ "client", .number = &client->id },
		{ "tgid", .number = &client->tgid },
		{ "command", .text = client->name, .size = sizeof(client->name) },
		{ "reclaimable", .number = &client->reclaimable },
		{ "last_id", .number = &client->last_id },
		{ "last_source", .text = client->last_source, .size = sizeof(client->last_source) },
		{ "last_age_ns", .number = &client->last_age_ns },
		{ "last_evicted", .number = &client->last_evicted },
		{ "last_freed", .number = &client->last_freed },
		{ "evicted", .number = &client->evicted },
	};
	char word[64];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		int nr = column(header, fields[i].name);

		if (nr < 0)
			return false;
		field(line, nr, word, sizeof(word));
		if (fields[i].number)
			*fields[i].number = strtoull(word, NULL, 10);
		else
			snprintf(fields[i].text, fields[i].size, "%s", word);
	}
	return true;
}

/* A name is one word in the table: the kernel writes \xNN for what would not be part of it */
static bool is_named(const char *word, const char *name)
{
	while (*word && *name) {
		unsigned int c = (unsigned char)*word;

		word += sscanf(word, "\\x%2x", &c) == 1 ? 4 : 1;
		if ((unsigned char)*name++ != c)
			return false;
	}
	return !*word && !*name;
}

static bool kept(const struct config *config, const struct client *client)
{
	for (unsigned int i = 0; i < config->nr_kept; i++)
		if (is_named(client->name, config->kept[i]))
			return true;
	return !client->tgid || client->tgid == (uint64_t)getpid();
}

/* Asked by a manager, that is: what the kernel's own reclaim does is no reason to wait */
static bool rests(const struct config *config, const struct client *client)
{
	return client->last_id && !strcmp(client->last_source, "sysfs") &&
	       client->last_age_ns < config->rest_ns;
}

/*
 * Best client, or with @id that client. 1: found, 0: none, or a negative errno
 */
static int find(const struct config *config, const char *table, uint64_t id, struct client *best)
{
	struct client client = { 0 };
	char *header = NULL, *line = NULL;
	size_t room = 0, line_room = 0;
	FILE *file = fopen(table, "r");
	int ret = 0;

	if (!file)
		return -errno;
	if (getline(&header, &room, file) < 0)
		ret = -EBADMSG;
	while (ret >= 0 && getline(&line, &line_room, file) > 0) {
		if (!parse_client(header, line, &client)) {
			ret = -EBADMSG;
		} else if (id) {
			if (client.id != id)
				continue;
			*best = client;
			ret = 1;
		} else if (!kept(config, &client) && !rests(config, &client) &&
			   client.reclaimable >= config->min &&
			   (!ret || client.reclaimable > best->reclaimable)) {
			*best = client;
			ret = 1;
		}
	}
	free(header);
	free(line);
	fclose(file);
	return ret;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

static int write_tgid(const char *path, pid_t tgid)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", tgid);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

/* 1 if somebody was asked, 0 if there is nobody worth it, or a negative errno */
static int act(const struct config *config, const char *mem_reclaim, const char *table)
{
	struct client client, after;
	int64_t start;
	double ms;
	int ret;

	ret = find(config, table, 0, &client);
	if (ret <= 0)
		return ret;

	start = now_ns();
	ret = write_tgid(mem_reclaim, client.tgid);
	ms = (now_ns() - start) / 1e6;
	if (ret == -EPERM || ret == -ENODEV || ret == -ENOENT)
		return ret;

	printf("tgid=%" PRIu64 " name=%s want=%" PRIu64 " result=\"%s\"", client.tgid, client.name,
	       client.reclaimable, ret ? strerror(-ret) : "ok");
	/* The client may be gone by now */
	if (find(config, table, client.id, &after) == 1) {
		/* If the kernel's own reclaim was at it since: what is gone now */
		if (after.last_id != client.last_id && !strcmp(after.last_source, "sysfs"))
			printf(" evicted=%" PRIu64 " freed=%" PRIu64, after.last_evicted,
			       after.last_freed);
		else
			printf(" evicted=%" PRIu64,
			       after.evicted - MIN(client.evicted, after.evicted));
	}
	printf(" took=%.1fms\n", ms);
	return 1;
}

static int watch_memory(const struct config *config)
{
	int fd = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	char trigger[64];
	int len;

	if (fd < 0)
		return -errno;
	len = snprintf(trigger, sizeof(trigger), "some %lu 1000000", config->stall_ms * 1000);
	/* With its terminating zero: the kernel asks for it */
	if (write(fd, trigger, len + 1) < 0) {
		len = -errno;
		close(fd);
		return len;
	}
	return fd;
}

static int fail(const char *what, const char *path, int err, const char *hint)
{
	fprintf(stderr, "reclaimd: cannot %s %s: %s; %s\n", what, path, strerror(-err), hint);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse, NULL, doc, NULL, NULL, NULL };
	struct config config = { .min = 4 * MIB, .rest_ns = 10 * NSEC, .stall_ms = 50 };
	const struct sigaction action = { .sa_handler = on_signal };
	char mem_reclaim[PATH_MAX], table[PATH_MAX];
	unsigned long writes = 0;
	struct pollfd psi;
	glob_t found;
	char *slash;

	if (argp_parse(&argp, argc, argv, 0, NULL, &config))
		return 2;
	if (glob(RECLAIM_GLOB, 0, NULL, &found))
		return fail("find", RECLAIM_GLOB, -ENOENT, "is the driver with this file loaded?");
	snprintf(mem_reclaim, sizeof(mem_reclaim), "%s", found.gl_pathv[0]);
	globfree(&found);
	slash = strrchr(mem_reclaim, '/');
	*slash = '\0';
	snprintf(table, sizeof(table), "/sys/kernel/debug/dri/%s/reclaim",
		 strrchr(mem_reclaim, '/') + 1);
	*slash = '/';
	if (access(table, R_OK))
		return fail("read", table, -errno, "is debugfs mounted, and are you root?");

	psi.fd = watch_memory(&config);
	psi.events = POLLPRI;
	if (psi.fd < 0)
		return fail("watch", "/proc/pressure/memory", psi.fd,
			    "a kernel with CONFIG_PSI is needed");

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (!stop && (!config.count || writes < config.count)) {
		int ret = poll(&psi, 1, -1);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0 || psi.revents & POLLERR)
			return fail("watch", "/proc/pressure/memory", ret < 0 ? -errno : -EIO,
				    "it went away");
		ret = act(&config, mem_reclaim, table);
		if (ret < 0)
			return fail("use", mem_reclaim, ret,
				    "look at it and at the reclaim file in debugfs");
		writes += ret;
	}
	return 0;
}
