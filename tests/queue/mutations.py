"""Do the tests of the queue notice when one of its guards is gone? Each mutation takes out one, in a copy of what is tested, and is
caught by a test: README.md has them as a table.

  python3 tests/queue/mutations.py MOONKEY [NAME…]        all of them, or those named: some minutes
"""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIMIT = 300  # seconds for one test
CAUGHT = "caught by"

# Name: file below lua/moonkey/queue, what is there, what is in its place; maybe the same of another; and the test that fails then.
MUTATIONS = {
    # inside of Redis
    "vouching": ("scripts/prelude.lua", 'server ~= ARGV[1] and state ~= "cancelled"', "false",
                 "test_guards.py Vouching.test_rows_that_have_ended_are_not_given_out_again"),
    "vouching for another": ("scripts/vouch.lua", "ARGV[1] ~= ARGV[2]", "false", "test_scripts.py Vouching"),
    "fence": ("scripts/prelude.lua", "holder ~= consumer or count ~= tonumber(deliveries)", "false",
              "test_guards.py Fence.test_of_a_report_that_comes_late"),
    "fence of notes": ("scripts/note.lua", "refusal(consumer, id, deliveries)", "nil", "test_scripts.py Fence Vouching"),
    "deliveries": ("scripts/prelude.lua", " or count ~= tonumber(deliveries)", "", "test_scripts.py Fence"),
    "beats": ("scripts/beat.lua", "holder_of(id) == consumer", "holder_of(id)", "test_scripts.py Fence"),
    "ids": ("scripts/add.lua", 'key.chunks, id, "rows"', 'key.chunks, "*", "rows"', "test_scripts.py Chunks"),
    "lease of another": ("scripts/take.lua", "stale[3] >= lease_of(stale[2])", "true", "test_scripts.py Chunks"),
    "set aside": ("scripts/take.lua", "stale.deliveries >= most", "false", "test_scripts.py Dead"),
    "pause": ("scripts/pace.lua", "if paused > 0 then", "if false then", "test_scripts.py Pauses"),
    "bucket": ("scripts/pace.lua", "tokens = tokens - granted", "", "test_scripts.py Pace"),
    "clock of Redis": ("scripts/pace.lua", "time[1] * 1000000 + time[2]", "tonumber(ARGV[4])",
                       "worker/pace.lua", 'self.link:script("pace", want)', 'self.link:script("pace", want, os.time() * 1000000)',
                       "test_fleet.py OnePace.test_of_all_workers_together"),
    "purge": ("scripts/purge.lua", "results > 0 and not force", "false", "test_scripts.py Coordinators"),
    "late wish": ("scripts/state.lua", "coordinator and now and now ~= coordinator", "false", "test_scripts.py States"),
    "one coordinator": ("scripts/begin.lua", "other and other ~= coordinator and left <= 2 * alive", "false",
                        "test_scripts.py Coordinators"),
    # the coordinator
    "work that is forgotten": ("coordinator/comparing.lua", "ok and (self.vouched or self.is_suspect)", "false",
                               "test_guards.py Vouching.test_rows_that_it_does_not_know_to_be_given_out_are_waited_for"),
    "intents": ("coordinator/comparing.lua", "if ok then ok, err = put_intents(self) end", "",
                "test_resume.py Redis.test_intents_are_told_again"),
    "announcements": ("coordinator/reports.lua", "return not announced_by_another(item, consumer)", "return true",
                      "test_batch.py Notes.test_what_two_have_announced_is_done_by_one"),
    "table of chunks": ("coordinator/reports.lua", "self.over:take_in(chunk.id, ", 'self.over:take_in("-", ',
                        "test_resume.py Coordinator.test_a_report_of_a_retry_that_was_committed_but_not_removed"),
    "notes": ("coordinator/reports.lua", "  ok, problem = self.writer:record{", "  ok, problem = true, {",
              "test_batch.py Notes.test_changes_are_in_the_journal_before_they_are_made"),
    "results": ("coordinator/reports.lua", "local committed = self.writer:commit()",
                "remove(self, entries) local committed = self.writer:commit()",
                "test_resume.py Coordinator.test_a_journal_that_cannot_be_written"),
    "changes of another": ("coordinator/reports.lua", 'r.outcome == "skipped" and self.writer:has_changes(item.row)', "false",
                           "test_batch.py Notes.test_changes_are_in_the_journal_before_they_are_made"),
    "withdrawal": ("coordinator/ending.lua", 'if answer then ids, err = self.conn:script("withdraw", self.run) end', "ids = {}",
                   "test_batch.py Stopping.test_ctrl_c_takes_back_what_nobody_has"),
    # the worker
    "lease": ("worker/beat.lua", "control.lease(math.max(self.until_ - sys.elapsed(), 0))", "control.lease(1000)",
              "test_guards.py Fence.test_of_who_comes_back_when_another_has_done_its_rows"),
    "pause of others": ("worker/beat.lua", "if pause_ms > 0 then", "if false then",
                        "test_fleet.py OnePace.test_a_pause_without_a_rate_holds_for_all"),
    "handing back": ("worker/session.lua", "self.held:return_rest(chunk)\n    self.reports:add(chunk, reason",
                     "self.reports:add(chunk, reason", "test_worker_leases.py Ends.test_the_run_is_halted"),
}


