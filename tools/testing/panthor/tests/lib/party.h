/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One of several that have a part in the same buffers: an open file of the device, in this process
 * or in one of its own, with VMs. Buffers have numbers, which mean the same buffer to all of them,
 * at the same GPU address. A buffer's pattern goes by its number.
 */
#ifndef TESTS_PARTY_H
#define TESTS_PARTY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PARTY_BOS 1024
#define PARTY_VMS 4

struct party;

/*
 * @node: NULL for the first render node. Those in processes of their own come first, for they
 * inherit nothing that was opened before. Both bail out if it does not work
 */
struct party *party_fork(const char *node, unsigned int vms);
struct party *party_open(const char *node, unsigned int vms);
pid_t party_pid(const struct party *party);
/* Frees all that it has; a process of its own is killed, and gone on return */
void party_end(struct party *party);

/* All of these return 0 or a negative errno; @exclusive: to VM 0 */
int party_create(struct party *party, unsigned int bo, uint64_t size, bool exclusive,
		 const char *label);
/* By the CPU. The mapping stays until party_unmap() */
int party_fill(struct party *party, unsigned int bo);
void party_unmap(struct party *party, unsigned int bo);
/* A dma-buf, or a negative errno */
int party_export(struct party *party, unsigned int bo);
int party_import(struct party *party, unsigned int bo, int dmabuf, uint64_t size);
/* Hands a buffer to another by its name; both are card nodes */
int party_pass(struct party *from, struct party *to, unsigned int bo);
int party_bind(struct party *party, unsigned int bo, unsigned int vm);
int party_unbind(struct party *party, unsigned int bo, unsigned int vm);
void party_close(struct party *party, unsigned int bo);
/* -EILSEQ: by way of a mapping, or as a job in @vm sees it, there is something else in it */
int party_verify(struct party *party, unsigned int bo);
int party_check(struct party *party, unsigned int bo, unsigned int vm);
/* Writes its own number to mem_reclaim, with no capability from then on */
int party_reclaim_self(struct party *party);

#endif
