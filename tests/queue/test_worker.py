"""moonkey worker, against a real Redis, with a coordinator that the test plays itself: so each order of events can be had. What it
refuses, what ends it, its job, its notes and its pace; test_worker_leases.py is about when it holds what.

  python3 test_worker.py MOONKEY [unittest's arguments]
"""
import contextlib
import hashlib
import os
import re
import socket
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402
import pace  # noqa: E402
import scripts  # noqa: E402
import server  # noqa: E402
from worker_case import Case, Timed  # noqa: E402


class Plain(Case):
    def test_does_what_there_is_and_ends(self):
        run = self.begin()
        for chunk in range(3):
            run.add([self.row(n) for n in range(chunk * 10 + 1, chunk * 10 + 11)])
        done = self.work("--drain")
        self.assertEqual(done.code, 0, done.err)
        results = run.results()
        self.assertEqual(sorted(results), list(range(1, 31)))
        self.assertEqual({r["outcome"] for r in results.values()}, {"done"})
        self.assertEqual(results[7]["id"], self.id(7))
        self.assertEqual(results[7]["status"], 200)
        self.assertEqual(run.chunks(), [])
        self.assertEqual(self.token(self.env, self.id(7))["name"], "Row 7")
        self.assertEqual(run.workers(), {}, "it has left")
        self.assertIn("did 30 rows here: 30 done", done.err)


class Refusals(Timed):
    def refused(self, message, *args, env=None, **facts):
        run = self.begin(**facts)
        run.add([self.row(1)])
        done = self.finish(self.hire("--drain", *args, env=env))
        self.assertEqual(done.code, 2, done.err)
        self.assertRegex(done.err, message + "[^\n]*\n.*is one for this worker; .*moonkey queue purge RUN")
        self.assertEqual((run.held(), self.api.writes(), run.workers()), ({}, [], {}))
        run.purge()

    def test_runs_that_are_not_its_own(self):
        self.refused("has the job sync.lua .SHA-256 a{64}., and this worker has none: give it that file with --job",
                     job=64 * "a", job_name="sync.lua")
        self.refused("is against https://elsewhere.test, and this worker would go to http://127", target="https://elsewhere.test")
        self.refused("is for the account ACC-9999-9999, and this worker's credential is of ACC-0001-0001", account="ACC-9999-9999")
        self.refused("is a dry run: start the worker with --dry-run", dry_run="1")
        self.refused("is no dry run: start the worker without", "--dry-run")
        self.refused("is one of another moonkey .9.9.: use the same version", format="2", version="9.9")

    def test_another_job(self):
        self.write("sync.lua", "return function() end")
        with open(self.path("sync.lua"), "rb") as f:
            own = hashlib.sha256(f.read()).hexdigest()
        self.refused(f"has the job sync.lua with SHA-256 a{{64}}, and sync.lua here has {own}", "--job", "sync.lua", job=64 * "a",
                     job_name="sync.lua")
        self.refused("has no job of its own, and this worker has sync.lua: start one without --job", "--job", "sync.lua")

    def test_what_cannot_be_meant(self):
        for words, code, message in (
                (["worker"], 2, "worker needs --queue URL"),
                (["worker", "--queue", "redis://redis.test"], 2, "refusing redis://redis.test: the rows, and a password"),
                (["worker", "--queue", "redis://u:p@127.0.0.1"], 2, "must not have a password in it"),
                (self.arguments(lease="10ms"), 2, "--lease 10ms: expected a duration from 1s to 1h"),
                (self.arguments(lease="soon"), 2, "--lease soon: expected a duration from 1s to 1h"),
                (self.arguments(lease="0s"), 2, "--lease 0s: expected a duration from 1s to 1h"),
                ([*self.arguments(), "--emulator"], 2, "each worker would have an emulator of its own"),
                ([*self.arguments(), "--run", "last"], 2, "a worker needs the id of the run"),
                (self.arguments("--job", "none.lua"), 2, "cannot open the job file"),
                (["worker", "--queue", f"redis://127.0.0.1:{server.free_port()}"], 1, "cannot connect to Redis at 127.0.0.1:")):
            done = self.run_moonkey(*words, env=self.env)
            self.assertEqual(done.code, code, done.err)
            self.assertIn(message, done.err)

    @contextlib.contextmanager
    def without(self, right):
        self.redis.admin.acl_setuser("worker", enabled=True, commands=["-" + right])
        try:
            yield
        finally:
            self.redis.admin.acl_setuser("worker", enabled=True, commands=["+" + right])

    def test_rights_that_it_has_not(self):
        run = self.begin()
        run.add([self.row(1)])
        for right, message in (("hgetall", "refused HGETALL: NOPERM .*moonkey queue acl worker"),
                               ("xreadgroup", "no rows are taken: .* refused EVALSHA: .*moonkey queue acl worker")):
            with self.subTest(right), self.without(right):
                worker = self.hire("--drain", lease="10s")
                time.sleep(2)
                self.assertIsNone(worker.poll(), "it must not take that for a queue without rows")
                worker.terminate()
                done = self.finish(worker)
                self.assertEqual(len(re.findall(message, done.err)), 1, done.err)

    def test_no_credential(self):
        done = self.finish(self.hire("--drain", env={"MPT_API_TOKEN": ""}))
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("no credential for http://127.0.0.1:", done.err)
        self.assertNotIn("--emulator", done.err, "which is for no worker")

    def test_redis_that_is_not_there_yet(self):
        run = self.begin()
        run.add([self.row(1)])
        self.redis.wait_until_written()
        self.redis.kill()
        worker = self.hire("--drain")
        time.sleep(1)
        self.assertIsNone(worker.poll())
        self.redis.start()
        run.boss = scripts.Side(self.redis, "coordinator", run.name)
        run.boss("vouch", run.boss.server)
        done = self.finish(worker)
        self.assertEqual(done.code, 0, done.err)
        self.assertIn("trying on for 10 s", done.err)
        self.assertEqual(run.outcomes(), {1: "done"})

    def test_redis_that_goes_away_is_told_once(self):
        worker = self.hire()
        time.sleep(2)
        self.redis.kill()
        with socket.create_server(("127.0.0.1", self.redis.port), backlog=0) as full:  # each try takes until its time is over
            with contextlib.ExitStack() as stack:
                for _ in range(3):
                    waiting = stack.enter_context(socket.socket())
                    waiting.setblocking(False)
                    waiting.connect_ex(full.getsockname())
                time.sleep(8)
        self.redis.start()
        worker.terminate()
        done = self.finish(worker)
        self.assertEqual(len(re.findall("timed out after", done.err)), 1, done.err)

    def test_a_wrong_password(self):
        done = self.finish(self.hire(env={"MOONKEY_QUEUE_PASSWORD": "notThatOne"}))
        self.assertEqual(done.code, 2, done.err)
        self.assertIn("Check the password from the environment variable MOONKEY_QUEUE_PASSWORD", done.err)
        self.assertNotIn("notThatOne", done.err)


