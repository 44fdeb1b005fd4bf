"""The page of `moonkey report`, in a real browser: it loads, asks for nothing, runs nothing, and can be read on any screen and paper.

    python3 test_report.py MOONKEY [unittest's arguments]

MOONKEY_SCREENSHOTS=DIR keeps pictures of the pages, to be looked at.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import driver

MOONKEY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None
SPEC = pathlib.Path(__file__).resolve().parent.parent / "spec"
PICTURES = os.environ.get("MOONKEY_SCREENSHOTS")

# The charts that are shown, with their size, what they are called, and the least size of a letter on the screen.
CHARTS = r"""
return [...document.querySelectorAll('figure svg')].filter(s => s.getClientRects().length).map(s => {
  const box = s.getBoundingClientRect(), scale = box.width / s.viewBox.baseVal.width;
  const named = s.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent);
  const bars = [...s.querySelectorAll('rect')].map(r => r.getBoundingClientRect());
  const texts = [...s.querySelectorAll('text')].map(t => ({ text: t.textContent, box: t.getBoundingClientRect() }));
  const overlaps = [];
  texts.forEach((a, i) => texts.slice(i + 1).forEach(b => {
    if (a.box.left < b.box.right && b.box.left < a.box.right && a.box.top + 3 < b.box.bottom && b.box.top + 3 < a.box.bottom)
      overlaps.push(a.text + ' / ' + b.text);
  }));
  return { width: box.width, height: box.height, named, letters: 12 * scale, bars: bars.length, overlaps,
    visible: bars.filter(b => b.width > 0 && b.height > 0).length, labels: texts.length,
    outside: texts.filter(t => t.box.left < -1 || t.box.right > innerWidth + 1).map(t => t.text) };
});
"""


class Report(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory(prefix="moonkey-report-")
        cls.addClassCleanup(cls.dir.cleanup)
        cls.browser = cls.enterClassContext(driver.Browser())

    def page(self, options):
        """The page of a run that the fixture of the specs makes with these options (Lua)."""
        stem = f"{self.dir.name}/{len(os.listdir(self.dir.name))}"
        code = f"package.path = [[{SPEC}/?.lua;]] .. package.path; local f = require 'journal_fixture'; f.write(..., {options})"
        script = pathlib.Path(stem + ".lua")
        script.write_text(code)
        self.run_moonkey("run", script, stem + ".journal")
        self.run_moonkey("report", stem + ".journal", "--html", stem + ".html")
        return stem + ".html"

    def run_moonkey(self, *args):
        done = subprocess.run([MOONKEY, *map(str, args)], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "MPT_API_TOKEN": "idt:TKN-0000-0001:" + "x" * 64})
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def open(self, path):
        self.browser.log("browser"), self.browser.log("performance")
        self.browser.open(path)

    def keep_picture(self, name):
        if PICTURES:
            self.browser.screenshot(pathlib.Path(PICTURES, name + ".png"))

    def test_hostile_texts_do_nothing(self):
        path = self.page("f.EVENTFUL")
        self.open(path)
        self.assertIsNone(self.browser.alert())
        self.assertEqual([], self.browser.log("browser"))
        self.assertEqual([pathlib.Path(path).resolve().as_uri()], self.browser.requests())
        js = self.browser.js
        self.assertEqual(0, js("return document.querySelectorAll('script, img, iframe, object, link, a, form, input').length"))
        handlers = "[...e.attributes].some(a => /^on|^style$|^href$|^src$/.test(a.name))"
        self.assertEqual(0, js(f"return [...document.querySelectorAll('*')].filter(e => {handlers}).length"))
        text = js("document.querySelectorAll('details').forEach(d => d.open = true); return document.body.innerText")
        for shown in ("<script>alert(1)</script>", "]]>", '"><img src=x onerror="alert(2)">', "</style><script>alert(3)</script>",
                      "&lt;b&gt; & &amp;", r"right\u202eto left", "{{7*7}}${7*7}", "--> <!--", "(<b>Contoso</b>)"):
            self.assertIn(shown, text)
        self.assertNotIn("NoReportMayShowThis", self.browser.js("return document.documentElement.outerHTML"))

    def test_the_policy_holds_where_escaping_would_not(self):
        source = pathlib.Path(self.page("{ rows = 3 }"))
        broken = source.with_name("broken.html")
        broken.write_text(source.read_text().replace("<main>", "<main><img src='http://127.0.0.1:9/x'><script>alert(1)</script>"
                                                     "<p id=p onclick='alert(2)'>x</p>"))
        self.open(broken)
        self.browser.js("document.getElementById('p').click()")
        self.assertIsNone(self.browser.alert())
        refused = [entry["message"] for entry in self.browser.log("browser")]
        for directive in ("img-src", "script-src"):
            self.assertTrue(any("Content Security Policy" in r and directive in r for r in refused), refused)

    def test_charts_have_size_and_names(self):
        self.open(self.page("f.EVENTFUL"))
        for width, scheme in driver.SCREENS:
            with self.subTest(width=width, scheme=scheme):
                self.browser.show(width, scheme=scheme)
                charts = self.browser.js(CHARTS)
                self.assertEqual(["When rows ended", "How long rows took"], [c["named"][0] for c in charts])
                for chart in charts:
                    self.assertGreater(chart["width"], min(width, 1000) * 0.8)
                    self.assertGreater(chart["height"], 150)
                    self.assertGreater(chart["letters"], 9)
                    self.assertGreater(chart["bars"], 8)
                    self.assertEqual(chart["bars"], chart["visible"])
                    self.assertGreater(chart["labels"], 8)
                    self.assertGreater(len(chart["named"][1]), 60)
                    self.assertEqual([], chart["outside"])
                    self.assertEqual([], chart["overlaps"])
                self.keep_picture(f"eventful-{width}-{scheme}")

    def test_labels_of_charts_do_not_overlap(self):
        sessions = ", ".join(f"{{ kind = 'resume', started = {i * 70000}, stop = {i * 70000 + 4000 + i * 300} }}" for i in range(30))
        runs = {"short": "{ rows = 3 }", "long": "{ rows = 3000, failed = 200, per_second = 1/100 }", "one": "{ rows = 1 }",
                "fast": "{ rows = 3000, per_second = 3000 }", "often killed": f"{{ rows = 9000, sessions = {{ {sessions} }} }}"}
        for name, options in runs.items():
            self.open(self.page(options))
            for width, scheme in ((1280, "light"), (360, "light")):
                with self.subTest(run=name, width=width):
                    self.browser.show(width, scheme=scheme)
                    for chart in self.browser.js(CHARTS):
                        self.assertEqual(([], []), (chart["overlaps"], chart["outside"]))
                    self.keep_picture(f"{name}-{width}")

    def test_it_can_be_read_on_any_screen(self):
        self.open(self.page("f.EVENTFUL"))
        self.browser.js("document.querySelectorAll('details').forEach(d => d.open = true)")
        for width, scheme in driver.SCREENS:
            with self.subTest(width=width, scheme=scheme):
                self.browser.show(width, scheme=scheme)
                self.assertEqual(width, self.browser.js("return document.documentElement.scrollWidth"))
                found = self.browser.js(driver.FAINT)
                self.assertGreater(found["seen"], 300)
                self.assertEqual([], found["faint"])
        light, dark = (self.background(scheme) for scheme in ("light", "dark"))
        self.assertNotEqual(light, dark)

    def background(self, scheme, media=""):
        self.browser.show(1280, scheme=scheme, media=media)
        return self.browser.js("return getComputedStyle(document.body).backgroundColor")

    def test_it_prints_dark_on_white(self):
        self.open(self.page("f.EVENTFUL"))
        self.assertEqual("rgb(255, 255, 255)", self.background("dark", media="print"))
        self.assertEqual([], self.browser.js(driver.FAINT)["faint"])
        pages = len(re.findall(rb"/Type\s*/Page\b", self.browser.pdf()))
        self.assertTrue(3 <= pages <= 40, pages)

    def test_headings_and_tables_make_sense(self):
        self.open(self.page("f.EVENTFUL"))
        levels = self.browser.js("return [...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
        self.assertEqual(1, levels[0])
        self.assertEqual(1, levels.count(1))
        self.assertTrue(all(after - before <= 1 for before, after in zip(levels, levels[1:])), levels)
        unscoped = "[...document.querySelectorAll('th')].filter(t => !t.scope).length"
        self.assertEqual(0, self.browser.js(f"return {unscoped}"))
        ids = self.browser.js("return [...document.querySelectorAll('[id]')].map(e => e.id)")
        self.assertEqual(len(ids), len(set(ids)))
        dangling = "[...document.querySelectorAll('[aria-labelledby]')].filter(e => e.getAttribute('aria-labelledby').split(' ')" \
            ".some(id => !document.getElementById(id)))"
        self.assertEqual(0, self.browser.js(f"return {dangling}.length"))

    def test_its_numbers_are_those_of_the_json(self):
        path = self.page("f.EVENTFUL")
        facts = json.loads(self.run_moonkey("report", path.replace(".html", ".journal"), "-o", "json"))
        self.open(path)
        self.assertEqual(facts["said"]["sentence"], self.browser.js("return document.querySelector('h1').textContent"))
        shown = self.browser.js("return [...document.querySelectorAll('.totals dd')].map(d => d.textContent.replace(',', ''))")
        totals = facts["totals"]
        self.assertEqual([str(totals[k]) for k in ("done", "skipped", "failed", "unknown", "not_done")], shown)
        counts = self.browser.js("return [...document.querySelectorAll('.cause .count')].map(c => +c.textContent.replace(',', ''))")
        self.assertEqual([c["count"] for c in facts["unknowns"] + facts["failures"]], counts)


if __name__ == "__main__":
    why = driver.missing()
    if why:
        print(f"skipped: {why}")
        sys.exit(driver.SKIPPED)
    unittest.main()
