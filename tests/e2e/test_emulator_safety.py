"""moonkey emulator in bad company: what is too large, too slow, too much or no HTTP at all; signals; and a file that two want.

MOONKEY_FUZZ_SECONDS=600 sends nonsense for so long, MOONKEY_FUZZ_SEED=N begins elsewhere.
"""
import json
import os
import random
import signal
import socket
import threading
import time

from harness import Case, is_sanitized, main

TOKENS = "/public/v1/accounts/api-tokens"
SECONDS = float(os.environ.get("MOONKEY_FUZZ_SECONDS", "4"))
SEED = int(os.environ.get("MOONKEY_FUZZ_SEED", "1"))


class Safety(Case):
    def connect(self, emulator, timeout=20):
        s = socket.create_connection(("127.0.0.1", int(emulator.url.rsplit(":", 1)[1])), timeout=timeout)
        self.addCleanup(s.close)
        return s

    def send(self, emulator, data, timeout=20):
        """All that comes back until the other side closes, or is silent for so long."""
        s = self.connect(emulator)
        s.settimeout(timeout)
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self.rest(s, timeout < 1)

    def rest(self, s, silence=False):
        got = b""
        try:
            while chunk := s.recv(65536):
                got += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError:
            self.assertTrue(silence, got[:100])
        s.close()
        return got

    def request(self, emulator, method="GET", path=TOKENS + "?limit=1", body=b"", headers=b""):
        return (f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {emulator.credential}\r\n"
                f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n").encode() + headers + b"\r\n" + body

    def assert_well(self, emulator):
        self.assertTrue(self.send(emulator, self.request(emulator)).startswith(b"HTTP/1.1 200 "))

    def test_what_is_too_large(self):
        e = self.emulator("--seed", "2")
        big = b"x" * (1 << 20)
        for request, status in ((self.request(e, "PUT", TOKENS + "/TKN-0000-0002", big + b"x"), b"413"),
                                (self.request(e, "POST", TOKENS, big + b"x" * 5000000), b"413"),
                                (self.request(e, path=TOKENS + "?name=" + "x" * 40000), b"414"),
                                (self.request(e, headers=b"X-Long: " + b"x" * 40000 + b"\r\n"), b"431"),
                                (self.request(e, headers=b"".join(b"X-%d: y\r\n" % i for i in range(5000))), b"431"),
                                (self.request(e, "PUT", TOKENS + "/TKN-0000-0002", big), b"400"),
                                (self.request(e, path=TOKENS + "?name=" + "x" * 10000), b"200")):
            self.assertEqual(self.send(e, request)[:13], b"HTTP/1.1 " + status + b" ")
        self.assert_well(e)

    def test_a_length_that_is_a_lie(self):
        e = self.emulator("--seed", "2")
        for length, status in ((b"99999999999999999999", b"413"), (b"1000000000000", b"413"), (b"-1", b"400"), (b"x", b"400")):
            head = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n"
            self.assertIn(self.send(e, head)[9:12], (status, b"413"), length)
        self.assert_well(e)

    def test_many_connections(self):
        e = self.emulator("--seed", "2")
        count = 200 if is_sanitized() else 900
        idle = [self.connect(e) for _ in range(count)]
        for s in idle[::2]:
            s.sendall(b"GET / HTTP/1.1\r\nHo")
        self.assert_well(e)
        for s in idle[1::2]:
            s.sendall(self.request(e))
        for s in idle[1::2]:
            self.assertEqual(s.recv(12), b"HTTP/1.1 200")
        for s in idle:
            s.close()
        self.assert_well(e)
        start = time.monotonic()
        self.assertEqual(e.end(signal.SIGTERM).code, 0)
        self.assertLess(time.monotonic() - start, 5)

    def test_a_flood_of_connections_that_say_nothing(self):
        e = self.emulator("--seed", "2")
        for _ in range(3000):
            self.connect(e).close()
        self.assert_well(e)
        with open(f"/proc/{e.process.pid}/limits", encoding="ascii") as f:
            self.assertIn("Max open files", f.read())
        time.sleep(0.3)
        self.assertLess(len(os.listdir(f"/proc/{e.process.pid}/fd")), 100)

    def test_what_has_arrived_is_answered_and_kept(self):
        for signo in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=signo.name):
                name = f"{signo.name}.db"
                e = self.emulator("--seed", "200", "--data", name)
                stop, answered, broken = threading.Event(), {}, []

                def client(first, e=e, stop=stop, answered=answered, broken=broken):
                    for i in range(1, 100000):
                        if stop.is_set():
                            return
                        token, text = f"TKN-0000-{first + i % 10:04}", f"{first} {i}"
                        try:
                            s = self.connect(e)
                            s.sendall(self.request(e, "PUT", f"{TOKENS}/{token}", json.dumps({"name": text}).encode()))
                            line = s.recv(65536)
                            s.close()
                        except OSError:
                            return
                        if not line.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503")):
                            broken.append(line)
                            return
                        if line.startswith(b"HTTP/1.1 200"):
                            answered[token] = text

                threads = [threading.Thread(target=client, args=(first,)) for first in range(100, 180, 10)]
                for t in threads:
                    t.start()
                time.sleep(0.5)
                self.assertEqual(e.end(signo).code, 0)
                stop.set()
                for t in threads:
                    t.join()
                # A connection that the system had accepted, and the emulator not yet, ends without a word.
                self.assertEqual([b for b in broken if b], [])
                self.assertGreater(len(answered), 20)
                again = self.emulator("--data", name)
                page = b"".join(self.send(again, self.request(again, path=f"{TOKENS}?limit=100&offset={o}")) for o in (0, 100))
                for token, text in answered.items():
                    record = page[page.index(b'"id":"' + token.encode()):][:200]
                    kept = record.split(b'"name":"')[1].split(b'"')[0].decode()
                    self.assertGreaterEqual(int(kept.split()[1]), int(text.split()[1]), token)
                again.kill()

    def test_a_file_is_for_one(self):
        first = self.emulator("--seed", "2", "--data", "t.db")
        for args in (("emulator", "--data", "t.db"), ("--emulator=t.db", "run", "-e", "print(1)")):
            done = self.run_moonkey(*args)
            self.assertEqual((done.code, done.out), (2, ""), args)
            self.assertIn("t.db is in use by another process", done.err)
            self.assertIn(f"(pid {first.process.pid})", done.err)
        os.symlink("t.db", self.path("link.db"))
        self.assertIn("in use", self.run_moonkey("emulator", "--data", "link.db").err)
        self.assert_well(first)
        first.end(signal.SIGTERM)
        done = self.run_moonkey("--emulator=t.db", "run", "-e", "print(token.get('TKN-0000-0002').id)")
        self.assertEqual((done.code, done.out), (0, "TKN-0000-0002\n"), done.err)

    def test_two_commands_want_a_file_at_a_time(self):
        self.write("slow.lua", "require('moonkey.task').sleep(3) print(token.get('TKN-0000-0002').id)")
        first = self.start("--emulator=t.db", "run", "slow.lua")
        deadline = time.monotonic() + 20
        while not os.path.exists(self.path("t.db-wal")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        time.sleep(0.3)
        second = self.run_moonkey("--emulator=t.db", "run", "-e", "print(1)")
        self.assertEqual((second.code, second.out), (2, ""))
        self.assertIn("t.db is in use by another process", second.err)
        self.assertEqual(self.finish(first).out, "TKN-0000-0002\n")

    # ---- nonsense on the socket ----

    def mutated(self, rng, e):
        """A request that was right once."""
        path = rng.choice([TOKENS, TOKENS + "/TKN-0000-0002", "/", "/_emulator/state.json", TOKENS + "?limit=1&order=id"])
        text = bytearray(self.request(e, rng.choice(["GET", "PUT", "POST", "HEAD", "OPTIONS"]), path, b'{"name":"x"}',
                                      rng.choice([b"", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n",
                                                  b"Connection: close\r\n", b"Upgrade: h2c\r\n"])))
        for _ in range(rng.randrange(8)):
            at = rng.randrange(len(text))
            kind = rng.randrange(5)
            if kind == 0:
                text[at] = rng.randrange(256)
            elif kind == 1:
                del text[at:at + rng.randrange(1, 20)]
            elif kind == 2:
                text[at:at] = rng.randbytes(rng.randrange(1, 10))
            elif kind == 3:
                text[at:at] = rng.choice([b"\r\n", b"\0", b" ", b"%", b"\r\n\r\n", b"Content-Length: 5\r\n", b": ", b"5\r\nhello\r\n"])
            else:
                text[at:at] = text[at:at + 50] * rng.randrange(1, 30)
            if not text:
                break
        return bytes(text)

    def test_nonsense(self):
        e = self.emulator("--seed", "3")
        end, seed, statuses = time.monotonic() + SECONDS, SEED, {}
        while time.monotonic() < end or seed < SEED + 50:
            rng = random.Random(seed)
            data = rng.randbytes(rng.randrange(3000)) if rng.randrange(8) == 0 else \
                b"".join(self.mutated(rng, e) for _ in range(rng.choice([1, 1, 1, 3])))
            reply = self.send(e, data, 0.05)
            status = reply[9:12].decode("latin-1")
            statuses[status] = statuses.get(status, 0) + 1
            hint = f"MOONKEY_FUZZ_SEED={seed}: {data[:300]!r} → {reply[:300]!r}"
            self.assertTrue(reply == b"" or reply.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ", b"{", b"<html>")), hint)
            self.assertFalse(status.startswith("5") and status not in ("501", "505"), hint)
            self.assertIsNone(e.process.poll(), hint)
            seed += 1
        self.assert_well(e)
        self.assertIn("200", statuses)
        self.assertIn("400", statuses)
        ended = e.end(signal.SIGTERM)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertNotIn("failed", ended.err)


main()
