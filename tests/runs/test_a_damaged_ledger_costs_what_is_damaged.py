"""A ledger is read like a record: a line that is damaged, or can't be true, costs its own case and no other."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from conformance import UsageError, parse_id
from conformance.record import CaseRecord, Timing
from conformance.runs import Examined, Ledger, run_cases
from conformance.runs.identity import identity_of
from conformance.runs.lines import Entry

CASES = [replace(parse_id("rnn-tanh-T3-B2-I4-H5-f64-s0"), seed=seed) for seed in range(4)]
IDENTITY = identity_of("mine", None, ["reference"], CASES)
SECOND = 2
"""The place of the line that is damaged: the first tells the run, this one is of the second case."""

Lines = list[bytes]


def opened(folder: Path, *, resume: bool = True) -> Ledger:
    return Ledger(folder / "a.ledger", IDENTITY, resume=resume)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """Return the lines of a ledger of three finished cases."""
    folder = tmp_path_factory.mktemp("whole")
    with opened(folder) as ledger:
        run_cases(CASES[:3], ["reference"], ledger=ledger)
    return (folder / "a.ledger").read_bytes().splitlines()


def written(folder: Path, lines: Lines) -> Path:
    path = folder / "a.ledger"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def entry(line: bytes, **changes: object) -> bytes:
    return msgspec.json.encode(structs.replace(msgspec.json.decode(line, type=Entry), **changes))


def told(line: bytes, **changes: object) -> bytes:
    """Return a line whose case record says something else."""
    (record,) = msgspec.json.decode(line, type=Entry).records
    return entry(line, records=[structs.replace(record, **changes)])


def counted(record: CaseRecord) -> list[object]:
    first, *others = record.quantities
    return [structs.replace(first, mismatches=first.elements + 1), *others]


def records(line: bytes) -> CaseRecord:
    return msgspec.json.decode(line, type=Entry).records[0]


NOTHING = Timing(subject=0.0, reference=0.0, judging=0.0, total=0.0)

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda line: line[:-9],
    "other bytes": lambda _: b"\xff\xfe\x00",
    "nothing": lambda _: b"",
    "another object": lambda _: b"{}",
    "a field too many": lambda line: line[:-1] + b',"more":1}',
    "of another run": lambda line: entry(line, run="0" * 16),
    "of another subject": lambda line: told(line, subject="torch"),
    "of another case": lambda line: told(line, case=CASES[3].id),
    "of no case": lambda line: entry(told(line, case="<script>"), case="<script>"),
    "of another platform": lambda line: told(line, platform=1),
    "without a timing": lambda line: entry(line, timings=[]),
    "of no subject": lambda line: entry(line, timings=[], records=[]),
    "a negative time": lambda line: entry(line, timings=[structs.replace(NOTHING, total=-1.0)]),
    "another verdict": lambda line: told(line, verdict="differs", reason="so"),
    "counts too much": lambda line: told(line, quantities=counted(records(line))),
    "nested without end": lambda _: b"[" * 100_000,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_line_costs_one_case_and_is_told(tmp_path: Path, whole: Lines, kind: str) -> None:
    written(tmp_path, [*whole[:SECOND], DAMAGE[kind](whole[SECOND]), *whole[SECOND + 1 :]])
    with opened(tmp_path) as ledger:
        assert list(ledger.finished) == [CASES[0].id, CASES[2].id]
        (damage,) = ledger.damaged
        assert f"damaged in line {SECOND + 1}: " in damage
        assert damage.endswith("Its case is run again.")
        outcome = run_cases(CASES, ["reference"], ledger=ledger)
    assert [record.verdict for record in outcome.records()] == ["agrees"] * 4
    with opened(tmp_path) as ledger:
        assert ledger.damaged == []
        assert set(ledger.finished) == {case.id for case in CASES}


def test_a_line_without_damage_is_none(tmp_path: Path, whole: Lines) -> None:
    written(tmp_path, whole)
    with opened(tmp_path) as ledger:
        assert (len(ledger.finished), ledger.damaged) == (3, [])


def test_a_line_that_stands_there_twice_counts_once(tmp_path: Path, whole: Lines) -> None:
    written(tmp_path, [*whole, entry(whole[1], timings=[NOTHING])])
    with opened(tmp_path) as ledger:
        assert (len(ledger.finished), ledger.damaged) == (3, [])


def test_of_two_lines_that_contradict_each_other_neither_is_believed(tmp_path: Path, whole: Lines) -> None:
    other = told(whole[1], third_opinion="another")
    written(tmp_path, [*whole, other, whole[1]])
    with opened(tmp_path) as ledger:
        assert list(ledger.finished) == [CASES[1].id, CASES[2].id]
        assert ["with different results" in damage for damage in ledger.damaged] == [True, True]


def test_a_damaged_first_line_costs_nothing_as_long_as_others_tell_the_run(
    tmp_path: Path, whole: Lines
) -> None:
    path = written(tmp_path, [b"\xff", *whole[1:]])
    with opened(tmp_path) as ledger:
        assert len(ledger.finished) == 3
        assert "damaged in line 1: " in ledger.damaged[0]
    assert path.read_bytes().splitlines() == whole


def test_without_a_line_of_this_run_a_damaged_ledger_is_refused_and_left_alone(
    tmp_path: Path, whole: Lines
) -> None:
    path = written(tmp_path, [b"\xff", *(entry(line, run="0" * 16) for line in whole[1:])])
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"damaged in line 1: .*No line is left that is of this run"):
        opened(tmp_path)
    assert path.read_bytes() == before


def test_a_ledger_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ledger").mkdir()
    with pytest.raises(UsageError, match="can't be read"):
        opened(tmp_path)


def test_a_disk_that_takes_a_part_of_a_line_gets_the_rest_too(
    tmp_path: Path, whole: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, whole)
    with opened(tmp_path) as ledger:
        examined: Examined = ledger.finished[CASES[0].id]

        class Slow:
            def __init__(self, file: object) -> None:
                self.file = file

            def write(self, data: memoryview) -> int:
                return os.write(self.file.fileno(), data[:1000])

            def fileno(self) -> int:
                return self.file.fileno()

        monkeypatch.setattr(ledger, "_file", Slow(ledger._file))
        ledger.append(CASES[3].id, examined)
    last = (tmp_path / "a.ledger").read_bytes().splitlines()[-1]
    assert len(last) > 1000
    assert msgspec.json.decode(last, type=Entry).case == CASES[3].id
