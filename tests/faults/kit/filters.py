"""More filters on the collector of a bench."""

import copy

from harness.bench import COLLECTOR_USER, FILTER_USER, POSTFIX_USER
from harness.daemons import group_of, wait_until_listening, write_config


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
        self.filter = self.bench.start(self.name, [self.program, "-c", self.config_file], user=FILTER_USER,
                                       groups=[group_of(COLLECTOR_USER), group_of(POSTFIX_USER)])
        wait_until_listening(self.filter, self.milter_socket)

    def stop_filter(self, *how):
        return self.filter.stop(*how)
