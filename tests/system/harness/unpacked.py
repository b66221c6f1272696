"""Mail servers unpacked from their Debian packages, beside whatever the machine itself has installed."""

import subprocess

from .bench import PROJECT, Failure

PACKAGES = PROJECT / "build/mta"


def unpack(target, *packages):
    """Unpacks packages that packaging/packages.sh has fetched. Returns target."""
    for package in packages:
        found = sorted(PACKAGES.glob(f"{package}_*.deb"))
        if not found:
            raise Failure(f"{package} is not in {PACKAGES}: ./tests/run and ./packaging/quickstart fetch it")
        subprocess.run(["dpkg", "-x", found[-1], target], check=True)
    return target


def missing_libraries(programs, library_path=""):
    """Names of the shared libraries that the programs need and that are not there."""
    missing = set()
    for program in programs:
        lines = subprocess.run(["ldd", program], capture_output=True, text=True,
                               env={"LD_LIBRARY_PATH": library_path, "PATH": "/usr/bin:/bin"}).stdout.splitlines()
        missing |= {line.split()[0] for line in lines if line.endswith("not found")}
    return sorted(missing)
