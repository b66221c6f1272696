"""What rrdtool reads out of stats.rrd, and the graph of it."""

import subprocess
import time


def per_minute(rrd, source, start, end):
    """{end of minute: count} of what was counted from start to end, both in seconds since 1970."""
    done = subprocess.run(["rrdtool", "fetch", rrd, "AVERAGE", "-r", "60", "-s", str(int(start) // 60 * 60 - 60),
                           "-e", str(int(end) // 60 * 60 + 60)], capture_output=True, text=True, check=True, timeout=30)
    names, *rows = [line for line in done.stdout.splitlines() if line.strip()]
    column = names.split().index(source)
    counts = {}
    for row in rows:
        stamp, values = row.split(":")
        value = float(values.split()[column])
        if value == value:  # a minute that is not written yet is NaN
            counts[int(stamp)] = value * 60
    return counts


def total(rrd, source, start, end):
    return round(sum(per_minute(rrd, source, start, end).values()), 3)


def graph(rrd, png, minutes=15):
    """Draws messages and recipients a minute."""
    now = int(time.time())
    subprocess.run([
        "rrdtool", "graph", png, "--start", str(now - minutes * 60), "--end", str(now), "--width", "720",
        "--height", "220", "--lower-limit", "0", "--title", "Mail that passed", "--vertical-label", "a minute",
        f"DEF:sent={rrd}:sent:AVERAGE", f"DEF:recv={rrd}:recv:AVERAGE", "CDEF:recipients=sent,60,*",
        "CDEF:messages=recv,60,*", "AREA:recipients#9ec5e8:recipients", "LINE2:messages#1f4e79:messages"],
        check=True, timeout=30, stdout=subprocess.DEVNULL)
    return png
