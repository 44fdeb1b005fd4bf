"""A run of thousands of rows over a queue, to whose workers, coordinator, Redis and network something happens again and again, until
it is done; then it is held against a sequential model: see queue_trial.py for what is checked.

  python3 tests/queue/oracle.py MOONKEY [--mode plain|job|undoable|plan] [--short | --events N] [--rows N] [--seed S] [--only NAME,…] …
"""
import argparse
import collections
import os
import random
import sys
import time

import course as courses
import events
from queue_trial import Failed, QueueTrial, Settings

MODES = {"plain": "jsonl", "job": "jsonl", "undoable": "csv", "plan": "csv"}
SLOW = 0.5  # share of replies that take their time, so that much is under way at any moment
ROWS_PER_EVENT = 80
RATE = 150  # of a run with a rate: it has two requests a row
LULL = 4  # seconds after which something happens although nothing was sent


def go_through(course, wanted, names):
    """Events come by what was sent rather than by time, so that they fit into the rows that there are, however busy the machine is."""
    trial, happened = course.trial, 0
    requests = len(trial.input.rows) * (1 if trial.mode == "plain" else 2)
    first = [name for name in events.FIRST if name in names]
    while happened < wanted:
        next_at = requests * (happened + course.chance.random()) / (wanted + 2)
        if course.let_go_on(LULL, lambda: trial.poll() >= next_at):  # noqa: B023
            return happened
        happened += events.happen(course, first[happened:happened + 1] or names)
    course.finish()
    return happened


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("moonkey")
    parser.add_argument("--mode", choices=MODES, default="plain")
    parser.add_argument("--short", action="store_true", help="few events, as among the other tests")
    parser.add_argument("--events", type=int, help="how many. Default: 150, or 12")
    parser.add_argument("--rows", type=int, help=f"default: {ROWS_PER_EVENT} an event")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=8, help="of each worker")
    parser.add_argument("--chunk", type=int, default=5)
    parser.add_argument("--lease", type=float, default=2.0)
    parser.add_argument("--rate", type=float, help="default: by the mode")
    parser.add_argument("--seed", type=int, help="default: a new one each time")
    parser.add_argument("--only", default=",".join(events.NAMES), help="names of events, with commas between")
    parser.add_argument("--keep", action="store_true", help="the directory, when it fails")
    return parser.parse_args()


def main():
    args = parse()
    seed = args.seed if args.seed is not None else random.randrange(1 << 30)
    wanted = args.events or (8 if args.short else 150)
    rows = args.rows or ROWS_PER_EVENT * wanted
    rate = args.rate if args.rate is not None else RATE if args.mode == "job" else 0
    print(f"oracle: {args.mode}, {rows} rows, {wanted} events, {args.workers} workers, --seed {seed}", flush=True)
    moonkey, began = os.path.abspath(args.moonkey), time.monotonic()
    library = os.path.join(os.path.dirname(moonkey), "tests", "libworld.so")
    settings = Settings(args.workers, args.jobs, args.chunk, args.lease, rate)
    trial = QueueTrial(moonkey, library, args.mode, rows, seed, MODES[args.mode], SLOW, settings)
    course, happened = courses.Course(trial), 0
    try:
        trial.prepare()
        course.begin()
        happened = go_through(course, wanted, args.only.split(","))
        course.dismiss_all()
        trial.check_fleet()
    except (Failed, KeyboardInterrupt) as failure:
        kept = f" (see {trial.place.keep()})" if args.keep else ""
        sys.exit(f"{course.told()}\noracle: FAILED after {happened} events: {failure or 'interrupted'}{kept}")
    finally:
        trial.close()
    counts = collections.Counter(event[1] for event in course.happened if event[1] in events.NAMES)
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(f"oracle: ok: {happened} events in {time.monotonic() - began:.0f} s, {trial.most_repeated} writes repeated of at most "
          f"{trial.repeatable}" + (f", {trial.over:.0f} starts over the rate in the worst span" if rate else ""))


if __name__ == "__main__":
    main()
