"""What all tables of the bench have in common."""
import statistics
import sys

LATENCY_MS = 50


def median(values):
    return statistics.median(values)


def medians_of(count, what):
    return f"medians of {count} {what}s" if count > 1 else f"1 {what}"


def print_table(title, header, lines):
    rows = [header, *lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(header))]
    print(f"\n{title}\n")
    for n, row in enumerate(rows):
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |")
        if n == 0:
            print("|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|")
    sys.stdout.flush()


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)
