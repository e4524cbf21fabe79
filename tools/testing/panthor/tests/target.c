// SPDX-License-Identifier: GPL-2.0
/* Who can be named in mem_reclaim, and what the write says to everything else */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"

static void expect(const char *text, int want, const char *promise)
{
	int got = reclaim_text(text);

	if (!ok(got == want, "%s", promise))
		diag("the write returned %d (%s), expected %d (%s)", got, strerror(-got), want,
		     strerror(-want));
}

static void expect_pid(pid_t pid, int want, const char *promise)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	expect(text, want, promise);
}

static void test_text(void)
{
	static char huge[3000];

	memset(huge, '9', sizeof(huge) - 1);
	expect("", 0, "an empty write is no request");
	expect("\n", -EINVAL, "a lone newline is not a number");
	expect("abc", -EINVAL, "rubbish is not a number");
	expect("12x", -EINVAL, "a number with rubbish behind it is not a number");
	expect("1 2", -ESRCH, "a number and an amount: of somebody without the device");
	expect("1 x", -EINVAL, "rubbish is not an amount");
	expect(" 1", -EINVAL, "blanks are not skipped");
	expect("0x", -EINVAL, "a prefix alone is not a number");
	expect("0x1g", -EINVAL, "a letter that is no digit is none in hexadecimal either");
	expect("09", -EINVAL, "there is no 9 in octal");
	expect("1.5", -EINVAL, "a fraction is not a number here");
	expect("-", -EINVAL, "a sign alone is not a number");
	expect("-1", -ESRCH, "a negative number is nobody");
	expect("-2147483648", -ESRCH, "the smallest number is nobody");
	expect("-2147483649", -ERANGE, "-2^31 - 1 does not fit");
	expect("-99999999999999999999999", -ERANGE, "a number far below does not fit");
	expect("0x20000000000000000", -ERANGE, "2^65 in hexadecimal does not fit");
	expect("0x7fffffff", -ESRCH, "the largest number in hexadecimal is nobody");
	expect("0x80000000", -ERANGE, "2^31 in hexadecimal does not fit");
	expect("4294967296", -ERANGE, "2^32 does not fit");
	expect("2147483648", -ERANGE, "2^31 does not fit");
	expect("99999999999999999999999", -ERANGE, "a number beyond 64 bits does not fit");
	expect(huge, -ERANGE, "neither does one of 3,000 digits");
	expect("0", -ESRCH, "0 is nobody, and not the writer");
	expect("2147483647", -ESRCH, "the largest number is nobody");
}

static void test_not_a_client(void)
{
	pid_t pid;

	expect_pid(getpid(), -ESRCH, "the requester, without the device open: ESRCH");
	expect("1", -ESRCH, "process 1, without the device open: ESRCH");

	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	expect_pid(pid, -ESRCH, "a process that exited and was reaped: ESRCH");
}

static void test_peer(void)
{
	struct peer *peer = peer_start("-b8x64K", NULL);
	char text[32];

	snprintf(text, sizeof(text), "%d\n", peer->pid);
	expect(text, 0, "a client, with a trailing newline: success");
	ok(!gem_sum(peer->pid, "private-").resident_bos, "its buffers are evicted");
	if (!peer_do(peer, "fill cpu"))
		bail("no data");
	snprintf(text, sizeof(text), "%#x", peer->pid);
	expect(text, 0, "its number in hexadecimal: success");
	ok(!gem_sum(peer->pid, "private-").resident_bos, "its buffers are evicted");
	snprintf(text, sizeof(text), "%#o\n", peer->pid);
	expect(text, 0, "its number in octal, and nothing to do: success");
	snprintf(text, sizeof(text), "%d\n\n", peer->pid);
	expect(text, -EINVAL, "two trailing newlines are one too many");
	ok(peer_do(peer, "verify cpu"), "its data is intact");
	ok(peer_quit(peer), "the client exits with success");
}

static void *idle_thread(void *arg)
{
	*(pid_t *)arg = syscall(SYS_gettid);
	kill(getpid(), 0);
	pause();
	return NULL;
}

static void test_thread(void)
{
	volatile pid_t tid = 0;
	pthread_t thread;
	struct gpu gpu;

	if (gpu_open(&gpu, NULL))
		bail("cannot open the device");
	pthread_create(&thread, NULL, idle_thread, (void *)&tid);
	while (!tid)
		sched_yield();
	expect_pid(tid, -ESRCH, "a thread id that is not a thread group id: ESRCH");
	expect_pid(getpid(), 0, "a client that has the device open and no VM: success");
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	gpu_close(&gpu);
	expect_pid(getpid(), -ESRCH, "ESRCH once it has closed the device");
}

