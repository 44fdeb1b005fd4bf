"""A run that is ended again and again, and what is checked each time: whether it is the one that was asked for shows at the end.

Whatever is checked is raised as Failed, with what went wrong.
"""
import os
import random
import re
import stat

from place import FINAL, Failed, Place, Server, Snapshot
from rows import BAD, CREDENTIAL, GOOD, REFUSED, UNKNOWN, Model, Rows

GROUP = 256  # results that one commit of the journal takes
SECRET = re.compile(rb"idt:TKN-\d{4}-\d{4}:[A-Za-z0-9]{6,}|" + CREDENTIAL[-20:].encode())
FAULTS = {"busy": 0.01, "error": 0.01, "late_error": 0.01, "throttled": 0.0005, "reset": 0.01, "lost": 0.01, "truncated": 0.01}
JOB = """
local api = require "moonkey.api"

return function(row)
  local found, err = token.get(row.id)
  if not found then return nil, err end
  return api.request("POST", "/accounts/api-tokens", { json = { name = row.name, account = { id = found.account.id } } })
end
"""


def expect(condition, text):
    if not condition:
        raise Failed(text)


def some(numbers):
    numbers = sorted(numbers)
    return ", ".join(map(str, numbers[:8])) + (f" and {len(numbers) - 8} more" if len(numbers) > 8 else "")


