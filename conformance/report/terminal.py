"""The terminal's view of what single commands show: steps, power, faults, contracts."""

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.examination.side_by_side import StepRow
from conformance.record import LackRecord
from conformance.record.numbers import shown
from conformance.report.console import console as console
from conformance.report.words import Tried, changed_lines, first_of, lack_line
from conformance.subjects.contracts import ContractRow


class PowerFigures(Protocol):
    """What `print_power` reads of a measurement."""

    cases: int
    caught: dict[str, str]
    missed: list[str]
    disturbed: int
    seen: int
    overlooked: list[str]
    accused: list[str]


class OwnPowerFigures(Protocol):
    """What `print_own_power` reads of a measurement."""

    cases: int
    caught: dict[str, str]
    missed: dict[str, str]
    refused: list[str]
    wrong: set[str]


class FaultText(Protocol):
    """What `print_fault` reads of an entry of the catalogue."""

    id: str
    name: str
    effect: str
    mend: str
    idiom: str


MOST_NAMED = 5
"""Cases, or faults, that a line names; others are counted."""

COLOURS = {
    "agrees": "green",
    "differs": "red",
    "error": "red",
    "vacuous": "yellow",
    "undecidable": "yellow",
    "unsupported": "cyan",
}


def print_lacks(out: Console, lacks: Sequence[LackRecord]) -> None:
    """Print for every case what its data lack, and some of the faults that can't show for that; all have names."""
    for case in dict.fromkeys(lack.case for lack in lacks):
        own = [lack for lack in lacks if lack.case == case]
        hidden = {fault for lack in own for fault in lack.faults}
        out.print(
            f"VACUOUS for {len(hidden)} faults: {case}",
            markup=False,
            soft_wrap=True,
            style=COLOURS["vacuous"],
        )
        for lack in own:
            out.print(f"  {lack_line(lack, MOST_NAMED)}", markup=False, soft_wrap=True)
        out.print(
            f"  all that it can't show, measured: conformance power --case {case}\n",
            markup=False,
            soft_wrap=True,
        )


def print_steps(out: Console, title: str, rows: Sequence[StepRow]) -> None:
    """Print the steps of one quantity of one layer and direction, both sides next to each other."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for head in (
        "t",
        "row",
        "unit",
        "subject",
        "reference, one step",
        "difference",
        "share of the bound",
        "reference, free run",
    ):
        table.add_column(head, justify="right", overflow="fold")
    for row in rows:
        table.add_row(
            str(row.t),
            str(row.row),
            str(row.unit),
            f"{row.subject:.17g}",
            f"{row.one_step:.17g}",
            shown(row.difference),
            f"[red]{shown(row.share)}[/]" if row.share > 1 else shown(row.share),
            f"{row.free_run:.17g}",
        )
    out.print(table)


def print_blind_spots(out: Console, case: str, blind: Sequence[tuple[str, str]]) -> None:
    """Print the faults that a case can't show, by id and name."""
    if not blind:
        out.print(f"{case} shows every fault of the catalogue.", soft_wrap=True, markup=False)
        return
    table = Table(
        "fault", "what it is", title=f"VACUOUS for {len(blind)} faults: {case}", title_justify="left"
    )
    for fault, name in blind:
        table.add_row(fault, name)
    out.print(table)


def print_power(out: Console, power: PowerFigures) -> None:
    """Print what a suite catches, misses by name, and accuses falsely."""
    mutants = len(power.caught) + len(power.missed)
    out.print(
        f"mutants caught: {len(power.caught)} of {mutants} over {power.cases} float64 cases", markup=False
    )
    out.print(f"small disturbances seen: {power.seen:,} of {power.disturbed:,} that were due", markup=False)
    out.print(f"right code accused: {len(power.accused)} times", markup=False)
    for word, names in (
        ("missed", power.missed),
        ("overlooked", power.overlooked),
        ("accused", power.accused),
    ):
        for name in names:
            out.print(f"  {word}: {name}", markup=False, soft_wrap=True, style="red")


def print_own_power(out: Console, subject: str, power: OwnPowerFigures) -> None:
    """Print what a suite would catch in a subject, what it would miss and why, and where the subject itself is off."""
    planted = len(power.caught) + len(power.missed)
    out.print(
        f"faults caught in {subject}: {len(power.caught)} of {planted} over {power.cases} cases",
        markup=False,
        soft_wrap=True,
    )
    for name, why in power.missed.items():
        out.print(f"  missed: {name}: {why}", markup=False, soft_wrap=True, style="red")
    if power.refused:
        out.print(
            f"not asked: {len(power.refused)} faults of what the subject supports in no case: "
            f"{', '.join(power.refused)}",
            markup=False,
            soft_wrap=True,
        )
    if power.wrong:
        out.print(
            f"not counted: {len(power.wrong)} cases on which it doesn't agree as it is: "
            f"{first_of(sorted(power.wrong), MOST_NAMED)}",
            markup=False,
            soft_wrap=True,
        )


def print_fault(out: Console, fault: FaultText) -> None:
    """Print an entry of the catalogue."""
    out.print(fault.id, style="bold")
    for title, text in (
        ("", fault.name),
        ("maths", fault.effect),
        ("mend", fault.mend),
        ("hides in", fault.idiom),
    ):
        out.print(f"{title + ': ' if title else ''}{text}", markup=False, soft_wrap=True)


def print_contracts(out: Console, rows: Sequence[ContractRow]) -> None:
    """Print every contract, then those that don't hold in full, and the count last."""
    table = Table("contract", "what is tried", "torch.nn.RNN", "refrnn", "holds", show_lines=True)
    for row in rows:
        cells = (row.id, row.statement, row.observed, row.reference)
        depends = f", depends on {escape(row.depends_on)}" if row.depends_on else ""
        table.add_row(
            *map(escape, cells), f"[green]holds[/]{depends}" if row.holds else f"[red]changed[/]{depends}"
        )
    out.print(table)
    print_changed(out, rows)
    holding = sum(row.holds for row in rows)
    out.print(f"{holding} of {len(rows)} contracts hold.", markup=False, style="bold")


def print_changed(out: Console, rows: Sequence[Tried]) -> None:
    """Print the contracts that don't hold, in full."""
    for line in changed_lines(rows):
        out.print(line, markup=False, soft_wrap=True, style="red")
