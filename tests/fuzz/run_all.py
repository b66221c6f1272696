#!/usr/bin/env python3
"""Runs every fuzz target for so many minutes of CPU time, one a core, and writes a line for each into RUNS.md.

    cmake --preset fuzz && cmake --build --preset fuzz
    tests/fuzz/run_all.py --minutes 20

CPU time, so that other work on the machine makes it last longer, and the figures mean the same. New inputs go to
build/fuzz/new; those that the corpus lacks and that reach new code are yours to add. What is found stands in
build/fuzz/found, and the exit status is 1.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
SLICE_SECONDS = 120


def fuzz_slice(target, build):
    """One run of the target. @return  (seconds of CPU time, executions, "" or what was found)"""
    new, found = build / "new" / target, build / "found"
    new.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    command = [build / f"tests/fuzz/{target}_fuzz", f"-max_total_time={SLICE_SECONDS}", "-max_len=16384", "-timeout=20",
               "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={found}/{target}-", new,
               HERE / "corpus" / target]
    if (dictionary := HERE / "dictionaries" / f"{target}.dict").exists():
        command.insert(1, f"-dict={dictionary}")
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        # What the code under test logs is no part of the result.
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
    artefact = re.search(r"Test unit written to (\S+)", text)
    problem = "" if process.returncode == 0 else os.path.basename(artefact[1]) if artefact else "failed"
    return used.ru_utime + used.ru_stime, int(executions[1]) if executions else 0, problem


def fuzz(target, minutes, build):
    """@return  (target, minutes of CPU time, executions, "" or what was found)"""
    seconds, executions, problem = 0, 0, ""
    while seconds < minutes * 60 and not problem:
        more_seconds, more_executions, problem = fuzz_slice(target, build)
        seconds += more_seconds
        executions += more_executions
    print(f"{target}: {seconds / 60:.1f} minutes, {executions} executions, {problem or 'nothing found'}", flush=True)
    return target, seconds / 60, executions, problem


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=20, help="of CPU time, for each target")
    parser.add_argument("--build", default="build/fuzz", help="build folder, relative to the project")
    parser.add_argument("target", nargs="*", help="default: all")
    options = parser.parse_args()
    build = PROJECT / options.build
    targets = options.target or sorted(path.name for path in (HERE / "corpus").iterdir())
    commit = subprocess.run(["git", "-C", PROJECT, "rev-parse", "--short", "HEAD"], check=True, capture_output=True,
                            text=True).stdout.strip()
    problems = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(fuzz, target, options.minutes, build) for target in targets]
        for run in as_completed(runs):  # each is written down at once: what ends this early loses little
            target, spent, executions, problem = run.result()
            problems.append(problem)
            with (HERE / "RUNS.md").open("a") as table:
                table.write(f"| {date.today()} | {commit} | {target} | {spent:.1f} | {executions} | {problem or 'none'} |\n")
    return any(problems)


sys.exit(main())