class Guards(Timed):
    def test_its_limit_of_changes(self):
        run = self.begin()
        run.add([self.row(n) for n in range(1, 21)])
        done = self.work("--max-changes", "5", "-j", "2")
        self.assertEqual(done.code, 5, done.err)
        outcomes = list(run.outcomes().values())
        self.assertEqual((outcomes.count("done"), outcomes.count("pending")), (5, 15))
        self.assertEqual([report["stopped"] for report in run.reports().values()], ["limit"])
        self.assertEqual((len(self.api.writes()), run.workers()), (5, {}))
        self.assertIn("--max-changes permits no more writes", done.err)

    def test_a_credential_that_is_refused(self):
        run, self.api.replies = self.begin(), [(200, {}), (401, {})]
        run.add([self.row(n) for n in range(1, 21)])
        done = self.work("-j", "1")
        self.assertEqual(done.code, 4, done.err)
        outcomes = list(run.outcomes().values())
        self.assertEqual((outcomes.count("done"), outcomes.count("pending")), (1, 19))
        self.assertEqual([report["stopped"] for report in run.reports().values()], ["auth"])
        self.assertIn("refused the credential", done.err)

    def test_a_credential_that_is_refused_at_once(self):
        run, self.api.refuses = self.begin(), True
        run.add([self.row(1)])
        done = self.work()
        self.assertEqual(done.code, 4, done.err)
        self.assertEqual((run.held(), run.workers()), ({}, {}), "it has not even begun")

    def test_consent_is_asked_for_before_anything_is_taken(self):
        run = self.begin()
        run.add([self.row(1)])
        self.write("credential", self.api.env["MPT_API_TOKEN"], 0o600)
        self.write(".config/moonkey/config.lua", f"""return {{ asks = {{ base_url = "{self.api.url}", credential_file = "~/credential",
            consent = "yes" }} }}""")
        env = {"MOONKEY_QUEUE_PASSWORD": server.password_of("worker")}
        done = self.finish(self.start(*self.arguments("-p", "asks", "--drain"), env=env))
        self.assertEqual(done.code, 5, done.err)
        self.assertEqual((run.held(), self.api.writes()), ({}, []))
        self.assertIn("demands consent", done.err)
        answers = [("Write to 127.0.0.1", 1.2), ("[y/N] ", "y\n")]
        done = self.run_on_terminal(*self.arguments("-p", "asks", "--drain"), env=env, answers=answers)
        self.assertEqual((done.code, run.outcomes()), (0, {1: "done"}), done.err)

    def begin_job(self, text):
        self.write("job.lua", text)
        return self.begin(job=hashlib.sha256(text.encode()).hexdigest(), job_name="job.lua")

    def test_a_job_and_its_mistakes(self):
        run = self.begin_job("""
            local count = 0
            return {
                setup = function() count = count + 1 return { times = count } end,
                job = function(row, ctx)
                    if row.n == 2 then error("oh no") end
                    if row.n == 3 then return nil, "not this one" end
                    return { run = ctx.run, times = ctx.state.times, row = ctx.row, line = ctx.line, id = ctx.id, s = ("x"):rep(row.size) }
                end,
                teardown = function(state) print("torn down", state.times) end,
            }""")
        for n in range(1, 5):
            run.add([(n, {"n": n, "size": 1, "id": f"T{n}"})])
        done = self.work("--drain", "--job", "job.lua")
        self.assertEqual((done.code, done.out), (0, "torn down\t1\n"), done.err)
        results = run.results()
        self.assertEqual(run.outcomes(), {1: "done", 2: "failed", 3: "failed", 4: "done"})
        self.assertEqual(results[4]["value"], {"run": "RUN-1", "times": 1, "row": 4, "line": 5, "id": "T4", "s": "x"})
        self.assertIn("oh no", results[2]["title"])
        self.assertIn("oh no", done.err)
        self.assertEqual(results[3]["title"], "not this one")

    def test_a_value_that_is_too_long(self):
        run = self.begin_job("return function(row) return { s = ('x'):rep(row.size) } end")
        run.add([(n, {"size": 3 << 20}) for n in range(1, 5)] + [(5, {"size": 10})])
        done = self.work("--drain", "--job", "job.lua")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(run.results()[5]["value"], {"s": 10 * "x"})
        self.assertRegex(run.results()[1]["value"], "left out: its JSON has 3145736 bytes, and a queue carries 65536")

    def test_a_setup_that_fails(self):
        run = self.begin_job("return { setup = function() error('no setup') end, job = function() end }")
        run.add([(1, {"n": 1})])
        done = self.work("--drain", "--job", "job.lua")
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("no setup", done.err)
        self.assertRegex(run.boss.client.hget(run.boss.key("run"), "ended"), "^[^ ]+ .*job.lua:1: no setup$")
        self.assertEqual((run.held(), run.workers()), ({}, {}))

    def test_a_row_that_takes_too_much_processor_time(self):
        run = self.begin_job("return function(row) while row.n == 2 do end end")
        run.add([(n, {"n": n}) for n in range(1, 6)])
        done = self.work("--drain", "--job", "job.lua", "--max-cpu", "300ms", "-j", "1")
        self.assertEqual(done.code, 5, done.err)
        self.assertEqual(run.outcomes(), {1: "done", 2: "failed", 3: "pending", 4: "pending", 5: "pending"})

    def test_restricted_it_finds_back_to_the_queue(self):
        text = """
            local ok, why = pcall(require, "moonkey.redis")
            return function(row)
                return { opened = pcall(io.open, "/etc/passwd"), redis = ok, changed = token.update(row.id, { name = "x" }) ~= nil }
            end"""
        run, link = self.begin_job(text), self.link()
        worker = self.hire("--job", "job.lua", "--restricted", "--allow-api", "PUT /accounts/api-tokens/*", port=link.port, lease="5s")
        run.add([self.row(1)])
        self.wait_for(lambda: run.chunks() == [])
        link.cut()
        run.add([self.row(2)])
        self.wait_for(lambda: run.chunks() == [], "it connects anew")
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        for n in (1, 2):
            self.assertEqual(run.results()[n]["value"], {"opened": False, "redis": False, "changed": True})


