"""docs/faults.md lists every fault of the catalogue; the pages that are made beside it tell everything about each."""

import re
from pathlib import Path

from conformance.faults import CATALOGUE
from conformance.report.fault_pages import CHAPTERS, FOLDER, TABLE, pages, table, write

DOCS = Path(__file__).parents[2] / "docs"


def test_the_table_is_current() -> None:
    assert (DOCS / TABLE).read_text(encoding="utf-8") == table(), "run make faults"


def test_the_table_lists_every_fault_once() -> None:
    listed = re.findall(r"^\| `([\w-]+)` \|", table(), re.MULTILINE)
    assert listed == [fault.id for _, faults in CHAPTERS for fault in faults]
    assert sorted(listed) == sorted(CATALOGUE)


def test_a_page_tells_everything_about_its_fault() -> None:
    assert set(pages()) == {f"{name}.md" for name in CATALOGUE}
    for fault in CATALOGUE.values():
        text = pages()[f"{fault.id}.md"]
        for told in (fault.name, fault.effect, *fault.idiom.split("; "), *fault.mend.split("; ")):
            assert told in text


def test_pages_of_faults_that_are_gone_are_removed(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "a-fault-that-was.md").write_text("")
    write(tmp_path)
    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == set(pages())
    assert (tmp_path / TABLE).read_text(encoding="utf-8") == table()
