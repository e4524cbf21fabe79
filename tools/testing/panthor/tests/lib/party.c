// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "party.h"
#include "pattern.h"
#include "reclaim.h"
#include "tap.h"

#define VA_FIRST 0x10000000ULL
#define VA_STEP 0x10000ULL

/* @sock: to where the file is open, -1: here */
struct party {
	pid_t pid;
	int sock;
	struct gpu gpu;
	struct vm vms[PARTY_VMS];
	struct jobs jobs[PARTY_VMS];
	struct bo bos[PARTY_BOS];
};

enum op {
	OP_CREATE,
	OP_FILL,
	OP_UNMAP,
	OP_EXPORT,
	OP_IMPORT,
	OP_NAME,
	OP_OPEN,
	OP_BIND,
	OP_UNBIND,
	OP_CLOSE,
	OP_VERIFY,
	OP_CHECK,
	OP_RECLAIM,
};

/* A message each way. @fd is sent along if it is not -1 */
struct message {
	enum op op;
	unsigned int bo, vm;
	uint64_t size;
	uint32_t name;
	bool exclusive;
	char label[32];
	int fd;
	int ret;
};

static int create(struct party *party, struct message *m)
{
	struct bo *bo = &party->bos[m->bo];
	int ret = bo_create(&party->gpu, bo, m->size, 0, m->exclusive ? &party->vms[0] : NULL);

	return ret ? ret : bo_label(bo, m->label);
}

static int fill(struct bo *bo, uint32_t seed)
{
	int ret = bo_map(bo);

	if (!ret)
		pattern_fill(bo->map, bo->size, seed, 0);
	return ret;
}

static int verify(struct bo *bo, uint32_t seed)
{
	int ret = bo_map(bo);

	if (ret)
		return ret;
	return pattern_verify(bo->map, bo->size, seed, 0) == bo->size ? 0 : -EILSEQ;
}

static int check(struct party *party, const struct message *m)
{
	struct jobs *jobs = &party->jobs[m->vm];
	uint64_t bad;
	int ret = jobs->gpu ? 0 : jobs_init(jobs, &party->vms[m->vm]);

	return ret ? ret : jobs_check(jobs, &party->bos[m->bo], m->bo + 1, &bad);
}

static int reclaim_self(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};

	return syscall(SYS_capset, &header, none) ? -errno : reclaim(getpid());
}

static int handle(struct party *party, struct message *m)
{
	struct bo *bo = &party->bos[m->bo];
	struct vm *vm = &party->vms[m->vm];
	void *map = bo->map;
	int ret;

	switch (m->op) {
	case OP_CREATE:
		ret = create(party, m);
		break;
	case OP_FILL:
		ret = fill(bo, m->bo + 1);
		break;
	case OP_UNMAP:
		bo_unmap(bo);
		return 0;
	case OP_EXPORT:
		m->fd = bo_export(bo);
		return m->fd < 0 ? m->fd : 0;
	case OP_IMPORT:
		ret = bo_import(&party->gpu, bo, m->fd, m->size);
		bo->map = map;
		break;
	case OP_NAME:
		return bo_name(bo, &m->name);
	case OP_OPEN:
		ret = bo_open(&party->gpu, bo, m->name);
		break;
	case OP_BIND:
		ret = bo_bind(bo, vm);
		break;
	case OP_UNBIND:
		ret = bo_unbind(bo, vm);
		break;
	case OP_CLOSE:
		bo_close(bo);
		return 0;
	case OP_VERIFY:
		ret = verify(bo, m->bo + 1);
		break;
	case OP_CHECK:
		ret = check(party, m);
		break;
	case OP_RECLAIM:
		ret = reclaim_self();
		break;
	default:
		ret = -EINVAL;
	}
	bo->va = VA_FIRST + m->bo * VA_STEP;
	return ret;
}

static int send_message(int sock, struct message *m, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == sizeof(*m) ? 0 : -EPIPE;
}

static int receive_message(int sock, struct message *m)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != sizeof(*m))
		return -EPIPE;
	m->fd = -1;
	if (msg.msg_controllen >= sizeof(struct cmsghdr) && control.header.cmsg_type == SCM_RIGHTS)
		memcpy(&m->fd, CMSG_DATA(&control.header), sizeof(m->fd));
	return 0;
}

static void __attribute__((noreturn)) serve(struct party *party, int sock)
{
	struct message m;
	int fd;

	while (!receive_message(sock, &m)) {
		fd = m.fd;
		m.ret = handle(party, &m);
		if (send_message(sock, &m, m.op == OP_EXPORT ? m.fd : -1))
			break;
		if (m.op == OP_EXPORT)
			fd = m.fd;
		if (fd >= 0)
			close(fd);
	}
	_exit(0);
}

