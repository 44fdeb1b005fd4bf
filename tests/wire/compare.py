"""What a case expects against what happened. Each check returns the problems as text, "" for none."""
import csv
import difflib
import io
import json
import re
import shlex
import urllib.parse
from collections import Counter

from casefile import CREDENTIAL, SECRET, bounds, in_full, size

FORBIDDEN = [secret.split(":")[2][10:28].encode() for secret in (CREDENTIAL, SECRET)]  # parts are secret too
TRACEPARENT = re.compile(rb"(\r\ntraceparent: )00-[0-9a-f]{32}-[0-9a-f]{16}-01(?=\r\n)")
TOKEN_REQUEST = re.compile(rb"[A-Z]+ /public/v1/accounts/api-tokens/([^ /?]+)")
OWN = CREDENTIAL.split(":")[1]
STOPPED = (1, 4, 5, 130, 143)  # exit codes of a run that may have left rows unread


def diff(what, expected, actual):
    """A unified diff in which every byte can be seen."""
    def lines(data):
        return [repr(line)[2:-1][:2000] for line in data.splitlines(keepends=True)]
    text = "\n".join(difflib.unified_diff(lines(expected), lines(actual), "expected", "actual", lineterm="", n=99))
    return f"{what}:\n{text}\n"


def check_output(what, how, expected, actual):
    text = actual.decode("utf-8", "replace")
    if not how:
        return "" if actual == expected.encode() else diff(what, expected.encode(), actual)
    problems = "".join(f"{what}: {how} {pattern!r}: no\n" for pattern in filter(None, expected.splitlines())
                       if bool(re.search(pattern, text, re.MULTILINE)) != (how == "matches"))
    return problems and f"{problems}{what} is:\n{text[:5000]}\n"


def check_range(what, text, value, unit="s"):
    low, high = bounds(text)
    return "" if low <= value <= high else f"{what}: expected {text} {unit}, it was {value:.3f} {unit}\n"


def check_requests(case, traffic):
    problems, how = traffic.stray(), case.argument("requests")
    expected = case.requests()
    got = [TRACEPARENT.sub(rb"\1%TRACEPARENT", request) for request in traffic.requests]
    if how[:1].isdigit():
        return problems + check_range("requests", how.split()[0], len(got), "in all")
    if "unordered" in how:
        expected, got = sorted(expected), sorted(got)
    for i in range(max(len(expected), len(got))):
        wanted, was = expected[i] if i < len(expected) else b"", got[i] if i < len(got) else b""
        if wanted != was:
            problems += diff(f"request {i + 1}", wanted, was)
    return problems


def check_proxy(case, traffic):
    problems = ""
    for event in traffic.all("connect"):
        wanted, was = in_full(case.text("proxy")), event["head"].encode("latin-1")
        if wanted != was:
            problems += diff(f"connection {event['connection']}, CONNECT", wanted, was)
    if case.has("proxy") and len(traffic.all("connect")) != traffic.connections:
        problems += f"proxy: {traffic.connections} connections, but {len(traffic.all('connect'))} CONNECT requests\n"
    return problems


def check_times(case, traffic, run, sanitized):
    """All in the time of the case's clock, but for the processor's."""
    problems = ""
    if case.has("takes"):
        began = traffic.began() or run.started
        problems += check_range("takes", case.argument("takes"), (run.ended - began) * case.clock)
    for argument in (argument for argument, _ in case.pairs("between")):
        first, second, limits = argument.split()
        if int(second) > len(traffic.times):
            problems += f"between: there is no request {second}\n"
        else:
            apart = (traffic.times[int(second) - 1] - traffic.times[int(first) - 1]) * case.clock
            problems += check_range(f"between requests {first} and {second}", limits, apart)
    if case.has("cpu"):
        problems += check_range("processor time", case.argument("cpu"), run.cpu)
    if case.has("connections"):
        problems += check_range("connections", case.argument("connections"), traffic.connections, "made")
    if case.has("lookups"):
        problems += check_range("lookups", case.argument("lookups"), traffic.lookups, "of names")
    if case.has("memory") and not sanitized and run.memory > size(case.argument("memory")):
        problems += f"memory: expected at most {case.argument('memory')}, it was {run.memory >> 20}M\n"
    return problems


def read_results(name, data):
    if name.endswith(".csv"):
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"))))
    else:
        rows = [json.loads(line) for line in data.splitlines()]
    return [{**row, "row": int(row["row"]), "attempts": int(row["attempts"])} for row in rows]


