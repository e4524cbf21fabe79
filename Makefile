# SPDX-License-Identifier: GPL-2.0
#
# Each target builds what it needs, resumes where an earlier run was stopped, and
# shows its progress.

T := tools/testing/panthor
OUT := build/tools

KERNEL ?= plain
MINUTES ?= 10
export KDIR UPDATE JOBS

# ARCH=: the distribution's kernel for that architecture, unless KERNEL= names the project's
PAGES ?= 4k
ifeq ($(origin ARCH),command line)
OF_ARCH := $(patsubst x86%,amd64,$(ARCH:aarch64=arm64))
OURS := $(if $(filter command line,$(origin KERNEL)),$(filter-out distro,$(KERNEL)))
override KERNEL := $(OF_ARCH)-$(PAGES)$(OURS:%=-%)
endif

# Unexpanded: a $ in it is for the guest
guest: export CMD_IN_GUEST := $(value CMD)

help:
	@echo 'make demo                   two clients, two requests, their trace: build/demo/'
	@echo "     ARCH=arm64             Mesa's: glmark2 and vkcube under weston"
	@echo "     KERNEL=distro          with the distribution's kernel: takes minutes, but"
	@echo '                            has no mm helper'
	@echo 'make check                  all tests; the last line counts them'
	@echo '     TESTS=pattern          only tests that match'
	@echo "     ARCH=arm64             with the distribution's kernels and real clients;"
	@echo '                            PAGES=4k|16k for one page size'
	@echo 'make guest                  a root shell in the guest'
	@echo "     CMD='command'          run it instead; if it fails, make exits with 2, and"
	@echo '                            tools/testing/panthor/guest/guest with its status'
	@echo '     KERNEL=plain|debug|distro MEM=MiB SMP=n SHARE=dir LIMIT=seconds'
	@echo "     ARCH=arm64|amd64       the distribution's kernel, and Mesa; PAGES=4k|16k;"
	@echo "                            KERNEL=plain|debug: the project's, and PAGES=64k"
	@echo 'make bench                  measure; the figures are in build/bench/bench.json'
	@echo 'make soak MINUTES=n         everything at once, on the debug kernel'
	@echo "     TESTS='isolation ...'  long tests: see tools/testing/panthor/soak/soak"
	@echo "     ARCH=arm64             on the distribution's kernel, and real clients"
	@echo 'make tools                  build panthor-trace, plugin, reclaimd: build/tools/'
	@echo 'make kernel                 build it: build/kernel/; KERNEL=plain|debug'
	@echo 'make install | uninstall    panthor-trace, plugin, reclaimd; DESTDIR= PREFIX='
	@echo 'make series KDIR=linux      patches for git am; BUILD_EACH=1 TEST_EACH=1'
	@echo 'make module KVER=release    the module for an installed kernel; KBUILD=headers'
	@echo "make deb SUITES='sid ...'   Debian packages, built and tested: build/deb/;"
	@echo '                            CROSS=1 for arm64, too'
	@echo 'make lint                   checkpatch, sparse, shellcheck and the like'
	@echo 'make clean | distclean      remove build/; and the cache'
	@echo
	@echo 'KDIR=dir       your Linux >= 7.2, never written to; default: the newest package'
	@echo 'NO_INSTALL=1   do not install packages: list the missing ones'

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

# Programs for the guest; they need the headers of the kernel's source
clients: $(if $(OF_ARCH),packages,tools) $(FIRMWARE)
ifdef OF_ARCH
	@$(T)/packages foreign
	@$(if $(OURS),$(T)/kernel/build $(KERNEL),$(T)/kernel/prebuilt $(OF_ARCH) $(PAGES))
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

demo: clients $(if $(OF_ARCH),tools)
	@KERNEL=$(KERNEL) $(T)/demo/demo

ifdef OF_ARCH
# Each page size that there is, unless PAGES= names one
CHECK_PAGES := $(if $(filter file,$(origin PAGES)),$(if $(filter arm64,$(OF_ARCH)),4k 16k $(OURS:%=64k),4k),$(PAGES))
check: clients
	@for pages in $(CHECK_PAGES); do \
		$(if $(OURS),$(T)/kernel/build $(OF_ARCH)-$$pages-$(OURS), \
			$(T)/kernel/prebuilt $(OF_ARCH) $$pages) || exit; \
	done
	@KERNELS='$(CHECK_PAGES:%=$(OF_ARCH)-%$(OURS:%=-%))' $(T)/check/check $(TESTS)
else
check: KERNEL := debug
check: clients kernel-plain
	@$(T)/packages check || echo "make check: continuing without them"
	@$(T)/check/check $(TESTS)
endif

bench: clients
	@$(T)/bench/bench

ifdef OF_ARCH
soak: clients
	@KERNEL=$(KERNEL) $(T)/soak/soak $(or $(MINUTES),10) $(TESTS)
else
soak: KERNEL := debug
soak: clients kernel-plain
	@KERNEL= $(T)/soak/soak $(or $(MINUTES),10) $(TESTS)
endif

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

# Folders relative to this one; the tools have the defaults
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
