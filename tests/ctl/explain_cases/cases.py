"""The prepared cases of smtpauthctl explain: small logs, a configuration, a question, and what a person finds by counting.

Times are "HH:MM:SS.mmm" of one day, UTC, unless the case says otherwise. Each line of a log is mail(), refused() or one of
the others; `seq` counts up by itself over both logs of a journal. The answers of the filter are written out by hand.
"""

from dataclasses import dataclass, field

A, B, C = "a" * 16, "b" * 16, "c" * 16


@dataclass
class Case:
    """@param expect   members of explanation.arithmetic, or of what `path` names
    @param counted  queue ids of the mail that counted, the oldest first
    @param text     what must stand in the text for people
    @param files    which file a line goes to, where it is not stats.log or rejects.log: {index of the line: name}
    """
    name: str
    config: str
    lines: list
    ask: str
    cause: str = "limit"
    rule: str = ""
    agrees: bool = True
    expect: dict = field(default_factory=dict)
    counted: list = None
    journals: tuple = (A,)
    text: tuple = ()
    not_text: tuple = ("note ",)
    zone: str = "UTC0"
    until: str = "2026-03-01 13:00:00 +0000"
    since: str = "2026-02-20 00:00:00 +0000"
    status: int = 0
    files: dict = field(default_factory=dict)
    listed: tuple = ()
    member: tuple = ()  # (path, value) of more in the answer


def limit(name, count, most, window, **more):
    settings = {"count": count, "limit": most, "window": window, **more}
    return f"[limits.{name}]\n" + "".join(
        f"{key} = {value if isinstance(value, int) and not isinstance(value, bool) else repr(value).lower() if isinstance(value, bool) else chr(34) + value + chr(34)}\n"
        for key, value in settings.items())


def mail(time, queue_id, account="alice", rcpt=1, **more):
    """One that went its way."""
    return {"log": "stats", "client_address": "192.0.2.7", "auth_id": account, "sender": f"{account}@example.net" if "@" not in str(account) else account,
            "eom_time": time, "recipient": [f"r{n}@example.org" for n in range(rcpt)], "queue_id": queue_id,
            "rcpt_count": rcpt, **more}


def held(time, queue_id, rule, reason, **more):
    return {**mail(time, queue_id, **more), "log": "rejects", "action": "hold", "rule": rule, "stage": "eom",
            "reason": reason}


def refused(time, rule, reason, stage="eom", queue_id="REFUSED", action=None, **more):
    line = {**mail(time, queue_id, **more), "log": "rejects", "rule": rule, "stage": stage, "reason": reason,
            "action": action or ("reject" if reason.startswith("5") else "tempfail")}
    for label in {"mail": ("recipient", "queue_id", "rcpt_count"), "rcpt": ("queue_id",), "eom": ()}[stage]:
        del line[label]
    return line


def attempt(time, queue_id, rcpt_refused, **more):
    """A message that came to no end, of which the MTA had refused recipients."""
    return {**mail(time, queue_id, **more), "log": "rejects", "action": "attempt", "rcpt_refused": rcpt_refused}


def to(*names):
    """Recipients by name."""
    return {"recipient": [f"{name}@example.org" for name in names], "rcpt_count": len(names)}


def change(time, action, until, account="alice", rule="admin", reason="uid 0"):
    """@param until  None: a block that was not made."""
    return {"log": "rejects", "auth_id": account, "eom_time": time, "action": action, "rule": rule, "reason": reason,
            "until": until}


def backlog(time):
    """More old lines in a row than `top` looks behind."""
    return [mail(time, "OTHER", account="bob", journal=B, sender="s" * 60000) for _ in range(80)]


OFF = "[limits.default]\nmode = \"off\"\n"
BURST = OFF + limit("burst", "messages", 3, "1m")

