// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "pattern.h"

/* Jobs that a loop keeps under way: the GPU never runs dry between two of them */
#define DEPTH 3

const char *const bo_kind_names[BO_KINDS] = {
	[BO_PRIVATE] = "private",
	[BO_SHARED] = "shared",
	[BO_MMAP] = "mmap",
	[BO_UNUSED] = "unused",
};

static int fail(struct client_error *err, int ret, const char *what, const struct client_bo *bo)
{
	*err = (struct client_error){ .what = what, .bo = bo };
	return ret;
}

static bool vm_alive(const struct client *client, unsigned int vm)
{
	return client->vms[vm].id;
}

/* Is there a VM through which the GPU reaches the buffer? */
static bool on_gpu(const struct client *client, const struct client_bo *cbo)
{
	if (cbo->kind == BO_PRIVATE)
		return vm_alive(client, cbo->vm);
	for (unsigned int vm = 0; cbo->kind == BO_SHARED && vm < client->nr_vms; vm++)
		if (vm_alive(client, vm))
			return true;
	return false;
}

/* The copy of @from with "%i" replaced */
static void expand_label(char *to, size_t size, const char *from, unsigned int index)
{
	const char *mark = strstr(from, "%i");

	if (mark)
		snprintf(to, size, "%.*s%u%s", (int)(mark - from), from, index, mark + 2);
	else
		snprintf(to, size, "%s", from);
}

static int bind_in_vms(struct client *client, struct client_bo *cbo, bool bind)
{
	unsigned int first = cbo->kind == BO_SHARED ? 0 : cbo->vm;
	unsigned int last = cbo->kind == BO_SHARED ? client->nr_vms - 1 : cbo->vm;
	int ret = 0;

	for (unsigned int vm = first; vm <= last && !ret; vm++) {
		if (!vm_alive(client, vm))
			continue;
		ret = bind ? bo_bind(&cbo->bo, &client->vms[vm])
			   : bo_unbind(&cbo->bo, &client->vms[vm]);
	}
	return ret;
}

static int add_bo(struct client *client, const struct bo_spec *spec, unsigned int vm,
		  unsigned int index, struct client_error *err)
{
	struct client_bo *cbo = &client->bos[client->nr_bos];
	char label[32];
	int ret;

	cbo->kind = spec->kind;
	cbo->vm = vm;
	snprintf(label, sizeof(label), "%s-%%i", bo_kind_names[spec->kind]);
	expand_label(cbo->label, sizeof(cbo->label), spec->label ? spec->label : label, index);

	ret = bo_create(&client->gpu, &cbo->bo, spec->size, 0,
			spec->kind == BO_PRIVATE ? &client->vms[vm] : NULL);
	if (ret)
		return fail(err, ret, "create a buffer", cbo);
	client->nr_bos++;

	ret = bo_label(&cbo->bo, cbo->label);
	if (ret)
		return fail(err, ret, "label a buffer", cbo);

	ret = on_gpu(client, cbo) ? bind_in_vms(client, cbo, true) : 0;
	if (ret)
		return fail(err, ret, "bind a buffer", cbo);

	ret = spec->kind == BO_UNUSED ? 0 : bo_map(&cbo->bo);
	if (ret)
		return fail(err, ret, "map a buffer", cbo);
	return 0;
}

static int add_bos(struct client *client, const struct bo_spec *spec, struct client_error *err)
{
	unsigned int vms = spec->kind == BO_PRIVATE ? client->nr_vms : 1;
	int ret = 0;

	for (unsigned int vm = 0; vm < vms; vm++)
		for (unsigned int i = 0; i < spec->count && !ret; i++)
			ret = add_bo(client, spec, vm, i, err);
	return ret;
}

static size_t count_bos(const struct client_config *config)
{
	size_t bos = 0;

	for (unsigned int i = 0; i < config->nr_specs; i++)
		bos += (size_t)config->specs[i].count *
		       (config->specs[i].kind == BO_PRIVATE ? config->vms : 1);
	return bos;
}

static int create_all(struct client *client, const struct client_config *config,
		      struct client_error *err)
{
	int ret;

