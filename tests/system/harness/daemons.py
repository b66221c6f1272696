"""smtpauth-filter and smtpauth-log-collector, each as a user of its own, configured by one private file."""

import pwd
import shutil
import signal
import subprocess

from .bench import COLLECTOR_USER, FILTER_USER, POSTFIX_USER, PROJECT, accepts, free_port, wait_for
from .stats_log import StatsLog


def group_of(user):
    return pwd.getpwnam(user).pw_gid


def toml(value):
    """A value as TOML writes it: JSON's notation serves for what we use."""
    if isinstance(value, list):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_config(path, settings):
    """@param settings  {table: {key: value}}"""
    path.write_text("\n".join(
        f"[{table}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in values.items())
        for table, values in settings.items()))


def wait_until_listening(process, socket):
    # The name appears once the socket listens; a file that a killed daemon left refuses.
    wait_for(lambda: not process.alive() or (socket.is_socket() and accepts(socket)), 10,
             f"{process.name} to listen at {socket}")
    process.must_live()


class Daemons:
    """Writes the configuration and starts both.

    @param build     the build folder
    @param geo       a country and ASN database
    @param listed    the ids on the reject list
    @param settings  {"filter": {"reject_text": ...}, ...}: what differs from the harness's own settings
    """

    def __init__(self, bench, build, geo="", listed=("spammer",), settings=None):
        self.bench = bench
        # Copies, because the build folder may lie where the daemons' users cannot go, as below /root.
        programs = bench.folder("bin")
        self.filter_program = shutil.copy(PROJECT / build / "filter/smtpauth-filter", programs)
        self.collector_program = shutil.copy(PROJECT / build / "collector/smtpauth-log-collector", programs)
        filter_home = bench.folder("filter", owner=FILTER_USER)
        collector_home = bench.folder("collector", owner=COLLECTOR_USER)
        self.config_file = bench.folder("etc") / "smtpauth.toml"
        self.reject_ids = bench.root / "etc/reject_ids.txt"
        self.reject_ids.write_text("# accounts that may not send\n" + "".join(f"{i}\n" for i in listed))
        self.milter_socket = filter_home / "filter.sock"
        self.milter_port = ("127.0.0.1", free_port())
        self.events_socket = collector_home / "events.sock"
        self.stats_log = StatsLog(collector_home / "stats.log")
        self.rejects_log = StatsLog(collector_home / "rejects.log")
        self.rrd = collector_home / "rrd/stats.rrd"
        self.settings = {
            "log": {"to": "stderr"},
            "geo": {"country_database": str(geo), "asn_database": str(geo)},
            "filter": {
                "listen": [f"unix:{self.milter_socket}", "inet:%s:%d" % self.milter_port],
                "listen_group": POSTFIX_USER,
                "control": f"unix:{filter_home}/control.sock",
                "collector": f"unix:{self.events_socket}",
                "reject_ids": str(self.reject_ids),
                "journal_directory": f"{filter_home}/journal",
                "state_directory": f"{filter_home}/state",
                "refusals_per_minute": 0,  # tests count lines; those of shared ones say how many
            },
            "collector": {
                "listen": f"unix:{self.events_socket}",
                "control": f"unix:{collector_home}/control.sock",
                "http": "",
                "event_peers": [FILTER_USER],
                "stats_log": str(self.stats_log.path),
                "rejects_log": str(self.rejects_log.path),
                "rrd_directory": f"{collector_home}/rrd",
                "state_directory": f"{collector_home}/state",
            },
            "limits.default": {"mode": "off"},  # tests send much; those of limits bring their own
        }
        self.configure(settings or {})
        self.start_collector()
        self.start_filter()

    @property
    def postfix_milter(self):
        return f"unix:{self.milter_socket}"

    def configure(self, changes):
        """Changes settings and writes the file anew; tells nobody."""
        for table, values in changes.items():
            self.settings.setdefault(table, {}).update(values)
        write_config(self.config_file, self.settings)

    def check_config(self, program, path=None):
        """The exit status and the output of "-n"."""
        done = subprocess.run([program, "-c", path or self.config_file, "-n"], capture_output=True, text=True, timeout=10)
        return done.returncode, done.stdout + done.stderr

    def start_filter(self, **how):
        self.filter = self.bench.start("filter", [self.filter_program, "-c", self.config_file], user=FILTER_USER,
                                       groups=[group_of(COLLECTOR_USER), group_of(POSTFIX_USER)], **how)
        wait_until_listening(self.filter, self.milter_socket)

    def start_collector(self, **how):
        self.collector = self.bench.start("collector", [self.collector_program, "-c", self.config_file],
                                          user=COLLECTOR_USER, **how)
        wait_until_listening(self.collector, self.events_socket)

    def stop_filter(self, number=signal.SIGTERM, seconds=35):
        return self.filter.stop(number, seconds)

    def stop_collector(self, number=signal.SIGTERM, seconds=15):
        return self.collector.stop(number, seconds)

    def log_text(self, name):
        """What the daemon "filter" or "collector" has said so far."""
        return (self.bench.logs / f"{name}.log").read_text(errors="replace")
