"""The tables of the bench; run.sh builds what it needs, and calls it. All rounds alternate, so that noise hits everybody alike."""
import argparse
import json
import os
import sys

import queued
from contenders import HTTPX_IMPORT, Httpx, Place, Wrong, everybody
from servers import Latency, Nginx
from tables import LATENCY_MS, median, medians_of, note, print_table

LATENCY_JOBS = (10, 64, 256)
LATENCY_REQUESTS = 100  # on each connection
STARTS = 20             # of each program, in each round


def those_that_can(chosen, place):
    able = {}
    for name, contender in chosen.items():
        why = contender.missing(place)
        if why:
            print(f"Not run: {contender.name}: {why}")
        else:
            able[name] = contender
    return able


def run_checked(contender, place, nginx, rows):
    before = nginx.requests() + 1
    sample = contender.run(place, nginx.url, rows)
    served = nginx.requests() - before
    # wrk leaves when its time is up, with up to one request on each connection that it does not count.
    if not sample.requests <= served <= sample.requests + (place.jobs if contender.name == "wrk" else 0):
        raise Wrong(f"nginx had {served} requests of it, not {sample.requests}")
    return sample


def throughput(args, place):
    chosen = those_that_can({name: c for name, c in everybody().items() if not args.only or name in args.only}, place)
    samples = {name: [] for name in chosen}
    nginx = Nginx(os.path.join(args.build, "nginx"))
    try:
        for number in range(args.rounds):
            for name in list(chosen):
                contender = chosen[name]
                try:
                    sample = run_checked(contender, place, nginx, max(1, int(args.rows * contender.share)))
                except Wrong as why:
                    print(f"Not run: {contender.name}: {why}")
                    del chosen[name]
                    continue
                samples[name].append(sample)
                note(f"round {number + 1}: {contender.name}: {sample.rate():,.0f}/s, {sample.cpu_us():.1f} µs of CPU each")
    finally:
        nginx.stop()
    print_throughput(args, chosen, samples)
    return {name: [vars(s) for s in list_] for name, list_ in samples.items()}


def print_throughput(args, chosen, samples):
    def ratio(name, of):
        if "bare" not in chosen:
            return "-"
        return f"{median(of(s) for s in samples[name]) / median(of(s) for s in samples['bare']):.2f}"

    rounds, lines = medians_of(args.rounds, "round"), []
    for name, contender in chosen.items():
        mine = samples[name]
        lines.append([contender.name, f"{mine[0].requests:,}", f"{median(s.rate() for s in mine):,.0f}",
                      ratio(name, lambda s: s.rate()), f"{median(s.cpu_us() for s in mine):.1f}",
                      ratio(name, lambda s: s.cpu_us()), f"{median(s.kib for s in mine) / 1024:.1f}"])
    print_table(f"PUTs to one nginx with one worker, -j {args.jobs}; {rounds}.",
                ["", "requests", "requests/s", "of bare", "CPU µs each", "of bare", "peak MiB"], lines)


def latency(args):
    """The share of `connections ÷ latency` that is reached, from start to exit."""
    samples = {}
    server = Latency(os.path.join(args.build, "bin", "latency"), LATENCY_MS)
    try:
        for _ in range(args.rounds):
            for jobs in LATENCY_JOBS:
                place = Place(args.build, jobs)
                for name in ("bare", "moonkey"):
                    sample = everybody()[name].run(place, server.url, jobs * LATENCY_REQUESTS)
                    share = sample.rate() / (jobs * 1000 / LATENCY_MS)
                    samples.setdefault(name, {}).setdefault(jobs, []).append(share)
                    note(f"latency: -j {jobs}: {name}: {share:.1%} of the ideal")
    finally:
        server.stop()
    rounds = medians_of(args.rounds, "round")
    lines = [[everybody()[name].name, *(f"{median(by_jobs[jobs]):.1%}" for jobs in LATENCY_JOBS)]
             for name, by_jobs in samples.items()]
    print_table(f"Share of the ideal (jobs ÷ latency) with {LATENCY_MS} ms of latency in the server, {LATENCY_REQUESTS} requests a "
                f"connection, start-up included; {rounds}.",
                ["", *(f"-j {jobs}" for jobs in LATENCY_JOBS)], lines)
    return samples


def startup(args, place):
    empty = place.path("empty.lua")
    with open(empty, "w", encoding="utf-8"):
        pass
    programs = {
        "bare libcurl program": [place.program("start")],
        "moonkey run empty.lua": [place.moonkey, "run", empty],
        "python3 -c 'import httpx'": HTTPX_IMPORT,
    }
    if Httpx().missing(place):
        print("Not run: python3 -c 'import httpx': httpx is not installed")
        del programs["python3 -c 'import httpx'"]
    samples = {name: [] for name in programs}
    for _ in range(args.rounds * STARTS):
        for name, command in programs.items():
            _, seconds, cpu, kib = place.measure(command, "http://127.0.0.1:9")
            samples[name].append((seconds, cpu, kib))
    bare = [median(s[i] for s in samples["bare libcurl program"]) for i in range(2)]
    lines = []
    for name, mine in samples.items():
        wall, cpu, kib = (median(s[i] for s in mine) for i in range(3))
        lines.append([name, f"{wall * 1000:.1f}", f"{wall / bare[0]:.2f}", f"{cpu * 1000:.1f}", f"{cpu / bare[1]:.2f}",
                      f"{kib / 1024:.1f}"])
    print_table(f"From start to exit; {medians_of(args.rounds * STARTS, 'run')}.",
                ["", "ms", "of bare", "CPU ms", "of bare", "peak MiB"], lines)
    return samples


def parse(argv):
    names = ", ".join(everybody())
    parser = argparse.ArgumentParser(prog="run.sh", description="How fast moonkey is, beside others, on this machine.")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=100000, help="of tables 1, 5 and 6 (100000); the slow ones of 1 get a share of them")
    parser.add_argument("--rounds", type=int, default=5, help="5; medians are taken over them")
    parser.add_argument("--jobs", "-j", type=int, default=64, help="connections of each contender (64)")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="NAME,…", help=names)
    parser.add_argument("--tables", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2, 3], metavar="N,…",
                        help="1: throughput, 2: latency, 3: start-up; over a queue, and not without being asked for: 4: by workers, "
                             "5: what it costs, 6: the most that one coordinator and one Redis can do (1,2,3)")
    args = parser.parse_args(argv)
    unknown = set(args.only or ()) - set(everybody())
    if unknown or args.rows < 1 or args.rounds < 1 or args.jobs < 1 or not set(args.tables) <= set(range(1, 7)):
        parser.error(f"unknown: {', '.join(unknown)}; there are {names}" if unknown else
                     "--rows, --rounds and --jobs are 1 or more; --tables is of 1 to 6")
    return args


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "unknown")
    return f"{os.cpu_count()} × {model}; load {os.getloadavg()[0]:.1f} before the start (more than 0 makes all slower)"


def main(argv):
    args = parse(argv)
    print(machine())
    raw = {}
    place = Place(args.build, args.jobs)
    if 1 in args.tables:
        raw["throughput"] = throughput(args, place)
    if 2 in args.tables:
        raw["latency"] = latency(args)
    if 3 in args.tables:
        raw["startup"] = startup(args, Place(args.build, args.jobs))
    for number, name, table in ((4, "linear", queued.linear), (5, "cost", queued.cost), (6, "limits", queued.limits)):
        if number in args.tables:
            raw[name] = table(args)
    with open(os.path.join(args.build, "samples.json"), "w", encoding="utf-8") as f:
        json.dump(raw, f)


main(sys.argv[1:])