	for (unsigned int vm = 0; vm < config->vms; vm++) {
		ret = vm_create(&client->gpu, &client->vms[vm]);
		if (ret)
			return fail(err, ret, "create a VM", NULL);
		client->nr_vms++;
	}
	for (unsigned int i = 0; i < config->nr_specs; i++) {
		ret = add_bos(client, &config->specs[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

int client_init(struct client *client, const struct client_config *config, struct client_error *err)
{
	int ret;

	*client = (struct client){ .seed = config->seed };
	ret = gpu_open(&client->gpu, config->device);
	if (ret)
		return fail(err, ret, "open the device", NULL);

	client->vms = calloc(config->vms, sizeof(*client->vms));
	client->jobs = calloc(config->vms, sizeof(*client->jobs));
	client->bos = calloc(count_bos(config) + 1, sizeof(*client->bos));
	if (!client->vms || !client->jobs || !client->bos)
		ret = fail(err, -ENOMEM, "prepare", NULL);
	else
		ret = create_all(client, config, err);
	if (ret)
		client_fini(client);
	return ret;
}

void client_fini(struct client *client)
{
	struct client_error err;
	uint64_t frames, late;

	if (client->loop)
		client_loop_stop(client, &frames, &late, &err);
	for (unsigned int vm = 0; vm < client->nr_vms; vm++)
		if (client->jobs[vm].gpu)
			jobs_fini(&client->jobs[vm]);
	for (unsigned int i = 0; i < client->nr_bos; i++)
		bo_destroy(&client->bos[i].bo);
	for (unsigned int vm = 0; vm < client->nr_vms; vm++)
		if (vm_alive(client, vm))
			vm_destroy(&client->vms[vm]);
	gpu_close(&client->gpu);
	free(client->bos);
	free(client->jobs);
	free(client->vms);
	*client = (struct client){ .gpu.fd = -1 };
}

/* The jobs of a VM, made when first needed: a client that never submits has no group */
static int get_jobs(struct client *client, unsigned int vm, struct jobs **jobs)
{
	int ret = 0;

	*jobs = &client->jobs[vm];
	if (!vm_alive(client, vm))
		return -ENOENT;
	if ((*jobs)->gated)
		return -EBUSY;
	if (!(*jobs)->gpu) {
		ret = jobs_init(*jobs, &client->vms[vm]);
		if (ret)
			**jobs = (struct jobs){};
	}
	return ret;
}

/* A mapping for as long as it is needed: buffers that have none keep having none */
static int with_map(struct client_bo *cbo, int (*fn)(struct client_bo *cbo, uint64_t *bad),
		    uint64_t *bad)
{
	bool mapped = cbo->bo.map;
	int ret = bo_map(&cbo->bo);

	if (ret)
		return ret;
	ret = fn(cbo, bad);
	if (!mapped)
		bo_unmap(&cbo->bo);
	return ret;
}

static int cpu_fill(struct client_bo *cbo, uint64_t *bad)
{
	(void)bad;
	pattern_fill(cbo->bo.map, cbo->bo.size, cbo->seed, 0);
	return 0;
}

static int cpu_verify(struct client_bo *cbo, uint64_t *bad)
{
	*bad = pattern_verify(cbo->bo.map, cbo->bo.size, cbo->seed, 0);
	return *bad == cbo->bo.size ? 0 : -EILSEQ;
}

/* A shared buffer is handled by way of the first VM that still lives */
static int jobs_of_bo(struct client *client, const struct client_bo *cbo, struct jobs **jobs)
{
	unsigned int vm = cbo->vm;

	while (cbo->kind == BO_SHARED && !vm_alive(client, vm) && vm + 1 < client->nr_vms)
		vm++;
	return get_jobs(client, vm, jobs);
}

static int fill_one(struct client *client, struct client_bo *cbo, enum client_how how)
{
	struct jobs *jobs;
	int ret;

	if (how == CLIENT_CPU || !on_gpu(client, cbo))
		return with_map(cbo, cpu_fill, NULL);

	ret = jobs_of_bo(client, cbo, &jobs);
	return ret ? ret : jobs_fill(jobs, &cbo->bo, cbo->seed);
}

int client_fill(struct client *client, enum client_how how, struct client_error *err)
{
	int ret;

	client->fills++;
	for (unsigned int i = 0; i < client->nr_bos; i++) {
		struct client_bo *cbo = &client->bos[i];

		cbo->seed = (client->seed << 20) + (client->fills << 12) + i + 1;
		ret = fill_one(client, cbo, how);
		if (ret)
			return fail(err, ret, "fill", cbo);
	}
	return 0;
}

static int verify_one(struct client *client, struct client_bo *cbo, enum client_how how,
		      uint64_t *bad)
{
	struct jobs *jobs;
	int ret;

	if (how == CLIENT_CPU || !on_gpu(client, cbo))
		return with_map(cbo, cpu_verify, bad);

	ret = jobs_of_bo(client, cbo, &jobs);
	if (ret)
		return ret;
	return how == CLIENT_GPU ? jobs_read(jobs, &cbo->bo, cbo->seed, bad)
				 : jobs_check(jobs, &cbo->bo, cbo->seed, bad);
}

int client_verify(struct client *client, enum client_how how, uint64_t *bytes,
		  struct client_error *err)
{
	uint64_t bad = 0;
	int ret;

	*bytes = 0;
	for (unsigned int i = 0; i < client->nr_bos; i++) {
		struct client_bo *cbo = &client->bos[i];

		if (!cbo->seed)
			return fail(err, -ENODATA, "verify; fill the buffers first", NULL);
		ret = verify_one(client, cbo, how, &bad);
		if (ret) {
			fail(err, ret, "verify", cbo);
			err->offset = bad;
			return ret;
		}
		*bytes += how == CLIENT_CHECK && on_gpu(client, cbo) ? cbo->bo.size / PATTERN_LINES
								     : cbo->bo.size;
	}
	return 0;
}

int client_calibrate(struct client *client, struct client_error *err)
{
	struct jobs *jobs;
	int ret;

	for (unsigned int vm = 0; vm < client->nr_vms; vm++) {
		if (!vm_alive(client, vm))
			continue;
		ret = get_jobs(client, vm, &jobs);
		if (!ret && vm)
			jobs->turn_ps = client->jobs[0].turn_ps;
		if (!ret && !jobs->turn_ps)
			ret = jobs_calibrate(jobs);
		if (ret)
			return fail(err, ret, "calibrate", NULL);
	}
	return 0;
}

/* An address that the next job of @vm reads: each buffer in turn */
static uint64_t touch_va(const struct client *client, unsigned int vm, uint64_t turn)
{
	for (unsigned int i = 0; i < client->nr_bos; i++) {
		const struct client_bo *cbo = &client->bos[(turn + i) % client->nr_bos];

		if (cbo->kind == BO_SHARED || (cbo->kind == BO_PRIVATE && cbo->vm == vm))
			return cbo->bo.va;
	}
	return 0;
}

static int submit_in_vm(struct client *client, unsigned int vm, unsigned int count, uint32_t us,
			struct client_error *err)
{
	struct jobs *jobs;
	int ret;

	ret = get_jobs(client, vm, &jobs);
	if (ret)
		return fail(err, ret, "create a group", NULL);
	for (unsigned int i = 0; i < count; i++) {
		ret = jobs_spin(jobs, us, touch_va(client, vm, i));
		if (ret)
			return fail(err, ret, "submit a job", NULL);
	}
	return 0;
}

int client_submit(struct client *client, unsigned int count, uint32_t us, struct client_error *err)
{
	int ret = us ? client_calibrate(client, err) : 0;

	for (unsigned int vm = 0; vm < client->nr_vms && !ret; vm++)
		if (vm_alive(client, vm))
			ret = submit_in_vm(client, vm, count, us, err);
	if (ret)
		return ret;

	for (unsigned int vm = 0; vm < client->nr_vms; vm++) {
		struct jobs *jobs = &client->jobs[vm];

		if (!vm_alive(client, vm) || !jobs->gpu || !count)
			continue;
		ret = jobs_wait(jobs, jobs->point, dev_now() + JOB_PATIENCE + us * 1000LL * count);
		if (ret)
			return fail(err, ret, "wait for a job", NULL);
	}
	return 0;
}

int client_hold(struct client *client, struct client_error *err)
{
	struct jobs *jobs;
	int ret;

	ret = get_jobs(client, 0, &jobs);
	if (!ret)
		ret = jobs_gate(jobs);
	return ret ? fail(err, ret, "hold the GPU", NULL) : 0;
}

int client_release(struct client *client, struct client_error *err)
{
	struct jobs *jobs = &client->jobs[0];
	int ret;

	if (!jobs->gated)
		return fail(err, -ENOENT, "release the GPU; it is not held", NULL);
	jobs_open_gate(jobs);
	ret = jobs_wait(jobs, jobs->point, dev_now() + JOB_PATIENCE);
	return ret ? fail(err, ret, "wait for a job", NULL) : 0;
}

static void sleep_until(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / DEV_NSEC, .tv_nsec = ns % DEV_NSEC };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* One frame in every VM */
static int loop_frame(struct client_loop *loop)
{
	struct client *client = loop->client;
	int ret = 0;

	for (unsigned int vm = 0; vm < client->nr_vms && !ret; vm++) {
		struct jobs *jobs = &loop->jobs[vm];

		if (!jobs->gpu)
			continue;
		if (jobs->point >= DEPTH)
			ret = jobs_wait(jobs, jobs->point + 1 - DEPTH, dev_now() + JOB_PATIENCE);
		if (!ret)
			ret = jobs_spin(jobs, loop->us, touch_va(client, vm, jobs->point));
	}
	return ret;
}

static void *loop_main(void *arg)
{
	struct client_loop *loop = arg;
	struct client *client = loop->client;
	int64_t next = dev_now();

	while (!loop->stop && !loop->error) {
		loop->error = loop_frame(loop);
		loop->frames++;
		if (!loop->hz)
			continue;
		next += DEV_NSEC / loop->hz;
		if (next < dev_now()) {
			loop->late++;
			next = dev_now();
		} else {
			sleep_until(next);
		}
	}

	for (unsigned int vm = 0; vm < client->nr_vms; vm++) {
		struct jobs *jobs = &loop->jobs[vm];

		if (jobs->gpu && jobs->point && !loop->error)
			loop->error = jobs_wait(jobs, jobs->point, dev_now() + JOB_PATIENCE);
	}
	return NULL;
}

static void loop_free(struct client_loop *loop)
{
	for (unsigned int vm = 0; vm < loop->client->nr_vms; vm++)
		if (loop->jobs[vm].gpu)
			jobs_fini(&loop->jobs[vm]);
	free(loop->jobs);
	free(loop);
}

/* The loop has groups of its own, so that other commands go on meanwhile */
static struct client_loop *loop_alloc(struct client *client, int *ret)
{
	struct client_loop *loop = calloc(1, sizeof(*loop));

	*ret = -ENOMEM;
	if (!loop)
		return NULL;
	loop->client = client;
	loop->jobs = calloc(client->nr_vms, sizeof(*loop->jobs));
	if (!loop->jobs) {
		free(loop);
		return NULL;
	}

	*ret = 0;
	for (unsigned int vm = 0; vm < client->nr_vms && !*ret; vm++) {
		if (!vm_alive(client, vm))
			continue;
		*ret = jobs_init(&loop->jobs[vm], &client->vms[vm]);
		if (*ret)
			loop->jobs[vm] = (struct jobs){};
		else
			loop->jobs[vm].turn_ps = client->jobs[vm].turn_ps;
	}
	if (*ret) {
		loop_free(loop);
		return NULL;
	}
	return loop;
}

int client_loop_start(struct client *client, uint32_t hz, uint32_t us, struct client_error *err)
{
	struct client_loop *loop;
	int ret;

	if (client->loop)
		return fail(err, -EALREADY, "start a loop; stop the running one first", NULL);
	if (us > JOB_MAX_US)
		return fail(err, -EINVAL, "make jobs of that length", NULL);

	ret = client_calibrate(client, err);
	if (ret)
		return ret;
	loop = loop_alloc(client, &ret);
	if (!loop)
		return fail(err, ret, "create a group", NULL);

	loop->hz = hz;
	loop->us = us;
	ret = -pthread_create(&loop->thread, NULL, loop_main, loop);
	if (ret) {
		loop_free(loop);
		return fail(err, ret, "start a thread", NULL);
	}
	client->loop = loop;
	return 0;
}

int client_loop_stop(struct client *client, uint64_t *frames, uint64_t *late,
		     struct client_error *err)
{
	struct client_loop *loop = client->loop;
	int ret;

	if (!loop)
		return fail(err, -ENOENT, "stop the loop; none is running", NULL);

	loop->stop = true;
	pthread_join(loop->thread, NULL);
	client->loop = NULL;
	*frames = loop->frames;
	*late = loop->late;
	ret = loop->error;
	loop_free(loop);
	return ret ? fail(err, ret, "run the loop", NULL) : 0;
}

int client_bind(struct client *client, bool bind, struct client_error *err)
{
	int ret;

	for (unsigned int i = 0; i < client->nr_bos; i++) {
		struct client_bo *cbo = &client->bos[i];

		ret = on_gpu(client, cbo) ? bind_in_vms(client, cbo, bind) : 0;
		if (ret)
			return fail(err, ret, bind ? "bind a buffer" : "unbind a buffer", cbo);
	}
	return 0;
}

int client_destroy_vm(struct client *client, unsigned int vm, struct client_error *err)
{
	int ret;

	if (client->loop)
		return fail(err, -EBUSY, "destroy a VM; stop the loop first", NULL);
	if (vm >= client->nr_vms || !vm_alive(client, vm))
		return fail(err, -ENOENT, "destroy a VM that does not exist", NULL);

	if (client->jobs[vm].gpu)
		jobs_fini(&client->jobs[vm]);
	client->jobs[vm] = (struct jobs){};
	ret = vm_destroy(&client->vms[vm]);
	return ret ? fail(err, ret, "destroy a VM", NULL) : 0;
}
