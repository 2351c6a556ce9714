"""Every file of a report: what stands in it, that it depends on the record alone, that nothing in one does harm."""

import html
import itertools
import json
import multiprocessing
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec import structs
from support.commands import conformance
from support.records import CASE, HOSTILE, LONG, hostile_record, record_of, rich_record, verdicts

from conformance import UsageError
from conformance.record import encode
from conformance.record.reading import read_record
from conformance.report import REPORT_FILES, write_report
from conformance.report.files import contents, write_set


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return {name: content.decode() for name, content in contents(rich_record()).items()}


# The same bytes, from the record alone.


def test_a_report_made_again_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_report(first, rich_record())
    assert conformance("report", first / "agreement.json", "--out", second)[0] == 0
    for name in REPORT_FILES:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_without_a_folder_a_report_is_made_next_to_its_record(tmp_path: Path) -> None:
    (tmp_path / "agreement.json").write_bytes(encode(record_of(list(verdicts()))))
    assert conformance("report", tmp_path / "agreement.json")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(REPORT_FILES)


def test_a_record_without_any_evidence_makes_a_report_too() -> None:
    made = contents(record_of(list(verdicts()[:1])))
    assert b"Detection power" not in made["agreement.html"]
    assert contents(record_of([]))["agreement.html"]


# What stands in it.


def test_the_page_says_first_what_was_compared_where_and_the_verdict(files: dict[str, str]) -> None:
    page = files["agreement.html"]
    environment = rich_record().environments[0]
    assert "Does not conform: 2 of 12 comparisons differ" in page
    assert "against the NumPy reference refrnn, on 4 cases" in page
    assert f"torch {environment.torch}" in page
    assert page.index("Does not conform") < page.index("Agreement of every quantity")


def test_the_page_asks_nothing_of_the_network(files: dict[str, str]) -> None:
    page = files["agreement.html"]
    asked = r"""\s(?:src|srcset|href|action)\s*=\s*["'](?!#)[^"']*|@import|url\((?!#)|fetch\("""
    assert re.findall(asked, page) == []
    assert "default-src 'none'" in html.unescape(page)
    assert "unsafe" not in page.partition("<title>")[0]
    assert not re.search(r"\sstyle=|\son\w+=", page)


def test_the_plots_are_inline_text_stays_text_and_ids_are_unique(files: dict[str, str]) -> None:
    page = files["agreement.html"]
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg"') == 3
    assert "undecidable for a black box</text>" in page
    shared = re.findall(r"<defs>.*?</defs>", page, flags=re.DOTALL)
    assert shared
    assert not [text for text in shared if re.search(r'(fill|stroke)="#', text)]  # the dark can't reach these
    assert len(LONG) == sum(f"{case.id}</text>" in page for case in LONG)
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = re.findall(r'(?:href="#|url\(#)([^")]+)', page)
    assert set(targets) <= set(ids)


def test_power_and_capabilities_are_told_by_name(files: dict[str, str]) -> None:
    for text in (files["agreement.html"], files["agreement.md"]):
        for words in (
            "Nothing shows it.",
            "output (whole) on somewhere",
            "A sequence of no steps.",
            "1 of 2",
            "whether h_0 is read",
        ):
            assert words in text, words


def test_every_case_is_in_the_page_with_its_reproducing_line(files: dict[str, str]) -> None:
    page = files["agreement.html"]
    data = json.loads(re.search(r'id="grid-cases">(.*?)</script>', page)[1])
    columns = {column["label"]: (place, column) for place, column in enumerate(data["columns"])}
    assert len(data["rows"]) == len(rich_record().cases)
    for row, case in zip(data["rows"], rich_record().cases, strict=True):
        cells = {label: column["values"][row[place]] for label, (place, column) in columns.items()}
        assert (cells["case"], cells["subject"], cells["verdict"]) == (case.case, case.subject, case.verdict)
        line = cells["reproduce"] or columns["reproduce"][1]["pattern"].format(**cells)
        assert line == case.reproduce


