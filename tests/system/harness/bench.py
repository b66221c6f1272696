"""A private folder and everything that was started in it.

Processes are known by their ids and ended by them, also after an error, a signal or the time limit: each gets a
process group of its own, and the group goes with it. Knows no mail.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]

# Users that every Debian has, that own nothing and run nothing, so that none needs to be made: which daemon runs as
# which. Each is another one, so that what one may not reach of the other is seen.
POSTFIX_USER, POSTFIX_SETGID_GROUP = "news", "uucp"
DOVECOT_USER, DOVECOT_LOGIN_USER = "uucp", "list"
FILTER_USER, COLLECTOR_USER = "games", "irc"


class Failure(Exception):
    """Something that should hold does not."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


def wait_for(condition, seconds, what):
    """The first true value of condition(), asked every 10 ms; Failure after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            raise Failure(f"waited {seconds:g} s for {what() if callable(what) else what}")
        time.sleep(0.01)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def free_port():
    """A port that is free on 127.0.0.1, and on ::1 where there is one."""
    for _ in range(50):
        with socket.socket() as four:
            four.bind(("127.0.0.1", 0))
            port = four.getsockname()[1]
            if not has_ipv6():
                return port
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as six:
                try:
                    six.bind(("::1", port))
                    return port
                except OSError:
                    continue
    raise Failure("no free port")


def accepts(address):
    """True where something listens: (host, port) or the path of a UNIX socket."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(address if isinstance(address, tuple) else str(address)) == 0


class Process:
    """One process that we started, with its own process group; its output goes to a file."""

    def __init__(self, name, argv, output, user=None, groups=(), env=None, pass_fds=()):
        self.name = name
        self.output = output
        account = pwd.getpwnam(user) if user else None
        with open(output, "ab") as log:
            self.output_begin = log.tell()
            self.popen = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd="/", env=env, pass_fds=pass_fds,
                **({"user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups} if account else {}))
        self.pid = self.popen.pid
        self.stopped = False

    def alive(self):
        return self.popen.poll() is None

    def must_live(self):
        if not self.alive():
            raise Failure(f"{self.name} ended with status {self.popen.returncode}; its log is {self.output}")

    def said(self):
        """Its output so far, without that of others of its name, which may even have had its id."""
        with open(self.output, "rb") as log:
            log.seek(self.output_begin)
            return log.read().decode(errors="replace")

    def send_signal(self, number):
        self.popen.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Ends it, by force after so many seconds. The exit status, negative for a signal.

        Once only: afterwards its id may be another process's, and would be where hundreds are started and killed.
        """
        if self.stopped:
            return self.popen.returncode
        if self.alive():
            self.send_signal(number)
        try:
            status = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            status = self.popen.wait()
        try:
            os.killpg(self.pid, signal.SIGKILL)  # children that it left behind
        except ProcessLookupError:
            pass
        self.stopped = True
        return status


class Bench:
    """
    @param parent  where the private folder is made: short (UNIX socket paths are) and open to other users.
    """

    def __init__(self, name, parent="/tmp"):
        if os.geteuid() != 0:
            raise Skip("needs root: the daemons and the mail server run as several users")
        for user in (POSTFIX_USER, DOVECOT_USER, DOVECOT_LOGIN_USER, FILTER_USER, COLLECTOR_USER):
            try:
                pwd.getpwnam(user)
            except KeyError:
                raise Skip(f"user {user} does not exist, though it is one of Debian's own") from None
        self.root = Path(tempfile.mkdtemp(prefix=f"smtpauth-{name}-", dir=parent))
        self.root.chmod(0o755)
        self.processes = []
        self.left_running = False
        self.logs = self.folder("log")

    def __enter__(self):
        return self

    def leave_running(self):
        """Nothing is ended or removed when the bench is left. The ids of the processes, the last started first."""
        self.left_running = True
        return [process.pid for process in reversed(self.processes)]

    def __exit__(self, kind, *_):
        if self.left_running:
            return
        self.stop_all()
        if kind and kind is not Skip:
            self.show_logs()
        if "SMTPAUTH_KEEP" in os.environ:
            print(f"kept: {self.root}")
        else:
            shutil.rmtree(self.root, ignore_errors=True)

    def folder(self, path, owner=None, mode=0o755):
        """Makes a folder below the private one."""
        made = self.root / path
        made.mkdir(parents=True, exist_ok=True)
        if owner:
            shutil.chown(made, owner, pwd.getpwnam(owner).pw_gid)
        made.chmod(mode)
        return made

    def start(self, name, argv, **how):
        process = Process(name, argv, self.logs / f"{name}.log", **how)
        self.processes.append(process)
        return process

    def stop_all(self):
        while self.processes:
            self.processes.pop().stop()

    def show_logs(self, lines=25):
        for log in sorted(self.logs.iterdir()):
            tail = log.read_text(errors="replace").splitlines()[-lines:]
            print(f"--- {log.name}", *tail, sep="\n")
