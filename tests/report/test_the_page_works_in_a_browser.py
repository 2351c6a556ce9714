"""The HTML report in a real headless browser: nothing logged or asked for, tables that filter and sort, the dark."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import browser
from support.browser import Browser
from support.records import HOSTILE, hostile_record, rich_record

from conformance.record.reading import read_record
from conformance.report.files import contents

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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pages")
    records = {
        "rich": rich_record(),
        "hostile": hostile_record(),
        "standard": read_record(ROOT / "reports" / "agreement.json"),
    }
    for name, record in records.items():
        (made / f"{name}.html").write_bytes(contents(record)["agreement.html"])
    return made


@pytest.fixture
def page(tab: Browser, folder: Path) -> Browser:
    """Return the tab with the page of a rich record, freshly opened, in the light and wide."""
    tab.send("Emulation.setEmulatedMedia", media="", features=[])
    wide(tab, 1300)
    tab.open(folder / "rich.html")
    return tab


def wide(tab: Browser, width: int) -> None:
    tab.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)


CASES = "document.querySelector('[data-grid=grid-cases]')"


def column(page: Browser, label: str) -> list[str]:
    """Return the texts of a column of the table of cases."""
    return page.run(f"""(() => {{
        const root = {CASES};
        const heads = [...root.querySelectorAll('thead th')].map((head) => head.textContent);
        const place = heads.indexOf({json.dumps(label)});
        return [...root.querySelectorAll('tbody tr:not(.details-row)')].map((row) => row.cells[place].textContent);
    }})()""")


def head(label: str) -> str:
    return f"[...{CASES}.querySelectorAll('thead button')].find((one) => one.textContent === {json.dumps(label)})"


# Opening.


@pytest.mark.parametrize("name", ["rich", "hostile", "standard"])
def test_a_page_logs_nothing_and_asks_for_nothing(tab: Browser, folder: Path, name: str) -> None:
    tab.open(folder / f"{name}.html")
    assert tab.run(f"{CASES}.querySelectorAll('tbody tr').length") > 0
    assert tab.complaints == []
    assert tab.requests == []


def test_the_watch_over_logs_and_requests_can_fail(tab: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<img src='missing.png'><script>console.log('x'); throw new Error('y')</script>")
    tab.open(path)
    assert len(tab.complaints) >= 2
    assert [url.rsplit("/", 1)[1] for url in tab.requests] == ["missing.png"]


def test_the_page_of_the_standard_suite_is_small_and_opens_in_under_a_second(
    tab: Browser, folder: Path
) -> None:
    path = folder / "standard.html"
    assert path.stat().st_size <= 1_500_000
    times: list[float] = []
    while len(times) < 12 and min(times, default=1000) >= 1000:  # the rest is other programs' doing
        tab.open(path)
        times.append(tab.run("performance.getEntriesByType('navigation')[0].duration"))
    assert min(times) < 1000, times


def test_hostile_texts_run_nothing(tab: Browser, folder: Path) -> None:
    tab.open(folder / "hostile.html")
    tab.run(f"{CASES}.querySelectorAll('.open-row').forEach((button) => button.click())")
    assert tab.run("document.title") != "owned"
    assert tab.run("document.querySelectorAll('img, iframe, object').length") == 0
    assert tab.run(f"{CASES}.textContent.includes('<img src=x onerror=')")
    assert tab.complaints == []
    assert "onerror" in HOSTILE


def test_without_scripts_all_but_two_tables_is_there_and_these_say_where_their_rows_are(
    tab: Browser, folder: Path
) -> None:
    tab.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(folder / "rich.html")
        text = tab.run("document.body.innerText")
    finally:
        tab.send("Emulation.setScriptExecutionDisabled", value=False)
    for words in (
        "Does not conform",
        "What does not agree",
        "dL/dW_hh",
        "in agreement.json",
        "in agreement.md",
    ):
        assert words in text


def test_of_the_cases_that_do_not_agree_the_first_is_told_and_the_others_unfold(page: Browser) -> None:
    listed = page.run("[...document.querySelectorAll('.listed')].map((one) => [one.open, one.innerText])")
    assert [unfolded for unfolded, _ in listed] == [True] + [False] * 4
    assert "first divergent step" in listed[0][1]
    assert [text.split()[0] for _, text in listed] == [
        "differs",
        "differs",
        "error",
        "undecidable",
        "unsupported",
    ]


def test_what_lies_beyond_its_bound_looks_otherwise_than_what_does_not(page: Browser) -> None:
    shares = page.run("""[...document.querySelectorAll('#agreement ~ details tbody tr')].map((row) => {
        const cell = row.querySelector('.num');
        return [cell.textContent, getComputedStyle(cell).color];
    })""")
    colours: dict[bool, set[str]] = {False: set(), True: set()}
    for share, colour in shares:
        colours[share != "–" and not float(share) <= 1].add(colour)
    assert len(colours[False]) == len(colours[True]) == 1
    assert colours[False] != colours[True]


# Tables.


def test_words_filter_rows(page: Browser) -> None:
    everything = column(page, "case")
    page.run(f"{CASES}.querySelector('input').focus()")
    page.write("wrong F64")
    assert column(page, "subject") == ["wrong"]
    assert page.run(f"{CASES}.querySelector('output').textContent") == f"1 of {len(everything)} rows"
    page.run(f"[...{CASES}.querySelectorAll('.controls button')].at(-1).click()")
    assert column(page, "case") == everything


def test_a_verdict_can_be_picked(page: Browser) -> None:
    page.run(f"""(() => {{
        const select = {CASES}.querySelector('select');
        select.value = [...select.options].find((option) => option.textContent === 'differs').value;
        select.dispatchEvent(new Event('change'));
    }})()""")
    assert column(page, "verdict") == ["differs", "differs"]


def test_a_click_on_a_head_sorts_numbers_as_numbers_and_says_so(page: Browser) -> None:
    page.run(f"{head('worst share')}.click()")
    down = column(page, "worst share")
    known = [float(text) for text in down if text != "–"]
    assert known == sorted(known, reverse=True)
    assert down.count("–") == 2
    assert down[-2:] == ["–", "–"]
    assert page.run(f"{head('worst share')}.closest('th').getAttribute('aria-sort')") == "descending"
    page.run(f"{head('worst share')}.click()")
    up = [float(text) for text in column(page, "worst share") if text != "–"]
    assert up == sorted(known)


def test_the_keyboard_alone_opens_a_row_and_finds_the_line_that_reproduces_it(page: Browser) -> None:
    page.run(f"{CASES}.querySelector('.open-row').focus()")
    page.press("Enter")
    listed = page.run(f"{CASES}.querySelector('.details-row').textContent")
    assert rich_record().cases[0].reproduce in listed
    assert page.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.press("Enter")
    assert page.run(f"{CASES}.querySelector('.details-row')") is None


# Every reader.


def test_the_dark_has_colours_of_its_own_and_plots_follow(page: Browser) -> None:
    behind, text = "getComputedStyle(document.body).backgroundColor", "document.querySelector('.plot text')"
    shown = f"{behind} + getComputedStyle({text}).fill"
    light = page.run(shown)
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    dark = page.run(shown)
    assert light != dark
    assert luminance(page.run(behind)) < 0.05


TEXTS = "p, td, th, dt, dd, h1, h2, h3, a, .pill, summary, span, code, li, pre"
SEEN = "(element) => element.textContent.trim() && element.checkVisibility()"
COLOURS = """(element) => {
    let behind = element;
    while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)' && behind.parentElement) {
        behind = behind.parentElement;
    }
    const colours = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
    return [...colours, element.outerHTML.slice(0, 80)];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(page: Browser, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 for text."""
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    pairs = page.run(f"[...document.querySelectorAll({json.dumps(TEXTS)})].filter({SEEN}).map({COLOURS})")
    assert len(pairs) > 200
    for text, behind, where in pairs:
        lighter, darker = sorted((luminance(text), luminance(behind)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, behind, where)


def luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)`, as WCAG defines it."""
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("width", [360, 800, 1300])
def test_nothing_but_tables_and_plots_scrolls_sideways(page: Browser, width: int) -> None:
    wide(page, width)
    assert page.run("document.documentElement.scrollWidth") <= width
    rights = page.run(
        "[...document.querySelectorAll('nav a')].map(link => link.getBoundingClientRect().right)"
    )
    assert max(rights) <= width  # every section is named, in two rows where one has no room


def test_what_a_screen_reader_hears_has_landmarks_headings_and_names(page: Browser) -> None:
    nodes = [node for node in page.send("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    roles: dict[str, list[str]] = {}
    for node in nodes:
        roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert {"main", "navigation", "banner", "contentinfo", "heading", "table"} <= set(roles)
    for role in ("button", "searchbox", "combobox", "link", "table", "image", "region", "heading"):
        assert all(name.strip() for name in roles.get(role, [])), (role, roles[role])
    assert len([role for role in roles if role in ("image", "img")]) == 1
    opening = [
        name for name in roles["button"] if name.startswith(("rnn-", "torch,", "reference,", "wrong,"))
    ]
    assert len(set(opening)) == len(opening) > 20  # no two rows are opened by buttons of one name


def test_print_leaves_out_what_only_a_screen_can_use(page: Browser) -> None:
    page.send("Emulation.setEmulatedMedia", media="print")
    for selector in ("nav", ".controls input", ".controls select", ".controls button", ".skip"):
        assert page.run(f"document.querySelector('{selector}').checkVisibility()") is False
    assert page.run("document.querySelector('h1').checkVisibility()") is True


def test_a_table_that_is_cut_says_so_on_screen_and_on_paper(tab: Browser, folder: Path) -> None:
    tab.open(folder / "standard.html")
    count = f"{CASES}.querySelector('output')"
    every = f"{len(read_record(ROOT / 'reports' / 'agreement.json').cases):,}"
    for media in ("screen", "print"):
        tab.send("Emulation.setEmulatedMedia", media=media)
        assert tab.run(f"{count}.textContent") == f"{every} of {every} rows, the first 60 shown"
        assert tab.run(f"{count}.checkVisibility()")
    assert tab.run(f"{CASES}.querySelectorAll('tbody tr').length") == 60


def test_on_paper_a_case_is_not_torn_from_its_title(page: Browser) -> None:
    page.send("Emulation.setEmulatedMedia", media="print")
    assert page.run("getComputedStyle(document.querySelector('.listed')).breakInside") == "avoid"


def test_what_is_folded_is_unfolded_on_paper_and_folded_again(page: Browser) -> None:
    folded = "document.querySelectorAll('details:not([open])').length"
    before = page.run(folded)
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert (before > 0, page.run(folded)) == (True, 0)
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.run(folded) == before
