"""moonkey batch, from a file to the emulator's store and back."""
import csv
import os
import shutil
import signal
import socket
import time
import unittest

from harness import EXAMPLES, Case, is_sanitized, main


def rows(count, name="Row {}"):
    return "".join(f'{{"id":"TKN-0000-{n:04}","name":"{name.format(n)}"}}\n' for n in range(2, count + 2))


class Batch(Case):
    def test_the_example(self):
        """A thousand rows, a few of them wrong; killed and started again, the emulator still has what was done."""
        emulator = self.emulator("--seed", "1000", "--data", "tokens.db")
        done = self.run_moonkey("batch", os.path.join(EXAMPLES, "tokens.csv"), "--results", "out.csv", env=emulator.env)
        self.assertEqual(done.code, 3, done.err)
        self.assertRegex(done.err, r"moonkey: warning: 995 done, 5 failed in ")
        self.assertEqual(done.out, "")
        self.read("out.csv")
        with open(self.path("out.csv"), encoding="utf-8", newline="") as f:
            results = list(csv.DictReader(f))
        self.assertEqual(len(results), 1000)
        self.assertEqual(sum(r["outcome"] == "done" for r in results), 995)
        emulator.end(signal.SIGKILL)
        again = self.emulator("--data", "tokens.db")
        self.assertEqual(again.credential, emulator.credential)
        token = self.token(again.env, "TKN-0000-0002")
        self.assertEqual(token["name"], "Billing robot Kraków 0002")
        self.assertEqual([m["id"] for m in token["modules"]], ["MOD-1756"])
        self.assertEqual(token["revision"], 2)

    def test_each_format_does_the_same(self):
        emulator = self.emulator("--seed", "10")
        self.write("a.jsonl", '{"id":"TKN-0000-0002","name":"Zoë 1","description":null,"modules":["MOD-1756"]}\r\n\n')
        self.write("a.json", '[\n{"id":"TKN-0000-0002","name":"Zoë 1","description":null,"modules":[{"id":"MOD-1756"}]}\n]')
        self.write("a.csv", "\ufeffmodules;name;id;description\r\nMOD-1756;Zoë 1;TKN-0000-0002;\\N\r\n")
        self.write("a.txt", "name,id,description,modules\nZoë 1,TKN-0000-0002,\\N,MOD-1756\n")
        for args in (["a.jsonl"], ["a.json"], ["a.csv"], ["a.txt", "--format", "csv"]):
            reset = self.run_moonkey("run", "-e", 'assert(token.update("TKN-0000-0002", { name = "x", description = "x", modules = {} }))',
                                     env=emulator.env)
            self.assertEqual(reset.code, 0, reset.err)
            done = self.run_moonkey("batch", *args, env=emulator.env)
            self.assertEqual(done.code, 0, done.err)
            token = self.token(emulator.env, "TKN-0000-0002")
            self.assertEqual((token["name"], token.get("description"), token["modules"][0]["id"]), ("Zoë 1", None, "MOD-1756"), args)

    def test_standard_input(self):
        for args, data in ((["-"], rows(20)), (["-"], "id,name\nTKN-0000-0002,a\n"), (["-", "--format", "json"], "[]")):
            done = self.run_moonkey("--emulator", "batch", *args, stdin=data)
            self.assertEqual(done.code, 0, done.err)

    def test_an_emulator_of_ones_own_keeps_its_data(self):
        self.write("a.csv", "id,name\nTKN-0000-0003,Kept\n")
        self.assertEqual(self.run_moonkey("--emulator=mine.db", "batch", "a.csv").code, 0)
        done = self.run_moonkey("--emulator=mine.db", "run", "-e", 'print(token.get("TKN-0000-0003").name)')
        self.assertEqual(done.out, "Kept\n", done.err)

    def test_rows_with_one_id_run_in_file_order(self):
        emulator = self.emulator("--seed", "20")
        text = "".join(f'{{"id":"TKN-0000-{2 + n % 3:04}","name":"{n}"}}\n' for n in range(300))
        self.write("a.jsonl", text)
        done = self.run_moonkey("batch", "a.jsonl", "-j", "30", "-o", "jsonl", env=emulator.env)
        self.assertEqual(done.code, 0, done.err)
        for rest in range(3):
            self.assertEqual(self.token(emulator.env, f"TKN-0000-{2 + rest:04}")["name"], str(297 + rest))
            order = [r["row"] for r in done.results() if r["id"] == f"TKN-0000-{2 + rest:04}"]
            self.assertEqual(order, sorted(order))

    def test_a_job(self):
        for name in ("job.lua", "teams.csv"):
            shutil.copy(os.path.join(EXAMPLES, name), self.dir)
        done = self.run_moonkey("--emulator", "batch", "teams.csv", "--job", "job.lua", "-o", "jsonl", "-j", "1")
        self.assertEqual(done.code, 3, done.err)
        results = done.results()
        self.assertRegex(results[0]["value"]["name"], "^Malmö - ")
        self.assertEqual([r["outcome"] for r in results], ["done", "done", "failed", "done"])
        self.assertFalse(results[3]["value"]["changed"])

    def test_a_job_with_a_module_setup_and_teardown(self):
        self.write("lua/prefix.lua", "return { of = function(id) return token.get(id).id:sub(-4) end }")
        self.write("job.lua", """
local prefix = require "prefix"
return {
  setup = function() return { count = 0, first = token.get("TKN-0000-0001").id } end,
  job = function(row, ctx)
    ctx.state.count = ctx.state.count + 1
    if row.name == "Row 5" then error("no fives") end
    return { id = ctx.id, line = ctx.line, prefix = prefix.of(row.id), secret = token.get(row.id).token }
  end,
  teardown = function(state) print(state.first, state.count) end,
}""")
        self.write("a.jsonl", rows(10))
        done = self.run_moonkey("--emulator", "batch", "a.jsonl", "--job", "job.lua", "--results", "out.jsonl")
        self.assertEqual((done.code, done.out), (3, "TKN-0000-0001\t10\n"), done.err)
        text = self.read("out.jsonl")
        self.assertEqual(text.count('"secret":"[redacted]"'), 9)
        self.assertIn("job.lua:7: no fives", text)

    def test_input_that_cannot_be_used(self):
        self.write("a.csv", "name,description\nx,y\n")
        self.write("a.json", '{"id":1}')
        self.write("bad.lua", "return 3")
        self.write("broken.lua", "return function(")
        self.write("ok.jsonl", rows(1))
        for args, code, part in ((["nosuch.csv"], 2, "nosuch.csv"), (["a.csv"], 2, '"id"'), (["a.json"], 2, "array"),
                                 ([self.dir], 2, "directory"), (["ok.jsonl", "-j", "0"], 2, "-j"),
                                 (["ok.jsonl", "--job", "nosuch.lua"], 2, "nosuch.lua"), (["ok.jsonl", "--job", "bad.lua"], 1, "bad.lua"),
                                 (["ok.jsonl", "--job", "broken.lua"], 1, "broken.lua:1"),
                                 (["ok.jsonl", "--results", "nosuch/out.jsonl"], 2, "nosuch/out.jsonl")):
            done = self.run_moonkey("--emulator", "batch", *args)
            self.assertIn(part, done.err)
            self.assertEqual(done.code, code, (args, done.err))

    def test_what_is_said_at_each_log_level(self):
        self.write("bad.jsonl", '{"id":"TKN-0000-0002"}\n')
        self.write("cut.json", '[{"id":"TKN-0000-0002","name":"x"},')
        for name, level, code, parts in (("bad.jsonl", "warn", 3, ["0 done, 1 failed", "bad row: nothing to change", "line 1"]),
                                         ("bad.jsonl", "error", 3, []), ("cut.json", "error", 2, ["cut.json cannot be used"])):
            done = self.run_moonkey("--emulator", "batch", name, "--log-level", level)
            self.assertEqual(done.code, code, done.err)
            self.assertTrue(all(part in done.err for part in parts) and bool(parts) == bool(done.err), done.err)

    def test_nothing_to_do(self):
        self.write("a.jsonl", "")
        self.write("a.csv", "id,name\n")
        for name in ("a.jsonl", "a.csv"):
            done = self.run_moonkey("--emulator", "batch", name)
            self.assertEqual(done.code, 0)
            self.assertIn("nothing to do", done.err)

    def test_a_refused_credential(self):
        emulator = self.emulator()
        self.write("a.jsonl", rows(50))
        env = dict(emulator.env, MPT_API_TOKEN="idt:TKN-0000-0001:" + "x" * 64)
        done = self.run_moonkey("batch", "a.jsonl", env=env)
        self.assertEqual(done.code, 4, done.err)
        self.assertIn("pending", done.err)


