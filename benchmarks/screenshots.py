"""Take the pictures of the documentation anew, as a headless browser shows today's program: writes docs/pictures.

    python benchmarks/screenshots.py

A check is that of the network of docs/start.md: by day, by night, 500 points wide, and on paper. A run is one whose
subject goes wrong at a single step. A browser such as chromium must be installed.
"""

import base64
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.browser import Browser

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
CASE = "rnn-tanh-T40-B3-I5-H6-f64-s0"
WIDE, NARROW = 1280, 500
"""Points that a window is wide."""

PLANTED = """
from dataclasses import replace

from conformance.subjects.reference import SUBJECT


class Mine:
    name, description = "mine", "the reference, but for one step of dL/dh"

    def run(self, problem):
        shown = SUBJECT.run(problem)
        d_hidden = {place: array.copy() for place, array in shown.d_hidden.items()}
        d_hidden[0, 0][7, 0, 2] += 1e-3
        return replace(shown, d_hidden=d_hidden)
"""
"""A subject with a mistake at t = 7."""


def pages(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the page of a check and that of a run, each with its name."""
    start = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    network = re.findall(r"^```python\n(.*?)^```", start, re.MULTILINE | re.DOTALL)[0]
    (folder / "my_rnn.py").write_text(network, encoding="utf-8")
    (folder / "planted.py").write_text(PLANTED, encoding="utf-8")
    page = folder / "check.html"
    page.write_text(said(folder, "check", "my_rnn.py:MyRNN", "--format", "html"), encoding="utf-8")
    yield "check", page
    said(folder, "run", "--case", CASE, "--subject", "planted.py:Mine", "--report", "report")
    yield "run", folder / "report" / "agreement.html"


def said(folder: Path, *arguments: str) -> str:
    """Run `conformance` in a folder, where it finds something wrong, and return what it prints."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "conformance", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)  # noqa: S603 - ours
    if done.returncode != 1:
        sys.exit(f"{command} left with {done.returncode}:\n{done.stderr.decode()}")
    return done.stdout.decode()


def shot(tab: Browser, page: Path, name: str, *, width: int, height: int, above: str, **media: str) -> None:
    """Write a picture of a page `width` wide, from an element that `above` selects, or its beginning where it is ""."""
    features = [{"name": "prefers-color-scheme", "value": media.get("scheme", "light")}]
    tab.send("Emulation.setEmulatedMedia", media=media.get("medium", ""), features=features)
    tab.send(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
    )
    tab.open(page)
    top = tab.run(f"document.querySelector({above!r}).getBoundingClientRect().top") if above else 0
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
    taken = tab.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
    picture = Image.open(io.BytesIO(base64.b64decode(taken["data"])))
    picture.convert("RGB").save(PICTURES / f"{name}.png", optimize=True)


def main() -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as folder, Browser.started() as tab:
        found = dict(pages(Path(folder)))
        check = found["check"]
        shot(tab, check, "check-light", width=WIDE, height=850, above="")
        shot(tab, check, "check-dark", width=WIDE, height=850, above="", scheme="dark")
        shot(tab, check, "check-narrow", width=NARROW, height=1500, above="")
        shot(tab, check, "check-gradients", width=WIDE, height=1130, above="table.quantities")
        shot(tab, check, "check-paper", width=800, height=1100, above="", medium="print")
        shot(tab, found["run"], "run", width=WIDE, height=1150, above="details.listed")


if __name__ == "__main__":
    main()
