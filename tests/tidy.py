#!/usr/bin/env python3
"""clang-tidy 14 over every source of the build, on all cores.

A file that was clean is not looked at again until it, one of the project's headers that it includes, the checks or its
compiler command change: a stamp under build/tidy/stamps remembers.
"""

import functools
import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from layers import PROJECT, includes

BUILD = PROJECT / "build/tidy"
TIDY = "clang-tidy-14"


@functools.cache
def included(path):
    """The project's headers that a file includes itself."""
    return [PROJECT / name for _, name in includes(path.read_text()) if (PROJECT / name).is_file()]


def with_headers(path):
    found, open_ = set(), [path]
    while open_:
        if (next_ := open_.pop()) not in found:
            found.add(next_)
            open_ += included(next_)
    return sorted(found)


def state(entry):
    """A text that changes when clang-tidy's verdict may."""
    parts = [(PROJECT / ".clang-tidy").read_bytes(), entry["command"].encode()]
    parts += [path.read_bytes() for path in with_headers(Path(entry["file"]))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def stamp_of(entry):
    return BUILD / "stamps" / Path(entry["file"]).relative_to(PROJECT).as_posix().replace("/", "+")


def is_clean(entry):
    """Runs clang-tidy and prints what it finds."""
    # The compiler command is g++'s, with warnings that clang does not know.
    done = subprocess.run([TIDY, "--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", BUILD, entry["file"]],
                          capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
        return False
    stamp_of(entry).write_text(state(entry))
    return True


def main():
    subprocess.run(["cmake", "--preset", "tidy"], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    (BUILD / "stamps").mkdir(exist_ok=True)
    entries = [entry for entry in json.loads((BUILD / "compile_commands.json").read_text())
               if Path(entry["file"]).is_relative_to(PROJECT) and not Path(entry["file"]).is_relative_to(BUILD)]
    stale = [e for e in entries if not stamp_of(e).exists() or stamp_of(e).read_text() != state(e)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        clean = list(pool.map(is_clean, stale))
    print(f"{len(entries)} sources, {len(stale)} looked at, {clean.count(False)} with findings")
    sys.exit(not all(clean))


if __name__ == "__main__":
    main()
