"""What a terminal shows while the server holds a run up: a server that does as it is told is in ../wire/server.py."""
import os
import re
import sys

from harness import ROOT, Case, main

sys.path.insert(0, os.path.join(ROOT, "tests", "wire"))
from casefile import CREDENTIAL, make_step  # noqa: E402
from process import Server  # noqa: E402

CTRL_C = "\x03"
UPDATED = make_step("200", '{"id":"TKN-asked-for","name":"n"}')
PAUSE = make_step("", "HTTP/1.1 503 Service Unavailable\nRetry-After: 30\nContent-Length: 0\n\n")


class Progress(Case):
    def serve(self, replies, rest):
        server = Server(None)
        self.addCleanup(server.process.stdout.close)
        self.addCleanup(server.stop)  # before that
        server.begin({"log": self.path("server.log"), "clock": 1, "replies": replies, "rest": rest})
        return {"MPT_API_BASE_URL": f"http://127.0.0.1:{server.port}", "MPT_API_TOKEN": CREDENTIAL}

    def watch(self, env, until, *args, width=100):
        """All that a terminal shows of a run, which is interrupted once it shows `until`."""
        self.write("a.jsonl", "".join(f'{{"id":"TKN-0000-{n:04}","name":"n"}}\n' for n in range(1, 101)))
        done = self.run_on_terminal("batch", "a.jsonl", *args, env=env, width=width, answers=[(until, CTRL_C)])
        self.assertEqual(done.code, 130, done.err)
        return done.err

    def test_a_pause(self):
        env = self.serve([UPDATED] * 10 + [PAUSE], [UPDATED])
        shown = self.watch(env, "s more; 10 done", "-j", "1")  # a result counts once it is committed
        self.assertRegex(shown, r" 10% ▕[^▏]*▏ the server asked for a pause: \d\d s more; 10 done, 0 failed, 1 retried, [\d.]+/s")
        self.assertNotRegex(shown, r"pause: [^\r]* left")

    def test_a_pause_in_a_narrow_terminal(self):
        shown = self.watch(self.serve([PAUSE], [UPDATED]), "s more", "-j", "1", width=48)
        self.assertRegex(shown, r"\rthe server asked for a pause: \d\d s more; 0 don|\x1b\[Kthe server asked for a pause: \d\d s more; 0 don")

    def test_an_open_breaker(self):
        shown = self.watch(self.serve([], [make_step("500", "{}")]), "next try in", "--retry", "0")
        self.assertRegex(shown, r"the server is failing: next try in \d s; 0 done, ")

    def test_a_pace_that_has_adapted(self):
        slow = make_step("200 delay=0.05", '{"id":"TKN-asked-for","name":"n"}')
        shown = self.watch(self.serve([slow] * 5 + [make_step("429", "{}")], [slow]), "by the server")
        self.assertRegex(shown, r"slowed down to [\d.]+/s by the server; \d+ done, 0 failed")

    def test_rows_in_flight_are_not_done(self):
        env = self.serve([], [make_step("200 delay=2", '{"id":"TKN-asked-for","name":"n"}')])
        shown = self.watch(env, "%", "-j", "100")
        done = re.findall(r"(\d+)% [^\r]*▏ (\d+) done", shown)  # of a hundred, all of which were read at once
        self.assertEqual([pair for pair in done if pair[0] != pair[1]], [], shown)
        self.assertIn(("0", "0"), done)


if __name__ == "__main__":
    main()
