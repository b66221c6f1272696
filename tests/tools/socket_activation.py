#!/usr/bin/env python3
"""A service manager in small: hands listening sockets over, listens to what the daemons tell it, restarts them.

    socket_activation.py SMTPAUTH_FILTER SMTPAUTH_LOG_COLLECTOR SMTPAUTHCTL

No connection may ever be refused while the filter is restarted, and smtpauthctl must know who is up.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

FILTER, COLLECTOR, CTL = sys.argv[1:4]
RESTARTS = 5
PATIENCE = 20  # seconds for anything

NEGOTIATION = struct.pack(">IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF)


def check(condition, what):
    if not condition:
        raise SystemExit(f"FAIL  {what}")


def listening(path):
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(str(path))
    made.listen(1000)
    return made


class Daemon:
    """A child with sockets from descriptor 3 on, as a service manager starts it."""

    running = set()

    def __init__(self, program, config, sockets, manager, *arguments):
        self.manager = manager
        self.pid = os.fork()
        if self.pid:
            self.running.add(self.pid)
            return
        spare = [os.dup2(s.fileno(), 100 + n) for n, s in enumerate(sockets)]
        for n, fd in enumerate(spare):
            os.dup2(fd, 3 + n)
            os.close(fd)
        log = os.open(config.with_name("log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 2)
        os.execve(program, [program, "-c", str(config), *arguments],
                  {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(sockets)), "NOTIFY_SOCKET": manager.name,
                   "LISTEN_FDNAMES": ":".join(f"socket-{n}" for n in range(len(sockets))), "WATCHDOG_USEC": "200000"})

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.manager.expect("STOPPING=1")
        return self.wait()

    def wait(self):
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.running.remove(self.pid)
        return status


class Manager:
    """Where the daemons' messages arrive."""

    def __init__(self):
        self.name = f"@smtpauth-test-{os.getpid()}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:])
        self.socket.settimeout(PATIENCE)

    def expect(self, start):
        """Waits for a message that begins so."""
        while not (message := self.socket.recv(4096).decode()).startswith(start):
            pass
        return message


class Knocker(threading.Thread):
    """Connects without a pause and asks for an answer; one connection that is refused is one too many."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.refused, self.answered, self.tried, self.ended = address, [], 0, 0, False

    def run(self):
        while not self.ended:
            family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.settimeout(PATIENCE)
                self.tried += 1
                try:
                    client.connect(self.address)
                except OSError as error:
                    self.refused.append(error)
                    continue
                try:
                    client.sendall(NEGOTIATION)
                    self.answered += client.recv(5)[4:] == b"O"
                except ConnectionError:
                    pass  # taken by a filter that ends, between two messages


def status(config, *arguments):
    done = subprocess.run([CTL, "status", "-c", config, *arguments], capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def restarts(folder, config, manager, sockets, tcp):
    inode = os.stat(folder / "filter.sock").st_ino
    knockers = [Knocker(str(folder / "filter.sock")), Knocker(tcp)]
    for knocker in knockers:
        knocker.start()
    for _ in range(RESTARTS):
        daemon = Daemon(FILTER, config, sockets, manager)
        manager.expect("READY=1\nSTATUS=")
        served = [k.answered for k in knockers]
        end = time.monotonic() + PATIENCE
        while any(k.answered < before + 20 for k, before in zip(knockers, served)) and time.monotonic() < end:
            time.sleep(0.01)
        check(daemon.stop() == 0, "the filter's exit status after TERM")
    daemon = Daemon(FILTER, config, sockets, manager)
    manager.expect("READY=1")
    for knocker in knockers:
        knocker.ended = True
        knocker.join()
        check(not knocker.refused, f"{len(knocker.refused)} of {knocker.tried} refused, such as {knocker.refused[:1]}")
        check(knocker.answered >= 20 * RESTARTS, f"only {knocker.answered} answers")
    check(os.stat(folder / "filter.sock").st_ino == inode, "the socket file is another one")
    print(f"ok    {RESTARTS} restarts, {sum(k.tried for k in knockers)} connections, none refused")
    return daemon


def test(folder):
    config = folder / "smtpauth.toml"
    manager = Manager()
    tcp_socket = socket.create_server(("127.0.0.1", 0), backlog=1000)
    tcp = tcp_socket.getsockname()
    sockets = [listening(folder / "control.sock"), tcp_socket, listening(folder / "filter.sock")]
    (folder / "reject_ids.txt").touch()
    config.write_text(f"""