static void test_several_files(void)
{
	static const struct bo_spec spec = { .count = 4, .size = 65536, .label = "several-%i" };
	struct client_config config = { .vms = 2, .seed = 1, .specs = &spec, .nr_specs = 1 };
	struct client clients[3];
	struct client_error err;
	struct gem_sum sum;
	uint64_t bytes;

	for (int i = 0; i < 3; i++)
		if (client_init(&clients[i], &config, &err) ||
		    client_fill(&clients[i], CLIENT_CPU, &err))
			bail("cannot %s", err.what);
	expect_pid(getpid(), 0, "a process may reclaim its own memory");
	sum = gem_sum(getpid(), "several-");
	ok(sum.bos == 24 && !sum.resident_bos,
	   "all of 3 open files with 2 VMs each are reached (%d of %d left)", sum.resident_bos,
	   sum.bos);
	for (int i = 0; i < 3; i++)
		ok(!client_verify(&clients[i], CLIENT_CPU, &bytes, &err),
		   "file %d: the data is intact", i);
	for (int i = 0; i < 3; i++)
		client_fini(&clients[i]);
}

/* A file belongs to who used it last */
static void test_handed_over(void)
{
	static const struct bo_spec spec = { .count = 4, .size = 65536, .label = "handed-%i" };
	struct client_config config = { .vms = 1, .seed = 2, .specs = &spec, .nr_specs = 1 };
	struct client_error err;
	struct client client;
	int to[2], from[2];
	char byte = 0;
	pid_t pid;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err))
		bail("cannot %s", err.what);
	if (pipe(to) || pipe(from))
		bail("no pipe");
	pid = fork();
	if (!pid) {
		if (read(to[0], &byte, 1) != 1 || vm_unusable(&client.vms[0]) ||
		    write(from[1], &byte, 1) != 1 || read(to[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	expect_pid(pid, -ESRCH, "an inherited file that the child never used is not the child's");
	if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
		bail("the heir is gone");
	expect_pid(getpid(), -ESRCH, "once the child has used it, it is no longer the parent's");
	expect_pid(pid, 0, "it is the child's");
	ok(!gem_sum(getpid(), "handed-").resident_bos, "the buffers in it are evicted");
	if (write(to[1], &byte, 1) != 1)
		bail("the heir is gone");
	waitpid(pid, NULL, 0);
	client_fini(&client);
}

static void test_exiting(void)
{
	int bad = 0, hits = 0;

	for (int i = 0; i < knob("EXITS", 20); i++) {
		struct peer *peer = peer_start("-b32x64K", NULL);
		pid_t pid = peer->pid;
		int ret;

		if (i & 1)
			kill(pid, SIGKILL);
		else
			peer_send(peer, "quit");
		do {
			ret = reclaim(pid);
			hits += !ret;
		} while (!ret || ret == -EBUSY);
		bad += ret != -ESRCH;
		peer_kill(peer);
	}
	ok(!bad, "writes to a client that exits succeed (%d times), then return ESRCH", hits);
}

/*
 * What a process in a PID namespace of its own sees: exit status is a bit for each broken promise
 */
static int in_namespace(pid_t outsider)
{
	struct peer *peer = peer_start("-b4x64K", "-nnamespaced", NULL);
	int broken = 0;

	diag("inside: the client is %d, the one outside is %d there", peer->pid, outsider);
	broken |= reclaim(peer->pid) ? 1 : 0;
	broken |= reclaim(outsider) != -ESRCH ? 2 : 0;
	broken |= reclaim(getpid()) != -ESRCH ? 4 : 0;
	broken |= peer_do(peer, "verify cpu") ? 0 : 8;
	peer_quit(peer);
	return broken;
}

static void test_pid_namespace(void)
{
	struct peer *peer = peer_start("-b4x64K", "-nouter", NULL);
	int status = -1;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(255);
		pid = fork();
		if (!pid)
			_exit(in_namespace(peer->pid));
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 254);
	}
	waitpid(pid, &status, 0);
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 253;
	if (status == 255) {
		skip("no PID namespaces", "ids are those of the requester's PID namespace");
		peer_quit(peer);
		return;
	}
	ok(!(status & 1), "in a PID namespace: the inner id of a client inside is valid");
	ok(!(status & 2), "in a PID namespace: an outer id is ESRCH");
	ok(!(status & 4), "in a PID namespace: process 1 is not the outer one: ESRCH");
	ok(!(status & 8) && status < 16, "the data of the client inside is intact");
	ok(gem_sum(peer->pid, "private-").resident_bos == 4,
	   "nothing of the client outside is evicted");
	peer_quit(peer);
}

int main(void)
{
	tap_start();
	test_text();
	test_not_a_client();
	test_peer();
	test_thread();
	test_several_files();
	test_handed_over();
	test_exiting();
	test_pid_namespace();
	return tap_end();
}
