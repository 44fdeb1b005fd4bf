"""A browser for tests: headless Chromium, by chromedriver (W3C WebDriver), with the standard library alone."""
import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "wire"))

from process import die_with_parent  # noqa: E402

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
             "--hide-scrollbars", "--force-color-profile=srgb", "about:blank"]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
SCREENS = [(1280, "light"), (1280, "dark"), (768, "light"), (360, "light"), (360, "dark")]

# Where each text is too faint for its background (WCAG 2: at least 4.5, or 3 when it is large).
FAINT = r"""
const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
function rgba(color) {
  context.clearRect(0, 0, 1, 1); context.fillStyle = color; context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}
function luminance(c) {
  const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function background(element) {
  for (; element; element = element.parentElement) {
    const c = rgba(getComputedStyle(element).backgroundColor);
    if (c[3] === 255) return c;
  }
  return [255, 255, 255, 255];
}
const faint = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement, style = getComputedStyle(element);
  if (!walker.currentNode.data.trim() || !element.getClientRects().length || element.closest('title,desc')) continue;
  seen++;
  const a = luminance(rgba(element.closest('svg') ? style.fill : style.color)), b = luminance(background(element));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
  if (ratio < (large ? 3 : 4.5)) faint.add(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 90)}`);
}
return { seen, faint: [...faint] };
"""


def missing():
    """What is not installed, as text, or None."""
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return f"{program} is not installed (Debian: chromium, chromium-driver; `sh scripts/setup.sh test` installs them)"
    return None


class Browser:
    """One browser with a profile of its own. `with Browser() as b: b.open(path); b.js("return 1")`."""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="moonkey-browser-")
        self.process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, start_new_session=True, preexec_fn=die_with_parent)
        self.base = f"http://127.0.0.1:{self._port()}"
        options = {"args": [*ARGUMENTS, f"--user-data-dir={self.profile}"], "binary": shutil.which("chromium")}
        capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                        "unhandledPromptBehavior": "ignore"}
        try:
            answer = self._send("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
            self.base += f"/session/{answer['sessionId']}"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if "/session/" in self.base:
                self._send("DELETE", "")
        finally:
            os.killpg(self.process.pid, signal.SIGKILL)  # chromedriver, and a browser that did not end with its session
            self.process.wait()
            shutil.rmtree(self.profile, ignore_errors=True)

    def _port(self):
        for line in self.process.stdout:
            if "started successfully on port" in line:
                return int(line.split("port")[-1].strip(" .\n"))
        raise RuntimeError("chromedriver did not start")

    def _send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode()[:2000]}") from None

    def cdp(self, command, **parameters):
        """A command of the DevTools protocol."""
        return self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, path):
        self.visit(pathlib.Path(path).resolve().as_uri())

    def visit(self, url):
        self._send("POST", "/url", {"url": url})

    def js(self, script, *arguments):
        return self._send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def log(self, kind):
        """What was logged since the last call: "browser" for the console, "performance" for events of the network and more."""
        return self._send("POST", "/se/log", {"type": kind})

    def requests(self):
        """The addresses that were asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def alert(self):
        """The text of a dialogue that is open, or None."""
        try:
            return self._send("GET", "/alert/text")
        except RuntimeError as error:
            if "no such alert" in str(error):
                return None
            raise

    def show(self, width, height=900, scheme="light", media="", zoom=1):
        """As on a screen (or with media="print" on paper) of that size, in that colour scheme."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=zoom, mobile=width < 600)
        self.cdp("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        """The whole page as a PNG file."""
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 16000), "scale": 1}
        picture = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(picture))

    def pdf(self):
        """The page as it is printed."""
        return base64.b64decode(self.cdp("Page.printToPDF", printBackground=False, preferCSSPageSize=False)["data"])
