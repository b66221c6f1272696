#!/usr/bin/env python3
"""Long and hostile text through the milter socket: logged, escaped, never a forged field or line."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.milter_mta import CONTINUE, MilterMta

HOSTILE = {
    "TAB": "a\tclient_address:192.0.2.66",
    "newline": "a\nclient_address:192.0.2.66\tauth_id:forged",
    "CR LF": "a\r\nb",
    "backslash": "a\\tb\\nc\\x41\\",
    "per cent": "%s%n%d%%%x%41",
    "invalid UTF-8": b"a\xff\xfe\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80b",
    "UTF-8": "пользователь-用户-🙂",
    "control bytes": bytes(range(1, 32)) + b"\x7f\x80\x9f",
    "colon": "auth_id:x:y:",
    "blanks": "  two  ",
    "4,096 bytes": "x" * 4096,
    "4,096 hostile bytes": b"\t\n\\\xff" * 1024,
    "brackets": "<>{}[]\"'`$(reboot)",
}


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def lower(text):
    """As the filter does it: ASCII only."""
    return bytes(b + 32 if 65 <= b <= 90 else b for b in as_bytes(text))


def the_line(daemons, queue_id):
    line = daemons.stats_log.wait_for_one(2, queue_id=queue_id)
    equal(line["client_address"], "203.0.113.5", "client_address")
    return line


def ids(daemons):
    with MilterMta(daemons.milter_socket) as mta:
        for n, (name, auth_id) in enumerate(HOSTILE.items()):
            equal(mta.send(auth_id, queue_id=f"ID{n}"), CONTINUE, f"reply to an id with {name}")
            line = the_line(daemons, f"ID{n}")
            equal(as_bytes(line["auth_id"]), lower(auth_id), f"auth_id with {name}")
            if lower(auth_id) != as_bytes(auth_id):
                equal(as_bytes(line["auth_id_raw"]), as_bytes(auth_id), f"auth_id_raw with {name}")
            equal(as_bytes(line["sender"]), b"alice@example.org", f"sender beside an id with {name}")
    step(f"{len(HOSTILE)} hostile ids")


def addresses(daemons):
    with MilterMta(daemons.milter_socket) as mta:
        for n, (name, text) in enumerate(HOSTILE.items()):
            text = as_bytes(text)
            reply = mta.send("alice", sender=b"<s" + text + b"@example.org>", queue_id=f"ADDRESS{n}",
                             recipients=[b"<r" + text + b"@example.com>"] * 2)
            equal(reply, CONTINUE, f"reply to addresses with {name}")
            line = the_line(daemons, f"ADDRESS{n}")
            equal(as_bytes(line["sender"]), b"s" + text + b"@example.org", f"sender with {name}")
            equal([as_bytes(r) for r in line["recipient"]], [b"r" + text + b"@example.com"] * 2,
                  f"recipients with {name}")
    step("the same in addresses")


def queue_ids(daemons):
    with MilterMta(daemons.milter_socket) as mta:
        for name, text in HOSTILE.items():
            equal(mta.send("alice", queue_id=text), CONTINUE, f"reply to a queue id with {name}")
            text = as_bytes(text)
            try:
                text = text.decode()
            except UnicodeDecodeError:
                pass
            the_line(daemons, text)
    step("the same in queue ids")


def refused(daemons, auth_id, sender):
    with MilterMta(daemons.milter_socket) as mta:
        return mta.mail(sender, auth_id)[0] == "y"


def refused_ids(daemons):
    """The list's lines are trimmed, so only some of these can stand there; rejects.log must hold all the same."""
    listed = ["%s%n%d%%%x%41", "x" * 4096, "пользователь-用户-🙂"]
    daemons.reject_ids.write_text("\n".join(listed) + "\n")
    for auth_id in listed:
        wait_for(lambda: refused(daemons, auth_id, "<not-yet@example.org>"), 2, f"{auth_id[:20]} to be refused")
        check(refused(daemons, auth_id, "<a\tstage:eom@example.org>"), f"{auth_id[:20]} passes again")
        line = daemons.rejects_log.wait_for_one(2, auth_id=lower(auth_id).decode(), sender="a\tstage:eom@example.org")
        equal(line["stage"], "mail", "stage in rejects.log")
    step("the same in rejects.log")


def sizes(daemons):
    with MilterMta(daemons.milter_socket) as mta:
        recipients = [f"<recipient-number-{n}@example.com>" for n in range(1000)]
        equal(mta.send("alice", recipients=recipients, queue_id="THOUSAND"), CONTINUE, "reply to 1,000 recipients")
        line = the_line(daemons, "THOUSAND")
        equal(line["recipient"], [r.strip("<>") for r in recipients], "1,000 recipients")
        equal(line["rcpt_count"], "1000", "rcpt_count")
        sender = "s" * 59990 + "@example.org"
        equal(mta.send("alice", sender=f"<{sender}>", queue_id="LONGSENDER"), CONTINUE, "reply to a 60,000-byte sender")
        equal(the_line(daemons, "LONGSENDER")["sender"], sender, "60,000-byte sender")
        equal(mta.send("alice", queue_id="BIGBODY", body=b"x" * 3_000_000), CONTINUE, "reply to a large body")
        check(int(the_line(daemons, "BIGBODY")["size"]) > 3_000_000, "size of a large body")
    step("1,000 recipients, a sender of 60,002 bytes, a body of 3 MB")


def nonsense(daemons):
    """What is no milter protocol ends that connection only."""
    for octets in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\1Z", b"\0\0\0\5Oabcd",
                   b"\0\0\0\2M\0"):
        with MilterMta(daemons.milter_socket, negotiate=False) as mta:
            mta.socket.sendall(octets)
            equal(mta.socket.recv(100), b"", f"answer to {octets!r}")
    step("nonsense ends the connection that it came on, and nothing else")


def test(bench, options):
    daemons = Daemons(bench, options.build)
    for part in (ids, addresses, queue_ids, refused_ids, sizes, nonsense):
        before = len(daemons.stats_log.lines())
        part(daemons)
        daemons.filter.must_live()
        daemons.collector.must_live()
        print(f"    {len(daemons.stats_log.lines()) - before} lines in stats.log, all well formed")
    equal(len(daemons.stats_log.lines()), 3 * len(HOSTILE) + 3, "lines in stats.log")
    equal(daemons.rejects_log.find(auth_id="forged") + daemons.stats_log.find(auth_id="forged"), [], "forged lines")


run(test)
