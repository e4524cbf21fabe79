#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""sql.py DATABASE [SQL]: the rows of SQL, one a line, values separated by |; without SQL: from standard input."""
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in (sys.argv[2] if len(sys.argv) > 2 else sys.stdin.read()).split(";"):
    for row in db.execute(statement):
        print("|".join("" if value is None else str(value) for value in row))
