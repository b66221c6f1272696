#!/usr/bin/env python3
"""How well the risk budget finds hijacked accounts: generator, replay, score, table.

  run.py SMTPAUTHCTL [--seeds 10-15] [--work DIR] [--keep] [--no-geo] [--generator attackers.py] [--check] [-- ARGS]
  run.py SMTPAUTHCTL --quick

ARGS go to the generator (trace.py --help). Without --keep each trace is removed once it was scored. --check ends with 1
where a bar is missed. About a minute a seed. --quick is a small trace with generous bars, for the suite.
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


BARS = {"recall": .88, "share": .04, "p90": 12, "slow_low": 30, "declared": .25, "nothing": 3.5}
QUICK_BARS = {"recall": .75, "share": .2, "p90": 20, "slow_low": 60, "declared": 1, "nothing": 6}
QUICK = ["--accounts", "250", "--days", "24", "--hijacks-per-class", "3"]


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


def missed(bars, nothing, nothing_rate, declared, declared_rate):
    """The bars that do not hold."""
    def beyond(what, found, bar, least=False):
        if found < bar if least else found > bar:
            yield "%s: %.3f, expected %s %g" % (what, found, "at least" if least else "at most", bar)

    for name, merged in (("nothing declared", nothing), ("bulk senders declared", declared)):
        classes = merged["classes"]
        yield from beyond(name + ": recall", classes["ALL"]["recall"], bars["recall"], least=True)
        yield from beyond(name + ": share of spam leaked", classes["ALL"]["leaked_share"], bars["share"])
        for c in CERTAIN:
            yield from beyond("%s: recall of %s" % (name, c), classes[c]["recall"], 1, least=True)
            yield from beyond("%s: leaked at p90 of %s" % (name, c), classes[c]["leaked_p90"], bars["p90"])
        yield from beyond(name + ": leaked at p90 of slow_low", classes["slow_low"]["leaked_p90"], bars["slow_low"])
    yield from beyond("bulk senders declared: false blocks", declared_rate, bars["declared"])
    yield from beyond("nothing declared: false blocks", nothing_rate, bars["nothing"])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("smtpauthctl")
    p.add_argument("--seeds", type=seeds, default="10-15")
    p.add_argument("--work", type=Path)
    p.add_argument("--keep", action="store_true")
    p.add_argument("--no-geo", action="store_true")
    p.add_argument("--generator", default="trace.py")
    p.add_argument("--check", action="store_true")
    p.add_argument("--quick", action="store_true")
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    a, generator_arguments = p.parse_args(sys.argv[1:end]), sys.argv[end + 1:]
    if a.quick:
        a.seeds, a.check, generator_arguments = [1], True, QUICK

    nothing, declared, days = [], [], 0
    with tempfile.TemporaryDirectory() as temporary:
        for seed in a.seeds:
            folder = (a.work or Path(temporary)) / ("seed%d" % seed)
            if not (folder / "truth.jsonl").exists():
                subprocess.run([sys.executable, "-B", str(HERE / a.generator), str(folder), "--seed", str(seed)] +
                               generator_arguments, check=True)
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
        failures = list(missed(QUICK_BARS if a.quick else BARS, nothing, nothing_rate, declared, declared_rate))
        print("\n" + ("\n".join(failures) or "all bars hold"))
        sys.exit(bool(failures))


if __name__ == "__main__":
    main()
