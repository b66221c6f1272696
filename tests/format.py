#!/usr/bin/env python3
"""Every C++ source stands as clang-format 14 would write it."""

import subprocess
import sys

from layers import PROJECT, sources

done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *(path for path, _ in sources())], cwd=PROJECT)
sys.exit(done.returncode)
