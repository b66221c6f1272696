#!/usr/bin/env python3
"""Fails where a message costs more instructions than instructions.json says; callgrind counts them.

    tests/bench/instructions.py PROGRAM [--write]

Instructions are counted, not time, so it does not matter how busy or fast the machine is. They do depend on the
compiler and on libc: the figures are those of Debian 12's. --write puts what was counted in the file.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

FIGURES = Path(__file__).with_name("instructions.json")
MESSAGES = 1000  # in instructions.cpp
TOLERANCE = 0.03

# libc chooses its string functions by the processor; this leaves it the ones that every x86-64 has.
PLAIN_LIBC = "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-AVX512F,-AVX512VL,-EVEX,-BMI2,-ERMS,-SSE4_2"


def count(program, kind):
    """Instructions for each message."""
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          "--toggle-collect=void smtpauth::bench::measure*", program, kind],
                         capture_output=True, text=True, timeout=120,
                         env={**os.environ, "GLIBC_TUNABLES": PLAIN_LIBC, "TZ": "UTC"})
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"valgrind did not count: {run.stderr}")
    return round(int(found[1]) / MESSAGES)


def main():
    program = sys.argv[1]
    expected = json.loads(FIGURES.read_text())
    counted = {kind: count(program, kind) for kind in expected}
    failed = False
    for kind, now in counted.items():
        change = now / expected[kind] - 1
        verdict = "as expected"
        if change > TOLERANCE:
            verdict, failed = "MORE than the tolerance allows", True
        elif change < -TOLERANCE:
            verdict = "less: write it down, so that it stays so (--write)"
        print(f"{kind:8} {now:6} instructions a message, {expected[kind]} expected ({change:+.1%}): {verdict}")
    if "--write" in sys.argv:
        FIGURES.write_text(json.dumps(counted, indent=4) + "\n")
    else:
        sys.exit(failed)


if __name__ == "__main__":
    main()
