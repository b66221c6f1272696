"""More filters on the collector of a bench."""

import copy
import os
import socket

from harness.bench import COLLECTOR_USER, FILTER_USER, POSTFIX_USER
from harness.daemons import group_of, wait_until_listening, write_config

PATIENCE = 10  # seconds until a filter says that it is ready

# Descriptor argv[1] becomes the first that a service manager hands over, and this process the filter.
HAND_OVER = """
import os, sys
given = int(sys.argv[1])
if given != 3:
    os.dup2(given, 3)
    os.close(given)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


class FurtherFilter:
    """One, with a configuration, a socket and a journal of its own. Stopped and started as Daemons does its filter."""

    def __init__(self, bench, daemons, name):
        self.bench, self.name, self.program = bench, name, daemons.filter_program
        home = bench.folder(name, owner=FILTER_USER)
        self.milter_socket = home / "filter.sock"
        self.journal_directory = home / "journal"
        self.config_file = bench.root / f"etc/{name}.toml"
        settings = copy.deepcopy(daemons.settings)
        settings["filter"].update({
            "listen": f"unix:{self.milter_socket}", "control": f"unix:{home}/control.sock",
            "journal_directory": str(self.journal_directory), "state_directory": f"{home}/state"})
        write_config(self.config_file, settings)
        self.start_filter()

    def start_filter(self):
        self.start_process([self.program, "-c", self.config_file])
        wait_until_listening(self.filter, self.milter_socket)

    def start_process(self, argv, **how):
        self.filter = self.bench.start(self.name, argv, user=FILTER_USER,
                                       groups=[group_of(COLLECTOR_USER), group_of(POSTFIX_USER)], **how)

    def stop_filter(self, *how):
        return self.filter.stop(*how)


class ActivatedFilter(FurtherFilter):
    """Gets its listening socket from us, who keep it, and tells us when it is ready: as under a service manager."""

    def __init__(self, bench, daemons, name):
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.bind(str(bench.folder(name) / "filter.sock"))
        self.listening.listen(1000)
        self.told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.told.bind(f"\0smtpauth-{bench.root.name}")
        self.told.settimeout(PATIENCE)
        super().__init__(bench, daemons, name)

    def start_filter(self):
        given = self.listening.fileno()
        self.start_process(["/usr/bin/python3", "-c", HAND_OVER, given, self.program, "-c", self.config_file],
                           pass_fds=[given], env={"NOTIFY_SOCKET": f"@smtpauth-{self.bench.root.name}"})
        while not self.told.recv(4096).startswith(b"READY=1"):
            pass
