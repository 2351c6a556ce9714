"""What the options of the plugin say, read once in every process."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from conformance.cases import Case, Shard
from conformance.cli.options import chosen_cases, prepared_folder
from conformance.errors import ConformanceError
from conformance.record.writing import reserved
from conformance.runs.gate import Gate
from conformance.subjects import DEFAULT, load_subject
from conformance.subjects.observation import Subject


class Settings(Struct, frozen=True, kw_only=True):
    """The options, checked; without subjects where none is named."""

    suite: str | None
    subjects: Sequence[Subject]
    case_ids: Sequence[str]
    seed: int | None
    shard: Shard | None
    report: Path | None
    gate: Gate

    def cases(self, own_suite: str) -> list[Case]:
        """Return the cases to run, before they are split into shards; `own_suite` is the one of the test."""
        return chosen_cases(self.suite or own_suite, self.case_ids, self.seed)

    def named_subjects(self) -> list[Subject]:
        """Return the subjects of the options, where none is named those that `conformance run` judges by itself."""
        return list(self.subjects) or [load_subject(name) for name in DEFAULT]

    def suite_name(self, own_suite: str) -> str:
        """Return what a record calls these cases."""
        return "selected cases" if self.case_ids else self.suite or own_suite


SETTINGS = pytest.StashKey[Settings]()


def settings_of(config: pytest.Config) -> Settings:
    """Return the settings of a run, read from the options the first time.

    Raises
    ------
    pytest.UsageError
        If an option can't be meant; the message names it.
    """
    if SETTINGS not in config.stash:
        config.stash[SETTINGS] = _read(config)
    return config.stash[SETTINGS]


def reserve_report(config: pytest.Config) -> None:
    """Have the folder of the report for this run alone, until it ends.

    Raises
    ------
    pytest.UsageError
        If another run has it.
    """
    folder = settings_of(config).report
    if folder is not None:
        held = ExitStack()
        config.add_cleanup(held.close)
        with _named("report"):
            held.enter_context(reserved(folder))


def _read(config: pytest.Config) -> Settings:
    def option(name: str) -> Any:  # noqa: ANN401 - options are of several types
        return config.getoption(f"--conformance-{name}")

    suite, case_ids, seed, shard = (option(name) for name in ("suite", "case", "seed", "shard"))
    if suite is not None and case_ids:
        message = "--conformance-suite and --conformance-case each say what to run; give one of them."
        raise pytest.UsageError(message)
    if seed is not None and seed < 0:
        message = f"--conformance-seed: expected a whole number from 0 on, got {seed}."
        raise pytest.UsageError(message)
    with _named("suite"):
        chosen_cases(suite or "smoke", (), seed)
    with _named("case"):
        chosen_cases("smoke", case_ids, seed)
    with _named("subject"):
        subjects = [load_subject(name) for name in dict.fromkeys(option("subject"))]
    with _named("shard"):
        part = None if shard is None else Shard.parse(shard)
    with _named("expect"):
        expecting = Gate.load(_path(option("expect")), None)
    with _named("baseline"):
        since = Gate.load(None, _path(option("baseline")))
    report = _path(option("report"))
    if report is not None:
        with _named("report"):
            prepared_folder(report)
    return Settings(
        suite=suite,
        subjects=subjects,
        case_ids=case_ids,
        seed=seed,
        shard=part,
        report=None if report is None else report.absolute(),  # a test may change the directory
        gate=Gate(expectations=expecting.expectations, baseline=since.baseline),
    )


def _path(given: str | None) -> Path | None:
    return None if given is None else Path(given)


@contextmanager
def _named(option: str) -> Iterator[None]:
    """Say which option a refusal is about."""
    try:
        yield
    except ConformanceError as error:
        message = f"--conformance-{option}: {error}"
        raise pytest.UsageError(message) from error
