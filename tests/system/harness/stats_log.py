"""Reads stats.log and rejects.log by their documented format, with nothing of the project's own code."""

import datetime
import re

from .bench import Failure, wait_for

LABELS = ["client_address", "client_port", "connect_time", "auth_id", "sender", "eom_time", "recipient", "size",
          "queue_id", "country", "asn", "rcpt_count", "rcpt_refused", "auth_id_raw", "action", "rule", "eom_ms", "id",
          "stage", "reason", "count", "until"]

ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"\\": b"\\"}


def unescape(value):
    def replace(match):
        text = match.group(1)
        if text.startswith(b"x"):
            return bytes([int(text[1:], 16)])
        if text not in ESCAPES:
            raise Failure(f"escape \\{text.decode(errors='replace')} in {value!r}")
        return ESCAPES[text]
    return re.sub(rb"\\(x[0-9a-fA-F]{2}|.|$)", replace, value, flags=re.DOTALL)


def parse_line(line):
    """{label: text} of one line; "recipient" is a list, values that are no UTF-8 stay bytes.

    Fails where the line is not what the format says: unknown label, wrong order, label twice, raw control byte.
    """
    fields, last = {"recipient": []}, -1
    for field in line.split(b"\t"):
        label, colon, value = field.partition(b":")
        label = label.decode(errors="replace")
        if not colon or label not in LABELS:
            raise Failure(f"no field of the log: {field[:80]!r}")
        place = LABELS.index(label)
        if place < last or (place == last and label != "recipient"):
            raise Failure(f"label {label} out of its order")
        last = place
        if re.search(rb"[\x00-\x1f\x7f]", value):
            raise Failure(f"control byte in {label}: {value[:80]!r}")
        value.decode()  # what stands there is UTF-8
        value = unescape(value)
        try:
            value = value.decode()
        except UnicodeDecodeError:
            pass
        if label == "recipient":
            fields["recipient"].append(value)
        else:
            fields[label] = value
    return fields


def parse_time(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}", text):
        raise Failure(f"time {text!r}, expected YYYY-MM-DD HH:MM:SS +hhmm")
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").timestamp()


class StatsLog:
    def __init__(self, path):
        self.path = path

    def raw_lines(self):
        """Whole lines only: the last one may still be written."""
        if not self.path.exists():
            return []
        return self.path.read_bytes().split(b"\n")[:-1]

    def lines(self):
        return [parse_line(line) for line in self.raw_lines()]

    def find(self, **labels):
        return [line for line in self.lines() if all(line.get(k) == v for k, v in labels.items())]

    def wait_for_one(self, seconds, **labels):
        """The one line with these values, within so many seconds."""
        found = wait_for(lambda: self.find(**labels), seconds, f"{labels} in {self.path.name}")
        if len(found) != 1:
            raise Failure(f"{len(found)} lines with {labels} in {self.path.name}")
        return found[0]

    def wait_for_count(self, count, seconds):
        """All lines, once there are so many."""
        wait_for(lambda: len(self.raw_lines()) >= count, seconds,
                 lambda: f"{count} lines in {self.path.name}, found {len(self.raw_lines())}")
        return self.lines()
