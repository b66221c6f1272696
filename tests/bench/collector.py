#!/usr/bin/env python3
"""What smtpauth-log-collector makes of records that wait for it: socket, logs, RRD and acknowledgement, on one core.

    tests/bench/collector.py BUILD [--records 1000000] [--ids 1000,100000] [--runs 5] [--directory /var/tmp]

The filter gathers the records while the collector is away; then the collector is started on a core of its own, and the
clock runs from the first line in the log until all is acknowledged. Prints a Markdown table of medians. The figures of
docs/performance.md come from here.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from kit import filter_status, status_mib, wait_for, write_configuration

FILTER_CORE, COLLECTOR_CORE = 0, 1


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(program, configuration, socket, core):
    daemon = subprocess.Popen([program, "-c", configuration], preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    wait_for(socket.exists, socket)
    return daemon


def stop(daemon):
    daemon.terminate()
    daemon.wait(60)


def measure(options, ids):
    """One run. @return  {figure: value}"""
    with tempfile.TemporaryDirectory(dir=options.directory, prefix="bench-") as folder:
        home = Path(folder)
        configuration = write_configuration(home, {"durability": "process"}, durability="process")
        daemons = [start(options.build / "filter/smtpauth-filter", configuration, home / "filter.sock", FILTER_CORE)]
        try:
            subprocess.run([options.build / "tests/bench/load", "--connections", "16", "--messages-per-connection", "1000",
                            "--messages", str(options.records), "--ids", str(ids), home / "filter.sock"],
                           check=True, stdout=subprocess.DEVNULL)
            collector = start(options.build / "collector/smtpauth-log-collector", configuration, home / "events.sock",
                              COLLECTOR_CORE)
            daemons.append(collector)
            log = home / "stats.log"
            wait_for(lambda: log.exists() and log.stat().st_size > 0, "the first line")
            before, began = processor_seconds(collector.pid), time.monotonic()
            wait_for(lambda: filter_status(options.build, home)["records"]["waiting"] == 0, "all to be acknowledged", 120)
            seconds, spent = time.monotonic() - began, processor_seconds(collector.pid) - before
            lines = int(subprocess.run(["wc", "-l", log], check=True, capture_output=True, text=True).stdout.split()[0])
            if lines != options.records:
                raise RuntimeError(f"{lines} lines of {options.records} records")
            return {"records/s": options.records / seconds, "CPU µs / record": spent / options.records * 1e6,
                    "peak RSS, MiB": status_mib(collector.pid, "VmHWM")}
        finally:
            for daemon in daemons:
                stop(daemon)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=lambda path: Path(path).resolve())
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--ids", default="1000,100000")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--directory", default="/var/tmp")
    options = parser.parse_args()
    print("| different ids | records/s | CPU µs / record | peak RSS, MiB |\n|---|---|---|---|")
    for ids in map(int, options.ids.split(",")):
        runs = [measure(options, ids) for _ in range(options.runs)]
        medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(f"| {ids:,} | " + " | ".join(f"{value:,.2f}" for value in medians.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
