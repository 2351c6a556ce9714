"""`conformance diff` tells what changed and fails on regressions; `conformance merge` makes one record of many."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from msgspec import structs
from support.commands import conformance
from support.records import rich_record, saying, verdicts

from conformance import CaseRecord, UsageError
from conformance.cases import SUITES, Shard
from conformance.record import Record, decode, encode
from conformance.record.comparing.difference import MARGIN, SMALLEST, difference
from conformance.record.comparing.merge import merged
from conformance.record.reading import read_record
from conformance.runs import Session


def written(folder: Path, **records: Record) -> list[Path]:
    for name, record in records.items():
        (folder / f"{name}.json").write_bytes(encode(record))
    return [folder / f"{name}.json" for name in records]


def with_cases(record: Record, change: Callable[[CaseRecord], CaseRecord]) -> Record:
    return structs.replace(record, cases=[change(case) for case in record.cases])


def turned(record: Record, old: str, new: str) -> Record:
    """Return a record with every verdict `old` turned into `new`, its summary alike."""
    summary = {(new if verdict == old else verdict): n for verdict, n in record.summary.items()}
    summary[new] = sum(n for verdict, n in record.summary.items() if verdict in (old, new))
    return structs.replace(
        with_cases(record, lambda c: saying(c, new) if c.verdict == old else c),
        summary=summary,
    )


def shares_times(record: Record, factor: float) -> Record:
    """Return what agrees in a record, with every share multiplied."""
    agreeing = [case for case in record.cases if case.verdict == "agrees"]
    kept = structs.replace(
        record, cases=agreeing, timings=record.timings[: len(agreeing)], summary={"agrees": len(agreeing)}
    )
    return with_cases(
        kept,
        lambda case: structs.replace(
            case,
            quantities=[
                structs.replace(q, worst_share=float(q.worst_share) * factor) for q in case.quantities
            ],
        ),
    )


# Comparing.


def test_a_record_has_no_difference_to_itself(tmp_path: Path) -> None:
    old, new = written(tmp_path, old=rich_record(), new=rich_record())
    code, listed = conformance("diff", old, new)
    assert code == 0
    assert (
        listed == "No regression: 12 cases in both, 12 with the same verdict; worst shares may grow 4-fold.\n"
    )


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("agrees", "undecidable", 1), ("undecidable", "agrees", 0), ("error", "differs", 1)],
)
def test_a_verdict_that_is_worse_is_a_regression_and_one_that_is_better_is_none(
    tmp_path: Path, before: str, after: str, code: int
) -> None:
    old, new = written(tmp_path, old=rich_record(), new=turned(rich_record(), before, after))
    got, listed = conformance("diff", old, new)
    assert got == code
    assert f"{before} → {after}" in listed
    assert ("worse:" if code else "better:") in listed.splitlines()


def test_cases_that_vanish_are_a_regression_unless_only_common_ones_are_compared(tmp_path: Path) -> None:
    rich = rich_record()
    fewer = structs.replace(
        rich, cases=rich.cases[1:], timings=rich.timings[1:], summary=rich.summary | {"agrees": 6}
    )
    old, new = written(tmp_path, old=rich, new=fewer)
    assert conformance("diff", old, new)[0] == 1
    assert "vanished:" in conformance("diff", old, new)[1]
    assert conformance("diff", old, new, "--common")[0] == 0
    code, listed = conformance("diff", new, old)
    assert (code, "appeared:" in listed) == (0, True)


def test_a_new_run_that_was_interrupted_is_a_regression_whatever_is_compared(tmp_path: Path) -> None:
    whole = rich_record()
    old, new = written(tmp_path, old=whole, new=structs.replace(whole, complete=False))
    for more in ((), ("--common",)):
        code, listed = conformance("diff", old, new, *more)
        assert code == 1
        assert "the run: complete → interrupted" in listed
        assert listed.endswith("The new record is of a run that was interrupted.\n")
    code, listed = conformance("diff", new, old)
    assert code == 0
    assert "the run: interrupted → complete" in listed
    assert "of a run that was interrupted" not in listed
    assert "| the run | complete | interrupted |" in conformance("diff", old, new, "--format", "markdown")[1]


def test_records_without_a_common_case_compare_nothing_and_do_not_pass(tmp_path: Path) -> None:
    rich = rich_record()
    parts = [
        structs.replace(rich, cases=[case], timings=rich.timings[:1], summary={case.verdict: 1}, power=None)
        for case in (rich.cases[0], rich.cases[2])
    ]
    old, new = written(tmp_path, old=parts[0], new=parts[1])
    code, listed = conformance("diff", old, new, "--common")
    assert code == 4
    assert listed.startswith(
        "Nothing in common, so that nothing was compared: no case is in both: the old one is of"
    )


def called(record: Record, names: dict[str, str], description: str = "") -> Record:
    """Return a record whose subjects have other names, and one description each where one is given."""
    return structs.replace(
        record,
        subjects=[names.get(name, name) for name in record.subjects],
        descriptions={names.get(n, n): description or d for n, d in record.descriptions.items()},
        cases=[structs.replace(c, subject=names.get(c.subject, c.subject)) for c in record.cases],
    )


def one_subject(name: str, description: str = "by hand") -> Record:
    """Return a record of one subject, of this name."""
    rich = rich_record()
    case = next(case for case in rich.cases if case.subject == "wrong")
    return structs.replace(
        rich,
        subjects=[name],
        descriptions={name: description},
        cases=[structs.replace(case, subject=name)],
        timings=rich.timings[:1],
        summary={case.verdict: 1},
        power=None,
    )


def test_a_subject_of_another_name_goes_by_its_description(tmp_path: Path) -> None:
    old, new = written(tmp_path, old=one_subject("my-rnn"), new=one_subject("my_rnn.py:Mine"))
    code, listed = conformance("diff", old, new)
    assert code == 0
    assert "my-rnn of the old record with my_rnn.py:Mine of the new one" in listed
    assert "No regression: 1 cases in both" in listed
    assert "vanished" not in listed
    told = json.loads(conformance("diff", old, new, "--format", "json")[1])
    assert told["taken"] == [{"old": "my-rnn", "new": "my_rnn.py:Mine"}]
    assert "## Compared" in conformance("diff", old, new, "--format", "markdown")[1]


def test_a_description_that_two_have_names_neither() -> None:
    two = called(rich_record(), {"wrong": "one", "agreeing": "other"}, "the same words")
    assert difference(two, one_subject("mine", "the same words")).taken == []


def test_subjects_of_other_names_are_compared_as_somebody_says(tmp_path: Path) -> None:
    old, new = written(tmp_path, old=one_subject("my-rnn"), new=one_subject("other", "other words"))
    code, listed = conformance("diff", old, new)
    assert code == 4
    assert listed.endswith("Say which are to be compared: --subject my-rnn=other\n")
    code, listed = conformance("diff", old, new, "--subject", "my-rnn=other")
    assert code == 0
    assert "No regression: 1 cases in both" in listed
    for wrong, said in (
        (("nobody=other",), "The old record has no subject 'nobody'; it has my-rnn."),
        (("my-rnn=nobody",), "The new record has no subject 'nobody'; it has other."),
        (("my-rnn=other", "my-rnn=other"), "named twice"),
    ):
        options = [part for text in wrong for part in ("--subject", text)]
        with pytest.raises(UsageError, match=said):
            difference(read_record(old), read_record(new), subjects=options[1::2])


def test_one_subject_alone_is_compared_whatever_became_of_the_others() -> None:
    rich = rich_record()
    worse = with_cases(rich, lambda c: saying(c, "differs") if c.subject == "agreeing" else c)
    worse = structs.replace(worse, summary=dict(Counter(c.verdict for c in worse.cases)))
    assert difference(rich, worse).regressions
    assert difference(rich, worse, subjects=["wrong"]).regressions == 0
    assert difference(rich, worse, subjects=["agreeing"]).regressions


def test_records_of_two_suites_say_so() -> None:
    ours = one_subject("mine")
    case = structs.replace(ours.cases[0], case="rnn-tanh-T4-B3-I5-H7-f64-s0")
    theirs = structs.replace(ours, suite="another", cases=[case])
    assert "the new one of another. Compare records of one suite." in difference(ours, theirs).apart


def up_to(record: Record, share: float) -> Record:
    """Return what agrees in a record, its greatest share being this one."""
    agreeing = (case for case in record.cases if case.verdict == "agrees")
    return shares_times(
        record, share / max(float(q.worst_share) for case in agreeing for q in case.quantities)
    )


def test_a_worst_share_beyond_the_margin_is_a_regression_and_the_margin_can_be_chosen(tmp_path: Path) -> None:
    worst = up_to(rich_record(), 0.9)
    old, new = written(tmp_path, old=shares_times(worst, 1 / (MARGIN * 1.01)), new=worst)
    assert conformance("diff", old, new)[0] == 1
    assert conformance("diff", new, old)[0] == 0
    assert "better margins:" in conformance("diff", new, old)[1]
    assert conformance("diff", old, new, "--margin", 2 * MARGIN)[0] == 0
    worse = difference(decode(old.read_bytes()), worst).margins
    assert {change.change for change in worse} == {"worse"}
    assert all(change.new > MARGIN * SMALLEST for change in worse)


def test_shares_that_stay_small_may_grow_by_any_factor() -> None:
    tiny = shares_times(rich_record(), 1e-9)
    grown = shares_times(rich_record(), 1e-3)
    assert difference(tiny, grown).regressions == 0


def test_contracts_and_planted_faults_that_change_are_told_and_count() -> None:
    rich = rich_record()
    assert rich.power is not None
    refused = structs.replace(rich.contracts[0], observed="taken: something", holds=False)
    missed = [structs.replace(mutant, case="") for mutant in rich.power.mutants]
    new = structs.replace(
        rich,
        contracts=[refused],
        power=structs.replace(rich.power, mutants=missed, accused=["torch on a case"]),
    )
    old = structs.replace(rich, contracts=rich.contracts[:1])
    found = difference(old, new)
    assert [(fact.what, fact.regression) for fact in found.contracts] == [("steps-0", True)]
    assert [fact.what for fact in found.power] == ["right code accused", "no-carry"]
    assert found.regressions == 3
    back = difference(new, old)
    assert back.regressions == 0
    assert len(back.contracts) == 1


def test_a_contract_that_depends_on_the_processor_is_no_regression_on_another_one() -> None:
    rich = rich_record()
    taken = structs.replace(rich.contracts[0], observed="taken", depends_on="AVX-512")
    refused = structs.replace(taken, observed="refused", holds=False)
    elsewhere = structs.replace(rich.environments[0], processor="another")
    old, new = structs.replace(rich, contracts=[taken]), structs.replace(rich, contracts=[refused])
    assert difference(old, new).regressions == 1
    moved = difference(old, structs.replace(new, environments=[elsewhere]))
    assert [(fact.what, fact.regression) for fact in moved.contracts] == [
        ("steps-0 (depends on AVX-512)", False)
    ]
    assert moved.regressions == 0
    plain = [structs.replace(record.contracts[0], depends_on="") for record in (old, new)]
    both = [structs.replace(rich, contracts=[row]) for row in plain]
    assert difference(both[0], structs.replace(both[1], environments=[elsewhere])).regressions == 1


def test_a_contract_that_doesnt_hold_is_told_where_records_are_merged(tmp_path: Path) -> None:
    (path,) = written(tmp_path, whole=rich_record())
    _, listed = conformance("merge", path, "--out", tmp_path / "out")
    assert "CHANGED: steps-1: expected refused: RuntimeError; got refused: RuntimeError: no" in listed
    assert "steps-0" not in listed


def test_a_changed_environment_is_told_and_no_regression() -> None:
    rich = rich_record()
    newer = structs.replace(rich.environments[0], torch="99.0", torch_threads=8)
    found = difference(rich, structs.replace(rich, environments=[newer]))
    assert [(fact.what, fact.new) for fact in found.environment] == [
        ("torch", "99.0"),
        ("torch_threads", "8"),
    ]
    assert found.regressions == 0


def test_a_difference_is_told_in_three_forms(tmp_path: Path) -> None:
    old, new = written(tmp_path, old=rich_record(), new=turned(rich_record(), "agrees", "differs"))
    answers = {form: conformance("diff", old, new, "--format", form) for form in ("text", "markdown", "json")}
    assert {code for code, _ in answers.values()} == {1}
    read = json.loads(answers["json"][1])
    assert read["regressions"] == 7
    assert {case["change"] for case in read["cases"]} == {"worse"}
    assert answers["markdown"][1].startswith("# What changed\n\n**7 regressions: 12 cases in both, 5 with")
    assert answers["markdown"][1].count("| worse |") == 7


def test_no_text_of_a_record_reaches_the_terminal_as_a_command_or_as_a_line_of_ours(tmp_path: Path) -> None:
    text = "\x1b]0;owned\x07\rNo regression: all agree.\nNo regression: all agree.\u202e"
    listed = structs.replace(
        with_cases(turned(rich_record(), "agrees", "error"), lambda c: structs.replace(c, reason=text)),
        environments=[structs.replace(rich_record().environments[0], processor=text)],
    )
    old, new = written(tmp_path, old=rich_record(), new=listed)
    shown = conformance("diff", old, new)[1]
    assert not set("\x1b\x07\r\u202e") & set(shown)
    assert [line for line in shown.splitlines() if line.startswith("No regression")] == []
    assert shown.count("\\x1b]0;owned") == 8


def test_markdown_tells_why_a_verdict_is_worse(tmp_path: Path) -> None:
    old, new = written(tmp_path, old=rich_record(), new=turned(rich_record(), "agrees", "error"))
    assert (
        conformance("diff", old, new, "--format", "markdown")[1].count("| agrees | error | a reason |") == 7
    )


# Merging.


@pytest.fixture(scope="module")
def whole() -> Record:
    cases = SUITES["smoke"].cases()
    return Session(suite="smoke", cases=cases, subjects=["torch", "reference"]).run()


@pytest.fixture(scope="module")
def shards(whole: Record) -> list[Record]:
    parts = [Shard.parse(f"{n}/3") for n in (1, 2, 3)]
    chosen = [{case.id for case in SUITES["smoke"].cases() if part.has(case)} for part in parts]
    return [
        structs.replace(
            whole,
            suite=f"smoke, shard {part}",
            cases=[case for case in whole.cases if case.case in ids],
            timings=[t for case, t in zip(whole.cases, whole.timings, strict=True) if case.case in ids],
            summary={"agrees": sum(case.case in ids for case in whole.cases)},
            seconds=1.0,
        )
        for part, ids in zip(parts, chosen, strict=True)
    ]


def test_shards_merged_in_any_order_are_the_whole_run_byte_for_byte(
    whole: Record, shards: list[Record]
) -> None:
    assert all(shard.cases for shard in shards)
    for order in ((0, 1, 2), (2, 0, 1)):
        joined = merged({str(n): shards[n] for n in order})
        assert encode(structs.replace(joined, seconds=whole.seconds)) == encode(whole)


def test_a_missing_shard_is_named(shards: list[Record]) -> None:
    with pytest.raises(UsageError, match="2/3 is missing"):
        merged({"a": shards[0], "c": shards[2]})


def test_of_many_missing_shards_some_are_named_and_the_rest_is_counted(shards: list[Record]) -> None:
    with pytest.raises(UsageError, match=r"2/999999, .* and 999,993 more are missing") as caught:
        merged({"a": structs.replace(shards[0], suite="smoke, shard 1/999999")})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("part", ["1/9999999", "3/2", "0/2", f"1/{'9' * 5000}"])
def test_what_calls_itself_a_shard_and_can_be_none_is_refused(shards: list[Record], part: str) -> None:
    with pytest.raises(UsageError, match="A shard is written i/n"):
        merged({"a": structs.replace(shards[0], suite=f"smoke, shard {part}")})


def test_the_same_shard_twice_is_refused_by_the_names_of_its_cases(shards: list[Record]) -> None:
    with pytest.raises(UsageError, match="Duplicate: torch on rnn-") as caught:
        merged({"a": shards[0], "again": shards[0]} | {str(n): shards[n] for n in (1, 2)})
    assert "is in a and in again" in str(caught.value)


def test_the_same_file_passed_twice_is_refused_in_whatever_spelling(whole: Record, tmp_path: Path) -> None:
    (one,) = written(tmp_path, one=whole)
    again = tmp_path / "." / "link.json"
    again.symlink_to(one)
    for second in (one, again):
        with pytest.raises(UsageError, match=f"{second.name} is the same file as"):
            conformance("merge", one, second, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_contradiction_is_refused_by_name(whole: Record) -> None:
    case = whole.cases[0]
    other = structs.replace(
        whole,
        cases=[structs.replace(case, verdict="differs")],
        timings=whole.timings[:1],
        summary={"differs": 1},
    )
    with pytest.raises(UsageError, match=f"Contradiction: torch on {case.case}, agrees in a, differs in b"):
        merged({"a": whole, "b": other})


@pytest.mark.parametrize("field", [{"suite": "full"}, {"seed": 7}])
def test_records_of_other_suites_or_seeds_are_refused(whole: Record, field: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"contradict each other in their {next(iter(field))}"):
        merged({"a": whole, "b": structs.replace(whole, **field)})


def test_platforms_lie_side_by_side_and_each_case_names_its_own(whole: Record, tmp_path: Path) -> None:
    elsewhere = structs.replace(
        whole, environments=[structs.replace(whole.environments[0], torch="99.0", processor="another")]
    )
    one, two = written(tmp_path, one=whole, two=elsewhere)
    code, listed = conformance("merge", one, two, "--out", tmp_path / "out")
    assert code == 0
    agreeing = 2 * sum(case.verdict == "agrees" for case in whole.cases)
    assert listed.startswith(f"Conforms: every one of {agreeing} comparisons")
    both = decode((tmp_path / "out" / "agreement.json").read_bytes())
    assert [environment.torch for environment in both.environments] == [whole.environments[0].torch, "99.0"]
    assert {case.platform for case in both.cases} == {0, 1}
    page = (tmp_path / "out" / "agreement.html").read_text()
    assert "Platform 1" in page
    assert '"label":"platform","kind":"choice"' in page
    tests = list(ET.parse(tmp_path / "out" / "junit.xml").getroot().iter("testcase"))  # noqa: S314 - our own
    assert len({(test.get("classname"), test.get("name")) for test in tests}) == len(tests) == len(both.cases)
    again = merged(
        {
            "both": both,
            "third": structs.replace(whole, environments=[structs.replace(whole.environments[0], cores=99)]),
        }
    )
    assert len(again.environments) == 3


def test_the_record_of_many_platforms_with_all_their_evidence_can_be_read_again(tmp_path: Path) -> None:
    """Each platform measured detection power on cases of its own."""
    rich = rich_record()
    assert rich.power is not None
    power = structs.replace(rich.power, cases=len({case.case for case in rich.cases}))
    everywhere = [
        structs.replace(rich, power=power, environments=[structs.replace(rich.environments[0], cores=n)])
        for n in (1, 2, 3)
    ]
    paths = written(tmp_path, **{f"on-{n}": record for n, record in enumerate(everywhere)})
    assert conformance("merge", *paths, "--out", tmp_path / "out")[0] == 1  # as each of them does
    assert len(read_record(tmp_path / "out" / "agreement.json").environments) == 3


def test_a_merged_record_of_an_unfinished_shard_is_unfinished(shards: list[Record]) -> None:
    records = {str(n): shard for n, shard in enumerate(shards)}
    assert not merged(records | {"1": structs.replace(shards[1], complete=False)}).complete


def test_every_verdict_can_vanish_and_appear() -> None:
    rich = rich_record()
    only = structs.replace(rich, cases=list(verdicts()))
    assert len(difference(rich, only).cases) == len(rich.cases) - len(verdicts())
