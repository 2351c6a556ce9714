"""What happens while foreign code is loaded: single statements run, and a log of it."""

import ast
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from msgspec import Struct, field

from conformance.errors import in_words
from conformance.hand_written.calling.loading.source import Piece
from conformance.hand_written.calling.running.guard import Refused
from conformance.hand_written.calling.running.limits import TookTooLong

MOST_SHOWN = 150
"""Characters of an error that are shown."""


class LoadLog(Struct):
    """What happened while definitions were loaded.

    Attributes
    ----------
    notes
        What a reader must know, in sentences.
    failed
        The statements that raised, by their places, with what they raised.
    skipped
        How many statements were not run, since they train, print, plot or read.
    files
        The files (of notebooks: `file#cell`) whose code is foreign.
    """

    notes: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: int = 0
    files: set[str] = field(default_factory=set)

    def note(self, sentence: str) -> None:
        """Keep a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def not_run(self) -> list[str]:
        """Return which statements did not run: how many of each kind in a sentence, then those that raised."""
        if not self.skipped and not self.failed:
            return []
        parts = []
        if self.skipped:
            parts.append(f"{_statements(self.skipped)} skipped (training, printing, plotting, reading)")
        if self.failed:
            place, what = next(iter(self.failed.items()))
            also = "" if len(self.failed) == 1 else ", the first"
            parts.append(f"{_statements(len(self.failed))} raised{also} at {place}: {what}")
        return ["; ".join(parts) + ".", *(f"{place}: {what}" for place, what in self.failed.items())]


def _statements(count: int) -> str:
    return "1 top-level statement" if count == 1 else f"{count} top-level statements"


def run_statement(
    node: ast.stmt,
    piece: Piece,
    names: dict[str, object],
    log: LoadLog,
    limit: Callable[[], AbstractContextManager[None]] = nullcontext,
    supply: Callable[[BaseException], bool] = lambda _: False,
) -> bool:
    """Run one top-level statement of `piece` in `names`; what raises is left out and logged.

    Where what it lacks can be supplied, it is run again. Returns whether it ended within `limit`.
    """
    if isinstance(node, ast.ImportFrom) and node.level and not names.get("__package__"):
        node = _absolute(node)
    code = compile(ast.Module(body=[node], type_ignores=[]), piece.file, "exec")
    try:
        with limit():
            exec(code, names)
    except KeyboardInterrupt:
        raise
    except Refused:
        return True  # the guard keeps what it refused
    except (Exception, SystemExit, TookTooLong) as error:
        if supply(error):
            return run_statement(node, piece, names, log, limit, supply)
        log.failed[f"{piece.file}:{node.lineno}"] = in_words(error)[:MOST_SHOWN]
        return not isinstance(error, TookTooLong)
    return True


def _absolute(node: ast.ImportFrom) -> ast.stmt:
    """Turn a relative import in a file without a package into one of what lies next to it."""
    if node.module is None:
        return ast.copy_location(ast.Import(names=node.names), node)
    return ast.copy_location(ast.ImportFrom(module=node.module, names=node.names, level=0), node)
