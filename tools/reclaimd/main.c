// SPDX-License-Identifier: GPL-2.0
/*
 * reclaimd - evicts GPU memory of background processes when tasks are stalled for memory
 *
 * Needs no debugfs and no tracefs: PSI, fdinfo, /proc and mem_reclaim.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "number.h"
#include "round.h"

#define CONFIG_FILE "/etc/reclaimd.conf"

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NO_DEVICE = 3,
	STATUS_NO_PERMISSION = 4,
};

struct options {
	const char *config;
	bool dry_run;
	bool once;
	bool check;
};

static volatile sig_atomic_t stop, reload;

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		reload = 1;
	else
		stop = 1;
}

static void usage(FILE *to)
{
	fputs("usage: reclaimd [OPTION...]\n"
	      "Evicts GPU memory of background processes when tasks are stalled for memory.\n\n"
	      "  -c, --config=FILE  read FILE instead of " CONFIG_FILE "\n"
	      "  -n, --dry-run      print the requests; do not make them\n"
	      "  -1, --once         act once, without waiting for a trigger, and exit\n"
	      "  -t, --check        check the configuration and exit\n"
	      "  -h, --help         print this help and exit\n",
	      to);
}

/* Exits after --help, or if an option is invalid. */
static void parse_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, 'c' }, { "dry-run", no_argument, NULL, 'n' },
		{ "once", no_argument, NULL, '1' },	    { "check", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },	    { 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:n1th", names, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'n':
			options->dry_run = true;
			break;
		case '1':
			options->once = true;
			break;
		case 't':
			options->check = true;
			break;
		case 'h':
			usage(stdout);
			if (fflush(stdout)) {
				log_error("cannot write standard output: %s", strerror(errno));
				exit(STATUS_FAILED);
			}
			exit(STATUS_OK);
		default:
			usage(stderr);
			exit(STATUS_USAGE);
		}
	}
	if (optind < argc) {
		log_error("unexpected argument \"%s\"; see --help", argv[optind]);
		exit(STATUS_USAGE);
	}
}

static void report(void *path, unsigned int line, const char *message)
{
	log_error("%s:%u: %s", (const char *)path, line, message);
}