class Notes(Timed):
    def test_before_images_are_in_the_journal_before_a_write(self):
        run = self.begin(built_in='{"undoable":true}')
        run.add([self.row(n) for n in range(1, 4)])
        worker = self.hire(lease="3s")
        self.wait_for(lambda: len(run.entries("note")) == 3)
        time.sleep(0.3)
        self.assertEqual(self.api.writes(), [])
        notes = list(run.acknowledge())
        self.assertEqual(notes[0]["changes"], [{"field": "name", "from": "Before", "to": f"Row {notes[0]['row']}"}])
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(run.outcomes(), {1: "done", 2: "done", 3: "done"})
        self.assertEqual(self.end(worker).code, 143)

    def test_a_journal_that_cannot_be_written(self):
        run = self.begin(built_in='{"undoable":true}')
        run.add([self.row(1)])
        worker = self.hire(lease="3s")
        self.wait_for(lambda: run.entries("note"))
        list(run.acknowledge(message="disk full"))
        self.wait_for(lambda: run.chunks() == [])
        self.assertIn("the journal cannot be written: disk full", run.results()[1]["title"])
        self.assertEqual((run.outcomes(), self.api.writes()), ({1: "pending"}, []))
        self.end(worker)

    def begin_posts(self, count=1):
        text = 'return function(row) return require("moonkey.api").request("POST", "/things", { json = { n = row.n } }) end'
        self.write("post.lua", text)
        run = self.begin(job=hashlib.sha256(text.encode()).hexdigest())
        run.add([(n, {"n": n}) for n in range(1, count + 1)])
        return run

    def test_what_must_not_be_repeated_is_announced(self):
        run, link, self.api.delay = self.begin_posts(), self.link(), 0.5
        worker = self.hire("--job", "post.lua", port=link.port, lease="5s")
        self.wait_for(lambda: run.entries("note"))
        self.assertEqual(run.boss.client.hgetall(run.boss.key("intents")), {"1-1/1": "POST /public/v1/things"})
        list(run.acknowledge())
        self.wait_for_writes()
        self.assertEqual(run.reports(), {})
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(run.outcomes(), {1: "done"})
        self.assertEqual((len(self.api.writes()), run.boss.client.hgetall(run.boss.key("intents"))), (1, {}))
        self.end(worker)

    def test_what_was_carried_out_already_is_not_handed_back(self):
        """Of two POSTs of a row the first is done when the second is not allowed: the row must not be done again from its beginning."""
        text = """
          local api = require "moonkey.api"
          return function(row)
            for i = 1, 2 do
              local reply, err = api.request("POST", "/things", { json = { n = i } })
              if not reply then return nil, err end
            end
          end"""
        self.write("post.lua", text)
        run = self.begin(job=hashlib.sha256(text.encode()).hexdigest())
        run.add([(1, {"n": 1})])
        worker = self.hire("--job", "post.lua", lease="3s")
        self.wait_for(lambda: list(run.acknowledge()))
        self.wait_for(lambda: list(run.acknowledge(message="disk full")))
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual((run.outcomes(), len(self.api.writes())), ({1: "unknown"}, 1))
        self.end(worker)

    def test_a_note_that_got_lost_is_sent_again(self):
        run, link = self.begin_posts(), self.link()
        worker = self.hire("--job", "post.lua", port=link.port, lease="5s")
        self.wait_for(lambda: run.entries("note"))
        run.boss.client.delete(run.boss.key("results"))
        link.cut()
        self.wait_for(lambda: run.entries("note"), "once more")
        list(run.acknowledge())
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(len(self.api.writes()), 1)
        self.end(worker)

    def test_told_to_end_while_nobody_answers(self):
        run = self.begin_posts(3)
        worker = self.hire("--job", "post.lua", "-j", "2")
        self.wait_for(lambda: len(run.entries("note")) == 2)
        done = self.end(worker)
        self.assertEqual(done.code, 143, done.err)
        self.assertEqual(run.outcomes(), {1: "pending", 2: "pending", 3: "pending"})
        self.assertEqual([run.results()[n].get("announced") for n in (1, 2, 3)], [True, True, None])
        self.assertEqual(self.api.writes(), [])

    def test_a_write_that_was_announced_by_a_worker_that_died(self):
        run = self.begin_posts(3)
        self.assertEqual(run.take_over("dead")[1], "1-1")
        self.assertEqual(self.side(run.name)("note", "dead", "1-1", 1, '{"row":2,"intent":"POST /things"}', "2", "POST /things"), "ok")
        worker = self.hire("--job", "post.lua")
        self.wait_for(lambda: len(run.entries("note")) == 3)
        list(run.acknowledge())
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(run.outcomes(), {1: "done", 2: "unknown", 3: "done"})
        self.assertEqual(run.results()[2]["title"], "ended during POST /things: whether it was carried out is not known")
        self.assertEqual(len(self.api.writes()), 2)
        self.end(worker)


