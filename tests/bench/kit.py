"""What the measurements share: both daemons' configuration in a private folder, and how to ask them."""

import json
import subprocess
import time


def write_configuration(home, **settings):
    """@param settings  of the filter, texts; the rest has its default. @return  the file."""
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
""" + "".join(f'{name} = "{value}"\n' for name, value in settings.items()) + f"""[collector]
listen = "unix:{home}/events.sock"
control = ""
http = ""
stats_log = "{home}/stats.log"
rejects_log = "{home}/rejects.log"
rrd_directory = "{home}/rrd"
state_directory = "{home}/collector"
""")
    return path


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def filter_status(build, home):
    """What smtpauthctl says of the filter, or None where it is down."""
    said = subprocess.run([build / "ctl/smtpauthctl", "status", "--json", "-c", home / "smtpauth.toml"],
                          capture_output=True, text=True, timeout=20).stdout
    return next(d.get("status") for d in json.loads(said)["daemons"] if d["daemon"] == "smtpauth-filter")
