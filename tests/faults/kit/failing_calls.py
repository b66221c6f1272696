"""A file call that fails, or comes late, in a running daemon (failing_calls.c)."""

import os
import shutil

from harness.bench import PROJECT


class FailingCall:
    """In the processes that are started with its environment, from arm() on.

    @param below    calls count whose file's path begins so
    @param call     its name, such as "pwrite"
    @param how      "EIO", "ENOSPC", "EINTR", "short" (half of the octets), or the seconds that it takes longer
    @param number   the first that fails, from 1
    @param seconds  so do all behind it, for so long
    """

    def __init__(self, bench, build, below, call, how, number=1, seconds=0):
        library = bench.folder("bin") / "libfailing_calls.so"
        if not library.exists():  # else it may be in use
            # A copy, because the build folder may lie where the daemons' users cannot go.
            shutil.copy(PROJECT / build / "tests/faults/libfailing_calls.so", library)
        self.report = bench.root / "failing-call"
        self.report.unlink(missing_ok=True)
        self.environment = {**os.environ, "LD_PRELOAD": str(library), "FAILING_CALL": call, "FAILING_BELOW": str(below),
                            "FAILING_NUMBER": str(number), "FAILING_FOR": str(round(1000 * seconds)),
                            "FAILING_HOW": str(how), "FAILING_REPORT": str(self.report)}

    def arm(self):
        self.report.touch()
        self.report.chmod(0o666)

    @property
    def failed(self):
        """Whether so many calls came."""
        return self.report.exists() and self.report.read_text() != ""