static int call(struct party *party, struct message *m)
{
	if (party->sock < 0)
		return handle(party, m);
	if (send_message(party->sock, m, m->fd) || receive_message(party->sock, m))
		return -EPIPE;
	return m->ret;
}

static int open_file(struct party *party, const char *node, unsigned int vms)
{
	int ret = gpu_open(&party->gpu, node);

	for (unsigned int i = 0; i < vms && !ret; i++)
		ret = vm_create(&party->gpu, &party->vms[i]);
	/* Its own buffers, for jobs, have their place behind the numbered ones */
	party->gpu.next_va = VA_FIRST + PARTY_BOS * VA_STEP;
	return ret;
}

static struct party *party_alloc(void)
{
	struct party *party = calloc(1, sizeof(*party));

	if (!party)
		bail("out of memory");
	party->sock = -1;
	party->pid = getpid();
	return party;
}

struct party *party_open(const char *node, unsigned int vms)
{
	struct party *party = party_alloc();
	int ret = open_file(party, node, vms);

	if (ret)
		bail("cannot open the device: %s", strerror(-ret));
	return party;
}

struct party *party_fork(const char *node, unsigned int vms)
{
	struct party *party = party_alloc();
	struct message hello = { .fd = -1 };
	int socks[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks))
		bail("no socket: %s", strerror(errno));
	party->pid = fork();
	if (party->pid < 0)
		bail("cannot fork: %s", strerror(errno));
	if (!party->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(socks[0]);
		hello.ret = open_file(party, node, vms);
		if (!send_message(socks[1], &hello, -1))
			serve(party, socks[1]);
		_exit(1);
	}
	close(socks[1]);
	party->sock = socks[0];
	if (receive_message(party->sock, &hello) || hello.ret)
		bail("another process cannot open the device: %s", strerror(-hello.ret));
	return party;
}

pid_t party_pid(const struct party *party)
{
	return party->pid;
}

void party_end(struct party *party)
{
	if (party->sock >= 0) {
		kill(party->pid, SIGKILL);
		waitpid(party->pid, NULL, 0);
		close(party->sock);
	} else {
		for (int i = 0; i < PARTY_VMS; i++)
			if (party->jobs[i].gpu)
				jobs_fini(&party->jobs[i]);
		for (int i = 0; i < PARTY_BOS; i++)
			if (party->bos[i].gpu)
				bo_destroy(&party->bos[i]);
		gpu_close(&party->gpu);
	}
	free(party);
}

int party_create(struct party *party, unsigned int bo, uint64_t size, bool exclusive,
		 const char *label)
{
	struct message m = {
		.op = OP_CREATE, .bo = bo, .size = size, .exclusive = exclusive, .fd = -1
	};

	snprintf(m.label, sizeof(m.label), "%s", label);
	return call(party, &m);
}

/* What takes no more than a buffer and a VM */
static int plain_call(struct party *party, enum op op, unsigned int bo, unsigned int vm)
{
	struct message m = { .op = op, .bo = bo, .vm = vm, .fd = -1 };

	return call(party, &m);
}

int party_fill(struct party *party, unsigned int bo)
{
	return plain_call(party, OP_FILL, bo, 0);
}

void party_unmap(struct party *party, unsigned int bo)
{
	plain_call(party, OP_UNMAP, bo, 0);
}

int party_export(struct party *party, unsigned int bo)
{
	struct message m = { .op = OP_EXPORT, .bo = bo, .fd = -1 };
	int ret = call(party, &m);

	return ret ? ret : m.fd;
}

int party_import(struct party *party, unsigned int bo, int dmabuf, uint64_t size)
{
	struct message m = { .op = OP_IMPORT, .bo = bo, .size = size, .fd = dmabuf };

	return call(party, &m);
}

int party_pass(struct party *from, struct party *to, unsigned int bo)
{
	struct message m = { .op = OP_NAME, .bo = bo, .fd = -1 };
	int ret = call(from, &m);

	if (ret)
		return ret;
	m.op = OP_OPEN;
	return call(to, &m);
}

int party_bind(struct party *party, unsigned int bo, unsigned int vm)
{
	return plain_call(party, OP_BIND, bo, vm);
}

int party_unbind(struct party *party, unsigned int bo, unsigned int vm)
{
	return plain_call(party, OP_UNBIND, bo, vm);
}

void party_close(struct party *party, unsigned int bo)
{
	plain_call(party, OP_CLOSE, bo, 0);
}

int party_verify(struct party *party, unsigned int bo)
{
	return plain_call(party, OP_VERIFY, bo, 0);
}

int party_check(struct party *party, unsigned int bo, unsigned int vm)
{
	return plain_call(party, OP_CHECK, bo, vm);
}

int party_reclaim_self(struct party *party)
{
	return plain_call(party, OP_RECLAIM, 0, 0);
}
