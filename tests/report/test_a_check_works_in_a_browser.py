"""The page of a check in a browser: nothing is cut at any width, all can be read by day and by night, and on paper."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from report.test_the_page_works_in_a_browser import COLOURS, SEEN, luminance, wide
from support import browser
from support.browser import Browser

from conformance.hand_written.checking.process import checked_apart
from conformance.hand_written.report.html import check_fragment, check_html
from conformance.record.check import CheckRecord

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.skipif(
        browser.program() is None, reason="no chromium on this machine; apt-get install chromium"
    ),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with Browser.started() as started:
        yield started


@pytest.fixture(scope="module")
def record() -> CheckRecord:
    return checked_apart(str(ROOT / "docs" / "examples" / "hand_written.py"), "")


@pytest.fixture
def page(tab: Browser, record: CheckRecord, tmp_path: Path) -> Browser:
    path = tmp_path / "check.html"
    path.write_text(check_html(record), encoding="utf-8")
    tab.send("Emulation.setEmulatedMedia", media="", features=[])
    wide(tab, 1280)
    tab.open(path)
    return tab


@pytest.mark.parametrize("width", [360, 500, 1280])
def test_nothing_but_numbers_side_by_side_scrolls(page: Browser, width: int) -> None:
    wide(page, width)
    assert page.run("document.documentElement.scrollWidth") <= width


BEYOND = """[...document.querySelectorAll('figure, table, .source, .picture, .legend')].filter(
    (one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("width", [500, 1280])
def test_nothing_is_cut(page: Browser, width: int) -> None:
    wide(page, width)
    assert page.run("document.querySelectorAll('.picture').length") == 3
    assert page.run(BEYOND) == []
    page.run("document.querySelector('table').style.width = '3000px'")
    assert len(page.run(BEYOND)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_stands_out_from_what_is_behind_it(page: Browser, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 for text."""
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    texts = json.dumps("p, td, th, dt, dd, h2, span, code, pre, figcaption, li, caption")
    pairs = page.run(f"[...document.querySelectorAll({texts})].filter({SEEN}).map({COLOURS})")
    assert len(pairs) > 200
    powers = page.run("""[...document.querySelectorAll('.power')].map((one) =>
        [getComputedStyle(one).fill, getComputedStyle(one.previousElementSibling).fill, one.textContent])""")
    assert powers
    for text, behind, where in [*pairs, *powers]:
        lighter, darker = sorted((luminance(text), luminance(behind)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, behind, where)


@pytest.mark.parametrize(
    ("body", "dark"),
    [
        ('<body data-jp-theme-light="false">', True),
        ('<body data-jp-theme-light="true">', False),
        ('<body data-vscode-theme-kind="vscode-dark">', True),
        ("<body>", False),
    ],
)
def test_in_a_notebook_colours_follow_the_notebook(
    tab: Browser, record, tmp_path: Path, body: str, *, dark: bool
) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(f'<!doctype html><meta charset="utf-8">{body}{check_fragment(record)}', encoding="utf-8")
    for scheme in ("dark", "light"):  # whatever the system is set to
        tab.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        tab.open(path)
        behind = tab.run("getComputedStyle(document.querySelector('.conformance-check')).backgroundColor")
        assert (luminance(behind) < 0.2) == dark


OF_A_HOST = """.host dl dt { float: left; width: 20%; } .host ul:not([hidden]) { display: flow-root; }
.host figcaption { font-style: italic; text-align: center; } .host li { margin: 3em; }"""
"""What notebooks and sites say of lists and figures."""


def test_rules_of_the_page_around_it_change_nothing(
    tab: Browser, record: CheckRecord, tmp_path: Path
) -> None:
    path, shown = tmp_path / "hosted.html", []
    for style in ("", OF_A_HOST):
        body = f'<style>{style}</style><body><div class="host">{check_fragment(record)}</div>'
        path.write_text(f'<!doctype html><meta charset="utf-8">{body}', encoding="utf-8")
        tab.open(path)
        places = """[...document.querySelectorAll('dt, dd, figcaption, .legend li')].map((one) => {
            const box = one.getBoundingClientRect();
            return [box.x, box.y, box.width, box.height, getComputedStyle(one).fontStyle];
        })"""
        shown.append(tab.run(places))
    assert len(shown[0]) > 20
    assert shown[0] == shown[1]


def test_on_paper_pictures_keep_their_colours_and_are_not_torn(page: Browser) -> None:
    page.send("Emulation.setEmulatedMedia", media="print")
    assert page.run("getComputedStyle(document.querySelector('.picture')).printColorAdjust") == "exact"
    assert page.run("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
