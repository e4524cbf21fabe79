#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What of make lint is quick
exec "$(dirname "$0")/lint" quick
