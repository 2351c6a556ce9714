"""A check on a terminal: one screen, in colours, lines broken between words."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from conformance.hand_written.report.text import Line, check_lines
from conformance.record.check import CheckRecord
from conformance.report.strip import strip_lines


def print_check(out: Console, record: CheckRecord, *, verbose: bool = False) -> None:
    """Print everything about one check, with a picture of how far every step is off, where something is."""
    plain = out.is_dumb_terminal or not out.encoding.startswith("utf")
    strip = strip_lines(record.maps, plain=plain)
    for line in check_lines(record, verbose=verbose, strip=strip, width=out.width):
        print_line(out, line)


def print_line(out: Console, line: Line) -> None:
    """Print one line, in as many as it takes: those that continue it are indented as it is."""
    text = Text.assemble(*line.pieces)
    if line.whole:
        out.print(text, soft_wrap=True)
        return
    spaces = len(text.plain) - len(text.plain.lstrip())
    out.print(Padding(text[spaces:], (0, 0, 0, line.indent + spaces)))
