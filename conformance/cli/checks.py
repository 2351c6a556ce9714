"""The work of `conformance check`: one network told in full, or several in a line each."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
from msgspec import Struct

from conformance.cli.options import progress
from conformance.cli.patches import made, patch_of
from conformance.cli.streams import escaped, is_terminal
from conformance.hand_written.checking.process import Keeper
from conformance.hand_written.request import Question
from conformance.hand_written.target import Target
from conformance.record.check import EXIT_INCONCLUSIVE, CheckRecord

EXIT_NOTHING = 4


class Checks(Struct, frozen=True, kw_only=True):
    """What is checked and how it is told, by the options of the command, and by whom it is answered.

    Beside the formats there are "lines", one for each network that doesn't conform, and "diff", the patches alone.
    """

    targets: Sequence[str]
    case: str
    seconds: float
    execute: bool
    mend: bool | None
    form: str
    verbose: bool
    fix: bool
    ask: bool
    elman: bool
    keeper: Keeper

    def files(self) -> Iterable[Path]:
        """Yield the files that are looked at; a module is none, since nothing is imported here."""
        from conformance.hand_written.collecting import sources_under

        for target in self.targets:
            place = Path(Target.parse(target).place)
            if place.is_dir():
                yield from sources_under(place)
            elif place.is_file():
                yield place

    def once(self) -> int:
        """Check everything, tell it, make patches where that is asked for, and return what to leave with."""
        networks = self._networks()
        if not networks:
            click.echo(f"No network was found in {', '.join(self.targets)}.", err=True)
            return EXIT_NOTHING
        several = len(networks) > 1 or networks != [" ".join(self.targets)]
        records = list(self._told(networks, several=several))
        if several and self.form == "terminal":
            from conformance.hand_written.report.overview import sentence

            click.echo(sentence(records))
        elif self.form not in ("terminal", "lines", "diff"):
            from conformance.hand_written.report.formats import text_of

            click.echo(escaped(text_of(self.form, records, several=several), self.form), nl=False)
        return self._exit_code([self._mended(record) for record in records] if self.fix else records)

    def _networks(self) -> list[str]:
        """Return the targets of single networks; one that names something is one, and its file isn't read here."""
        if len(self.targets) == 1 and Target.parse(self.targets[0]).names:
            return list(self.targets)
        from conformance.hand_written.collecting import collected

        return collected(self.targets)

    def _told(self, networks: Sequence[str], *, several: bool) -> Iterator[CheckRecord]:
        """Yield the record of each network, and print at once what is told of it by itself."""
        for target in networks:
            record = self._checked(target, mend=self.mend)
            if self.form == "diff":
                click.echo(patch_of(record), nl=False)
            elif self.form == "terminal" and (self.verbose or not several):
                print_whole(record, verbose=self.verbose)
            elif self.form == "terminal" or (self.form == "lines" and not record.conforms):
                print_line(record)
            yield record

    def _checked(self, target: str, *, mend: bool | None) -> CheckRecord:
        question = Question(
            target=target, case=self.case, seconds=self.seconds, execute=self.execute, mend=mend
        )
        with progress() as tell:
            return self.keeper.answer(question, tell)

    def _mended(self, record: CheckRecord) -> CheckRecord:
        """Make the patch of a record; return it, or that of the code as it is then."""
        if not made(record, ask=self.ask):
            return record
        record = self._checked(record.target, mend=False)
        click.echo(record.headline)
        return record

    def _exit_code(self, records: Sequence[CheckRecord]) -> int:
        from conformance.hand_written.report.overview import exit_code

        code = exit_code(records)
        others = self.elman and any(record.exit_code == 0 and not record.conforms for record in records)
        return EXIT_INCONCLUSIVE if others and code == 0 else code


def print_whole(record: CheckRecord, *, verbose: bool) -> None:
    """Print all of a check; what did not run is listed with `verbose`."""
    if not is_terminal(sys.stdout):
        from conformance.hand_written.report.text import check_text

        click.echo(check_text(record, verbose=verbose), nl=False)
        return
    from conformance.hand_written.report.terminal import print_check
    from conformance.report.console import console

    print_check(console(), record, verbose=verbose)


def print_line(record: CheckRecord) -> None:
    """Print a check in one line, its verdict in colour where there are colours."""
    from conformance.hand_written.report.overview import line_of
    from conformance.hand_written.report.text import one_line

    line = one_line(record, line_of(record))
    if not is_terminal(sys.stdout):
        click.echo(line.text)
        return
    from conformance.hand_written.report.terminal import print_line as print_in_colour
    from conformance.report.console import console

    print_in_colour(console(), line)
