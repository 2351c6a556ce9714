"""The pages in docs/faults are those that the catalogue makes: one for every fault, and an index that links to all."""

import re
from pathlib import Path

import pytest

from conformance.faults import CATALOGUE
from conformance.report.fault_pages import CHAPTERS, INDEX, pages, write

FOLDER = Path(__file__).parent.parent / "docs" / "faults"


def test_there_is_a_page_for_every_fault_and_no_other() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == {INDEX, *(f"{name}.md" for name in CATALOGUE)}


@pytest.mark.parametrize("name", pages())
def test_a_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], "run make faults"


def test_a_page_tells_everything_about_its_fault() -> None:
    for fault in CATALOGUE.values():
        text = pages()[f"{fault.id}.md"]
        for told in (fault.name, fault.effect, *fault.idiom.split("; "), *fault.mend.split("; ")):
            assert told in text


def test_the_index_links_to_every_page_once() -> None:
    assert re.findall(r"\]\(([\w-]+)\.md\)", pages()[INDEX]) == [
        f.id for _, faults in CHAPTERS for f in faults
    ]


def test_pages_of_faults_that_are_gone_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a-fault-that-was.md").write_text("")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(pages())