def take_out(path, old, new):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if text.count(old) != 1:
        sys.exit(f"{path} has {old!r} {text.count(old)} times, not once: the mutation has to be written anew")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


def plant(directory, moonkey):
    """A tree, and in it a program that reads it."""
    for name in ("lua", "tests"):
        shutil.copytree(os.path.join(ROOT, name), os.path.join(directory, name), ignore=shutil.ignore_patterns("__pycache__"))
    os.makedirs(os.path.join(directory, "build"))
    os.symlink(os.path.join(os.path.dirname(moonkey), "tests"), os.path.join(directory, "build", "tests"))
    program = os.path.join(directory, "build", "moonkey")
    with open(program, "w", encoding="utf-8") as f:
        f.write(f'#!/bin/sh\nMOONKEY_LUA="{directory}/lua" exec "{moonkey}" "$@"\n')
    os.chmod(program, 0o755)
    return program


def passes(directory, program, test):
    script, *names = test.split()
    arguments = [] if script == "test_scripts.py" else [program]  # that one is about Redis alone
    done = subprocess.run([sys.executable, os.path.join(directory, "tests", "queue", script), *arguments, *names], timeout=LIMIT,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def fate_of(moonkey, *mutation):
    """What becomes of the mutation; the test has to pass with the guard."""
    *changes, test = mutation
    with tempfile.TemporaryDirectory(prefix="moonkey-mutation.") as directory:
        program = plant(directory, moonkey)
        if not passes(directory, program, test):
            return "NOT TRIED, because without it there fails"
        for file, old, new in zip(*[iter(changes)] * 3):
            take_out(os.path.join(directory, "lua", "moonkey", "queue", file), old, new)
        return "SURVIVES" if passes(directory, program, test) else CAUGHT


def main():
    if len(sys.argv) < 2 or set(sys.argv[2:]) - set(MUTATIONS):
        sys.exit(f"usage: python3 mutations.py MOONKEY [NAME…]\nnames: {', '.join(MUTATIONS)}")
    moonkey, others = os.path.abspath(sys.argv[1]), []
    for name in sys.argv[2:] or MUTATIONS:
        fate = fate_of(moonkey, *MUTATIONS[name])
        print(f"{name}: {fate} {MUTATIONS[name][-1]}", flush=True)
        others += [] if fate == CAUGHT else [name]
    sys.exit(f"not caught: {', '.join(others)}" if others else 0)


if __name__ == "__main__":
    main()
