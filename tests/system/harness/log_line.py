"""What must stand in stats.log about a message, whichever MTA took it."""

import time

from .case import check, equal
from .smtp import message, queue_id
from .stats_log import parse_time

# Octets that are easy to count wrongly: folded and oddly spaced headers, doubled dots, 8-bit, a long line.
ODD_OCTETS = message(subject="odd", extra=b"X-Folded: one\r\n two\r\n\tthree\r\nX-None:no blank\r\nX-Tab:\ttab\r\n"
                     b"X-Two:  two blanks\r\nX-Empty:\r\n",
                     body=b".\r\n..two dots\r\n\r\n" + b"x" * 900 + b"\r\n" + "é\r\n".encode() + b"z" * 70000 + b"\r\n"
                     b"no end of line")


class Sent:
    """A message that was accepted, and when."""

    def __init__(self, session, connected, sender, recipients, octets):
        """@param connected  when the client connected, as time.time()"""
        self.connected, self.sender, self.recipients = connected, sender, recipients
        # A message always ends in CRLF on the wire.
        self.size = len(octets) + (0 if octets.endswith(b"\r\n") else 2)
        equal(session.mail(sender)[0], 250, "answer to MAIL")
        self.answers = [session.rcpt(recipient)[0] for recipient in recipients]
        answer = session.data(octets)
        self.answered = time.time()
        equal(answer[0], 250, f"answer to the message ({answer[1]})")
        self.queue_id = queue_id(answer)

    @property
    def accepted(self):
        return [r for r, code in zip(self.recipients, self.answers) if code == 250]


def check_line(line, sent, client, country=None, asn=None, auth_id=None, auth_id_raw=None, rcpt_refused=0):
    """Every label against what was sent. Labels whose value is None or 0 must be absent."""
    expected = {
        "client_address": client[0], "client_port": client[1] and str(client[1]), "auth_id": auth_id,
        "auth_id_raw": auth_id_raw, "sender": sent.sender or "<>", "size": str(sent.size),
        "queue_id": sent.queue_id, "country": country, "asn": asn and str(asn),
        "rcpt_count": str(len(sent.accepted)), "rcpt_refused": str(rcpt_refused) if rcpt_refused else None,
        "action": None, "rule": None, "stage": None,
    }
    for label, value in expected.items():
        equal(line.get(label), value, f"{label} of {line}")
    equal(line["recipient"], sent.accepted, "recipient")
    connected, ended = parse_time(line["connect_time"]), parse_time(line["eom_time"])
    check(sent.connected - 1 <= connected <= sent.connected + 2,
          f"connect_time {connected}, connected at {sent.connected}")
    check(sent.answered - 5 <= ended <= sent.answered, f"eom_time {ended}, answered at {sent.answered}")
