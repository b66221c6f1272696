#!/usr/bin/env python3
"""Runs every fuzz target for so many minutes, two at a time, and writes a line for each into RUNS.md.

    cmake --preset fuzz && cmake --build --preset fuzz
    tests/fuzz/run_all.py --minutes 20

New inputs go to build/fuzz/new; those that the corpus lacks and that reach new code are yours to add. What is found
stands in build/fuzz/found, and the exit status is 1.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]


def fuzz(target, minutes, build):
    """@return  (target, executions, "" or what was found)"""
    new, found = build / "new" / target, build / "found"
    new.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    command = [build / f"tests/fuzz/{target}_fuzz", f"-max_total_time={minutes * 60}", "-max_len=16384", "-timeout=20",
               "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={found}/{target}-", new,
               HERE / "corpus" / target]
    if (dictionary := HERE / "dictionaries" / f"{target}.dict").exists():
        command.insert(1, f"-dict={dictionary}")
    # What the code under test logs is no part of the result.
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=minutes * 60 + 300)
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    print(f"{target}: {executions[1] if executions else '?'} executions, exit status {done.returncode}", flush=True)
    artefact = re.search(r"Test unit written to (\S+)", done.stderr)
    problem = "" if done.returncode == 0 else os.path.basename(artefact[1]) if artefact else "failed"
    return target, int(executions[1]) if executions else 0, problem


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=20, help="for each target")
    parser.add_argument("--build", default="build/fuzz", help="build folder, relative to the project")
    parser.add_argument("target", nargs="*", help="default: all")
    options = parser.parse_args()
    build = PROJECT / options.build
    targets = options.target or sorted(path.name for path in (HERE / "corpus").iterdir())
    commit = subprocess.run(["git", "-C", PROJECT, "rev-parse", "--short", "HEAD"], check=True, capture_output=True,
                            text=True).stdout.strip()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda target: fuzz(target, options.minutes, build), targets))
    with (HERE / "RUNS.md").open("a") as runs:
        for target, executions, problem in results:
            runs.write(f"| {date.today()} | {commit} | {target} | {options.minutes} | {executions} | {problem or 'none'} |\n")
    return any(problem for _, _, problem in results)


sys.exit(main())
