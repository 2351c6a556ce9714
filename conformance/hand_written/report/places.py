"""What a check points at in a source file: a remark for each thing that is wrong, for annotations and code scanning.

A line of a notebook is one of a cell; the file has no line of that number. So it stands in the text.
"""

from collections.abc import Iterator

from msgspec import Struct

from conformance.hand_written.report.view import TITLES
from conformance.hand_written.target import Target, parts_of
from conformance.record.check import CheckRecord, FixRecord, SuspectRecord


class Remark(Struct, frozen=True, kw_only=True):
    """One remark on a place; `rule` is the id of a fault, of a contract, or of a verdict. Line 0 is no line."""

    rule: str
    about: str
    grave: bool
    text: str
    file: str
    line: int


def remarks(record: CheckRecord) -> list[Remark]:
    """Return the remarks of a check, the gravest first; none where all conforms."""
    found = [*_of_faults(record), *_of_fixes(record), *_of_contracts(record)]
    if record.conforms or any(remark.grave for remark in found):
        return found
    grave = record.exit_code == 1
    verdict = Remark(
        rule=record.verdict,
        about=TITLES[record.verdict].capitalize(),
        grave=grave,
        text=_with_line(record.headline, record),
        file=file_of(record),
        line=0,
    )
    return [verdict, *found]


def _of_faults(record: CheckRecord) -> Iterator[Remark]:
    if record.diagnosis is None:
        return
    for fault in record.diagnosis.faults:
        place = next((s for s in record.diagnosis.suspects if s.fault == fault.id), None)
        file, line, within = (file_of(record), 0, "") if place is None else _placed(place.file, place.line)
        mends = [_instead(fix) for fix in record.fixes if fault.id in fix.faults] or [f"Mend: {fault.mend}"]
        text = f"{within}{fault.name} {' '.join(mends)}{_sureness(place)}"
        yield Remark(
            rule=fault.id,
            about=fault.name,
            grave=True,
            text=_with_line(text, record),
            file=file,
            line=line,
        )


def _of_fixes(record: CheckRecord) -> Iterator[Remark]:
    """Yield a remark on every line of a patch that mends no fault of the catalogue."""
    for fix in record.fixes:
        if not fix.faults:
            file, line, within = _placed(fix.file, fix.first)
            said = (
                f"{fix.change[:1].upper()}{fix.change[1:]}." if fix.change else "This makes gradients wrong."
            )
            yield Remark(
                rule="wrong-gradient",
                about="A line that makes gradients wrong",
                grave=True,
                text=_with_line(f"{within}{said} {_instead(fix)}", record),
                file=file,
                line=line,
            )


def _instead(fix: FixRecord) -> str:
    """Return what to write in the place of the lines of a fix."""
    text = "\n".join(line.strip() for line in fix.after)
    return f"Write: {text}" if fix.before and text else f"Put in: {text}" if text else "Leave it out."


def _of_contracts(record: CheckRecord) -> Iterator[Remark]:
    for contract in record.contracts:
        if contract.holds is False:
            yield Remark(
                rule=contract.id,
                about=contract.id.replace("-", " ").capitalize(),
                grave=False,
                text=contract.sentence,
                file=file_of(record),
                line=0,
            )


def _placed(place: str, line: int) -> tuple[str, int, str]:
    """Return a file and a line in it, 0 for none, and where in the file it is if that isn't its line."""
    file, _, cell = place.partition(".ipynb#")
    return (f"{file}.ipynb" if file else "", 0, f"Cell {cell}, line {line}: ") if cell else (file, line, "")


def _sureness(place: SuspectRecord | None) -> str:
    if place is None:
        return ""
    return " (Mended in memory, the gradients agree.)" if place.verified else " (The line is a guess.)"


def _with_line(text: str, record: CheckRecord) -> str:
    return f"{text} Reproduce: {record.reproduce}"


def file_of(record: CheckRecord) -> str:
    """Return the source file that a target names, "" where it names a module or an object."""
    target = Target.parse(parts_of(record.target)[0])
    return target.place if target.is_file else ""
