"""The MTA's side of the milter protocol, small: for texts that no real MTA lets through, and for speed.

Offers version 6 with everything, as Sendmail and Postfix do, and keeps to what the filter answered: which commands it
does not want, which it does not answer, which macros it asked for.
"""

import socket
import struct

from .bench import Failure

VERSION, ACTIONS, PROTOCOL = 6, 0x1FF, 0x1FFFFF

# command: the protocol bits "do not send it" and "no reply to it"
SKIP_BIT = {"C": 0x1, "H": 0x2, "M": 0x4, "R": 0x8, "B": 0x10, "L": 0x20, "N": 0x40, "U": 0x100, "T": 0x200}
NO_REPLY_BIT = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "U": 0x20000, "N": 0x40000,
                "B": 0x80000, "L": 0x80}
PROGRESS = "p"
CONTINUE = ("c", b"")


def octets(text):
    return text if isinstance(text, bytes) else text.encode()


class MilterMta:
    """One milter connection = one SMTP session. Replies are (command, payload), None where there is none."""

    def __init__(self, address, client=("203.0.113.5", 54321), negotiate=True, timeout=15):
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address if isinstance(address, tuple) else str(address))
        self.skip = self.silent = 0
        if negotiate:
            self.negotiate()
            self.connect(*client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def negotiate(self):
        command, payload = self._ask("O", struct.pack(">III", VERSION, ACTIONS, PROTOCOL))
        if command != "O" or len(payload) < 12:
            raise Failure(f"answer {command} {payload[:40]!r} to the negotiation")
        version, actions, protocol = struct.unpack(">III", payload[:12])
        if version > VERSION or actions & ~ACTIONS or protocol & ~PROTOCOL:
            raise Failure(f"the filter asks for more than was offered: {version} {actions:#x} {protocol:#x}")
        self.skip = self.silent = protocol

    def connect(self, address, port):
        self.macros("C", {"j": "mx.test.invalid", "{daemon_name}": "mx"})
        family = b"6" if ":" in address else b"4"
        return self.command("C", octets(f"[{address}]") + b"\0" + family + struct.pack(">H", port) +
                            octets(address) + b"\0")

    def macros(self, stage, values):
        self._send("D", stage.encode() + b"".join(octets(k) + b"\0" + octets(v) + b"\0" for k, v in values.items()))

    def mail(self, sender, auth_id=None, arguments=()):
        values = {} if auth_id is None else {"{auth_type}": "PLAIN", "{auth_authen}": auth_id}
        self.macros("M", values)
        return self.command("M", b"".join(octets(s) + b"\0" for s in (sender, *arguments)))

    def rcpt(self, recipient, mailer="smtp"):
        self.macros("R", {"{rcpt_mailer}": mailer})
        return self.command("R", octets(recipient) + b"\0")

    def content(self, headers=((b"Subject", b" test"),), body=b"hello\r\n", queue_id="4QxYzz1"):
        """Headers, body and end of message. The final reply."""
        self.command("T", b"")
        for name, value in headers:
            self.command("L", octets(name) + b"\0" + octets(value) + b"\0")
        self.command("N", b"")
        for start in range(0, len(body), 65535):
            self.command("B", body[start:start + 65535])
        self.macros("E", {"i": queue_id})
        return self.command("E", b"")

    def abort(self):
        self._send("A", b"")

    def quit(self):
        self._send("Q", b"")
        self.socket.close()

    def send(self, auth_id="alice", sender="<alice@example.org>", recipients=("<bob@example.com>",),
             queue_id="4QxYzz1", **content):
        """A whole message. The reply to MAIL where it was refused, else the final one."""
        reply = self.mail(sender, auth_id)
        if reply != CONTINUE:
            self.abort()
            return reply
        for recipient in recipients:
            self.rcpt(recipient)
        return self.content(queue_id=queue_id, **content)

    def command(self, command, payload):
        if self.skip & SKIP_BIT.get(command, 0):
            return None
        if self.silent & NO_REPLY_BIT.get(command, 0):
            self._send(command, payload)
            return None
        return self._ask(command, payload)

    def _ask(self, command, payload):
        self._send(command, payload)
        while (reply := self._receive())[0] == PROGRESS:
            pass
        return reply

    def _send(self, command, payload):
        self.socket.sendall(struct.pack(">I", len(payload) + 1) + command.encode() + payload)

    def _receive(self):
        length = struct.unpack(">I", self._read(4))[0]
        packet = self._read(length)
        return packet[:1].decode(), packet[1:]

    def _read(self, count):
        read = b""
        while len(read) < count:
            if not (chunk := self.socket.recv(count - len(read))):
                raise Failure("the filter closed the milter connection")
            read += chunk
        return read
