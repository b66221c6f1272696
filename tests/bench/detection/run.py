#!/usr/bin/env python3
"""How well the risk budget finds hijacked accounts: generator, replay, score, table.

  run.py SMTPAUTHCTL [--seeds 10-15] [--work DIR] [--keep] [--no-geo] [--generator attackers.py] [--check] [-- ARGS]

ARGS go to the generator (trace.py --help). Without --keep each trace is removed once it was scored. --check ends with 1
where a bar is missed. About a minute a seed.
"""
import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import score  # noqa: E402

HERE = Path(__file__).parent
BULK = ("newsletter", "listowner", "billing")  # who would be declared: they send to hundreds at once, by trade
CERTAIN = ("fast_burst", "distributed", "many_rcpt", "single_foreign")


def seeds(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def poisson_interval(count):
    """95 % (Byar's approximation)"""
    low = 0 if count == 0 else count * (1 - 1 / (9 * count) - 1.96 / (3 * math.sqrt(count))) ** 3
    return low, (count + 1) * (1 - 1 / (9 * (count + 1)) + 1.96 / (3 * math.sqrt(count + 1))) ** 3


def replay(program, folder, geo, exempt):
    """The truth's score of what replay decides."""
    decisions = folder / "decisions.jsonl"
    command = [program, "replay", "--decisions"]
    if geo:
        command += ["--country-csv", str(folder / "geo.csv")]
    if exempt:
        command += ["--exempt", ",".join(exempt)]
    with open(decisions, "w") as out:
        subprocess.run(command + [str(folder / "stats.log")], stdout=out, check=True)
    truth = score.load(folder / "truth.jsonl")
    return score.score(truth, score.decisions(decisions))


def without_countries(folder):
    """As the log of a site that has no database of countries."""
    log = folder / "stats.log"
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    log.write_text("".join("\t".join(f for f in fields if not f.startswith("country:")) + "\n" for fields in lines))


def account_days(truth, profiles):
    meta = next(row for row in truth if row["kind"] == "meta")
    return sum(meta["days"] - max(meta["warmup"], row["born_day"])
               for row in truth if row["kind"] == "account" and row["profile"] not in profiles)


def show(title, merged, days_without_bulk):
    def rate(name, count, days):
        low, high = poisson_interval(count)
        print("  false blocks per 1,000 account-days, %-13s %.3f [%.3f, %.3f]  (%d in %d days)" %
              (name, 1000 * count / days, 1000 * low / days, 1000 * high / days, count, days))
        return 1000 * count / days

    print("\n" + title)
    print("\n".join(score.table(merged).splitlines()[1:]))
    others = sum(n for profile, n in merged["fp_by_profile"].items() if profile not in BULK)
    print("  by profile %s" % json.dumps(merged["fp_by_profile"], sort_keys=True))
    return rate("all:", merged["fp"], merged["account_days"]), rate("without bulk:", others, days_without_bulk)


def missed(nothing, nothing_rate, declared, declared_rate):
    """The bars that do not hold."""
    for name, merged in (("nothing declared", nothing), ("bulk senders declared", declared)):
        classes = merged["classes"]
        if classes["ALL"]["recall"] < .88:
            yield "%s: recall %.3f < 0.88" % (name, classes["ALL"]["recall"])
        if classes["ALL"]["leaked_share"] > .04:
            yield "%s: %.1f %% of the spam leaked > 4 %%" % (name, 100 * classes["ALL"]["leaked_share"])
        for c in CERTAIN:
            if classes[c]["recall"] < 1:
                yield "%s: %s: recall %.3f < 1" % (name, c, classes[c]["recall"])
            if classes[c]["leaked_p90"] > 12:
                yield "%s: %s: %d recipients leaked at p90 > 12" % (name, c, classes[c]["leaked_p90"])
        if classes["slow_low"]["leaked_p90"] > 30:
            yield "%s: slow_low: %d recipients leaked at p90 > 30" % (name, classes["slow_low"]["leaked_p90"])
    if declared_rate > .25:
        yield "bulk senders declared: %.3f false blocks > 0.25" % declared_rate
    if nothing_rate > 3.5:
        yield "nothing declared: %.3f false blocks > 3.5" % nothing_rate


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("smtpauthctl")
    p.add_argument("--seeds", type=seeds, default="10-15")
    p.add_argument("--work", type=Path)
    p.add_argument("--keep", action="store_true")
    p.add_argument("--no-geo", action="store_true")
    p.add_argument("--generator", default="trace.py")
    p.add_argument("--check", action="store_true")
    p.add_argument("generator_arguments", nargs="*")
    a = p.parse_args()

    nothing, declared, days = [], [], 0
    with tempfile.TemporaryDirectory() as temporary:
        for seed in a.seeds:
            folder = (a.work or Path(temporary)) / ("seed%d" % seed)
            if not (folder / "truth.jsonl").exists():
                subprocess.run([sys.executable, "-B", str(HERE / a.generator), str(folder), "--seed", str(seed)] +
                               a.generator_arguments, check=True)
                (folder / "events.jsonl").unlink()
                if a.no_geo:
                    without_countries(folder)
            truth = score.load(folder / "truth.jsonl")
            exempt = [row["auth_id"] for row in truth if row["kind"] == "account" and row["profile"] in BULK]
            nothing.append(replay(a.smtpauthctl, folder, not a.no_geo, []))
            declared.append(replay(a.smtpauthctl, folder, not a.no_geo, exempt))
            days += account_days(truth, BULK)
            if not a.keep:
                for name in ("stats.log", "decisions.jsonl", "truth.jsonl", "geo.csv"):
                    (folder / name).unlink()
    nothing, declared = score.merge(nothing), score.merge(declared)
    nothing_rate, _ = show("Nothing declared", nothing, days)
    _, declared_rate = show("Bulk senders declared (%s)" % ", ".join(BULK), declared, days)
    if a.check:
        failures = list(missed(nothing, nothing_rate, declared, declared_rate))
        print("\n" + ("\n".join(failures) or "all bars hold"))
        sys.exit(bool(failures))


if __name__ == "__main__":
    main()
