"""A small run that is killed at every single step of its work on the journal, before it, after it, halfway, and by a power cut;
then resumed and killed at the same step again, and then resumed until it is done. See trial.py for what is checked.

  python3 tests/crash/sweep.py MOONKEY [--mode plain|job|undoable|plan] [--short] [--rows N] [--seed S]

--short takes a few of these deaths, other ones each time.
"""
import argparse
import os
import random
import sys

from oracle import MODES
from place import Failed
from trial import Trial

JOBS = 4
SHORT = 20


def steps_of(make):
    """All steps of a run that nobody ends, such as write/wal/3."""
    trial = make()
    try:
        trace = trial.place.path("trace")
        trial.prepare().start({"CRASH_TRACE": trace})
        trial.check_end()
        with open(trace, encoding="ascii") as f:
            return f.read().split()
    finally:
        trial.close()


def deaths(steps):
    for step in steps:
        for how in ("before", "after", "half", "power", "torn"):
            if how != "half" or step.startswith("write"):
                yield {"CRASH_AT": f"{step}/{'power' if how == 'torn' else how}", "CRASH_SEED": "1" if how == "torn" else "2"}


def die(make, orders):
    """How often it was ended."""
    trial = make()
    try:
        trial.prepare()
        if not trial.start(orders):
            trial.start(orders)
        trial.finish()
        return trial.kills
    finally:
        trial.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("moonkey")
    parser.add_argument("--mode", choices=MODES, default="plain")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--rows", type=int, default=25)
    parser.add_argument("--seed", type=int, default=11, help="of the rows")
    args = parser.parse_args()
    moonkey = os.path.abspath(args.moonkey)
    library = os.path.join(os.path.dirname(moonkey), "tests", "libcrash.so")

    def make():
        return Trial(moonkey, library, args.mode, args.rows, args.seed, JOBS, MODES[args.mode])

    kills = failures = 0
    chosen = list(deaths(steps_of(make)))
    if args.short:
        stride = max(1, len(chosen) // SHORT)
        chosen = chosen[random.randrange(stride)::stride]
    for orders in chosen:
        try:
            kills += die(make, orders)
        except Failed as failure:
            failures, kills = failures + 1, kills + 1
            print(f"sweep: {args.mode}, {orders['CRASH_AT']}, seed {orders['CRASH_SEED']}: {failure}", flush=True)
    if failures or kills < len(chosen) / 2:
        sys.exit(f"sweep: FAILED: {failures} of {len(chosen)} deaths left something wrong; {kills} kills")
    print(f"sweep: ok: {args.mode}, {len(chosen)} deaths, {kills} kills")


if __name__ == "__main__":
    main()