[log]
to = "stderr"
[filter]
listen = ["unix:{folder}/filter.sock", "inet:127.0.0.1:{tcp[1]}"]
control = "unix:{folder}/control.sock"
collector = "unix:{folder}/events.sock"
reject_ids = "{folder}/reject_ids.txt"
state_directory = "{folder}/state"
journal_directory = "{folder}/journal"
[filter.instances.second]
listen = "unix:{folder}/second.sock"
control = ""
[collector]
listen = "unix:{folder}/events.sock"
control = "unix:{folder}/collector-control.sock"
event_peers = [{os.getuid()}]
http = ""
stats_log = "{folder}/stats.log"
rejects_log = "{folder}/rejects.log"
rrd_directory = "{folder}/rrd"
state_directory = "{folder}/collector"
""")
    filter_ = restarts(folder, config, manager, sockets, tcp)

    code, text = status(config)
    check(code == 1 and "smtpauth-log-collector does not answer" in text, f"status without collector: {code} {text}")
    check("smtpauth-filter\n" in text and f"pid          {filter_.pid}" in text, f"the filter's status: {text}")
    print("ok    a collector that is down is said so, with status 1")

    collector = Daemon(COLLECTOR, config, [listening(folder / "events.sock")], manager)
    manager.expect("READY=1")
    end = time.monotonic() + PATIENCE
    while "connected yes" not in text and time.monotonic() < end:
        code, text = status(config)
        time.sleep(0.05)
    check(code == 0, f"status of both: {code} {text}")
    print(text, end="")
    code, text = status(config, "--json")
    daemons = {d["daemon"]: d["status"] for d in json.loads(text)["daemons"]}
    check(daemons["smtpauth-filter"]["collector"]["connected"] is True, "the filter is connected")
    check(daemons["smtpauth-log-collector"]["filters"][0]["instance"] == "smtpauth-filter", "the collector's filters")
    print("ok    both answer, as text and as JSON")

    os.kill(filter_.pid, signal.SIGHUP)
    check("MONOTONIC_USEC=" in manager.expect("RELOADING=1"), "RELOADING=1 without its time")
    manager.expect("READY=1")
    manager.expect("WATCHDOG=1")
    print("ok    reloading, ready again, alive")

    instance = Daemon(FILTER, config, [], manager, "--instance", "second")
    manager.expect("READY=1")
    end = time.monotonic() + PATIENCE
    while "smtpauth-filter@second" not in text and time.monotonic() < end:
        text = status(config)[1]
        time.sleep(0.05)
    check("instance smtpauth-filter@second" in text, f"the collector knows the instance: {text}")
    check((folder / "state/second").is_dir(), "the instance's own state directory")
    check(instance.stop() == 0, "the instance's exit status")
    print("ok    a second instance beside the first")

    check(filter_.stop() == 0, "the filter's exit status")
    check(collector.stop() == 0, "the collector's exit status")
    for name in ("filter.sock", "control.sock", "events.sock"):
        check((folder / name).is_socket(), f"{name} is gone")
    check(not (folder / "collector-control.sock").exists(), "a socket of the collector's own is still there")

    (folder / "log").write_text("")
    stray = Daemon(FILTER, config, [*sockets, listening(folder / "stray.sock")], manager)
    check(stray.wait() == 69, "a socket that no setting names")
    said = (folder / "log").read_text()
    check(f"no setting names: unix:{folder}/stray.sock (\"socket-3\")" in said, said)
    print("ok    a socket that no setting names is an error with its name")


def main():
    with tempfile.TemporaryDirectory(prefix="smtpauth-") as folder:
        try:
            test(Path(folder))
        except BaseException:
            if (log := Path(folder, "log")).exists():
                print(log.read_text()[-5000:], file=sys.stderr)
            for pid in Daemon.running:
                os.kill(pid, signal.SIGKILL)
            raise


main()
