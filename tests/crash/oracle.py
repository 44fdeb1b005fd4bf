"""A run of thousands of rows that is killed at random moments and at random steps of its work on the journal, resumed until it is
done, and then held against a sequential model: see trial.py for what is checked.

  python3 tests/crash/oracle.py MOONKEY [--mode plain|job|undoable|plan] [--short | --kills N] [--rows N] [--jobs J] [--seed S] …
"""
import argparse
import os
import random
import sys
import time

from place import Failed
from trial import Trial

MODES = {"plain": "jsonl", "job": "jsonl", "undoable": "csv", "plan": "csv"}
SLOW = 0.5  # share of replies that take their time, so that much is under way at any moment
# Step and kind of file, how often it is chosen, and up to which of them a run is let go on.
STEPS = [("write/wal", 8, 60), ("sync/wal", 6, 15), ("write/journal", 2, 10), ("sync/journal", 2, 2), ("write/shm", 1, 8),
         ("open/wal", 1, 1), ("open/shm", 1, 1), ("sync/directory", 1, 1), ("truncate/wal", 1, 1), ("unlink/wal", 1, 1)]


def named_death(chance):
    name, _, most = chance.choices(STEPS, [weight for _, weight, _ in STEPS])[0]
    hows = ["before", "after", "power", "half"] if name.startswith("write") else ["before", "after", "power"]
    return {"CRASH_AT": f"{name}/{chance.randint(1, most)}/{chance.choice(hows)}", "CRASH_SEED": str(chance.randrange(1 << 30))}


class Pace:
    """How long a start is let go on, so that the kills that are wanted fit into the rows that there are."""

    def __init__(self, kills, start_up):
        self.kills, self.start_up, self.worked, self.done = kills, start_up, 0.05, 20

    def limit(self, trial):
        left = len(trial.input.rows) - len(trial.committed)
        rows = left / (self.kills - trial.kills + 4)
        if trial.chance.random() < 0.1:
            return trial.chance.uniform(0, self.start_up)
        return self.start_up + trial.chance.uniform(0, 1.7) * rows * self.worked / self.done

    def learn(self, seconds, rows):
        self.worked += max(0, seconds - self.start_up)
        self.done += rows


def time_to_start(trial):
    began = time.monotonic()
    trial.place.run("--version")
    return time.monotonic() - began


def kill_until(trial, kills):
    pace = Pace(kills, time_to_start(trial))
    while trial.kills < kills:
        orders = named_death(trial.chance) if trial.chance.random() < 0.5 else None
        before, began = len(trial.committed), time.monotonic()
        if trial.start(orders, pace.limit(trial) * (2 if orders else 1)):  # they come sooner, where they come
            return
        pace.learn(time.monotonic() - began, len(trial.committed) - before)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("moonkey")
    parser.add_argument("--mode", choices=MODES, default="plain")
    parser.add_argument("--short", action="store_true", help="few kills, as among the other tests")
    parser.add_argument("--kills", type=int, help="how many it aims at; a tenth fewer will do. Default: 225, or 25")
    parser.add_argument("--rows", type=int, help="default: 40 a kill")
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--seed", type=int, help="default: a new one each time")
    parser.add_argument("--format", choices=["jsonl", "csv"], help="of the rows; default: by the mode")
    parser.add_argument("--library", help="default: tests/libcrash.so beside MOONKEY")
    args = parser.parse_args()
    moonkey = os.path.abspath(args.moonkey)
    library = args.library or os.path.join(os.path.dirname(moonkey), "tests", "libcrash.so")
    seed = args.seed if args.seed is not None else random.randrange(1 << 30)
    kills = args.kills or (25 if args.short else 225)
    rows = args.rows or 40 * kills
    print(f"oracle: {args.mode}, {rows} rows, {kills} kills, -j {args.jobs}, --seed {seed}", flush=True)
    trial = Trial(moonkey, library, args.mode, rows, seed, args.jobs, args.format or MODES[args.mode], SLOW)
    try:
        trial.prepare()
        kill_until(trial, kills)
        trial.finish()
        if trial.kills < kills * 9 // 10:
            raise Failed(f"the run was done after {trial.kills} kills: give it more --rows")
    except Failed as failure:
        sys.exit(f"oracle: FAILED after {trial.kills} kills: {failure}")
    finally:
        trial.close()
    print(f"oracle: ok: {trial.kills} kills, at most {trial.most_repeated} rows sent again after one of them")


if __name__ == "__main__":
    main()
