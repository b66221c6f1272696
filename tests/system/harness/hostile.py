"""What an MTA gone mad sends, and whether others are served meanwhile."""

import struct
import time
from pathlib import Path

from .case import check, equal
from .milter_mta import MilterMta


def packet(command, payload=b""):
    return struct.pack(">I", len(payload) + 1) + command + payload


def resident_mib(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def reply_at_mail(daemons, auth_id):
    with MilterMta(daemons.milter_socket) as mta:
        return mta.mail("<alice@example.org>", auth_id)[0]


def serves_others(daemons, what):
    begun = time.monotonic()
    equal(reply_at_mail(daemons, "alice"), "c", f"reply to another connection beside {what}")
    took = time.monotonic() - begun
    check(took < 1, f"{took:.3f} s for another connection beside {what}")


def ends(mta, what):
    """The filter closes: in time, and whatever was still to be read before."""
    try:
        while mta.socket.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        check(False, f"{what}: the connection stays open")