def count_rows(case, args):
    """Rows in the input of `batch`; None when this does not know."""
    name = next((arg for arg in args[args.index("batch") + 1:] if arg == "-" or arg.endswith((".jsonl", ".csv"))), None)
    if name is None or "json" in args:
        return None
    text = case.text("stdin") if name == "-" else next("".join(pieces) for n, _, pieces in case.files(True) if n == name)
    if name.endswith(".csv") or "csv" in args:
        text = text.removeprefix("\ufeff")
        return sum(1 for row in csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in text else ",") if row) - 1
    return sum(1 for line in text.split("\n") if line.strip())


def check_results(case, outputs, traffic, status):
    """Each row has one result, in one state, and the server has seen as many requests for each token as the results tell."""
    args = shlex.split(case.argument("run"))
    if "batch" not in args:
        return ""
    names = ["stdout"] if "-o" in args else []
    names += [args[args.index("--results") + 1]] if "--results" in args else []
    return "".join(check_result_file(case, args, name, outputs, traffic, status) for name in names if name in outputs)


def check_result_file(case, args, name, outputs, traffic, status):
    problems = ""
    try:
        results = read_results(name, outputs[name])
    except ValueError as e:
        return f"{name}: no results: {e}. It is:\n{outputs[name].decode('utf-8', 'replace')[:5000]}\n"
    numbers, rows = sorted(r["row"] for r in results), count_rows(case, args)
    if numbers != list(range(1, len(numbers) + 1)):
        problems += f"{name}: not one result for each row from the first on: {numbers}\n"
    if rows is not None and (len(numbers) > rows or (len(numbers) < rows and status not in STOPPED)):
        problems += f"{name}: {len(numbers)} results for {rows} rows\n"
    for r in results:
        wrong_kind = {"done": bool(r.get("kind")), "failed": not r.get("kind"), "unknown": not r.get("kind"), "pending": False,
                      "skipped": bool(r.get("kind"))}
        if wrong_kind.get(r["outcome"], True):
            problems += f"{name}: row {r['row']} is in no one state: {r}\n"
    return problems + check_attempts(name, results, traffic, case.argument("requests"))


def check_attempts(name, results, traffic, how):
    problems, seen, traces, may_be_fewer = "", Counter(), {}, "unsent" in how
    ids = {r.get("id") for r in results}
    for request in traffic.requests:
        match = TOKEN_REQUEST.match(request)
        if match and match[0] == b"GET /public/v1/accounts/api-tokens/" + OWN.encode() and OWN not in ids:
            continue  # whose account it is, before the first write: of no row
        trace = re.search(rb"\r\ntraceparent: (\S+)", request)
        token = urllib.parse.unquote(match[1].decode()) if match else ""
        seen[token if token in ids else ""] += 1
        traces.setdefault(trace and trace[1].decode(), []).append(match and match[1].decode())
    told = Counter()
    for r in results:
        told[r.get("id") or ""] += r["attempts"]
        if r.get("traceparent") and r["traceparent"] not in traces and not may_be_fewer:
            problems += f"{name}: row {r['row']}: the server has not seen traceparent {r['traceparent']}\n"
    for token in told if "cut" in how else seen | told:
        if seen[token] != told[token] and not (may_be_fewer and seen[token] < told[token]):
            problems += f"{name}: {token or 'no token'}: {told[token]} attempts, but {seen[token]} requests at the server\n"
    problems += "".join(f"{name}: traceparent {t} was sent more than once\n" for t, ids in traces.items() if t and len(ids) > 1)
    return problems


def spellings(data):
    """The bytes as they are, with the escapes of JSON and of URLs undone, and as UTF-16, also in a log that shows its zero bytes."""
    yield data
    yield data.replace(b"\0", b"").replace(b"\\x00", b"").replace(b"\\u0000", b"")
    yield re.sub(rb"\\u00([0-9a-fA-F]{2})", lambda m: bytes.fromhex(m[1].decode()), data)
    yield urllib.parse.unquote_to_bytes(data)


def check_secrets(outputs):
    return "".join(f"{name}: shows a secret\n" for name, data in outputs.items() for secret in FORBIDDEN
                   if any(secret.lower() in spelling.lower() for spelling in spellings(data)))


def check_outputs(case, outputs):
    problems = ""
    for name in ("stdout", "stderr"):
        for how, text in case.pairs(name) or [("", "")]:
            problems += check_output(name, how, text, outputs[name])
    for argument, text in case.pairs("result"):
        name, _, how = argument.partition(" ")
        problems += check_output(name, how, text, outputs.get(name, b"(no such file)"))
    return problems + check_secrets(outputs)
