"""The site in a browser: no page is wider than the window, and it is dark where that is liked."""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from tests.docs.site import Site

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars"),
)
NARROW, WIDE = 390, 1440
PATIENCE_SECONDS = 240
LOOK_SECONDS = 0.5
# What somebody prefers, as the browser counts it.
PREFERENCES = {"dark": "0", "light": "1"}
FRONT = ("index.html", WIDE)

# Loads pages in frames of given widths, several at a time, and sends back how wide each
# became, what sticks out of it and is in no table or block of code that scrolls by itself, and
# the colours of the page.
MEASURE = """<!doctype html><meta charset="utf-8">
<meta name="color-scheme" content="light dark"><body><script>
const waiting = TASKS, found = [];
function measure(frame, page, width) {
  return new Promise((resolve) => {
    frame.style.width = width + "px";
    frame.onload = () => {
      const page_ = frame.contentDocument, root = page_.documentElement;
      const scrolls = (one) => ["auto", "scroll"].includes(
        frame.contentWindow.getComputedStyle(one).overflowX);
      const is_held = (one) => one && one.localName !== "article"
        && (scrolls(one) || is_held(one.parentElement));
      const wide = [...page_.querySelectorAll("article *")]
        .filter((one) => one.getBoundingClientRect().right > width + 1)
        .filter((one) => !is_held(one.parentElement) && !scrolls(one));
      found.push({page, width, is: root.scrollWidth, seen: root.clientWidth,
                  wide: wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 120)),
                  styled: page_.styleSheets.length,
                  is_dark: frame.contentWindow.matchMedia("(prefers-color-scheme: dark)").matches,
                  text: frame.contentWindow.getComputedStyle(page_.body).color,
                  ground: frame.contentWindow.getComputedStyle(page_.body).backgroundColor});
      resolve();
    };
    frame.src = "/" + page;
  });
}
async function work() {
  const frame = document.createElement("iframe");
  frame.style.cssText = "border: 0; height: 800px";
  document.body.append(frame);
  while (waiting.length) { await measure(frame, ...waiting.shift()); }
}
Promise.all([work(), work(), work()]).then(
  () => fetch("/measured", {method: "POST", body: JSON.stringify(found)}));
</script>"""


def list_tasks(site: Site) -> list[tuple[str, int]]:
    """Return the pages with the widths to show them at.

    The pages of rules are all of one kind: where one of them fits a wide window, all do.
    """
    rules = [name for name in site.pages if name.startswith("reference/rules/")]
    others = [name for name in site.pages if name not in rules]
    return [(name, NARROW) for name in site.pages] + [(name, WIDE) for name in (*others, rules[0])]


class Handler(SimpleHTTPRequestHandler):
    """Serves the site, and the page that measures it; takes what was measured."""

    def __init__(
        self, *arguments: Any, harness: str, measured: "Queue[str]", **options: Any
    ) -> None:
        self._harness = harness
        self._measured = measured
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        if self.path != "/measure":
            super().do_GET()
            return
        body = self._harness.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self._measured.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the parent's name
        """Write nothing."""


@contextmanager
def serving(site: Site, tasks: Sequence[tuple[str, int]], measured: "Queue[str]") -> Iterator[str]:
    """Serve the site; yields the address of the page that measures it."""
    harness = MEASURE.replace("TASKS", json.dumps(tasks))
    handler = partial(Handler, harness=harness, measured=measured, directory=str(site.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/measure"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def browsing(address: str, profile: Path, scheme: str) -> Iterator[subprocess.Popen[bytes]]:
    """Show a page in a browser without a window; what it writes is in the file `log`."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser: install one of {', '.join(BROWSERS)}")
    command = [program, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    command += [f"--blink-settings=preferredColorScheme={PREFERENCES[scheme]}", address]
    home = {**os.environ, "HOME": str(profile), "TMPDIR": str(profile)}
    with (
        (profile / "log").open("wb") as log,
        subprocess.Popen(command, env=home, stdout=log, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def measure(
    site: Site, tasks: Sequence[tuple[str, int]], profile: Path, scheme: str
) -> list[dict[str, Any]]:
    """Return what a browser measures; fails with what it wrote if it ends, or takes too long."""
    answers: Queue[str] = Queue()
    late = time.monotonic() + PATIENCE_SECONDS
    with serving(site, tasks, answers) as address, browsing(address, profile, scheme) as browser:
        while browser.poll() is None and time.monotonic() < late:
            try:
                found: list[dict[str, Any]] = json.loads(answers.get(timeout=LOOK_SECONDS))
            except Empty:
                continue
            return found
        state = "is still there" if browser.returncode is None else f"ended: {browser.returncode}"
    written = (profile / "log").read_text(encoding="utf-8", errors="replace")
    pytest.fail(f"the browser sent nothing and {state}\n{written[-2000:]}", pytrace=False)


@pytest.fixture(scope="session")
def measured(site: Site, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What a browser measured of each page, at each width, somebody preferring light ones."""
    return measure(site, list_tasks(site), tmp_path_factory.mktemp("browser"), "light")


def test_every_page_was_shown_at_every_width(site: Site, measured: list[dict[str, Any]]) -> None:
    assert sorted((one["page"], one["width"]) for one in measured) == sorted(list_tasks(site))
    assert all(one["seen"] == one["width"] and one["styled"] for one in measured)


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_no_page_is_wider_than_the_window(width: int, measured: list[dict[str, Any]]) -> None:
    too_wide = [
        (one["page"], one["is"], one["wide"])
        for one in measured
        if one["width"] == width and (one["is"] > width or one["wide"])
    ]

    assert too_wide == []


def brightness(colour: str) -> float:
    """Return how bright a colour is, from 0 to 255."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)]
    assert colour.startswith("rgb(")
    assert len(parts) == 3
    return sum(parts) / 3


def test_the_site_is_light_where_that_is_preferred(measured: list[dict[str, Any]]) -> None:
    (front,) = (one for one in measured if (one["page"], one["width"]) == FRONT)

    assert not front["is_dark"]
    assert brightness(front["ground"]) > 200
    assert brightness(front["text"]) < 80


def test_the_site_is_dark_where_that_is_preferred(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # a short path: that of a socket has at most 107 characters
    (front,) = measure(site, [FRONT], tmp_path_factory.mktemp("dark"), "dark")

    assert front["is_dark"]
    assert brightness(front["ground"]) < 60
    assert brightness(front["text"]) > 180


def test_a_browser_that_does_not_start_is_told_of_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / BROWSERS[0]
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no sandbox here >&2\nexit 7\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))

    with pytest.raises(pytest.fail.Exception, match="ended: 7\nno sandbox here"):
        measure(Site(tmp_path, tmp_path), [], tmp_path, "light")
