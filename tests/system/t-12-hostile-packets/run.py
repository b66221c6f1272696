#!/usr/bin/env python3
"""Packets that no MTA sends: each ends its own connection at most, within its limits, and others are served meanwhile."""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import PROJECT, Failure, wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.hostile import ends, packet, resident_mib, serves_others
from harness.milter_mta import CONTINUE, MilterMta

MAX_CONNECTIONS = 250
MAX_GROWTH_MIB = 16
OFFER = struct.pack(">III", 6, 0x1FF, 0x1FFFFF)
CONNECT = b"client\0" + b"4" + struct.pack(">H", 1) + b"192.0.2.1\0"
MESSAGE = [(b"O", OFFER), (b"D", b"C"), (b"C", CONNECT), (b"D", b"M{auth_authen}\0mallory\0"), (b"M", b"<a@b>\0"),
           (b"R", b"<c@d>\0"), (b"L", b"Subject\0 x\0"), (b"N", b""), (b"B", b"body"), (b"E", b"")]


def fresh(daemons):
    return MilterMta(daemons.milter_socket, negotiate=False)


def closed_after(daemons, what, *packets):
    """These packets, raw, on a connection of their own, end it."""
    with MilterMta(daemons.milter_socket) as mta:
        with contextlib.suppress(BrokenPipeError):
            mta.socket.sendall(b"".join(packets))
        ends(mta, what)
    serves_others(daemons, what)
    step(what)


def lengths(daemons):
    for length in (0, 2**31 - 1, 2**31, 2**32 - 1):
        closed_after(daemons, f"a length of {length}", struct.pack(">I", length) + b"M")


def malformed(daemons):
    with MilterMta(daemons.milter_socket) as mta:
        for count in (1, 3, 127):
            mta.socket.sendall(packet(b"D", b"M" + b"x\0" * count) + packet(b"D", b"M" + b"x\0" * count + b"tail"))
        equal(mta.send("spammer")[0], "y", "reply to a listed id after macro lists with odd tails")
    step("macro lists with odd tails")
    closed_after(daemons, "a macro packet without a stage", packet(b"D"))
    closed_after(daemons, "MAIL without an end", packet(b"M", b"<a@b>"))
    closed_after(daemons, "a second negotiation", packet(b"O", OFFER))
    closed_after(daemons, "an unknown command", packet(b"\xff"))
    closed_after(daemons, "end of message without a message", packet(b"E"))
    closed_after(daemons, "1,001 packets without a message", packet(b"A") * 1001)
    for command, payload in MESSAGE[1:]:
        with fresh(daemons) as mta:
            mta.socket.sendall(packet(command, payload))
            ends(mta, f"{command} before the negotiation")
    step("commands before the negotiation")


def cuts(daemons):
    """A connection that ends at each octet of a conversation leaves nothing behind."""
    conversation = b"".join(packet(*p) for p in MESSAGE)
    for end in range(len(conversation) - 1):
        with fresh(daemons) as mta:
            mta.socket.sendall(conversation[:end])
            if end % 2:
                mta.socket.shutdown(socket.SHUT_WR)
                ends(mta, f"half-closed at octet {end}")
    serves_others(daemons, "cut conversations")
    step(f"a conversation cut at each of {len(conversation)} octets")


def slow(daemons):
    """One octet each 100 ms: the negotiation, then a packet."""
    def trickle(mta, octets):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for octet in octets:
                mta.socket.sendall(bytes([octet]))
                time.sleep(0.1)

    with fresh(daemons) as first, MilterMta(daemons.milter_socket) as second:
        trickles = [threading.Thread(target=trickle, args=(first, packet(b"O", OFFER + bytes(100)))),
                    threading.Thread(target=trickle, args=(second, packet(b"M", b"<" + b"a" * 98 + b">\0")))]
        for thread in trickles:
            thread.start()
        serves_others(daemons, "one octet each 100 ms")
        ends(first, "a slow negotiation")
        ends(second, "a slow packet")
        for thread in trickles:
            thread.join()
    step("one octet each 100 ms ends after negotiate_timeout and packet_timeout")