/* *config is unchanged on error. */
static bool load_config(const char *path, struct config *config)
{
	struct config read;
	char *text;
	size_t len;
	bool fine;

	text = world_read(path, &len);
	if (!text) {
		log_error("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	config_init(&read);
	fine = !config_parse(&read, text, len, report, (void *)path);
	free(text);
	if (fine)
		*config = read;
	return fine;
}

/* Is it a PSI file? Writing to any other file would damage it. */
static bool is_pressure(int fd)
{
	static const char start[] = "some avg10=";
	char text[sizeof(start)] = "";
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && pread(fd, text, sizeof(text) - 1, 0) > 0 &&
	       !strncmp(text, start, strlen(start));
}

/* Returns a file descriptor with a PSI trigger, or a negative errno. */
static int watch(const struct config *config)
{
	int fd = open(config->pressure, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	char trigger[64];
	int len;

	if (fd < 0)
		return -errno;
	if (!is_pressure(fd)) {
		close(fd);
		return -EMEDIUMTYPE;
	}
	len = snprintf(trigger, sizeof(trigger), "some %" PRIu64 " %" PRIu64,
		       (uint64_t)(config->stall_ns / NSEC_PER_USEC),
		       (uint64_t)(config->window_ns / NSEC_PER_USEC));
	/* The kernel requires the terminating zero. */
	if (write(fd, trigger, len + 1) < 0) {
		len = -errno;
		close(fd);
		return len;
	}
	return fd;
}

static enum status status_of(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return STATUS_NO_PERMISSION;
	case -ENOENT:
	case -ENODEV:
	case -EOPNOTSUPP:
		return STATUS_NO_DEVICE;
	default:
		return STATUS_FAILED;
	}
}

static enum status cannot_watch(const char *path, int err)
{
	const char *hint = "";

	if (err == -EMEDIUMTYPE) {
		log_error("%s is not a PSI file", path);
		return STATUS_USAGE;
	}
	if (err == -ENOENT || err == -EOPNOTSUPP)
		hint = "; the kernel needs CONFIG_PSI, and must not be booted with psi=0";
	else if (err == -EINVAL)
		hint = "; without CAP_SYS_RESOURCE window must be a multiple of 2s";
	log_error("cannot watch %s: %s%s", path, strerror(-err), hint);
	return status_of(err);
}

static bool has_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	return !syscall(SYS_capget, &header, data) &&
	       data[capability / 32].effective & 1U << capability % 32;
}

/* mem_reclaim takes ids of our PID namespace: /proc must be of the same one. */
static bool proc_is_ours(void)
{
	char link[16] = "";

	return readlink("/proc/self", link, sizeof(link) - 1) > 0 && atoi(link) == getpid();
}

/* Checks everything that can be checked before anything is evicted. */
static enum status check_system(struct reclaimd *reclaimd)
{
	struct world *world = &reclaimd->world;

	if (!proc_is_ours()) {
		log_error("/proc is not mounted, or belongs to another PID namespace");
		return STATUS_NO_DEVICE;
	}
	if (!world_find_devices(world)) {
		log_error("no device with mem_reclaim in %s/bus/platform/drivers/panthor; load the "
			  "driver, built with CONFIG_DRM_PANTHOR_RECLAIM",
			  world->sys);
		return STATUS_NO_DEVICE;
	}
	if (!has_capability(CAP_SYS_PTRACE))
		log_error("CAP_SYS_PTRACE is missing; clients of other users are not seen");
	if (reclaimd->dry_run)
		return STATUS_OK;
	for (unsigned int i = 0; i < world->nr_devices; i++) {
		if (access(world->devices[i].file, W_OK)) {
			log_error("cannot write %s: %s; see the udev rule of panthor-trace",
				  world->devices[i].file, strerror(errno));
			return STATUS_NO_PERMISSION;
		}
	}
	if (!has_capability(CAP_SYS_RESOURCE)) {
		log_error("CAP_SYS_RESOURCE is missing; evicting memory of others needs it");
		return STATUS_NO_PERMISSION;
	}
	return STATUS_OK;
}

static enum status cannot_go_on(int err)
{
	log_error("cannot continue: %s", strerror(-err));
	return status_of(err);
}

/* Use the new configuration if it is valid and can be watched; otherwise keep the current one. */
static void reload_config(struct reclaimd *reclaimd, const char *path, int *fd)
{
	struct config old = reclaimd->config;
	int watched;

	reload = 0;
	if (!load_config(path, &reclaimd->config)) {
		log_error("%s has errors; the current configuration remains in use", path);
		return;
	}
	watched = watch(&reclaimd->config);
	if (watched < 0) {
		cannot_watch(reclaimd->config.pressure, watched);
		log_error("the current configuration remains in use");
		reclaimd->config = old;
		return;
	}
	close(*fd);
	*fd = watched;
	*reclaimd->reason = '\0';
	reclaimd->metrics_failed = false;
	reclaimd->state_failed = false;
	/* A new file gets what this process knows; it is read at startup only. */
	reclaimd->state_changed = true;
	log_say("reloaded %s", path);
}

/* Timeout until the next scan is due; NULL: none */
static struct timespec *until_due(const struct reclaimd *reclaimd, struct timespec *ts)
{
	uint64_t due = history_due(&reclaimd->history, &reclaimd->config);
	uint64_t now = world_now_ns(), left = due > now ? due - now : 0;

	if (due == UINT64_MAX)
		return NULL;
	*ts = (struct timespec){ left / NSEC_PER_SEC, left % NSEC_PER_SEC };
	return ts;
}

static enum status serve(struct reclaimd *reclaimd, const char *config)
{
	enum status status = STATUS_OK;
	int fd = watch(&reclaimd->config);
	sigset_t none;

	if (fd < 0)
		return cannot_watch(reclaimd->config.pressure, fd);
	sigemptyset(&none);
	log_say("ready devices=%u dry-run=%d", reclaimd->world.nr_devices, reclaimd->dry_run);
	while (!stop) {
		struct pollfd psi = { .fd = fd, .events = POLLPRI };
		struct timespec ts;
		int err = 0, got;

		if (reload)
			reload_config(reclaimd, config, &fd);
		psi.fd = fd;
		round_save(reclaimd);
		got = ppoll(&psi, 1, until_due(reclaimd, &ts), &none);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || psi.revents & POLLERR) {
			log_error("%s was removed", reclaimd->config.pressure);
			status = STATUS_FAILED;
			break;
		}
		reclaimd->metrics.triggers += got;
		err = got ? round_act(reclaimd) : round_look(reclaimd);
		if (err) {
			status = cannot_go_on(err);
			break;
		}
	}
	close(fd);
	return status;
}

static void catch_signals(struct reclaimd *reclaimd)
{
	const struct sigaction action = { .sa_handler = on_signal };
	sigset_t ours;

	/* Delivered only in ppoll(); those that end us during a write, too: they interrupt it */
	sigemptyset(&ours);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&reclaimd->mask);
	sigaddset(&reclaimd->mask, SIGHUP);
	reclaimd->stop = &stop;
}

int main(int argc, char **argv)
{
	static struct reclaimd reclaimd = {
		.world = { .proc = "/proc", .sys = "/sys", .dev = "/dev" },
	};
	struct options options = { .config = CONFIG_FILE };
	enum status status;

	parse_options(&options, argc, argv);
	if (!load_config(options.config, &reclaimd.config))
		return STATUS_USAGE;
	if (options.check)
		return STATUS_OK;
	reclaimd.dry_run = options.dry_run;
	catch_signals(&reclaimd);
	status = check_system(&reclaimd);
	if (status)
		return status;
	/* We must not wait for page-in when memory is short. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_error("cannot lock memory: %s; raise RLIMIT_MEMLOCK (LimitMEMLOCK)",
			  strerror(errno));

	round_load(&reclaimd);
	if (options.once) {
		int err = round_act(&reclaimd);

		status = err ? cannot_go_on(err) : STATUS_OK;
	} else {
		status = serve(&reclaimd, options.config);
	}
	round_save(&reclaimd);
	round_fini(&reclaimd);
	return status;
}
