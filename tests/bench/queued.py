"""The tables of runs over a queue: how they grow with workers, what the queue costs, and where one coordinator and one Redis end."""
import os

from contenders import Place, everybody
from crew import Crew
from servers import Latency, Nginx
from tables import LATENCY_MS, median, medians_of, note, print_table

WORKERS = (1, 2, 4, 8)
SLOW_JOBS = 10          # of each worker, where the server takes its time
SLOW_ROWS = 4030        # for each worker: 20 s of work, and no whole number of chunks, so that some end before others
CREW = 2                # workers where the server is fast
CHUNKS = (100, 10)
EMPTY_JOB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nothing.lua")


def sample(place, url, workers, rows, **how):
    job = how.pop("job", None)
    with Crew(place, url, workers, job) as crew:
        return crew.run(rows, **how)


def linear(args):
    """Throughput of 1, 2, … workers from the coordinator's start to its exit, beside that of one, and beside the ideal."""
    place, samples = Place(args.build, SLOW_JOBS), {count: [] for count in WORKERS}
    server = Latency(os.path.join(args.build, "bin", "latency"), LATENCY_MS)
    try:
        for number in range(args.rounds):
            for count in WORKERS:
                run = sample(place, server.url, count, count * SLOW_ROWS)
                samples[count].append(run)
                note(f"round {number + 1}: {count} workers: {run.rate():,.1f}/s in {run.seconds:.2f} s")
    finally:
        server.stop()
    print_linear(args, samples)
    return {count: [vars(run) for run in runs] for count, runs in samples.items()}


def print_linear(args, samples):
    ideal = SLOW_JOBS * 1000 / LATENCY_MS  # rows/s of one worker
    one, lines = median(run.rate() for run in samples[1]), []
    for count, runs in samples.items():
        rate, beyond = median(run.rate() for run in runs), median(run.seconds for run in runs) - SLOW_ROWS / ideal
        lines.append([str(count), f"{count * SLOW_ROWS:,}", f"{rate:,.0f}", f"{rate / (count * one):.1%}",
                      f"{rate / (count * ideal):.1%}", f"{beyond:.2f}", f"{median(run.cpu_us() for run in runs):.0f}"])
    print_table(f"Rows over a queue with {LATENCY_MS} ms of latency in the server, -j {SLOW_JOBS} a worker, start-up and tail included; "
                f"{medians_of(args.rounds, 'round')}.",
                ["workers", "rows", "rows/s", "of linear", "of jobs ÷ latency", "s beyond that", "CPU µs each"], lines)


# ---- with a fast server

def name_of(workers, chunk, job=None):
    what = f"{workers} worker{'s' if workers > 1 else ''}{', empty job' if job else ''}"
    return what + (f", --chunk {chunk}" if chunk != CHUNKS[0] else "")


def fast(args, cases, with_batch):
    """Runs of each case against nginx, by name; cases are (workers, chunk, job). And those of `moonkey batch` without a queue."""
    place = Place(args.build, args.jobs)
    samples, plain = {name_of(*case): [] for case in cases}, []
    nginx = Nginx(os.path.join(args.build, "nginx"))
    try:
        for number in range(args.rounds):
            if with_batch:
                plain.append(everybody()["moonkey"].run(place, nginx.url, args.rows))
                note(f"round {number + 1}: moonkey batch: {plain[-1].rate():,.0f}/s, {plain[-1].cpu_us():.1f} µs of CPU each")
            for workers, chunk, job in cases:
                run, name = sample(place, nginx.url, workers, args.rows, chunk=chunk, job=job), name_of(workers, chunk, job)
                samples[name].append(run)
                note(f"round {number + 1}: {name}: {run.rate():,.0f}/s, {run.cpu_us():.1f} µs of CPU each")
    finally:
        nginx.stop()
    return samples, plain


def cost(args):
    """CPU a row of all that take part, beside that of a run that does its rows itself."""
    samples, plain = fast(args, [(1, chunk, None) for chunk in CHUNKS], True)
    alone = median(run.cpu_us() for run in plain)
    lines = [["moonkey batch", f"{median(run.rate() for run in plain):,.0f}", "-", "-", "-", f"{alone:.1f}", "1.00"]]
    for name, runs in samples.items():
        parts = [f"{median(run.cpu_us(who) for run in runs):.1f}" for who in ("coordinator", "workers", "redis")]
        total = median(run.cpu_us() for run in runs)
        lines.append([f"--queue, {name}", f"{median(run.rate() for run in runs):,.0f}", *parts, f"{total:.1f}", f"{total / alone:.2f}"])
    print_table(f"What a row over a queue costs in CPU µs: {args.rows:,} PUTs to one nginx, -j {args.jobs}; "
                f"{medians_of(args.rounds, 'round')}.",
                ["", "rows/s", "coordinator", "workers", "Redis", "in all", "of batch"], lines)
    return {"batch": [vars(run) for run in plain], **{name: [vars(run) for run in runs] for name, runs in samples.items()}}


def limits(args):
    """What one coordinator, and one Redis, can do: their share of a core, and so how many rows a whole one is good for."""
    samples, _ = fast(args, [(CREW, CHUNKS[0], None), *((CREW, chunk, EMPTY_JOB) for chunk in CHUNKS)], False)
    lines = []
    for name, runs in samples.items():
        middle = {who: median(run.cpu_us(who) for run in runs) for who in ("coordinator", "redis")}
        lines.append([name, f"{median(run.rate() for run in runs):,.0f}",
                      *(f"{median(run.share(who) for run in runs):.0%}" for who in middle),
                      *(f"{1e6 / us:,.0f}" for us in middle.values()),
                      f"{median(run.bytes_in / run.rows for run in runs):.0f}", f"{median(run.bytes_out / run.rows for run in runs):.0f}",
                      f"{median(run.calls / run.rows for run in runs):.3f}", f"{median(run.commands / run.rows for run in runs):.2f}"])
    print_table(f"Where one coordinator and one Redis end: their share of a core, and the rows/s of a whole core; {args.rows:,} rows, "
                f"nginx, -j {args.jobs}; {medians_of(args.rounds, 'round')}.",
                ["", "rows/s", "coordinator", "Redis", "of a core: coordinator", "Redis", "B/row to Redis", "from it", "calls/row",
                 "commands/row"], lines)
    return {name: [vars(run) for run in runs] for name, runs in samples.items()}
