// SPDX-License-Identifier: GPL-2.0
/*
 * First process of a guest whose kernel has modules where ours has no need of any: loads those that
 * /modules names, mounts the root as the kernel's command line says for one that can, and goes on
 * with GUEST_INIT there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPTIONS "trans=virtio,version=9p2000.L,msize=512000,cache=loose"

/* The kernel panics, and what it prints is in its log */
static void check(int ret, const char *what)
{
	if (ret >= 0)
		return;
	perror(what);
	exit(1);
}

static void load_modules(void)
{
	FILE *list = fopen("/modules", "r");
	char name[256];

	check(list ? 0 : -1, "/modules");
	while (fgets(name, sizeof(name), list)) {
		int fd;

		name[strcspn(name, "\n")] = '\0';
		fd = open(name, O_RDONLY | O_CLOEXEC);
		check(fd, name);
		check(syscall(SYS_finit_module, fd, "", 0), name);
		close(fd);
	}
	fclose(list);
}

int main(void)
{
	char *init = getenv("GUEST_INIT");

	check(init ? 0 : -1, "GUEST_INIT");
	check(chdir("/"), "/");
	load_modules();
	check(mount("root", "/mnt", "9p", MS_RDONLY, OPTIONS), "the root");
	check(mount("dev", "/mnt/dev", "devtmpfs", MS_NOSUID, ""), "/dev");
	check(chdir("/mnt"), "/mnt");
	check(mount(".", "/", NULL, MS_MOVE, NULL), "the root");
	check(chroot("."), "chroot");
	check(execl(init, init, (char *)NULL), init);
}