class Trial:
    """`mode`: plain, job, undoable or plan."""

    def __init__(self, moonkey, library, mode, count, seed, jobs, form, slow=0.0):
        self.mode, self.jobs, self.chance = mode, jobs, random.Random(seed)
        self.input = Rows(count, self.chance, form, for_job=mode == "job")
        self.server = Server(self.input.tokens, self.input.refused, seed, {**FAULTS, "slow": slow})
        self.place = self.make_place(moonkey, library)
        self.source = "rows." + form
        self.input.write(self.place.path(self.source))
        self.committed, self.sent, self.log = {}, set(), []
        self.path, self.born, self.kills, self.stops, self.stillborn, self.most_repeated = None, False, 0, 0, 0, 0
        self.last = None

    def make_place(self, moonkey, library):
        return Place(moonkey, library, self.server)

    def close(self):
        self.server.stop()
        self.place.remove()

    # ---- the commands

    def prepare(self):
        if self.mode == "job":
            self.place.write("job.lua", JOB)
        if self.mode == "plan":
            done = self.place.run("plan", self.source, "-o", "rows.plan")
            expect(done.code in (0, 3), f"plan ended with {done.code}: {done.err.decode()}")
            expect(all(request[0] == "GET" for request in self.requests()), "plan has sent a write")
        return self

    def begin_command(self):
        return ["batch", *self.what(), "-j", str(self.jobs), "-o", "jsonl"]

    def what(self):
        more = {"plain": [], "job": ["--job", "job.lua"], "undoable": ["--undoable"], "plan": []}[self.mode]
        return ["rows.plan" if self.mode == "plan" else self.source, *more]

    def command(self):
        return ["resume", self.path, "-o", "jsonl"] if self.path else self.begin_command()

    def run_id(self):
        return os.path.basename(self.path).removesuffix(".journal")

    def requests(self):
        new = self.server.requests()
        self.log += new
        return new

    # ---- one start

    def once(self, orders=None, kill_after=None, more=()):
        """Begin the run, or go on with it, and check what can be checked at any time. How it ended; None: before its birth."""
        return self.after(self.place.run(*self.command(), *more, orders=orders, kill_after=kill_after))

    def after(self, done):
        new, resuming = self.requests(), self.path is not None
        self.kills += done.killed
        self.stops += not done.killed
        if not resuming:
            self.find_journal()
        if resuming and not self.born and not done.killed and done.code == 2:
            return self.give_up_birth(done, new)
        if self.path is None:
            expect(not new, "requests were sent before there was a journal")
            expect(done.killed, f"{' '.join(self.begin_command())} ended with {done.code}: {done.err.decode()}")
            return None
        self.check_start(done, new)
        return done

    def start(self, orders=None, kill_after=None):
        """The same where nothing but its death is in its way. Has it ended by itself?"""
        done = self.once(orders, kill_after)
        if not done or done.killed:
            return False
        expect(done.code in (0, 3), f"{' '.join(self.command())} ended with {done.code}: {done.err.decode()}")
        self.last = done
        return True

    def find_journal(self):
        paths = self.place.journals()
        if len(paths) > self.stillborn:
            self.path = max(paths, key=lambda path: os.stat(path).st_mtime_ns)

    def give_up_birth(self, done, new):
        """It was ended before its journal was complete. That is fine while nothing has been sent; the run is begun anew."""
        expect(not self.sent and not new, f"a run that has sent requests cannot be resumed: {done.err.decode()}")
        expect(b"before" in done.err, f"no good reason not to resume: {done.err.decode()}")
        self.path = None
        self.stillborn += 1
        self.stops -= 1

    def check_start(self, done, new):
        self.born = self.born or bool(new)
        sent = {row for method, _, row, _, _ in new if method != "GET" and row}
        repeated = sent & self.sent
        self.most_repeated = max(self.most_repeated, len(repeated))
        expect(len(repeated) <= self.jobs + GROUP, f"{len(repeated)} rows were sent again after one crash")
        self.sent |= sent
        self.check_recorded(Snapshot(self.path).ended(), sent, done)

    def check_recorded(self, ended, sent, done):
        """`sent`: the rows whose writes came since the last time; `ended`: what is recorded now."""
        again = sent & self.committed.keys()
        expect(not again, f"sent again although they had ended: rows {some(again)}")
        changed = [n for n, row in self.committed.items() if ended.get(n) != row]
        expect(not changed, f"results were lost, or changed: rows {some(changed)}")
        reported = {r["row"] for r in done.results() if r["outcome"] in FINAL.values()}
        early = reported - ended.keys()
        expect(not early, f"reported before they were committed: rows {some(early)}")
        self.committed = ended

    # ---- the end

    def finish(self):
        """Go on until it has ended, and look at everything."""
        while not self.start():
            pass
        self.check_end()

    def check_end(self):
        results = self.results()
        expect([r["row"] for r in results] == list(range(1, len(self.input.rows) + 1)),
               f"not each row has one result: {len(results)} results of {len(self.input.rows)} rows")
        outcomes = [r["outcome"] for r in results]
        recorded = [FINAL[self.committed[r["row"]][0]] if r["row"] in self.committed else None for r in results]
        expect(outcomes == recorded, "`runs results` says something else than the journal")
        if self.mode == "job":
            self.check_posts(results)
        else:
            self.check_updates(results)
        code = 3 if set(outcomes) - {"done", "skipped"} else 0
        expect(self.last.code == code, f"it ended with {self.last.code} instead of {code}")
        self.check_sessions()
        self.check_again()
        self.check_files()

    def results(self):
        done = self.place.run("runs", "results", self.path, "-o", "jsonl")
        expect(done.code == 0, f"runs results ended with {done.code}: {done.err.decode()}")
        return done.results()

    def check_updates(self, results):
        wanted = {GOOD: "done", BAD: "failed", UNKNOWN: "failed", REFUSED: "failed"}
        model = Model(self.input.tokens)
        for row, result in zip(self.input.rows, results):
            expect(result["outcome"] == wanted[row.kind], f"row {row.number} ({row.kind}) should be {wanted[row.kind]}: {result}")
            if result["outcome"] != "done":
                continue
            changes = model.apply(row)
            if self.mode != "plain":
                listed = [[c["field"], c.get("from"), c.get("to")] for c in result.get("changes") or []]
                expect(sorted(listed) == changes, f"row {row.number} has changed {changes}, and {result.get('changes')} is recorded")
        self.check_tokens(model.tokens)

    def check_tokens(self, wanted):
        now = self.server.tokens()
        wrong = [token_id for token_id in wanted if now[token_id] != wanted[token_id]]
        expect(not wrong, f"{len(wrong)} tokens are not as they should be, such as {wrong[:1]}: "
               f"{[now[i] for i in wrong[:1]]} instead of {[wanted[i] for i in wrong[:1]]}")

    def check_posts(self, results):
        """Never twice; done where it was done and said so, failed where it was not, and otherwise unknown."""
        posts, interrupted = {}, 0
        for method, _, row, _, status in self.log:
            if method == "POST":
                expect(row not in posts, f"the POST of row {row} was sent twice")
                posts[row] = status
        for row, result in zip(self.input.rows, results):
            status, outcome = posts.get(row.number), result["outcome"]
            if row.kind != GOOD:
                expect(outcome == "failed" and status is None, f"row {row.number} ({row.kind}): {result}")
            elif status == 201:
                expect(outcome in ("done", "unknown"), f"row {row.number} was done: {result}")
            elif status == 429:
                expect(outcome in ("failed", "unknown"), f"row {row.number} was refused: {result}")
            else:
                expect(outcome == "unknown", f"row {row.number} is unclear ({status}): {result}")
            interrupted += outcome == "unknown" and status in (201, 429, None)
        expect(interrupted <= self.most_interrupted(), f"{interrupted} rows are unknown without need, after {self.kills} kills")

    def most_interrupted(self):
        return (self.kills + self.stops - 1) * (self.jobs + GROUP)

    def check_sessions(self):
        snapshot = Snapshot(self.path)
        expect(snapshot.run.get("rows") == len(self.input.rows), f"the journal says that there are {snapshot.run.get('rows')} rows")
        *before, last = snapshot.sessions
        if last[2] is not None or not self.kills:  # it may have been killed between the last row's end and its own
            expect(last[3] == "done", f"the last session is recorded as {last}")
        ended = [session for session in before if session[2] is not None]
        expect(len(ended) < self.stops, f"sessions that were killed are recorded as ended: {ended}")
        expect(len(before) - len(ended) <= self.kills + self.stops - 1, f"there are more sessions than starts: {snapshot.sessions}")

    def check_again(self):
        """Nothing is left: to resume it again sends nothing and says the same."""
        done = self.place.run("resume", self.path)
        expect(done.code == self.last.code, f"resuming what has ended ends with {done.code}: {done.err.decode()}")
        expect(not [r for r in self.requests() if r[0] != "GET"], "resuming what has ended sends requests")
        if self.mode == "plan":
            done = self.place.run(*self.begin_command())
            expect(done.code == 5 and self.run_id() in done.err.decode(), f"the plan can be applied again: {done.err.decode()}")

    def check_files(self):
        for directory, _, names in os.walk(self.place.state):
            mode = stat.S_IMODE(os.stat(directory).st_mode)
            expect(mode == 0o700, f"{directory} has mode {mode:o}")
            for name in names:
                mode = stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode)
                expect(mode == 0o600, f"{name} has mode {mode:o}")
        for directory, _, names in os.walk(self.place.directory):
            for name in names:
                with open(os.path.join(directory, name), "rb") as f:
                    self.look_for_secrets(name, f.read())
        for text in self.place.said:
            self.look_for_secrets("what was said", text)

    def look_for_secrets(self, name, data):
        found = SECRET.search(data)
        expect(not found, f"a secret in {name}: …{data[max(0, found.start() - 80):found.end()]!r}" if found else "")
