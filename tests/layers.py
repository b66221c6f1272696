#!/usr/bin/env python3
"""Reads the includes of every source and holds them to the layers of docs/design.md."""

import re
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]

ASIO = r"boost/asio|common/(asio|control_server|daemon|file_watch|service_manager|watched_id_list)\.hpp"
SYSTEM = r"(sys|netinet|arpa)/|(unistd|fcntl|netdb|poll|signal|fstream|filesystem)(\.h)?$"

# (folder, what it must not include, why)
RULES = [
    ("proto", r"boost/|fmt/|toml|rrd\.h|maxminddb|(common|filter|collector|ctl|tests)/", "wire formats: std only"),
    ("proto", SYSTEM, "wire formats: no I/O"),
    ("common", r"(filter|collector|ctl|tests|proto)/", "what any daemon needs; knows no mail"),
    ("filter", r"(collector|ctl|tests)/", "the daemons share only proto and common"),
    ("collector", r"(filter|ctl|tests)/", "the daemons share only proto and common"),
    ("filter/policy", ASIO + "|" + SYSTEM, "pure decisions: no Asio, sockets or files"),
    ("filter/policy", r"filter/(?!policy/|identity\.hpp)", "pure decisions: nothing of the filter beside them"),
    ("collector/scoring", ASIO + "|" + SYSTEM, "pure decisions: no Asio, sockets or files"),
    ("collector/alert", ASIO + "|" + SYSTEM, "pure: what there is to tell, and its text"),
    ("collector/alert", r"collector/(?!alert/|log_recipients\.hpp|stats_log/(cursors|local_time)\.hpp)", "pure: nothing of the collector beside it"),
    ("collector/stats_log", r"boost/asio|rrd\.h", "files of text only"),
    ("collector/rrd", r"boost/asio", "librrd blocks, so it stays off the loop"),
    ("ctl", r"tests/|boost/asio|" + ASIO, "a program that asks and ends: no loop"),
]

# Libraries that one place only may know, so that it alone changes with them.
HOMES = [
    (r"boost/log/", r"common/log"),
    (r"maxminddb\.h", r"common/geo"),
    (r"boost/json", r"common/(json|control)"),
    (r"toml\+\+|toml\.hpp", r"common/config"),
    (r"zlib\.h", r"collector/stats_log/gzip"),
    (r"boost/asio/ssl|openssl/", r"collector/delivery/smtp_sender"),
    (r"rrd\.h", r"(collector/rrd/|tests/support/rrd_reader)"),
    (r"catch2/", r"tests/"),
]


def sources():
    for folder in ("proto", "common", "filter", "collector", "ctl", "tests"):
        for path in sorted((PROJECT / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp"):
                yield path.relative_to(PROJECT).as_posix(), path.read_text()


def includes(text):
    """(line number, name) of each include."""
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line):
            yield number, match.group(1)


def breaches():
    for path, text in sources():
        for number, name in includes(text):
            for folder, forbidden, why in RULES:
                if path.startswith(folder + "/") and re.match(forbidden, name):
                    yield f"{path}:{number}: includes {name}; {folder} is {why}"
            for library, home in HOMES:
                if re.match(library, name) and not re.match(home, path):
                    yield f"{path}:{number}: includes {name}; that belongs into {home} only"
        if path.endswith(".hpp") and "#pragma once" not in text:
            yield f"{path}:1: no #pragma once"


if __name__ == "__main__":
    found = list(breaches())
    print("\n".join(found) or "every include keeps to its layer")
    sys.exit(bool(found))