def test_junit_tells_in_the_body_what_its_attribute_tells(files: dict[str, str]) -> None:
    root = ET.fromstring(files["junit.xml"])  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == (
        "12",
        "2",
        "1",  # what is undecidable for want of a black box's steps is skipped, and fails no run
        "2",
    )
    (failure,) = root.findall("testsuite[@name='wrong']/testcase/failure")
    assert f"DIFFERS: planted on {CASE.id}".replace("planted", "wrong") in failure.text
    assert "mismatched elements 1 / 72" in failure.text
    assert failure.get("message").startswith("Beyond what rounding explains: h")
    names = [(test.get("classname"), test.get("name")) for test in root.iter("testcase")]
    assert len(names) == len(set(names)) == 12


def test_the_badge_is_what_shields_reads(files: dict[str, str]) -> None:
    badge = json.loads(files["badge.json"])
    assert badge == {
        "schemaVersion": 1,
        "label": "RNN conformance",
        "message": "2 of 12 differ",
        "color": "red",
    }
    good = json.loads(contents(record_of(list(verdicts()[:1])))["badge.json"])
    assert (good["message"], good["color"]) == ("1 comparisons agree", "brightgreen")


# Hostile, cut off, changed by hand.


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report whose record means harm."""
    folder = tmp_path_factory.mktemp("hostile") / "inner" / "out"
    write_report(folder, hostile_record())
    return folder


def test_hostile_texts_are_shown_as_texts(hostile: Path) -> None:
    page, prose, xml = (
        (hostile / name).read_text(encoding="utf-8")
        for name in ("agreement.html", "agreement.md", "junit.xml")
    )
    assert page.count("<script") == page.count("</script>") == 3
    assert "<img" not in page
    assert "{{7*7}}" in page
    assert "49" not in re.search(r"<title>(.*?)</title>", page)[1]
    assert "owned" in ET.fromstring(xml).find("testsuite").get("name")  # noqa: S314
    prose = re.sub(r"^```text\n.*?^```$", "", prose, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in prose
    assert "<img" not in prose


def test_names_that_look_like_paths_write_nothing_elsewhere(hostile: Path) -> None:
    assert sorted(path.name for path in hostile.iterdir()) == sorted(REPORT_FILES)
    assert [path.name for path in hostile.parent.parent.iterdir()] == ["inner"]
    assert HOSTILE.endswith("../../etc/passwd")


EXTREME = ("nan", "inf", "-inf", 1.7e308, -1.0, 5e-324)


def test_extreme_numbers_can_be_drawn_and_told() -> None:
    values = itertools.cycle(EXTREME)
    rich = rich_record()
    cases = [
        structs.replace(
            case,
            noise=value,
            quantities=[
                structs.replace(q, worst_share=value, median_share=value, ulp=value, elements=2**63)
                for q in case.quantities
            ],
        )
        for case, value in zip(rich.cases, values, strict=False)
    ]
    lists = ("subject_error", "reference_error", "noise")
    drawn = [
        structs.replace(p, **{name: [value] * len(p.steps) for name in lists})
        for p, value in zip(rich.profiles * 2, values, strict=False)
    ]
    assert contents(structs.replace(rich, cases=cases, profiles=drawn))["agreement.html"]


@pytest.mark.parametrize("how", [lambda d: d[: len(d) // 2], lambda _: b"", lambda d: b"\x00" + d])
def test_a_record_cut_off_is_refused_and_nothing_is_written(
    tmp_path: Path, how: Callable[[bytes], bytes]
) -> None:
    path, out = tmp_path / "agreement.json", tmp_path / "out"
    path.write_bytes(how(encode(rich_record())))
    with pytest.raises(UsageError, match="no conformance record"):
        conformance("report", path, "--out", out)
    assert not out.exists()


def test_a_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(UsageError, match="can't be read"):
            read_record(path)


# One set.


def writer(folder: Path, mark: int, rounds: int) -> None:
    """Write sets of files that all carry one mark."""
    for n in range(rounds):
        write_set(folder, {name: f"{mark} {n}".encode() * 1000 for name in REPORT_FILES})


def test_two_runs_into_one_folder_do_not_mix(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for _ in range(5):
        writers = [context.Process(target=writer, args=(tmp_path, mark, 20)) for mark in (1, 2)]
        for process in writers:
            process.start()
        for process in writers:
            process.join()
        assert [process.exitcode for process in writers] == [0, 0]
        assert len({(tmp_path / name).read_bytes() for name in REPORT_FILES}) == 1
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(REPORT_FILES)
