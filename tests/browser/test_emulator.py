"""The page of `moonkey emulator`, in a real browser: it shows what happens as it happens, runs nothing that it is not, and is for
everybody to use.

    python3 test_emulator.py MOONKEY [unittest's arguments]

MOONKEY_SCREENSHOTS=DIR keeps pictures of the page, to be looked at.
"""
import functools
import http.server
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import driver

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
PICTURES = os.environ.get("MOONKEY_SCREENSHOTS")
SECRET = "NoPageMayShowThis" * 4
NAMES = ["<script>alert(1)</script>", '"><img src=x onerror="alert(2)">', "</table><style>*{display:none}</style>", "&lt;b&gt; & &amp;",
         "right\u202eto left", "{{7*7}}${7*7}", "Ωmega żółw 🗝", "x" * 150, "' OR 1=1 --", "named idt:TKN-0000-0001:" + SECRET]
TOKENS = "/public/v1/accounts/api-tokens"

# The changes of live regions, which are read out aloud.
LISTEN = """
window.heard = [];
for (const region of document.querySelectorAll('[role=status], [role=alert], [aria-live]')) {
  new MutationObserver(() => window.heard.push(region.textContent))
    .observe(region, { childList: true, characterData: true, subtree: true });
}
"""


class Emulator:
    def __init__(self, case, *args, port=0):
        self.process = subprocess.Popen([MOONKEY, "emulator", "--port", str(port), *args], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, preexec_fn=driver.die_with_parent)
        case.addCleanup(self.end)
        words = [shlex.split(self.process.stdout.readline())[1] for _ in range(2)]
        self.url, self.credential = (word.split("=", 1)[1] for word in words)
        self.port = int(self.url.rsplit(":", 1)[1])

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def ask(self, path, method="GET", body=None, **headers):
        headers = {"Authorization": "Bearer " + self.credential, "Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=20) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


class Page(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory(prefix="moonkey-page-")
        cls.addClassCleanup(cls.dir.cleanup)
        cls.browser = cls.enterClassContext(driver.Browser())
        cls.js = cls.browser.js

    def start(self, *args, **options):
        self.emulator = Emulator(self, *args, **options)
        return self.emulator

    def hostile(self):
        """An emulator whose texts are of the worst kind."""
        path = pathlib.Path(self.dir.name, "seed.jsonl")
        path.write_text("".join(json.dumps({
            "id": f"TKN-0000-{i:04}", "name": name, "description": name, "status": "Active" if i % 3 else "Disabled",
            "token": f"idt:TKN-0000-{i:04}:{SECRET[:60]}{i:04}",
            "account": {"id": "ACC-<b>1</b>", "type": "Vendor", "name": name}}) + "\n" for i, name in enumerate(NAMES, 1)))
        emulator = self.start("--seed", str(path), "--fault", "503:0@PUT /accounts/<b>/*", "--fault-seed", "9")
        for text in (*NAMES, emulator.credential, "token=" + emulator.credential):
            emulator.ask(f"{TOKENS}?{urllib.parse.quote(text)}")
            emulator.ask(f"{TOKENS}/{urllib.parse.quote(text, safe='')}")
        return emulator

    def open(self, emulator=None):
        self.browser.log("browser"), self.browser.log("performance")
        self.browser.show(1280)
        self.browser.visit((emulator or self.emulator).url + "/")
        self.wait("document.getElementById('live').textContent.startsWith('Live')")

    def wait(self, condition, seconds=15):
        end = time.monotonic() + seconds
        while not self.js(f"return Boolean({condition})"):
            self.assertLess(time.monotonic(), end, f"never: {condition}; the page says: {self.js('return document.body.innerText')[-1500:]}")
            time.sleep(0.05)

    def column(self, table, number):
        return self.js(f"return [...document.querySelectorAll('#{table} tbody tr')].map(r => r.cells[{number}].textContent)")

    def polls(self, seconds):
        self.browser.log("performance")
        time.sleep(seconds)
        return len(self.browser.requests())

    def test_shows_what_happens_while_it_happens(self):
        emulator = self.start("--seed", "3", "--fault", "404@DELETE")
        self.open()
        self.assertEqual(["TKN-0000-0001", "TKN-0000-0002", "TKN-0000-0003"], self.column("tokens", 0))
        self.assertEqual([], self.column("requests", 0))
        self.assertEqual(["404@DELETE"], self.column("faults", 0))
        emulator.ask(TOKENS + "/TKN-0000-0002", "PUT", {"name": "Seen at once"})
        emulator.ask(TOKENS + "/TKN-0000-0003/disable", "POST")
        emulator.ask(TOKENS + "/TKN-0000-0003", "DELETE")
        emulator.ask(TOKENS + "?limit=1")
        self.wait("document.getElementById('requests').rows.length === 5")
        self.assertEqual(["4", "3", "2", "1"], self.column("requests", 0))
        self.assertEqual(["GET", "DELETE", "POST", "PUT"], self.column("requests", 2))
        self.assertEqual(TOKENS + "?limit=1", self.column("requests", 3)[0])
        self.assertEqual(["200", "404", "200", "200"], self.column("requests", 4))
        self.assertEqual(["", "404@DELETE", "", ""], self.column("requests", 6))
        self.assertTrue(all(float(ms) < 5000 for ms in self.column("requests", 5)))
        self.assertEqual("Seen at once", self.column("tokens", 1)[1])
        self.assertEqual(["Active", "Active", "Disabled"], self.column("tokens", 2))
        self.assertEqual(["1"], self.column("faults", 1))
        counts = self.js("return document.getElementById('counts').innerText.split(/\\s+/)")
        self.assertEqual(["All", "3", "Active", "2", "Disabled", "1"], counts)

    def test_keeps_the_last_two_hundred(self):
        emulator = self.start("--seed", "1")
        self.open()
        for _ in range(2):
            for _ in range(130):
                emulator.ask(TOKENS + "?limit=0")
            time.sleep(2.5)
        self.wait("document.querySelector('#requests tbody th').textContent === '260'")
        numbers = [int(n) for n in self.column("requests", 0)]
        self.assertEqual(list(range(260, 60, -1)), numbers)

    def test_finds_and_sorts(self):
        self.start("--seed", "1234")
        self.open()
        self.assertEqual("The first 50 of 1,234 tokens", self.js("return document.getElementById('tokens-caption').textContent"))
        enter = "const f = document.getElementById('find'); f.value = arguments[0]; f.dispatchEvent(new Event('input'))"
        self.js(enter, "TKN-0000-0777")
        self.wait("document.getElementById('tokens').rows.length === 2")
        self.assertEqual(["TKN-0000-0777"], self.column("tokens", 0))
        self.assertEqual("1 found", self.js("return document.getElementById('found').textContent"))
        self.js(enter, "no such token")
        self.wait("document.getElementById('tokens').rows.length === 1")
        self.js(enter, "")
        self.wait("document.getElementById('tokens').rows.length === 51")
        self.js("document.querySelector('[data-sort=id]').focus()")
        for kind in ("keyDown", "keyUp"):  # by the keyboard
            self.browser.cdp("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
        self.wait("document.querySelector('#tokens tbody th').textContent === 'TKN-0000-1234'")
        self.assertEqual(["descending", None], self.js("return [...document.querySelectorAll('#tokens thead th')].slice(0, 2)"
                                                       ".map(th => th.getAttribute('aria-sort'))"))
        self.js("const s = document.getElementById('status'); s.value = 'Active'; s.dispatchEvent(new Event('change'))")
        self.wait("document.getElementById('found').textContent === '1,234 found'")

    def test_hostile_texts_do_nothing(self):
        emulator = self.hostile()
        self.open()
        self.wait(f"document.getElementById('requests').rows.length === {2 * len(NAMES) + 5}")
        self.assertIsNone(self.browser.alert())
        self.assertEqual([], self.browser.log("browser"))
        origins = {urllib.parse.urlsplit(url).netloc for url in self.browser.requests()}
        self.assertEqual({f"127.0.0.1:{emulator.port}"}, origins)
        self.assertEqual(1, self.js("return document.scripts.length"))
        self.assertEqual(0, self.js("return document.querySelectorAll('img, iframe, object, style, b:not(.over b)').length"))
        handlers = "[...e.attributes].some(a => /^on|^style$/.test(a.name))"
        self.assertEqual(0, self.js(f"return [...document.querySelectorAll('*')].filter(e => {handlers}).length"))
        self.assertEqual(NAMES[:4], self.column("tokens", 1)[:4])
        self.assertEqual(r"right\u202eto left", self.column("tokens", 1)[4])
        self.assertEqual("503:0@PUT /accounts/<b>/*", self.column("faults", 0)[0])
        self.assertEqual("named idt:TKN-0000-0001:[redacted]", self.column("tokens", 1)[9])
        whole = self.js("return document.documentElement.outerHTML")
        self.assertNotIn(SECRET[:12], whole)
        self.assertIn("token=[redacted]", whole)

    def test_the_policy_holds_where_the_script_would_not(self):
        self.start("--seed", "1")
        self.open()
        self.js("""const p = document.createElement('p');
            p.innerHTML = "<img src='/x.png'><img src='http://127.0.0.1:9/x'><p id=p onclick='alert(2)' style='color:red'>x</p>";
            const s = document.createElement('script'); s.textContent = 'alert(1)'; p.append(s);
            const t = document.createElement('script'); t.src = 'http://127.0.0.1:9/x.js'; p.append(t);
            document.body.append(p); document.getElementById('p').click();
            fetch('http://127.0.0.1:9/').catch(() => 0)""")
        self.assertIsNone(self.browser.alert())
        refused = " ".join(entry["message"] for entry in self.browser.log("browser"))
        for directive in ("img-src", "script-src", "style-src", "connect-src"):
            self.assertIn(directive, refused)

    def test_other_sites_learn_nothing(self):
        emulator = self.start("--seed", "1")
        site = pathlib.Path(self.dir.name, "site")
        site.mkdir(exist_ok=True)
        page = f"{emulator.url}/_emulator/state.json"
        (site / "index.html").write_text(f"""<title>other</title><script>window.loaded = []</script>
            <script src="{page}" onload="loaded.push('script')"></script>
            <img src="{page}" onload="loaded.push('image')">
            <link rel=stylesheet href="{emulator.url}/_emulator/page.css" onload="loaded.push('style')">
            <iframe src="{emulator.url}/" id=frame></iframe>""")
        handler = functools.partial(Quiet, directory=site)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        for name in ("127.0.0.1", "localhost"):
            self.browser.visit(f"http://{name}:{server.server_port}/")
            self.assertEqual("other", self.js("return document.title"))
            for mode in ("cors", "no-cors"):
                got = self.js("const [url, mode] = arguments; return fetch(url, { mode }).then(r => r.text(), e => 'refused')", page, mode)
                self.assertEqual("refused", got)
            self.assertEqual([], self.js("return loaded"))
            self.assertEqual("blocked", self.js(
                "try { return document.getElementById('frame').contentWindow.document.body ? 'read' : '' } catch { return 'blocked' }"))
        self.assertEqual(421, emulator.ask("/_emulator/state.json", Host=f"rebound.example.com:{emulator.port}")[0])
        self.assertEqual(403, emulator.ask("/_emulator/state.json", **{"Sec-Fetch-Site": "cross-site"})[0])

    def test_asks_nothing_while_nobody_looks(self):
        self.start("--seed", "1")
        self.open()
        self.assertGreaterEqual(self.polls(4.5), 1)
        self.js("document.getElementById('pause').click()")
        self.assertEqual("true", self.js("return document.getElementById('pause').getAttribute('aria-pressed')"))
        self.assertEqual(0, self.polls(3))
        self.js("document.getElementById('pause').click()")
        self.wait("document.getElementById('live').textContent.startsWith('Live')")
        hide = "Object.defineProperty(document, 'hidden', { value: arguments[0], configurable: true });" \
               "document.dispatchEvent(new Event('visibilitychange'))"
        self.js(hide, True)
        time.sleep(0.3)
        self.assertEqual(0, self.polls(3))
        self.js(hide, False)
        self.assertGreaterEqual(self.polls(4.5), 1)

    def test_survives_the_emulator(self):
        first = self.start("--seed", "2")
        first.ask(TOKENS)
        self.open()
        self.wait("document.getElementById('requests').rows.length === 2")
        first.end()
        self.wait("document.getElementById('live').textContent.includes('does not answer')")
        second = self.start("--seed", "3", port=first.port)
        second.ask(TOKENS + "?limit=2")
        self.wait("document.getElementById('tokens').rows.length === 4")
        self.wait("document.getElementById('live').textContent.startsWith('Live')")
        self.assertEqual([TOKENS + "?limit=2"], self.column("requests", 3))

    def test_says_aloud_what_is_worth_it(self):
        emulator = self.start("--seed", "2")
        self.open()
        self.js(LISTEN)
        for _ in range(3):
            emulator.ask(TOKENS)
            time.sleep(2)
        self.wait("document.getElementById('requests').rows.length === 4")
        self.assertEqual([], self.js("return window.heard"))
        self.js("document.getElementById('pause').click()")
        self.wait("window.heard.length === 1")
        self.assertEqual(["Paused."], self.js("return window.heard"))

    def test_can_be_read_on_any_screen(self):
        self.hostile()
        self.open()
        for width, scheme in driver.SCREENS:
            with self.subTest(width=width, scheme=scheme):
                self.browser.show(width, scheme=scheme)
                if PICTURES:
                    self.browser.screenshot(pathlib.Path(PICTURES, f"emulator-{width}-{scheme}.png"))
                self.assertEqual(width, self.js("return document.documentElement.scrollWidth"))
                found = self.js(driver.FAINT)
                self.assertGreater(found["seen"], 100)
                self.assertEqual([], found["faint"])

    def test_is_for_everybody(self):
        self.hostile()
        self.open()
        nodes = self.browser.cdp("Accessibility.getFullAXTree")["nodes"]
        named = {}
        for node in nodes:
            if not node.get("ignored"):
                named.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
        for role, count in (("banner", 1), ("main", 1), ("contentinfo", 1), ("search", 1), ("table", 3)):
            self.assertEqual(count, len(named.get(role, [])), (role, named.get(role)))
        for role in ("button", "searchbox", "combobox", "table", "region", "search"):
            self.assertTrue(named[role] and all(named[role]), (role, named[role]))
        self.assertEqual(len(named["region"]), len(set(named["region"])))
        self.assertEqual(["en", 1], self.js("return [document.documentElement.lang, document.querySelectorAll('h1').length]"))
        self.assertEqual(0, self.js("return [...document.querySelectorAll('th')].filter(t => !t.scope).length"))
        self.assertEqual(0, self.js("return document.querySelectorAll('table:not(:has(caption))').length"))
        small = "[...document.querySelectorAll('button, input, select')].map(e => e.getBoundingClientRect()).filter(b => b.height < 24)"
        self.assertEqual(0, self.js(f"return {small}.length"))  # WCAG 2.2, target size
        reached = []
        for _ in range(14):
            for kind in ("keyDown", "keyUp"):
                self.browser.cdp("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
            reached.append(self.js("const e = document.activeElement; return e.id || e.dataset.sort || e.className"))
            if self.js("return document.activeElement !== document.body"):
                self.assertNotEqual("none", self.js("return getComputedStyle(document.activeElement).outlineStyle"), reached[-1])
        for wanted in ("pause", "find", "status", "id", "lastAccessAt", "scroll", "scroll tall"):
            self.assertIn(wanted, reached)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    why = driver.missing()
    if why:
        print(f"skipped: {why}")
        sys.exit(driver.SKIPPED)
    unittest.main()
