#!/usr/bin/env python3
"""An MTA gone mad harms nobody but itself, and no mistake with the list lets a listed account pass."""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from harness.bench import wait_for
from harness.case import check, equal, run, step
from harness.daemons import Daemons
from harness.hostile import packet, reply_at_mail, resident_mib, serves_others
from harness.milter_mta import CONTINUE, MilterMta

MANY = 9000


def floods(daemons):
    with MilterMta(daemons.milter_socket) as mta:
        mta.macros("C", {f"{{x{n}}}": "" for n in range(1000)})
        equal(mta.socket.recv(1), b"", "end of a connection with a thousand macros")
        serves_others(daemons, "a thousand macros")
    step("too many macros end their connection")

    with MilterMta(daemons.milter_socket) as mta:
        mta.macros("C", {f"{{x{n}}}": "" for n in range(100)})
        mta.mail("<>")
        mta.socket.sendall(packet(b"R", b"\0") * MANY)
        serves_others(daemons, f"{MANY} recipients")
    step("a flood of recipients delays nobody")

    before = resident_mib(daemons.filter)
    deaf = []
    for _ in range(60):
        mta = MilterMta(daemons.milter_socket)
        mta.macros("C", {"{auth_authen}": "spammer"})
        mta.socket.setblocking(False)
        mta.socket.send(packet(b"M", b"\0") * MANY)
        deaf.append(mta)
    serves_others(daemons, "60 that never read")
    grown = resident_mib(daemons.filter) - before
    # 64 KiB each of input and of replies, and at most queue_max_bytes (64 MiB) of records of what was refused.
    check(grown <= 100, f"the filter grew by {grown} MiB for 60 connections that never read")
    for mta in deaf:
        mta.socket.close()
    step(f"60 connections that never read cost {grown} MiB")


def reload(daemons, changes):
    """HUP, and the time until the filter says that it has reloaded."""
    before = daemons.log_text("filter").count("configuration reloaded")
    daemons.configure(changes)
    daemons.filter.send_signal(signal.SIGHUP)
    wait_for(lambda: daemons.log_text("filter").count("configuration reloaded") > before, 5, "the filter to reload")


def lists(daemons):
    daemons.reject_ids.write_text("")
    reload(daemons, {"filter": {"auth_id_normalize": []}})
    equal(reply_at_mail(daemons, "spammer"), "y", "reply to a listed id after a reload in mid-rewrite")
    daemons.reject_ids.write_text("spammer\nother\n")
    wait_for(lambda: reply_at_mail(daemons, "other") == "y", 2, "the list to be taken")

    reload(daemons, {"filter": {"reject_ids": str(daemons.reject_ids) + "x"}})
    equal(reply_at_mail(daemons, "spammer"), "y", "reply to a listed id after a reload with a mistyped path")
    reload(daemons, {"filter": {"reject_ids": str(daemons.reject_ids)}})

    new = daemons.reject_ids.with_suffix(".new")
    new.write_bytes("spammer\nother\n".encode("utf-16"))
    new.rename(daemons.reject_ids)
    wait_for(lambda: "UTF-16" in daemons.log_text("filter"), 2, "the filter to refuse a list in UTF-16")
    equal(reply_at_mail(daemons, "spammer"), "y", "reply to a listed id after a list in UTF-16")
    step("no mistake with the list lets a listed account pass")


def test(bench, options):
    daemons = Daemons(bench, options.build)
    floods(daemons)
    lists(daemons)
    with MilterMta(daemons.milter_socket) as mta:
        equal(mta.send("alice", queue_id="LAST1"), CONTINUE, "reply to a message after all that")
    daemons.stats_log.wait_for_one(5, queue_id="LAST1")


run(test)