class Pace(Timed):
    def test_the_rate_is_that_of_all_workers(self):
        run = self.begin(rate="20")
        for chunk in range(4):
            run.add([self.row(chunk * 10 + n) for n in range(1, 11)])
        workers = [self.hire("-j", "4", lease="3s") for _ in range(2)]
        self.wait_for(lambda: run.chunks() == [])
        times = [at for at, _, _ in self.api.writes()]
        self.assertEqual(len(times), 40)
        self.assertLessEqual(pace.excess(times, 20), pace.bucket(20) + 1)
        self.assertLess(times[-1] - times[0], 4, "and it is used")
        for worker in workers:
            self.end(worker)

    def test_the_run_goes_on_with_another_rate_and_in_another_way(self):
        run = self.begin()
        worker = self.hire("-j", "4", lease="3s")
        self.wait_for(run.workers)
        run.boss("begin", "boss", 600000, "rate", "20", "built_in", '{"skip_unchanged":true}')
        time.sleep(1.5)
        run.add([self.row(n) for n in range(1, 21)] + [(21, {"id": self.id(21), "name": "Before"})])
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(run.outcomes(), {**{n: "done" for n in range(1, 21)}, 21: "skipped"})
        times = [at for at, _, _ in list(self.api.requests) if at > self.api.writes()[0][0] - 0.5]
        self.assertLessEqual(pace.excess(times, 20), pace.bucket(20) + 1)
        self.end(worker)

    def test_cut_off_it_goes_on_at_its_share(self):
        run, link = self.begin(rate="20"), self.link()
        run.add([self.row(n) for n in range(1, 101)])
        worker = self.hire("-j", "4", port=link.port, lease="6s")
        self.wait_for_writes(20)
        link.refuse()
        cut = time.monotonic()
        time.sleep(3)
        alone = [at for at, _, _ in self.api.writes(cut)]
        self.assertGreater(len(alone), 5)
        self.assertLessEqual(pace.excess(alone, 20), 4)
        link.mend()
        self.wait_for(lambda: run.chunks() == [])
        self.assertEqual(len(self.api.writes()), 100)
        self.assertLessEqual(pace.excess([at for at, _, _ in self.api.writes()], 20), 4)
        self.end(worker)

    def test_a_pause_is_for_all(self):
        run, self.api.replies = self.begin(), [(429, {"Retry-After": 2})]
        run.add([self.row(1)])
        workers = [self.hire(lease="3s") for _ in range(2)]
        self.wait_for(lambda: len(run.workers()) == 2 and self.api.writes())
        asked = time.monotonic()
        self.wait_for(lambda: run.boss.client.pttl(run.boss.key("pause")) > 1000)
        time.sleep(0.4)
        run.add([self.row(n) for n in range(2, 20)])
        self.wait_for(lambda: run.chunks() == [])
        times = [at for at, _, _ in self.api.writes(asked)]
        self.assertGreater(times[0] - asked, 1.4)
        self.assertLess(times[0] - asked, 3.2)
        time.sleep(1)
        self.assertEqual(run.boss.client.pttl(run.boss.key("pause")), -2, "nobody makes it longer")
        for worker in workers:
            self.end(worker)


if __name__ == "__main__":
    harness.main()