def large(daemons):
    with MilterMta(daemons.milter_socket) as mta:
        mta.mail("<a@example.org>", "alice")
        mta.socket.sendall(b"".join(packet(b"R", b"<r%d@example.com>\0" % n) for n in range(100_000)))
        serves_others(daemons, "100,000 recipients")
        equal(mta.content(headers=[(b"X-%d" % n, b" x" * 50) for n in range(10_000)], queue_id="LARGE"), CONTINUE,
              "reply to a message of 100,000 recipients and 10,000 headers")
        serves_others(daemons, "10,000 headers")
    line = daemons.stats_log.wait_for_one(5, queue_id="LARGE")
    equal(line["rcpt_count"], "100000", "rcpt_count")
    step("100,000 recipients and 10,000 headers are one message")


def begun_packets(daemons):
    """Beyond max_held_bytes begun packets end their connections."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(MilterMta(daemons.milter_socket)) for _ in range(40)]
        for mta in connections:
            with contextlib.suppress(BrokenPipeError):
                mta.socket.sendall(struct.pack(">I", 130_000) + b"L" + b"x" * 120_000)
        serves_others(daemons, "40 begun packets")
    step("begun packets of 5 MB share 1 MiB")


def crowd(daemons):
    """200 at once are served; those above max_connections hear at once that nobody is there."""
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(fresh(daemons)) for _ in range(200)]
        serves_others(daemons, "200 connects at once")
        for mta in crowd:
            mta.negotiate()
        for _ in range(MAX_CONNECTIONS - 200):
            stack.enter_context(MilterMta(daemons.milter_socket))
        begun = time.monotonic()
        with fresh(daemons) as mta:
            try:
                mta.negotiate()
                check(False, "one connection more than max_connections was served")
            except (Failure, ConnectionResetError, BrokenPipeError):
                check(time.monotonic() - begun < 1, "the end of a connection too many came late")
        equal(crowd[0].send(), CONTINUE, "a message of the crowd")
    wait_for(lambda: status(daemons)["connections"] == 0, 5, "the crowd to be gone")
    serves_others(daemons, "what the crowd left")
    step("200 connects at once, and a limit that is heard of")


def status(daemons):
    text = subprocess.run([daemons.ctl_program, "status", "--json", "-c", daemons.config_file], check=True,
                          capture_output=True, timeout=10).stdout
    return next(d["status"] for d in json.loads(text)["daemons"] if d["daemon"] == "smtpauth-filter")


def test(bench, options):
    daemons = Daemons(bench, options.build, settings={"filter": {
        "message_size": "count", "max_connections": MAX_CONNECTIONS, "max_packet_bytes": "128KiB",
        "max_held_bytes": "1MiB", "negotiate_timeout": "2s", "packet_timeout": "3s"}})
    daemons.ctl_program = PROJECT / options.build / "ctl/smtpauthctl"
    serves_others(daemons, "nothing")
    before = resident_mib(daemons.filter)
    for attack in (lengths, malformed, cuts, slow, large, begun_packets, crowd):
        attack(daemons)
    grown = resident_mib(daemons.filter) - before
    check(grown <= MAX_GROWTH_MIB, f"the filter grew by {grown} MiB")
    closed = status(daemons)["closed"]
    step(f"the filter grew by {grown} MiB and closed {closed}")
    for reason in ("too_many", "not_negotiated", "bad_packet", "unfinished_packet", "too_much_held"):
        check(closed[reason] > 0, f"no connection was counted as {reason}")
    lines = sum("connection closed" in line for line in daemons.log_text("filter").splitlines())
    check(lines < sum(closed.values()), f"{lines} lines for {sum(closed.values())} closed connections")


run(test)
