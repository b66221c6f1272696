"""The test database of countries and autonomous systems."""

import subprocess

from .bench import PROJECT

NETWORKS = {"203.0.113.0/24": ("JP", 64501), "198.51.100.0/24": ("DE", 64502), "2001:db8:1::/48": ("FR", 64503)}


def make_database(path):
    lines = "".join(f"{network},{country},{asn}\n" for network, (country, asn) in NETWORKS.items())
    subprocess.run(["perl", PROJECT / "tests/support/make_mmdb.pl", path], input=lines, text=True, check=True,
                   timeout=60)
    path.chmod(0o644)
    return path
