"""Jobs that send what must not be repeated: what the journal says of a POST that was refused, broke off, or went through."""
import http.server
import json
import os
import sqlite3
import threading

from harness import Case, main

OLD, NEW = "idt:TKN-0000-0001:TheOldCredential0123456789", "idt:TKN-0000-0002:TheNewCredential0123456789"


class Server(http.server.ThreadingHTTPServer):
    """Takes POST /public/v1/things/ID and keeps the ids. `refused`: ids that get 401 with the old credential; `broken`: ids after
    whose request the connection ends."""

    daemon_threads = True

    def __init__(self, refused=(), broken=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.refused, self.broken, self.posts = refused, broken, []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        thing = self.path.rsplit("/", 1)[1]
        if thing in self.server.refused and OLD in self.headers["Authorization"]:
            return self.answer(401, {"title": "Unauthorized"})
        self.server.posts.append(thing)
        if thing in self.server.broken:
            self.close_connection = True
            return None
        return self.answer(200, {"id": thing})

    def do_GET(self):
        self.answer(404, {"title": "Not Found"})


class Once(Case):
    def serve(self, **options):
        server = Server(**options)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def moonkey(self, server, *args, credential=OLD):
        url = f"http://127.0.0.1:{server.server_port}"
        return self.run_moonkey(*args, env={"MPT_API_BASE_URL": url, "MPT_API_TOKEN": credential})

    def rows(self, *ids):
        return self.write("rows.jsonl", "".join(json.dumps({"id": name}) + "\n" for name in ids))

    def job(self, body):
        return self.write("job.lua", f"""
            local api = require "moonkey.api"
            local function post(id) return api.request("POST", "/things/" .. id) end
            return function(row) {body} end""")

    def outcomes(self, server):
        done = self.moonkey(server, "runs", "results", "last", "-o", "jsonl")
        return {r["id"]: r["outcome"] for r in done.results()}

    def test_a_refused_credential_leaves_nothing_unknown(self):
        server = self.serve(refused=("b",))
        stopped = self.moonkey(server, "batch", self.rows("a", "b", "c"), "--job", self.job("return post(row.id)"), "-j", "1")
        self.assertEqual(stopped.code, 4, stopped.err)
        self.assertEqual(self.outcomes(server), {"a": "done"})
        done = self.moonkey(server, "resume", "last", credential=NEW)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(server.posts, ["a", "b", "c"])
        self.assertEqual(self.outcomes(server), {"a": "done", "b": "done", "c": "done"})

    def test_a_row_that_is_half_done_then_is_unknown(self):
        server = self.serve(refused=("b2",))
        job = self.job('assert(post(row.id .. "1")) return post(row.id .. "2")')
        stopped = self.moonkey(server, "batch", self.rows("a", "b", "c"), "--job", job, "-j", "1")
        self.assertEqual(stopped.code, 4, stopped.err)
        self.assertEqual(self.outcomes(server), {"a": "done", "b": "unknown"})
        done = self.moonkey(server, "resume", "last", credential=NEW)
        self.assertEqual(done.code, 3, done.err)
        self.assertEqual(server.posts, ["a1", "a2", "b1", "c1", "c2"])

    def test_what_broke_off_is_unknown_however_the_job_says_it(self):
        for body in ("return post(row.id)", "return assert(post(row.id))", 'if not post(row.id) then return nil, "no" end',
                     'if not post(row.id) then error("no") end',
                     'require("moonkey.task").all{ function() assert(post(row.id)) end }'):
            with self.subTest(body):
                server = self.serve(broken=("b",))
                ended = self.moonkey(server, "batch", self.rows("a", "b", "c"), "--job", self.job(body))
                self.assertEqual(ended.code, 3, ended.err)
                self.assertEqual(self.outcomes(server), {"a": "done", "b": "unknown", "c": "done"})
                self.moonkey(server, "retry", "last")
                self.assertEqual(sorted(server.posts), ["a", "b", "c"])

    # ---- a changed input

    def stop_after(self, server, rows, *args):
        """Row "x" stops the run. args: of moonkey, instead of a new run's."""
        server.refused = ("x",)
        name, job = self.rows(*rows), self.job("return post(row.id)")
        return self.moonkey(server, *(args or ("batch", name, "--job", job)), "-j", "1")

    def run_id(self, server):
        return json.loads(self.moonkey(server, "runs", "show", "last", "-o", "json").out)["id"]

    def test_a_run_that_continues_another_knows_its_rows_also_after_an_interruption(self):
        server = self.serve()
        self.assertEqual(self.stop_after(server, ["a", "b", "c", "d", "x", "e"]).code, 4)
        first = self.run_id(server)
        self.assertEqual(server.posts, ["a", "b", "c", "d"])
        # The new row comes first and stops the second run before it has come across those that are done.
        stopped = self.stop_after(server, ["x", "a", "b", "c", "d", "e"], "resume", first, "--accept-changes")
        self.assertEqual(stopped.code, 4, stopped.err)
        second = self.run_id(server)
        self.assertNotEqual(first, second)
        # So does a third, over yet another input.
        stopped = self.stop_after(server, ["x", "d", "c", "b", "a", "e", "f"], "resume", second, "--accept-changes")
        self.assertEqual(stopped.code, 4, stopped.err)
        done = self.moonkey(server, "resume", "last", credential=NEW)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(server.posts, ["a", "b", "c", "d", "x", "e", "f"])
        self.assertEqual(self.outcomes(server), {name: "done" for name in "xdcbaef"})

    def test_a_run_goes_on_as_one_other_only(self):
        server = self.serve()
        self.assertEqual(self.stop_after(server, ["a", "x"]).code, 4)
        first = self.run_id(server)
        self.assertEqual(self.stop_after(server, ["b", "a", "x"], "resume", first, "--accept-changes").code, 4)
        second = self.run_id(server)
        for args in (("resume", first), ("retry", first), ("resume", first, "--accept-changes")):
            refused = self.moonkey(server, *args, credential=NEW)
            self.assertEqual(refused.code, 2)
            self.assertIn(f"run {first} goes on as run {second}: moonkey resume {second}", refused.err)
        self.assertEqual(server.posts, ["a", "b"])

    def test_the_run_that_is_continued_is_needed(self):
        server = self.serve()
        begun = self.stop_after(server, ["a", "x"], "batch", "rows.jsonl", "--job", "job.lua", "--journal", "one.journal")
        self.assertEqual(begun.code, 4)
        self.assertEqual(self.stop_after(server, ["x", "a"], "resume", "one.journal", "--accept-changes").code, 4)
        os.remove(self.path("one.journal"))
        refused = self.moonkey(server, "resume", "last", credential=NEW)
        self.assertEqual(refused.code, 2)
        self.assertRegex(refused.err, r"there is no journal /.*/one.journal; it is needed, because it tells what need not be done again")
        self.assertEqual(server.posts, ["a"])

    def test_a_journal_elsewhere_is_named_by_its_path(self):
        server = self.serve()
        self.write("b.jsonl", '{"id":"a"}\nbad\n')
        job = self.job("return post(row.id)")
        self.assertEqual(self.moonkey(server, "batch", self.rows("a", "b"), "--job", job, "--journal", "it's mine.db").code, 0)
        self.write("rows.jsonl", '{"id":"other"}\n')
        with sqlite3.connect(self.path("it's mine.db")) as db:
            db.execute("DELETE FROM run WHERE key = 'rows'")
        db.close()
        refused = self.moonkey(server, "resume", "it's mine.db")
        self.assertIn("moonkey resume 'it'\\''s mine.db' --accept-changes", refused.err)


main()
