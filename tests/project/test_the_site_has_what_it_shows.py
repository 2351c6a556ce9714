"""The site: every page is in its menu, what it shows runs, and its reference has what people need."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from project.test_readme_tells_the_truth import BLOCK

import conformance
import refrnn

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
BY_THEMSELVES = ("faults/", "findings/")
"""Pages that one of the menu leads to."""
HELPERS = {
    "Array",
    "CellGradients",
    "CellTrace",
    "ElmanCell",
    "Layout",
    "LinearGradients",
    "LinearTrace",
    "LossGradients",
    "Network",
    "SegmentedGradients",
    "SegmentedTrace",
    "Weights",
    "SUITES",
}
"""Public names that the reference tells of where they are returned or taken."""


def pages(menu: object) -> Iterator[str]:
    if isinstance(menu, str):
        yield menu
    elif isinstance(menu, dict):
        for entry in menu.values():
            yield from pages(entry)
    elif isinstance(menu, list):
        for entry in menu:
            yield from pages(entry)


def test_every_page_is_in_the_menu_and_nothing_else_is() -> None:
    there = {
        path.relative_to(DOCS).as_posix() for kind in ("md", "ipynb") for path in DOCS.rglob(f"*.{kind}")
    }
    listed = list(pages(SITE["nav"]))
    assert len(listed) == len(set(listed))
    assert set(listed) <= there
    assert {
        page for page in there - set(listed) if not page.startswith((*BY_THEMSELVES, "examples/"))
    } == set()
    assert SITE["strict"] is True


def test_every_picture_is_taken_by_the_script_and_shown_on_a_page() -> None:
    there = {path.stem for path in (DOCS / "pictures").glob("*")}
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    script = (ROOT / "benchmarks" / "screenshots.py").read_text(encoding="utf-8")
    assert there == set(re.findall(r"pictures/([\w-]+)\.png\)", text))
    assert there == set(re.findall(r'shot\(tab, \S+, "([\w-]+)"', script))


def test_the_tutorial_runs_and_keeps_no_output() -> None:
    notebook = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in cells] == [[]] * len(cells)
    program = "\n".join("".join(cell["source"]) for cell in cells)
    assert program.count("assert ") >= 4


@pytest.mark.parametrize("page", ["how-to/adapter.md"])
def test_what_a_page_shows_runs(page: str) -> None:
    programs = [
        text for kind, text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")) if kind == "python"
    ]
    assert programs
    for program in programs:
        exec(compile(program, page, "exec"), {"__name__": "page"})  # noqa: S102 - our own documents


@pytest.mark.parametrize("package", [refrnn, conformance])
def test_the_reference_has_every_public_name(package: object) -> None:
    name = package.__name__
    text = (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")
    shown = {line.rpartition(".")[2] for line in re.findall(r"^::: (\S+)", text, re.MULTILINE)}
    assert set(package.__all__) - HELPERS <= shown
    assert shown <= set(package.__all__)
    for public in shown:
        assert getattr(package, public).__doc__
