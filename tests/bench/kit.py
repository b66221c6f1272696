"""What the measurements share: both daemons' configuration in a private folder, and how to ask them."""

import json
import subprocess
import time
from pathlib import Path


# Nobody reaches them, and each is judged for every message.
LIMITS = """
[limits.burst]
count = "messages"
limit = 1000000
window = "1m"
[limits.default]
limit = 1000000
[limits.daily]
limit = 1000000
window = "1d"
[limits.places]
count = "networks"
limit = 50
window = "1d"
[limits.tenant]
per = "domain"
limit = 1000000000
window = "1d"
"""


def write_configuration(home, collector=None, limits="", **settings):
    """@param settings  of the filter, texts; the rest has its default.
    @param collector  the same of the collector, {name: text}
    @param limits     their tables. @return  the file."""
    def lines(values):
        return "".join(f'{name} = "{value}"\n' for name, value in values.items())

    (home / "reject_ids.txt").touch()
    path = home / "smtpauth.toml"
    path.write_text(f"""
[log]
to = "file:{home}/log"
[filter]
listen = "unix:{home}/filter.sock"
control = "unix:{home}/control.sock"
collector = "unix:{home}/events.sock"
reject_ids = "{home}/reject_ids.txt"
state_directory = "{home}/filter"
""" + lines(settings) + f"""[collector]
listen = "unix:{home}/events.sock"
control = ""
http = ""
stats_log = "{home}/stats.log"
rejects_log = "{home}/rejects.log"
rrd_directory = "{home}/rrd"
state_directory = "{home}/collector"
""" + lines(collector or {}) + limits)
    return path


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def status_mib(pid, field):
    """A figure that the kernel has of a process, such as VmRSS or VmHWM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} is gone")


def filter_status(build, home):
    """What smtpauthctl says of the filter, or None where it is down."""
    said = subprocess.run([build / "ctl/smtpauthctl", "status", "--json", "-c", home / "smtpauth.toml"],
                          capture_output=True, text=True, timeout=20).stdout
    return next(d.get("status") for d in json.loads(said)["daemons"] if d["daemon"] == "smtpauth-filter")
