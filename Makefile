# SPDX-License-Identifier: GPL-2.0
#
# The verbs. Each does all that it needs, picks up where an earlier run was
# stopped, and says how far it is.

T := tools/testing/panthor
OUT := build/tools

KERNEL ?= plain
MINUTES ?= 10
export KDIR UPDATE JOBS

# ARCH=: the distribution's kernel of that architecture instead of one of ours
PAGES ?= 4k
ifeq ($(origin ARCH),command line)
OF_ARCH := $(patsubst x86%,amd64,$(ARCH:aarch64=arm64))
KERNEL := $(OF_ARCH)-$(PAGES)
endif

# As the user wrote it: a $ in it is the guest's
guest: export CMD_IN_GUEST := $(value CMD)

help:
	@echo 'make demo                    two clients, one reclaim, its trace: build/demo/'
	@echo '     KERNEL=distro           on the distribution'\''s kernel: in minutes, but without the mm helper'
	@echo 'make check [TESTS=pattern]   all tests; the last line counts them'
	@echo '                             ARCH=arm64 [PAGES=4k|16k]: on the distribution'\''s kernels, with real clients'
	@echo 'make guest [CMD=...]         run CMD in the guest, or a shell'
	@echo '                             (make says 2 for any failure; tools/testing/panthor/guest/guest exits with CMD'\''s status)'
	@echo '                             KERNEL=plain|debug|distro MEM=MiB SMP=n SHARE=dir LIMIT=seconds'
	@echo '                             ARCH=arm64|amd64 [PAGES=4k|16k]: the distribution'\''s kernel, and Mesa'
	@echo 'make bench                   the figures: build/bench/bench.json'
	@echo 'make soak MINUTES=n          everything at once, on the debug kernel'
	@echo "     TESTS='isolation ...'   and what else takes long: see tools/testing/panthor/soak/soak"
	@echo 'make tools | kernel          parts: build/tools/, build/kernel/; KERNEL=plain|debug'
	@echo 'make install | uninstall     panthor-trace, the plugin, reclaimd; DESTDIR= PREFIX='
	@echo 'make series KDIR=linux       the patches, for git am; BUILD_EACH=1 TEST_EACH=1'
	@echo 'make module KVER=release     the module alone, for a kernel that is installed; KBUILD=headers'
	@echo 'make deb SUITES="sid ..."    Debian packages, built and tried in clean roots: build/deb/; CROSS=1 for arm64, too'
	@echo 'make lint                    what a maintainer would run before reading'
	@echo 'make clean | distclean       build/; and the cache too'
	@echo
	@echo 'KDIR=dir       your own Linux >= 7.2 instead of the newest packaged one; never written to'
	@echo 'NO_INSTALL=1   never install packages: say what is missing'

packages:
	@$(T)/packages

kernel: packages
	@$(T)/kernel/build $(KERNEL)

kernel-%: packages
	@$(T)/kernel/build $*

tools: packages
	@for d in panthor-trace reclaimd; do \
		$(MAKE) -s --no-print-directory -C tools/$$d OUT="$$PWD/$(OUT)" || exit; \
	done

FIRMWARE := build/firmware/arm/mali/arch10.8/mali_csffw.bin

$(OUT)/mkcsffw: drivers/gpu/drm/panthor/sim/mkcsffw.c
	@mkdir -p $(@D)
	@$(CC) -O2 -Wall -Wextra -o $@ $<

$(FIRMWARE): $(OUT)/mkcsffw
	@mkdir -p $(@D)
	@$< $@

# What runs in the guest only; it needs the headers of the kernel's source
clients: $(if $(OF_ARCH),packages,tools) $(FIRMWARE)
ifdef OF_ARCH
	@$(T)/packages foreign
	@$(T)/kernel/prebuilt $(OF_ARCH) $(PAGES)
	@$(T)/rootfs/programs $(OF_ARCH) $(CURDIR)/build/kernel/$(KERNEL)/source
else
	@$(T)/kernel/build $(KERNEL)
	@for d in tests sim; do \
		$(MAKE) -s --no-print-directory -C $(T)/$$d OUT="$$PWD/$(OUT)" \
			KSRC="$$PWD"/build/kernel/$(KERNEL)/source || exit; \
	done
endif

guest: clients
	@$(T)/guest/guest -k $(KERNEL) $(if $(MEM),-m '$(MEM)') $(if $(SMP),-c '$(SMP)') \
		$(if $(SHARE),-s '$(SHARE)') $(if $(LIMIT),-t '$(LIMIT)') -- $${CMD_IN_GUEST:+"$$CMD_IN_GUEST"}

demo: clients
	@KERNEL=$(KERNEL) $(T)/demo/demo

ifdef OF_ARCH
# Each page size that the distribution has, unless one is named
CHECK_PAGES := $(if $(filter file,$(origin PAGES)),$(if $(filter arm64,$(OF_ARCH)),4k 16k,4k),$(PAGES))
check: clients
	@for pages in $(CHECK_PAGES); do $(T)/kernel/prebuilt $(OF_ARCH) $$pages || exit; done
	@KERNELS='$(CHECK_PAGES:%=$(OF_ARCH)-%)' $(T)/check/check $(TESTS)
else
check: KERNEL := debug
check: clients kernel-plain
	@$(T)/packages check || echo "make check: goes on without"
	@$(T)/check/check $(TESTS)
endif

bench: clients
	@$(T)/bench/bench

soak: KERNEL := debug
soak: clients kernel-plain
	@$(T)/soak/soak $(or $(MINUTES),10) $(TESTS)

series:
	@$(T)/series/series

module: export KVER := $(KVER)
module: export KBUILD := $(KBUILD)
module:
	@$(T)/module/module

deb:
	@$(T)/packages deb
	@$(T)/deb/deb $(SUITES)

lint: kernel-plain
	@$(T)/packages lint
	@$(T)/lint/lint

# Folders as seen from here; what is not said is the tools' affair
install uninstall:
	@for d in panthor-trace reclaimd; do \
		$(MAKE) -s --no-print-directory -C tools/$$d OUT="$$PWD/$(OUT)" $@ \
			$(foreach v,DESTDIR PREFIX,$(if $($v),$v="$$(realpath -ms -- '$(subst ','\'',$($v))')")) || exit; \
	done

clean:
	rm -rf build

distclean: clean
	rm -rf "$${XDG_CACHE_HOME:-$${HOME:?}/.cache}/panthor-trace"

.PHONY: help packages kernel tools clients guest demo check bench soak series module deb lint install uninstall clean distclean
