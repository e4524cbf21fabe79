#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tests of reclaimd that need no guest.
cd "$(dirname "$0")/../../../.." && exec make -s -C tools/reclaimd check OUT="$PWD/build/host"