CASES = [
    Case("messages", BURST,
         [mail("11:58:00.000", "Q0"), mail("12:00:00.000", "Q1"), mail("12:00:10.000", "Q2"), mail("12:00:20.500", "Q3"),
          mail("12:00:25.000", "OTHER", account="bob"),
          refused("12:00:30.000", "burst",
                  "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3; try again in 30s")],
         "alice", rule="burst", counted=["Q1", "Q2", "Q3"],
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3, "free": "2026-03-01T12:01:00.000Z"},
         text=("alice: deferred at end of message by the limit burst\n", "3 + 1 = 4 messages; the limit is 3",
               "the logs give the same numbers", "free      2026-03-01 12:01:00.000 +0000",
               "burst: 0 of 3 messages used in 1m")),
    Case("recipients", OFF + limit("hourly", "recipients", 10, "1h", action="reject"),
         [mail("11:10:00.000", "Q1", rcpt=4), mail("11:20:00.000", "Q2", rcpt=5),
          refused("12:00:00.000", "hourly",
                  "550 5.7.1 hourly: 12 recipients in 1h by this auth_id, at most 10; try again in 10m", rcpt=3)],
         "alice", rule="hourly", counted=["Q1", "Q2"],
         expect={"used": 9, "amount": 3, "total": 12, "limit": 10, "free": "2026-03-01T12:10:00.000Z"},
         text=("alice: rejected at end of message by the limit hourly\n", "9 + 3 = 12 recipients; the limit is 10")),
    Case("bytes", OFF + limit("size", "bytes", "10KiB", "1h"),
         [mail("11:30:00.000", "Q1", size=6000), mail("11:31:00.000", "UNKNOWN"), mail("11:40:00.000", "Q2", size=4000),
          refused("12:00:00.001", "size", "450 4.7.1 size: 10241 bytes in 1h by this auth_id, at most 10240; try again in "
                  "30m", size=241)],
         "alice", rule="size", counted=["Q1", "UNKNOWN", "Q2"],
         expect={"used": 10000, "amount": 241, "total": 10241, "limit": 10240, "free": "2026-03-01T12:30:00.000Z"}),
    Case("networks, judged at MAIL", OFF + limit("places", "networks", 3, "1h", action="reject"),
         [mail("11:00:00.001", "Q1", client_address="192.0.2.7", country="JP"),
          mail("11:20:00.000", "Q2", client_address="198.51.100.1", country="DE"),
          mail("11:30:00.000", "Q3", client_address="2001:db8:1:2::7"),
          mail("11:40:00.000", "Q4", client_address="192.0.2.200", country="JP"),
          refused("12:00:00.000", "places", "550 5.7.1 places: 4 networks in 1h by this auth_id, at most 3", stage="mail",
                  client_address="203.0.113.9")],
         "alice", rule="places", counted=["Q1", "Q2", "Q3", "Q4"],
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3, "free": "2026-03-01T12:20:00.000Z"},
         text=("rejected at MAIL", "192.0.2.0/24       JP", "2001:db8:1:2::/64")),
    Case("rejected recipients", OFF + limit("guesses", "rejected-recipients", 5, "10m"),
         [mail("11:49:59.999", "Q0", rcpt_refused=5), mail("11:55:00.000", "Q1", rcpt_refused=2),
          mail("11:56:00.000", "Q2"), mail("11:57:00.000", "Q3", rcpt_refused=3),
          refused("12:00:00.000", "guesses", "450 4.7.1 guesses: 6 rejected-recipients in 10m by this auth_id, at most 5; "
                  "try again in 5m", rcpt_refused=1)],
         "alice", rule="guesses", counted=["Q1", "Q2", "Q3"],
         expect={"used": 5, "amount": 1, "total": 6, "limit": 5, "free": "2026-03-01T12:05:00.000Z"}),
    Case("rejected recipients of messages without an end, and of refused ones",
         OFF + limit("guesses", "rejected-recipients", 7, "10m") + limit("other", "messages", 100, "1h"),
         [attempt("11:49:00.000", "GONE", 9), attempt("11:55:00.000", "A1", 4), attempt("11:55:30.000", "B1", 5, account="bob"),
          refused("11:56:00.000", "other", "550 5.7.1 other: 101 messages", queue_id="R1", rcpt_refused=2),
          refused("11:56:30.000", "other", "550 5.7.1 other: 101 messages", stage="mail"),
          mail("11:57:00.000", "Q1", rcpt_refused=1), mail("11:58:00.000", "Q2"),
          refused("12:00:00.000", "guesses", "450 4.7.1 guesses: 8 rejected-recipients in 10m by this auth_id, at most 7; "
                  "try again in 5m", rcpt_refused=1)],
         "alice", rule="guesses", counted=["A1", "R1", "Q1", "Q2"],
         expect={"used": 7, "amount": 1, "total": 8, "limit": 7, "free": "2026-03-01T12:05:00.000Z"}),
    Case("new recipients", OFF + limit("fresh", "new-recipients", 3, "1h"),
         [mail("2025-11-01 12:00:00.000 +0000", "FORGOTTEN", **to("old")),
          mail("2026-02-15 12:00:00.000 +0000", "KNOWN", **to("bob", "carol")),
          mail("2026-02-16 12:00:00.000 +0000", "OTHER", account="bob", **to("dave")),
          mail("11:30:00.000", "Q1", **to("bob", "carol", "dave")), mail("11:40:00.000", "Q2", **to("dave", "erin", "frank")),
          mail("11:50:00.000", "Q3", **to("bob")),
          refused("12:00:00.000", "fresh", "450 4.7.1 fresh: 4 new-recipients in 1h by this auth_id, at most 3; try again in "
                  "30m", **to("old", "bob"))],
         "alice", rule="fresh", counted=["Q1", "Q2", "Q3"],
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3, "free": "2026-03-01T12:30:00.000Z"}),
    Case("single recipients", OFF + limit("hourly", "recipients", 10, "1h", over="recipient"),
         [mail("11:20:00.000", "Q1", rcpt=4), mail("11:30:00.000", "Q2", rcpt=6),
          refused("12:00:00.000", "hourly", "450 4.7.1 hourly: 11 recipients in 1h by this auth_id, at most 10; try again in "
                  "20m", stage="rcpt")],
         "alice", rule="hourly", counted=["Q1", "Q2"],
         expect={"used": 10, "amount": 1, "total": 11, "limit": 10, "free": "2026-03-01T12:20:00.000Z"},
         text=("alice: deferred at RCPT by the limit hourly\n",)),
    Case("single recipients, more of them under way", OFF + limit("hourly", "recipients", 10, "1h", over="recipient"),
         [mail("11:20:00.000", "Q1", rcpt=4), mail("11:30:00.000", "Q2", rcpt=4),
          refused("12:00:00.000", "hourly", "450 4.7.1 hourly: 11 recipients in 1h by this auth_id, at most 10; try again in "
                  "20m", stage="rcpt")],
         "alice", rule="hourly", agrees=None, counted=["Q1", "Q2"],
         expect={"used": 8, "amount": 1, "total": 9, "limit": 10}, not_text=("the limit is another",),
         text=("note      the filter counted 11, these logs make it 9: recipients of messages that were under way then "
               "count, too, and no log has those\n",)),
    Case("single recipients, fewer than the logs have", OFF + limit("hourly", "recipients", 10, "1h", over="recipient"),
         [mail("11:20:00.000", "Q1", rcpt=6), mail("11:30:00.000", "Q2", rcpt=6),
          refused("12:00:00.000", "hourly", "450 4.7.1 hourly: 11 recipients in 1h by this auth_id, at most 10; try again in "
                  "20m", stage="rcpt")],
         "alice", rule="hourly", agrees=False, counted=["Q1", "Q2"],
         expect={"used": 12, "amount": 1, "total": 13, "limit": 10}, not_text=("under way",),
         text=("note      the filter counted 11, these logs make it 13\n",)),
    Case("a domain together", OFF + limit("domain", "messages", 2, "1h", per="domain"),
         [mail("11:30:00.000", "Q1", account="alice@example.com"), mail("11:31:00.000", "Q2", account="bob@example.com"),
          mail("11:32:00.000", "OTHER", account="carol@sub.example.com"),
          refused("12:00:00.000", "domain", "450 4.7.1 domain: 3 messages in 1h by this domain, at most 2; try again in 30m",
                  account="bob@example.com")],
         "bob@example.com", rule="domain", counted=["Q1", "Q2"],
         expect={"used": 2, "amount": 1, "total": 3, "limit": 2, "free": "2026-03-01T12:30:00.000Z"},
         text=("alice@example.com  192.0.2.7",)),
    Case("a sender, with and without authentication",
         OFF + limit("sender", "messages", 2, "1h", per="sender", unauthenticated=True),
         [mail("11:30:00.000", "Q1", account="alice", sender="News@Example.ORG"),
          mail("11:31:00.000", "Q2", account=None, sender="news@example.org"),
          mail("11:32:00.000", "OTHER", account="alice", sender="alice@example.org"),
          refused("12:00:00.000", "sender", "450 4.7.1 sender: 3 messages in 1h by this sender, at most 2; try again in 30m",
                  account="bob", sender="NEWS@example.org")],
         "bob", rule="sender", counted=["Q1", "Q2"],
         expect={"used": 2, "amount": 1, "total": 3, "limit": 2}),
    Case("an account's own limit", BURST + '[accounts."Alice"]\nlimits.burst = 1\n',
         [mail("12:00:00.000", "Q1"),
          refused("12:00:59.999", "burst", "450 4.7.1 burst: 2 messages in 1m by this auth_id, at most 1; try again in 1s")],
         "alice", rule="burst", counted=["Q1"],
         expect={"used": 1, "amount": 1, "total": 2, "limit": 1, "free": "2026-03-01T12:01:00.000Z"},
         text=("the limit is 1 (others have 3)",)),
    Case("the own limit of a domain", BURST + '[domains."example.com"]\nlimits.burst = 2\n',
         [mail("12:00:00.000", "Q1", account="alice@example.com"), mail("12:00:01.000", "Q2", account="alice@example.com"),
          refused("12:00:02.000", "burst", "450 4.7.1 burst: 3 messages in 1m by this auth_id, at most 2; try again in 58s",
                  account="alice@example.com")],
         "alice@example.com", rule="burst", counted=["Q1", "Q2"],
         expect={"used": 2, "amount": 1, "total": 3, "limit": 2}),
    Case("hold, which counts", OFF + limit("look", "messages", 1, "1h", action="hold"),
         [mail("11:50:00.000", "Q1"),
          held("11:51:00.000", "Q2", "look", "look: 2 messages in 1h by this auth_id, at most 1; try again in 59m"),
          held("11:52:00.000", "Q3", "look", "look: 3 messages in 1h by this auth_id, at most 1; try again in 59m")],
         "alice", rule="look", counted=["Q1", "Q2"],
         expect={"used": 2, "amount": 1, "total": 3, "limit": 1, "free": "2026-03-01T12:51:00.000Z"},
         text=("alice: held at end of message by the limit look\n",)),
    Case("warn, of which the log has no numbers", OFF + limit("trial", "recipients", 5, "1h", mode="warn"),
         [mail("11:50:00.000", "Q1", rcpt=4), mail("11:51:00.000", "Q2", rcpt=2, action="warn", rule="trial")],
         "alice", rule="trial", agrees=None, counted=["Q1"],
         expect={"used": 4, "amount": 2, "total": 6, "limit": 5, "free": "2026-03-01T12:50:00.000Z"},
         text=("alice: warned at end of message by the limit trial\n",)),
    Case("refused at MAIL, where the smallest message is judged", OFF + limit("hourly", "recipients", 4, "1h"),
         [mail("11:30:00.000", "Q1", rcpt=4),
          refused("12:00:00.000", "hourly", "450 4.7.1 hourly: 5 recipients in 1h by this auth_id, at most 4; try again in "
                  "30m", stage="mail")],
         "alice", rule="hourly", counted=["Q1"],
         expect={"used": 4, "amount": 1, "total": 5, "limit": 4, "free": "2026-03-01T12:30:00.000Z"}),
    Case("blocked by an administrator", BURST,
         [mail("11:30:00.000", "Q1"), change("11:40:00.000", "block", "2026-03-02 11:40:00 +0000", reason="stolen; uid 7"),
          refused("12:00:00.000", "block", "550 5.7.1 This account is blocked; please ask your postmaster", stage="mail")],
         "alice", cause="block", rule="block",
         text=("rejected at MAIL because the account was blocked\n",
               "blocked   since 2026-03-01 11:40:00.000 +0000 until 2026-03-02 11:40:00.000 +0000, by admin: stolen; uid 7",
               "(by the logs)"),
         member=(("account", "logged_block", "reason"), "stolen; uid 7")),
    Case("a block that was not made, beside one that holds", BURST,
         [change("11:40:00.000", "block", "2026-03-02 11:40:00 +0000", reason="stolen; uid 7"),
          change("11:50:00.000", "block", None, rule="burst", reason="burst: 4 messages"),
          refused("12:00:00.000", "block", "550 5.7.1 This account is blocked; please ask your postmaster", stage="mail")],
         "alice", cause="block", rule="block",
         text=("blocked   since 2026-03-01 11:40:00.000 +0000 until 2026-03-02 11:40:00.000 +0000, by admin: stolen; uid 7\n",
               "blocked   since 2026-03-01 11:40:00.000 +0000 until 2026-03-02 11:40:00.000 +0000, by admin: stolen; uid 7 "
               "(by the logs)"),
         member=(("account", "logged_block", "reason"), "stolen; uid 7")),
    Case("a block that was not made", BURST,
         [mail("11:30:00.000", "Q1"), change("11:40:00.000", "block", None, rule="burst", reason="burst: 4 messages")],
         "alice", cause=None, text=("blocked   no (by the logs)",), member=(("account", "logged_block"), None)),
    Case("unblocked in between, and on probation", OFF + limit("hourly", "messages", 8, "1h"),
         [mail("11:30:00.000", "Q1"), mail("11:31:00.000", "Q2"),
          change("11:40:00.000", "block", "2026-03-02 11:40:00 +0000"),
          change("11:45:00.000", "unblock", "2026-03-02 11:45:00 +0000"),
          mail("11:50:00.000", "Q3"), mail("11:51:00.000", "Q4"),
          refused("12:00:00.000", "hourly", "450 4.7.1 hourly: 3 messages in 1h by this auth_id, at most 2; try again in "
                  "50m")],
         "alice", rule="hourly", counted=["Q3", "Q4"],
         expect={"used": 2, "amount": 1, "total": 3, "limit": 2, "unblocked": "2026-03-01T11:45:00.000Z",
                 "free": "2026-03-01T12:50:00.000Z"},
         text=("the limit is 2 (others have 8), on probation until 2026-03-02 11:45:00",
               "unblocked 2026-03-01 11:45:00.000 +0000: what was sent before counts no more")),
    Case("the edge of the window", BURST,
         [mail("11:59:30.000", "GONE"), mail("11:59:30.001", "Q1"), mail("12:00:00.000", "Q2"), mail("12:00:29.999", "Q3"),
          refused("12:00:30.000", "burst", "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3; try again in 1s")],
         "alice", rule="burst", counted=["Q1", "Q2", "Q3"],
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3, "free": "2026-03-01T12:00:30.001Z"}),
    Case("clocks are put back within the window", OFF + limit("hourly", "messages", 2, "1h"),
         # 02:30 comes twice that night: +0200 first.
         [mail("2026-10-25 02:15:00.000 +0200", "GONE"), mail("2026-10-25 02:50:00.000 +0200", "Q1"),
          mail("2026-10-25 02:10:00.000 +0100", "Q2"),
          refused("2026-10-25 02:30:00.000 +0100", "hourly",
                  "450 4.7.1 hourly: 3 messages in 1h by this auth_id, at most 2; try again in 20m")],
         "alice", rule="hourly", counted=["Q1", "Q2"], zone="CET-1CEST,M3.5.0,M10.5.0/3",
         since="2026-10-24 00:00:00 +0200", until="2026-10-25 03:00:00 +0100",
         expect={"used": 2, "amount": 1, "total": 3, "limit": 2, "free": "2026-10-25T01:50:00.000Z"},
         text=("free      2026-10-25 02:50:00.000 +0100",)),
    Case("the hour that the clocks skip", OFF + limit("hourly", "messages", 2, "1h"),
         [mail("2026-03-29 00:45:00.000 +0100", "GONE"), mail("2026-03-29 01:15:00.000 +0100", "Q1"),
          mail("2026-03-29 03:05:00.000 +0200", "Q2"),
          refused("2026-03-29 03:10:00.000 +0200", "hourly",
                  "450 4.7.1 hourly: 3 messages in 1h by this auth_id, at most 2; try again in 5m")],
         "alice", rule="hourly", counted=["Q1", "Q2"], zone="CET-1CEST,M3.5.0,M10.5.0/3",
         since="2026-03-28 00:00:00 +0100", until="2026-03-29 04:00:00 +0200",
         expect={"used": 2, "amount": 1, "total": 3, "limit": 2, "free": "2026-03-29T01:15:00.000Z"}),
    Case("rotated and compressed logs", OFF + limit("days", "recipients", 20, "7d"),
         [mail("2026-02-21 12:00:00.000 +0000", "GONE", rcpt=9), mail("2026-02-23 12:00:00.000 +0000", "Q1", rcpt=5),
          held("2026-02-27 12:00:00.000 +0000", "Q2", "other", "other: somebody's rule", rcpt=7),
          mail("2026-02-28 23:59:59.000 +0000", "Q3", rcpt=6), mail("11:00:00.000", "Q4", rcpt=2),
          refused("12:00:00.000", "days", "450 4.7.1 days: 21 recipients in 7d by this auth_id, at most 20; try again in "
                  "1d")],
         "alice", rule="days", counted=["Q1", "Q2", "Q3", "Q4"],
         files={0: "stats.log.20260221.gz", 1: "stats.log.20260223.gz", 2: "rejects.log.20260227.gz",
                3: "stats.log.20260228"},
         expect={"used": 20, "amount": 1, "total": 21, "limit": 20, "free": "2026-03-02T12:00:00.000Z"}),
    Case("two filters, one log", BURST,
         [mail("12:00:00.000", "A1"), mail("12:00:01.000", "B1", journal=B), mail("12:00:02.000", "A2"),
          mail("12:00:03.000", "B2", journal=B), mail("12:00:04.000", "B3", journal=B), mail("12:00:05.000", "A3"),
          refused("12:00:06.000", "burst", "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3; try again in 55s",
                  journal=B)],
         "alice", rule="burst", counted=["B1", "B2", "B3"], journals=(B,), until="2026-03-01 12:00:10 +0000",
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3, "free": "2026-03-01T12:01:01.000Z"},
         text=(f"used in 1m by this auth_id; clear at 2026-03-01 12:01:05.000 +0000 (filter of journal {A})",)),
    Case("behind another filter's backlog", OFF + limit("hourly", "messages", 2, "1h"),
         [mail("11:20:00.000", "Q1", seq=41), *backlog("09:00:00.000"), mail("11:30:00.000", "Q2", seq=42),
          refused("12:00:00.000", "hourly", "450 4.7.1 hourly: 3 messages in 1h by this auth_id, at most 2; try again in 20m",
                  seq=43)],
         "alice", rule="hourly", counted=["Q1", "Q2"], expect={"used": 2, "amount": 1, "total": 3, "limit": 2}),
    Case("another filter's backlog tells nothing of how far back this one's lines go",
         OFF + limit("hourly", "messages", 2, "1h"),
         [*backlog("09:00:00.000"), mail("11:30:00.000", "Q2", seq=42),
          refused("12:00:00.000", "hourly", "450 4.7.1 hourly: 3 messages in 1h by this auth_id, at most 2; try again in 20m",
                  seq=43)],
         "alice", rule="hourly", agrees=False, counted=["Q2"], expect={"used": 1, "amount": 1, "total": 2, "limit": 2},
         not_text=(), text=("note      the logs begin only at 2026-03-01 11:30:00.000 +0000",)),
    Case("a filter that was restarted, beside another", BURST,
         [mail("12:00:00.000", "A1"), mail("12:00:01.000", "A2"), mail("12:00:02.000", "B1", journal=B, seq=900),
          mail("12:00:20.000", "C3", journal=C, seq=3), mail("12:00:21.000", "B2", journal=B, seq=901),
          refused("12:00:30.000", "burst", "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3; try again in 30s",
                  journal=C, seq=4)],
         "alice", rule="burst", counted=["A1", "A2", "C3"], journals=(A, C),
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3}),
    Case("the case of an id", BURST,
         [mail("12:00:00.000", "Q1", account="alice@example.com", auth_id_raw="Alice@Example.COM"),
          mail("12:00:01.000", "Q2", account="alice@example.com"), mail("12:00:02.000", "Q3", account="alice@example.com"),
          refused("12:00:03.000", "burst", "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3; try again in 57s",
                  account="alice@example.com", auth_id_raw="ALICE@example.com")],
         "aLiCe@eXample.com", rule="burst", counted=["Q1", "Q2", "Q3"],
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3}, text=("typed as  ALICE@example.com",)),
    Case("ids are exact where nothing is normalised", "[filter]\nauth_id_normalize = []\n" + BURST,
         [mail("12:00:00.000", "Q1", account="Alice"), mail("12:00:00.500", "Q2", account="alice"),
          mail("12:00:01.000", "Q3", account="Alice"), mail("12:00:02.000", "Q4", account="Alice"),
          refused("12:00:03.000", "burst", "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3; try again in 57s",
                  account="Alice")],
         "Alice", rule="burst", counted=["Q1", "Q3", "Q4"],
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3}),
    Case("a hostile id", BURST,
         [mail("12:00:00.000", "Q1", account="ev\til\x1b[31m\n\\x"), mail("12:00:01.000", "Q2", account="ev\til\x1b[31m\n\\x"),
          mail("12:00:02.000", "Q3", account="ev\til\x1b[31m\n\\x"),
          refused("12:00:03.000", "burst", "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3; try again in 57s",
                  account="ev\til\x1b[31m\n\\x")],
         r"ev\til\x1b[31m\n\\x", rule="burst", counted=["Q1", "Q2", "Q3"],
         expect={"used": 3, "amount": 1, "total": 4, "limit": 3},
         text=(r"ev\til\x1b[31m\n\\x: deferred",), not_text=("\x1b", "\t")),
    Case("an unknown id", BURST, [mail("12:00:00.000", "Q1")], "mallory", cause=None, status=1,
         text=("mallory: no account and no queue id of the logs from 2026-02-20",)),
    Case("a queue id that was used again", BURST,
         [mail("11:00:00.000", "Q9"), mail("11:01:00.000", "Q1", account="bob"),
          refused("11:30:00.000", "burst", "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3", queue_id="Q8"),
          mail("12:00:00.000", "Q2", account="bob"), mail("12:00:01.000", "Q9", account="bob")],
         "Q9", cause="none", not_text=(),
         text=("bob: accepted at end of message\n", "not refused burst: 2 of 3 messages used in 1m by this auth_id",
               "note      an earlier message had this queue id, too: alice, accepted 2026-03-01 11:00:00.000"),
         member=(("explanation", "stands", 0, "total"), 2)),
    Case("the message of a queue id, refused", OFF + limit("hourly", "recipients", 4, "1h", action="reject"),
         [mail("11:30:00.000", "Q1", rcpt=3),
          refused("12:00:00.000", "hourly", "550 5.7.1 hourly: 5 recipients in 1h by this auth_id, at most 4; try again in "
                  "30m", rcpt=2, queue_id="Q2"),
          refused("12:10:00.000", "hourly", "550 5.7.1 hourly: 9 recipients in 1h by this auth_id, at most 4", rcpt=6,
                  queue_id="Q3")],
         "Q2", rule="hourly", counted=["Q1"],
         expect={"used": 3, "amount": 2, "total": 5, "limit": 4, "free": "2026-03-01T12:30:00.000Z"}),
    Case("more than the limit by itself", OFF + limit("hourly", "recipients", 4, "1h", action="reject"),
         [mail("11:30:00.000", "Q1", rcpt=3),
          refused("12:10:00.000", "hourly", "550 5.7.1 hourly: 9 recipients in 1h by this auth_id, at most 4", rcpt=6)],
         "alice", rule="hourly", counted=["Q1"], expect={"used": 3, "amount": 6, "total": 9, "limit": 4, "free": None},
         text=("free      never: this alone is more than the limit",)),
    Case("on the reject list", BURST,
         [refused("12:00:00.000", "reject_ids", "550 5.7.1 Access denied", stage="mail")],
         "alice", cause="reject-list", rule="reject_ids", listed=("alice",),
         text=("alice: rejected at MAIL by the reject list\n", "now       it is on the list\n"),
         member=(("explanation", "listed_now"), True)),
    Case("nothing was refused", BURST, [mail("12:59:30.000", "Q1"), mail("12:59:40.000", "Q2"), mail("12:58:00.000", "Q0")],
         "alice", cause=None,
         text=("alice: not refused\n", "3 accepted", "burst: 2 of 3 messages used in 1m by this auth_id; clear at 2026-03-01 "
               "13:00:40.000 +0000"),
         member=(("account", "stands", 0, "used"), 2)),
    Case("the configuration was changed since", OFF + limit("burst", "messages", 5, "1m"),
         [mail("11:58:00.000", "Q0"), mail("12:00:00.000", "Q1"), mail("12:00:10.000", "Q2"), mail("12:00:20.000", "Q3"),
          refused("12:00:30.000", "burst",
                  "450 4.7.1 burst: 4 messages in 1m by this auth_id, at most 3; try again in 30s")],
         "alice", rule="burst", agrees=False, counted=["Q1", "Q2", "Q3"],
         expect={"used": 3, "amount": 1, "total": 4, "limit": 5}, not_text=(),
         text=("note      the limit is another now than it was then",)),
    Case("a limit that is gone", BURST,
         [refused("12:00:30.000", "hourly", "450 4.7.1 hourly: 4 messages in 1h by this auth_id, at most 3")],
         "alice", cause="gone-limit", rule="hourly", not_text=(),
         text=('note      the configuration has no limit "hourly" now, or it is off: the filter\'s answer was "450 4.7.1 '
               'hourly: 4 messages in 1h by this auth_id, at most 3"',)),
    Case("a log that begins too late", OFF + limit("hourly", "messages", 3, "1h"),
         [mail("11:50:00.000", "Q2", seq=2), mail("11:55:00.000", "Q3", seq=3),
          refused("12:00:00.000", "hourly",
                  "450 4.7.1 hourly: 4 messages in 1h by this auth_id, at most 3; try again in 5m", seq=4)],
         "alice", rule="hourly", agrees=False, counted=["Q2", "Q3"],
         expect={"used": 2, "amount": 1, "total": 3, "limit": 3}, not_text=(),
         text=("note      the filter counted 4, these logs make it 3",
               "note      the logs begin only at 2026-03-01 11:50:00.000 +0000: what was sent before is not counted here")),
]
