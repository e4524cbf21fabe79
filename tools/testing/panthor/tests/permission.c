// SPDX-License-Identifier: GPL-2.0
/* Who may write to mem_reclaim, and that a refused writer learns nothing */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"

#define NOBODY 65534

/* Run @fn in a child; its result, which must be an errno or 0 */
static int in_child(int (*fn)(pid_t tgid), pid_t tgid)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(-fn(tgid));
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ENOTRECOVERABLE;
}

/*
 * The file is 0200: what is under test is what happens behind it, so it is opened before privileges
 * go
 */
static int opened = -1;

static int write_opened(pid_t tgid)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", tgid);

	return pwrite(opened, text, len, 0) == len ? 0 : -errno;
}

static int set_caps(uint64_t caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int without_caps(pid_t tgid)
{
	return set_caps(0) ? -EXDEV : write_opened(tgid);
}

static int with_resource_only(pid_t tgid)
{
	return set_caps(1ULL << CAP_SYS_RESOURCE) ? -EXDEV : write_opened(tgid);
}

static int with_all_but_resource(pid_t tgid)
{
	uint64_t all = (1ULL << (CAP_LAST_CAP + 1)) - 1;

	/* Not all of them need exist in this kernel: take those that this process has */
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap) != 1)
			all &= ~(1ULL << cap);
	return set_caps(all & ~(1ULL << CAP_SYS_RESOURCE)) ? -EXDEV : write_opened(tgid);
}

/* Root in a user namespace has every capability there, and none here */
static int in_user_namespace(pid_t tgid)
{
	if (unshare(CLONE_NEWUSER))
		return -EXDEV;
	return write_opened(tgid);
}

static int as_nobody_opening(pid_t tgid)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		return -EXDEV;
	return reclaim(tgid);
}

/* Self-reclaim takes no capability: the client drops all it has, then names itself */
static int self_without_caps(pid_t unused)
{
	static const struct bo_spec spec = { .count = 4, .size = 65536 };
	struct client_config config = { .vms = 1, .seed = 3, .specs = &spec, .nr_specs = 1 };
	struct client_error err;
	struct client client;
	uint64_t bytes;
	int ret;

	(void)unused;
	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err))
		return -EXDEV;
	ret = without_caps(getpid());
	if (!ret && client_verify(&client, CLIENT_CPU, &bytes, &err))
		ret = -EILSEQ;
	client_fini(&client);
	return ret;
}

static int64_t min_refusal_ns(pid_t tgid)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 200; i++) {
		int64_t start = now_ns();

		write_opened(tgid);
		start = now_ns() - start;
		best = start < best ? start : best;
	}
	return best;
}

/* How long a refusal takes must not tell who is there either: compare the fastest of many */
static int refusal_tells_by_time(pid_t client)
{
	int64_t there, nobody;

	if (set_caps(0))
		return -EXDEV;
	there = min_refusal_ns(client);
	nobody = min_refusal_ns(2147483647);
	diag("fastest refusal: %lld ns for a client, %lld ns for nobody", (long long)there,
	     (long long)nobody);
	return there > 2 * nobody + 20000 ? -EPROTO : 0;
}

static void refused(const char *who, int (*fn)(pid_t tgid), pid_t client)
{
	int there = in_child(fn, client);
	int not_client = in_child(fn, 1);
	int nobody = in_child(fn, 2147483647), negative = in_child(fn, -1);

	if (there == -EXDEV) {
		skip("cannot be set up here", "%s is refused", who);
		return;
	}
	ok(there == -EPERM, "%s, naming a client: EPERM (%d)", who, there);
	ok(not_client == there && nobody == there && negative == there,
	   "EPERM for a process without the device, for no process, for -1 (%d, %d, %d)",
	   not_client, nobody, negative);
}

int main(void)
{
	struct peer *peer;
	struct stat st;

	tap_start();
	opened = open(RECLAIM_FILE, O_WRONLY | O_CLOEXEC);
	if (opened < 0 || fstat(opened, &st))
		bail("cannot open %s: %s", RECLAIM_FILE, strerror(errno));
	ok((st.st_mode & 07777) == 0200, "the file is writable by its owner only (%o)",
	   st.st_mode & 07777);

	peer = peer_start("-b8x64K", NULL);
	refused("a writer without capabilities", without_caps, peer->pid);
	refused("a writer with every capability but CAP_SYS_RESOURCE", with_all_but_resource,
		peer->pid);
	refused("root of a user namespace", in_user_namespace, peer->pid);
	ok(in_child(as_nobody_opening, peer->pid) == -EACCES, "another user cannot open it");
	ok(gem_sum(peer->pid, "private-").resident_bos == 8, "nothing of the client is evicted");
	ok(!in_child(refusal_tells_by_time, peer->pid),
	   "the time of a refusal reveals nothing about the target");
	ok(in_child(without_caps, getpid()) == -EPERM, "EPERM for its own parent, too");

	ok(!in_child(self_without_caps, 0), "a client without capabilities may reclaim itself");
	ok(!in_child(with_resource_only, peer->pid),
	   "a requester with CAP_SYS_RESOURCE alone may reclaim the client");
	ok(!gem_sum(peer->pid, "private-").resident_bos, "everything of the client is evicted");
	ok(peer_do(peer, "verify cpu"), "its data is intact");
	ok(peer_quit(peer), "the client exits with success");
	return tap_end();
}