class Signals(Case):
    def begin(self, emulator, *args):
        self.write("a.jsonl", rows(500))
        process = self.start("batch", "a.jsonl", "--rate", "50/s", "-o", "jsonl", "--results", "out.jsonl", *args, env=emulator.env)
        time.sleep(1.0)
        self.assertIsNone(process.poll())
        return process

    def check_recorded(self, done, emulator):
        results = done.results()
        self.assertTrue(10 <= len(results) < 400, len(results))
        self.assertEqual({r["outcome"] for r in results} - {"done", "pending"}, set())
        last = max(r["row"] for r in results if r["outcome"] == "done")
        self.assertEqual(self.token(emulator.env, f"TKN-0000-{last + 1:04}")["name"], f"Row {last + 1}")
        self.assertEqual(len(self.read("out.jsonl").splitlines()), len(results))

    def test_interrupt(self):
        emulator = self.emulator("--seed", "600")
        process = self.begin(emulator)
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.code, 130, done.err)
        self.assertIn("interrupted", done.err)
        self.check_recorded(done, emulator)

    def test_terminate(self):
        emulator = self.emulator("--seed", "600")
        process = self.begin(emulator)
        process.send_signal(signal.SIGTERM)
        done = self.finish(process)
        self.assertEqual(done.code, 143, done.err)
        self.check_recorded(done, emulator)

    def test_ctrl_c_reaches_an_emulator_of_ones_own_too(self):
        """The terminal sends it to the whole process group; the emulator must go on until the last reply."""
        self.write("a.jsonl", rows(500))
        process = self.start("--emulator", "batch", "a.jsonl", "--rate", "50/s", "-o", "jsonl", new_group=True)
        time.sleep(1.5)
        os.killpg(process.pid, signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.code, 130, done.err)
        self.assertEqual({r["outcome"] for r in done.results()} - {"done", "pending"}, set())
        self.assertNotIn("no reply", done.err)

    def test_a_second_interrupt_leaves_at_once(self):
        """Here a request is in flight that is never answered."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.write("a.jsonl", rows(5))
            process = self.start("batch", "a.jsonl", env={"MPT_API_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
                                                          "MPT_API_TOKEN": "idt:TKN-0000-0001:knownToNobody"})
            time.sleep(0.7)
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            self.assertIsNone(process.poll())
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            self.assertEqual(self.finish(process).code, 130)
            self.assertLess(time.monotonic() - started, 2)


class Progress(Case):
    def test_a_bar_on_a_terminal(self):
        self.write("a.jsonl", rows(60))
        done = self.run_on_terminal("--emulator", "batch", "a.jsonl", "--rate", "60/s")
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.err, r"\r\x1b\[K +\d+% ▕[█▏▎▍▌▋▊▉ ]+▏ \d+ done, 0 failed, \d+/s")
        self.assertIn("60 done, 0 failed", done.err.split("\x1b[K")[-1])
        for line in done.err.replace("\r\n", "\n").split("\r\x1b[K"):
            self.assertLessEqual(len(line.split("\n")[0]), 100)

    def test_a_dumb_terminal_gets_none(self):
        self.write("a.jsonl", rows(20))
        done = self.run_on_terminal("--emulator", "batch", "a.jsonl", "--rate", "40/s", env={"TERM": "dumb"})
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn("\x1b", done.err)

    def test_plain_lines_elsewhere(self):
        self.write("a.jsonl", rows(140))
        done = self.run_moonkey("--emulator", "batch", "a.jsonl", "--rate", "25/s")
        self.assertEqual(done.code, 0, done.err)
        self.assertRegex(done.err, r"moonkey: \d+%: \d+ done, 0 failed, [\d.,]+/s")
        self.assertNotIn("\x1b", done.err)
        self.assertNotIn("\r", done.err)


@unittest.skipIf(is_sanitized(), "sanitizers have their own use of memory")
class Memory(Case):
    def test_does_not_grow_with_the_file(self):
        peaks = []
        for count in (2000, 40000):
            text = "id,name\n" + "".join(f"TKN-0000-{2 + n % 900:04},Name of the row with number {n}\n" for n in range(count))
            self.write("a.csv", text)
            process = self.start("--emulator", "batch", "a.csv", "-j", "20")
            _, err = process.stdout.read(), process.stderr.read()
            self.said.append(err)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0, err)
            peaks.append(usage.ru_maxrss)
        self.assertLess(peaks[1] - peaks[0], 12 * 1024, peaks)


main()
